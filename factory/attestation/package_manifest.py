"""What a package.json says of its package: name, version, licences, dependencies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from factory.notation.json_text import parse_object
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEPENDENCY_FIELDS = ("dependencies", "optionalDependencies", "peerDependencies")


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageManifest:
    """A package's own words, ``""`` or empty where it says nothing.

    ``licenses`` are as written: an SPDX id, an SPDX expression, or any text. ``embedded`` are the
    names that an exported plugin replaces by packages of its own folder.
    """

    name: str = ""
    version: str = ""
    licenses: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    embedded: frozenset[str] = frozenset()


def read_package_manifest(content: bytes) -> PackageManifest:
    """Return what a package.json says; one that cannot be read says nothing."""
    try:
        document = parse_object(content)
    except ValueError:
        return PackageManifest()
    return PackageManifest(
        name=_text(document.get("name")),
        version=_text(document.get("version")),
        licenses=_licenses(document),
        dependencies=tuple(
            sorted({name for part in _DEPENDENCY_FIELDS for name in _table(document, part)})
        ),
        # rhdh-cli copies what it embeds, and the stubs of what it suppresses, into this folder.
        embedded=frozenset(
            name
            for name, target in _table(document, "resolutions").items()
            if isinstance(target, str) and target.startswith("file:./embedded/")
        ),
    )


def _licenses(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Its ``license`` as text or, in old packages, as objects; and the older ``licenses``."""
    found = document.get("license") or document.get("licenses")
    several = found if isinstance(found, list) else [found]
    texts = [_text(one.get("type") if isinstance(one, dict) else one) for one in several]
    return tuple(dict.fromkeys(text for text in texts if text))


def _table(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
