"""A package of an npm registry as somebody writes it: ``@scope/name@1.2.3``."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import quote

from factory.archives.npm_package import is_package_name
from factory.errors import ConfigurationError
from factory.patterns import lazy_pattern
from factory.values import dataclass
from factory.versions import is_range

if TYPE_CHECKING:
    from factory.errors import Place

LATEST = "latest"
NOW = "now"
AsOf: TypeAlias = str
"""A day, as ``2026-06-15``, or ``now``."""

EXPECTED = "a name, and perhaps a version, a range or a tag: @scope/plugin-x@^1.2.0"
# What npm's registry takes (https://github.com/npm/validate-npm-package-name).
_LONGEST_NAME = 214
_LONGEST_WANTED = 256
_TAG = lazy_pattern(r"[A-Za-z][\w.-]*", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageSpec:
    """A package's name, and the version, range or tag that is wanted of it."""

    name: str
    wanted: str = LATEST

    def __str__(self) -> str:
        return f"{self.name}@{self.wanted}"

    @property
    def scope(self) -> str:
        """``@scope``, or nothing."""
        return self.name.partition("/")[0] if self.name.startswith("@") else ""

    @property
    def purl(self) -> str:
        """The package's address without a version (https://github.com/package-url/purl-spec)."""
        return f"pkg:npm/{quote(self.name)}"

    @property
    def folder_name(self) -> str:
        """The name as one part of a path: ``scope-name``, as ``npm pack`` has it."""
        return self.name.removeprefix("@").replace("/", "-")


def parse_package_spec(text: str, place: Place | None = None) -> PackageSpec:
    """Read a package's name, alone or with a version, a range or a tag after an @.

    Raises:
        ConfigurationError: it is an address, a folder, a git repository, or no name at all.
    """
    written = text.strip()
    name, at, wanted = written[1:].partition("@")
    name, wanted = f"{written[:1]}{name}", wanted.strip()
    if not is_package_name(name) or len(name) > _LONGEST_NAME:
        raise ConfigurationError(
            "this is not the name of a published package",
            place=place,
            found=ascii(written[:_LONGEST_WANTED]),
            expected=EXPECTED,
        )
    usable = len(wanted) <= _LONGEST_WANTED and wanted.isprintable()
    if at and not (usable and wanted and (_TAG.fullmatch(wanted) or is_range(wanted))):
        raise ConfigurationError(
            f"what is wanted of the package {name} is not a version, a range or a tag",
            place=place,
            found=ascii(wanted[:_LONGEST_WANTED]) if wanted else "nothing after the @",
            expected=EXPECTED,
        )
    return PackageSpec(name=name, wanted=wanted or LATEST)


def parse_as_of(text: str, place: Place | None = None) -> AsOf:
    """Return the day as of which dependencies are to be resolved.

    Raises:
        ConfigurationError: it is neither ``now`` nor a day as ISO 8601 has it.
    """
    written = text.strip()
    if written == NOW:
        return written
    try:
        day = datetime.strptime(written, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        day = None
    if day is None or day.strftime("%Y-%m-%d") != written:
        raise ConfigurationError(
            "the day as of which dependencies are resolved cannot be read",
            place=place,
            found=ascii(written[:_LONGEST_WANTED]),
            expected=f"a day such as 2026-06-15, or {NOW}",
        )
    return written
