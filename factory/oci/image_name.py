"""The name by which somebody else's image is asked for: ``quay.io/team/plugin:1.0@sha256:…``.

The grammar is the distribution-spec's (section "Pulling manifests"). Unlike docker, no registry is
ever assumed: a name without one is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from factory.errors import UsageError
from factory.oci.descriptor import is_digest
from factory.oci.docker_hub import full_repository
from factory.oci.name_grammar import is_host, is_repository, is_tag

_PREFIXES = re.compile(r"^(?:oci|docker)://")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageName:
    """Registry, repository, and a tag or a digest or both: the digest counts then."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"

    @property
    def wanted(self) -> str:
        """What a registry is asked for: the digest, or else the tag."""
        return self.digest or self.tag


def image_name(text: str) -> ImageName:
    """Return the image that ``text`` names; ``oci://`` or ``docker://`` may be in front.

    Raises:
        UsageError: it names no registry, neither a tag nor a digest, or is no name at all.
    """
    bare, at, digest = _PREFIXES.sub("", text).partition("@")
    registry, slash, rest = bare.partition("/")
    repository, colon, tag = rest.partition(":")
    if not slash or not is_host(registry) or not _names_a_host(registry):
        raise _refused(text, "names no registry")
    if not is_repository(repository):
        raise _refused(text, "has a repository that registries refuse")
    if (at and not is_digest(digest)) or (colon and not is_tag(tag)):
        raise _refused(text, "has a tag or a digest that registries refuse")
    if not at and not colon:
        raise _refused(text, "has neither a tag nor a digest")
    registry = registry.lower()
    repository = full_repository(registry, repository)
    return ImageName(registry=registry, repository=repository, tag=tag, digest=digest)


def _names_a_host(registry: str) -> bool:
    return "." in registry or ":" in registry or registry == "localhost"


def _refused(text: str, why: str) -> UsageError:
    return UsageError(
        f"the image's name {why}",
        found=text,
        expected="registry/repository:tag or registry/repository@sha256:…, "
        "for example quay.io/team/plugin:1.0",
    )
