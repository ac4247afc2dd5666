"""Which entry of an included file one of the list itself overrides, and what comes of the two."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from factory.errors import ConfigurationError
from factory.installation.package_reference import (
    IncludedByName,
    OciPackage,
    with_version_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from factory.errors import Place
    from factory.installation.package_reference import Package, WrittenPackage


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenEntry:
    """An entry as a file has it, its package read; fields that say nothing are left out."""

    package: WrittenPackage
    place: Place
    fields: Mapping[str, Any]

    @property
    def is_off(self) -> bool:
        """Whether the plugin is not to be loaded."""
        return bool(self.fields.get("disabled", False))


def base_of(entry: WrittenEntry, included: Mapping[str, WrittenEntry]) -> WrittenEntry | None:
    """Return the included entry that one of the list itself overrides, if any.

    Raises:
        ConfigurationError: the entry takes its version or its name from an included one, and there
            is none, or several.
    """
    package = entry.package
    candidates = bases_of(entry, included)
    if not candidates and not is_derived(package):
        return None
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise ConfigurationError(
            "no included file has this plugin, whose version is to be taken from there",
            place=entry.place,
            found=str(package),
            expected="an entry for the same image in one of the files under 'includes'",
            hint="write the tag or the digest, or include the file that has it",
        )
    raise ConfigurationError(
        "several plugins of the included files are meant",
        place=entry.place,
        found=str(package),
        expected="one of " + ", ".join(str(one.package) for one in candidates),
        hint="add !plugin-path to say which",
    )


def bases_of(entry: WrittenEntry, included: Mapping[str, WrittenEntry]) -> list[WrittenEntry]:
    """Return every included entry that one of the list may mean.

    An image is known by the last part of its name, whatever the registry, as the portals of 2026
    have it; one that has the very name comes before those.
    """
    package = entry.package
    if isinstance(package, IncludedByName):
        return [one for one in included.values() if _is_called(one.package, package.name)]
    if not isinstance(package, OciPackage):
        return [included[package.identity]] if package.identity in included else []
    same_name = [one for one in included.values() if _is_of_image(one.package, package)]
    exact = [one for one in same_name if cast("OciPackage", one.package).name == package.name]
    return exact or same_name


def is_derived(package: WrittenPackage) -> bool:
    """Return whether a package's version or name is that of an included one."""
    return isinstance(package, IncludedByName) or (
        isinstance(package, OciPackage) and package.inherits
    )


def _is_called(package: WrittenPackage, name: str) -> bool:
    return isinstance(package, OciPackage) and name in (package.last_part, package.plugin_path)


def _is_of_image(package: WrittenPackage, wanted: OciPackage) -> bool:
    return (
        isinstance(package, OciPackage)
        and package.last_part == wanted.last_part
        and (not wanted.plugin_path or package.plugin_path in ("", wanted.plugin_path))
    )


def settled(entry: WrittenEntry, base: WrittenEntry | None) -> Package:
    """Return an entry's package with what it takes from the one that it overrides."""
    package = entry.package
    if base and isinstance(base.package, OciPackage):
        if isinstance(package, IncludedByName):
            return base.package
        if isinstance(package, OciPackage) and package.inherits:
            return with_version_of(package, base.package)
        if isinstance(package, OciPackage):
            return replace(package, plugin_path=package.plugin_path or base.package.plugin_path)
    return cast("Package", package)


def overridden(base: WrittenEntry | None, entry: WrittenEntry) -> WrittenEntry:
    """Return an entry with the fields that only the one which it overrides has."""
    if base is None:
        return entry
    fields = {**base.fields, **entry.fields}
    if str(base.package) != str(entry.package) and "integrity" not in entry.fields:
        fields.pop("integrity", None)  # that of another version
    return replace(entry, fields=fields)
