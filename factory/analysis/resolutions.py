"""The ``resolutions`` of a workspace root: which dependency they replace by which range.

Berry's patterns are ``name``, ``name@range``, ``parent/name`` and ``parent@version/name``
(https://yarnpkg.com/configuration/manifest#resolutions); classic adds globs such as ``**/name``
(https://classic.yarnpkg.com/lang/en/docs/selective-version-resolutions).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.analysis.lockfile import split_descriptor
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

# A package's name, with its scope, and perhaps a range. A range may hold slashes and at signs only
# in the last segment, which therefore takes the rest.
_SEGMENT = lazy_pattern(r"(\*\*|(?:@[^/@]+/)?[^/@]+(?:@[^/]*)?)/")


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """One pattern: for dependencies called ``name`` (in ``asked``, of ``parent``, if given)."""

    pattern: str
    name: str
    asked: str
    parent: str
    parent_version: str
    replacement: str


@dataclass(frozen=True, slots=True)
class Resolutions:
    """All patterns of a workspace root, by the name of the dependency that they replace."""

    by_name: Mapping[str, tuple[Resolution, ...]]

    def replace_range(self, name: str, asked: str, parent: str, parent_version: str) -> str:
        """Return the range that yarn resolves instead of ``asked``, or ``asked`` itself."""
        for pattern in self.by_name.get(name, ()):
            if pattern.parent and pattern.parent != parent:
                continue
            if pattern.parent_version and pattern.parent_version != parent_version:
                continue
            if pattern.asked and pattern.asked.removeprefix("npm:") != asked.removeprefix("npm:"):
                continue
            return pattern.replacement
        return asked


def parse_resolutions(resolutions: Mapping[str, str]) -> Resolutions:
    """Return the ``resolutions`` field of a root package.json as patterns, in its order."""
    found: dict[str, tuple[Resolution, ...]] = {}
    for pattern, replacement in resolutions.items():
        parsed = parse_resolution(pattern, replacement)
        found[parsed.name] = (*found.get(parsed.name, ()), parsed)
    return Resolutions(found)


def parse_resolution(pattern: str, replacement: str) -> Resolution:
    """Return one pattern of ``resolutions`` taken apart, with what it replaces by."""
    parent = ""
    rest = pattern
    while (segment := _SEGMENT.match(rest)) and not _is_scope(rest, segment.end()):
        parent = "" if segment[1] == "**" else segment[1]
        rest = rest[segment.end() :]
    name, asked = split_descriptor(rest)
    parent_name, parent_version = split_descriptor(parent)
    return Resolution(
        pattern=pattern,
        name=name,
        asked=asked,
        parent=parent_name,
        parent_version=parent_version.removeprefix("npm:"),
        replacement=replacement,
    )


def _is_scope(text: str, end: int) -> bool:
    """Whether what was taken for a parent is the scope of the name itself: ``@scope/name``."""
    return text.startswith("@") and text.count("/", 0, end) == 1
