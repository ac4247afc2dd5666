"""What images are called: ``registry/namespace/repository:tag``.

Published dynamic plugins are called after the package without ``-dynamic``:
``@scope/name-dynamic`` 1.2.3 is ``registry/namespace/scope-name:1.2.3``.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from factory.errors import ConfigurationError, UsageError
from factory.oci.names import (
    is_repository,
    is_tag,
)
from factory.oci.packed_plugin import plugin_folder
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_TAG_TEMPLATE = "{version}"
TAG_PLACEHOLDERS: Mapping[str, str] = {
    "name": "the plugin's name as in the repository, for example scope-plugin-todo",
    "version": "the plugin's version",
    "backstage_version": "the Backstage version that the plugin was built for",
    "revision": "the source's commit",
    "host": "the portal that it was built for, for example rhdh-1.9",
    "host_version": "that portal's version",
    "host_backstage_version": "that portal's Backstage version",
    "short_revision": "the first 8 digits of the source's commit",
}
SHORT_REVISION = 8
# Registries and clients hold names of at most this length, registry included (distribution-spec).
LONGEST_NAME = 255


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedHost:
    """The portal that an image is for, as far as its tag may name it; "" is what is not known."""

    name: str = ""
    version: str = ""
    backstage: str = ""


NO_HOST = NamedHost()


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """An image's name: registry (host, and port if any), repository with its namespace, tag."""

    registry: str
    repository: str
    tag: str

    def __str__(self) -> str:
        return f"{self.name}:{self.tag}"

    @property
    def name(self) -> str:
        """The name without a tag."""
        return f"{self.registry}/{self.repository}"

    def with_digest(self, digest: str) -> str:
        """Return the name with a digest instead of the tag."""
        return f"{self.name}@{digest}"


def reference_for(
    *,
    registry: str,
    namespace: str,
    package: str,
    version: str,
    tag_template: str = DEFAULT_TAG_TEMPLATE,
    backstage_version: str = "",
    revision: str = "",
    host: NamedHost = NO_HOST,
) -> Reference:
    """Return the reference under which a package, or a bundle called ``package``, is published.

    Raises:
        UsageError: the tag template has an unknown placeholder, one without a value, or makes
            something that is not a tag.
        ConfigurationError: the name is not one that registries accept.
    """
    repository = repository_for(registry=registry, namespace=namespace, package=package)
    tag = tag_for(
        tag_template,
        {
            "name": repository.rpartition("/")[2],
            "version": version,
            "backstage_version": backstage_version,
            "revision": revision,
            "short_revision": revision[:SHORT_REVISION],
            "host": host.name,
            "host_version": host.version,
            "host_backstage_version": host.backstage,
        },
    )
    return Reference(registry=registry, repository=repository, tag=tag)


def repository_for(*, registry: str, namespace: str, package: str) -> str:
    """Return the repository that a package's images are in: known before its version is.

    Raises:
        ConfigurationError: the name is not one that registries accept.
    """
    name = plugin_folder(package).lower()  # npm's oldest packages have capitals, registries do not
    repository = "/".join(part for part in (namespace.strip("/"), name) if part)
    refuse_bad_repository(registry, repository)
    return repository


def tag_for(template: str, values: Mapping[str, str]) -> str:
    """Return the tag that ``template`` makes of ``values``.

    ``+`` in a value becomes ``_``: versions may have build metadata, tags may not (the same choice
    as Helm's).

    Raises:
        UsageError: as :func:`reference_for`.
    """
    names = placeholders(template)
    missing = [name for name in names if not values.get(name)]
    if missing:
        raise UsageError(
            f"the tag template needs {', '.join(missing)}, which is not known here",
            found=template,
            expected="placeholders that have a value for every plugin",
            hint="use one of: "
            + (
                ", ".join(f"{{{name}}}" for name, value in values.items() if value) or "a fixed tag"
            ),
        )
    tag = template.format_map({name: values[name].replace("+", "_") for name in names})
    if not is_tag(tag):
        raise UsageError(
            "the tag template produces a tag that registries refuse",
            found=f"{template} made {tag}",
            expected="letters, digits, '_', '.' and '-', at most 128, not starting with '.' or '-'",
            hint="change --tag-template",
        )
    return tag


def placeholders(template: str) -> tuple[str, ...]:
    """Return the placeholders of a tag template, in order; so that it is checked before a build.

    Raises:
        UsageError: a placeholder is unknown, has a format of its own, or a brace is left open.
    """
    known = ", ".join(f"{{{name}}}" for name in TAG_PLACEHOLDERS)
    hint = "for example --tag-template 'bs_{backstage_version}__{version}'"
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise UsageError(
            f"the tag template cannot be read: {error}", found=template, expected=known, hint=hint
        ) from error
    names = []
    for _literal, name, format_spec, conversion in parts:
        if name is None:
            continue
        if name not in TAG_PLACEHOLDERS or format_spec or conversion:
            raise UsageError(
                "the tag template has an unknown placeholder",
                found=f"{{{name}}} in {template}",
                expected=known,
                hint=hint,
            )
        names.append(name)
    return tuple(names)


def refuse_bad_repository(registry: str, repository: str) -> None:
    """Check a repository's name against the distribution-spec's grammar.

    Raises:
        ConfigurationError: registries would refuse the name.
    """
    if not is_repository(repository):
        raise ConfigurationError(
            "the image's repository has a name that registries refuse",
            found=repository,
            expected="lower-case letters and digits, with '.', '_', '__' or '-' between them, "
            "and '/' between components",
            hint="check REGISTRY_NAMESPACE and the package's name",
        )
    if len(f"{registry}/{repository}") > LONGEST_NAME:
        raise ConfigurationError(
            f"the image's name is longer than {LONGEST_NAME} characters",
            found=f"{registry}/{repository}",
            hint="shorten REGISTRY_NAMESPACE",
        )
