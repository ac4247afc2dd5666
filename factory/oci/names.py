"""What images are called: the grammar, anybody's image names, and Docker Hub's spellings."""

from __future__ import annotations

from urllib.parse import urlsplit

from factory.errors import UsageError
from factory.oci.descriptor import is_digest
from factory.patterns import lazy_pattern
from factory.values import dataclass

DOCKER_HUB = "docker.io"
"""What names of images call it, and podman's files of logins."""

LOGIN_KEY = "https://index.docker.io/v1/"
"""The key of its login in docker's own files and helpers: the address of its first API."""

_REGISTRY = "registry-1.docker.io"
_NAMES = frozenset({DOCKER_HUB, "index.docker.io", _REGISTRY})


def one_name(host: str) -> str:
    """Return a registry's host; for each of Docker Hub's names the same."""
    return DOCKER_HUB if host in _NAMES else host


def registry_host(host: str) -> str:
    """Return where the registry called ``host`` answers."""
    return _REGISTRY if host in _NAMES else host


def full_repository(host: str, repository: str) -> str:
    """Return a repository as its registry has it: Docker Hub's ``alpine`` is in ``library``."""
    return f"library/{repository}" if host in _NAMES and "/" not in repository else repository


HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
REPOSITORY = rf"{_COMPONENT}(?:/{_COMPONENT})*"
TAG = r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}"

_HOST = lazy_pattern(HOST)
_HIGHEST_PORT = 65_535
_REPOSITORY = lazy_pattern(REPOSITORY)
_TAG = lazy_pattern(TAG)


def is_host(text: str) -> bool:
    """Whether a registry can be at ``text``: a name or address, and a port if it has one."""
    if not _HOST.fullmatch(text):
        return False
    try:
        parts = urlsplit(f"//{text}")
        (parts.hostname or "").encode("idna")  # no part longer than names of hosts have them
        port = parts.port
    except ValueError:
        return False
    return port is None or 0 < port <= _HIGHEST_PORT


def is_repository(text: str) -> bool:
    """Whether registries take ``text`` as a repository's name, with its namespace."""
    return _REPOSITORY.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """Whether registries take ``text`` as a tag."""
    return _TAG.fullmatch(text) is not None


_PREFIXES = lazy_pattern(r"^(?:oci|docker)://")


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
        UsageError: it names no registry, neither a tag nor a digest, or is not a name at all.
    """
    bare, at, digest = _PREFIXES.sub("", text).partition("@")
    registry, slash, rest = bare.partition("/")
    repository, colon, tag = rest.partition(":")
    if not slash or not is_host(registry) or not _names_a_host(registry):
        raise _refusal(text, "does not name a registry")
    if not is_repository(repository):
        raise _refusal(text, "has a repository that registries refuse")
    if (at and not is_digest(digest)) or (colon and not is_tag(tag)):
        raise _refusal(text, "has a tag or a digest that registries refuse")
    if not at and not colon:
        raise _refusal(text, "has neither a tag nor a digest")
    registry = registry.lower()
    repository = full_repository(registry, repository)
    return ImageName(registry=registry, repository=repository, tag=tag, digest=digest)


def _names_a_host(registry: str) -> bool:
    return "." in registry or ":" in registry or registry == "localhost"


def _refusal(text: str, why: str) -> UsageError:
    return UsageError(
        f"the image's name {why}",
        found=text,
        expected="registry/repository:tag or registry/repository@sha256:…, "
        "for example quay.io/team/plugin:1.0",
    )
