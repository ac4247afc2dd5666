"""npm's versions and ranges, as npm itself compares them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION = r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?"
"""A semantic version without build metadata, as a part of regular expressions."""

_Numbers: TypeAlias = tuple[int, int, int]

# What nine of ten ranges look like. Deciding these here spares most runs loading the library, which
# takes longer than all their comparisons; the tests hold both ways against npm's own answers.
_NUMBER = r"(0|[1-9]\d{0,14})"
_RELEASE = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}")
_USUAL_RANGE = re.compile(rf"([\^~]?){_NUMBER}\.{_NUMBER}\.{_NUMBER}")


def satisfies(version: str, range: str) -> bool:  # noqa: A002 - npm's own word for it
    """Return whether ``version`` is in the npm ``range``.

    A prerelease is in a range only if one of the range's comparators names a prerelease of the same
    major, minor and patch: ``1.2.4-next.1`` is in ``^1.2.4-next.0``, but not in ``^1.2.3``.

    Raises:
        ValueError: ``version`` is not a semantic version, or ``range`` no npm range (a tag such as
            ``latest``, a protocol such as ``workspace:^``).
    """
    return _satisfies(version, range)


def is_in(version: str, range: str) -> bool:  # noqa: A002 - npm's own word for it
    """Return whether ``version`` is in the npm ``range``; nothing is in what is not a range."""
    try:
        return _satisfies(version, range)
    except ValueError:
        return False


def is_in_by_precedence(version: str, range: str) -> bool:  # noqa: A002 - npm's own word for it
    """Return whether ``version`` is between the bounds of the npm ``range``, by precedence alone.

    A prerelease counts as what it precedes, as in advisories (OSV schema, "SEMVER"):
    ``2.0.0-rc.1`` comes before 2.0.0, and so it is in ``<2.0.0`` and in ``^1.2.3``.

    Raises:
        ValueError: as for :func:`satisfies`.
    """
    return bool(_range(range).test(_version(version), include_prerelease=True))


def compare_versions(first: str, second: str) -> int:
    """Return -1, 0 or 1 as ``first`` comes before ``second``, is the same, or comes after it.

    Raises:
        ValueError: one of them is not a semantic version.
    """
    return int(_version(first).compare(_version(second)))


def highest(versions: Iterable[str]) -> str | None:
    """Return the highest of ``versions`` by semantic precedence, or None of none.

    Raises:
        ValueError: one of them is not a semantic version.
    """
    best: str | None = None
    for version in versions:
        if best is None or _version(version).compare(_version(best)) > 0:
            best = version
    return best


def release_of(version: str) -> str:
    """Return the release that a version is, or comes before: ``1.42.0`` of ``1.42.0-next.1``.

    Raises:
        ValueError: ``version`` is not a semantic version.
    """
    known = _version(version)
    return f"{known.major}.{known.minor}.{known.patch}"


def is_version(text: str) -> bool:
    """Return whether ``text`` is a semantic version."""
    try:
        _version(text)
    except ValueError:
        return False
    return True


def is_range(range: str) -> bool:  # noqa: A002 - npm's own word for it
    """Return whether ``range`` is an npm range, and not a tag, a protocol or an address."""
    try:
        _range(range)
    except ValueError:
        return False
    return True


def lowest_in(range: str) -> str | None:  # noqa: A002 - npm's own word for it
    """Return the lowest version that is in the npm ``range``, or None if none is.

    As npm's ``minVersion``: https://github.com/npm/node-semver#functions.

    Raises:
        ValueError: ``range`` is not an npm range.
    """
    if usual := _USUAL_RANGE.fullmatch(range):
        return ".".join(usual.groups()[1:])
    return _lowest_in(range)


@lru_cache(maxsize=4096)
def _lowest_in(wanted: str) -> str | None:
    found = _range(wanted)
    for version in ("0.0.0", "0.0.0-0"):
        if found.test(_version(version)):
            return version
    lowest: str | None = None
    for comparators in found.set:
        bounds = [bound for each in comparators if (bound := _lower_bound(each)) is not None]
        bound = highest(bounds)
        if bound is not None and (lowest is None or highest((bound, lowest)) == lowest):
            lowest = bound
    return lowest if lowest is not None and found.test(_version(lowest)) else None


def _lower_bound(comparator: Any) -> str | None:
    """The lowest version of one comparator, or None if it has only an upper bound."""
    operator, semver = comparator.operator, comparator.semver
    version = getattr(semver, "version", None)  # a comparator for any version has none
    if version is None or operator in {"<", "<="}:
        return None
    if operator == ">":
        if semver.prerelease:
            return f"{version}.0"
        return f"{semver.major}.{semver.minor}.{semver.patch + 1}"
    return str(version)


@lru_cache(maxsize=16384)
def _satisfies(version: str, wanted: str) -> bool:
    usual = _USUAL_RANGE.fullmatch(wanted)
    found = _RELEASE.fullmatch(version) if usual else None
    if usual and found:
        return _is_in_usual(_numbers(found), usual[1], _numbers(usual, first=2))
    return bool(_range(wanted).test(_version(version)))


def _is_in_usual(version: _Numbers, operator: str, wanted: _Numbers) -> bool:
    """What ``^``, ``~`` and no operator mean for a release in full, for releases only."""
    major, minor, patch = wanted
    if operator == "^":
        first_fixed = 1 if major else 2 if minor else 3
        return version >= wanted and version[:first_fixed] == wanted[:first_fixed]
    if operator == "~":
        return version >= wanted and version[:2] == (major, minor)
    return version == (major, minor, patch)


def _numbers(found: re.Match[str], first: int = 1) -> _Numbers:
    return int(found[first]), int(found[first + 1]), int(found[first + 2])


@lru_cache(maxsize=4096)
def _range(wanted: str) -> Any:
    try:
        import nodesemver  # type: ignore[import-untyped]  # noqa: PLC0415 - slow, and rarely needed

        return nodesemver.Range(wanted.strip(), loose=False)
    except ValueError as error:
        raise ValueError(f"{wanted!r} is not an npm version range") from error


@lru_cache(maxsize=4096)
def _version(version: str) -> Any:
    try:
        import nodesemver  # noqa: PLC0415 - slow, and rarely needed

        return nodesemver.make_semver(version, loose=False)
    except ValueError as error:
        raise ValueError(f"{version!r} is not a semantic version") from error
