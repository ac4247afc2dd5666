"""npm's versions and ranges, as npm itself compares them."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import product, takewhile
from typing import TYPE_CHECKING, Any, TypeAlias

from factory.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

VERSION = r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?"
"""A semantic version without build metadata, as a part of regular expressions."""

_Numbers: TypeAlias = tuple[int, int, int]

# What nine of ten ranges look like. Deciding these here spares most runs loading the library, which
# takes longer than all their comparisons; the tests hold both ways against npm's own answers.
_LONGEST_NUMBER = 16
_NUMBER = r"(0|[1-9]\d{0,14})"
_RELEASE = lazy_pattern(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}")
_USUAL_RANGE = lazy_pattern(rf"([\^~]?){_NUMBER}\.{_NUMBER}\.{_NUMBER}")
_FROM_TO = lazy_pattern(rf">={_NUMBER}\.{_NUMBER}\.{_NUMBER} <{_NUMBER}\.{_NUMBER}\.{_NUMBER}")
_MAJORS = lazy_pattern(rf"{_NUMBER}(?: \|\| {_NUMBER})*")


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


def is_affected_by(version: str, range: str) -> bool:  # noqa: A002 - npm's own word for it
    """Return whether ``version`` may be in the npm ``range`` of an advisory, prereleases included.

    It is if ``npm audit`` says so, which reads ranges with node-semver's ``includePrerelease``:
    ``2.0.0-rc.1`` is in ``<2.0.0`` and in ``2.x``. It is, too, if it lies between the bounds by
    precedence alone, as the OSV schema orders versions: ``2.0.0-rc.1`` comes before 2.0.0, and so
    is in ``^1.2.3``. What is doubtful is affected.

    Raises:
        ValueError: as for :func:`satisfies`.
    """
    return bool(_range(range).test(_version(version), include_prerelease=True)) or (
        is_in_with_prereleases(version, range)
    )


def is_in_with_prereleases(version: str, range: str) -> bool:  # noqa: A002 - npm's own word for it
    """Return whether ``version`` is in the npm ``range`` with ``includePrerelease``.

    Raises:
        ValueError: as for :func:`satisfies`.
    """
    if not _version(version).prerelease:
        return _satisfies(version, range)
    _range(range)
    return any(
        all(_holds(version, *bound) for bound in _bounds(alternative.strip()))
        for alternative in range.split("||")
    )


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


def release_order(version: str) -> tuple[object, ...]:
    """Return a key that sorts versions by semantic precedence, cheaply.

    A host has thousands of versions to sort; what is not a version comes first.
    """
    core, _, prerelease = version.partition("+")[0].partition("-")
    numbers = tuple(int(n) if _is_number(n) else -1 for n in core.split("."))
    labels = tuple(
        (0, int(part), "") if _is_number(part) else (1, 0, part) for part in prerelease.split(".")
    )
    return (numbers, not prerelease, labels)


def name_order(name: str) -> tuple[object, ...]:
    """Return a key that sorts names with versions in them: rhdh-1.9 comes before rhdh-1.10."""
    parts = re.split(r"([0-9]+)", name)
    return tuple((1, int(part)) if _is_number(part) else (0, part) for part in parts)


def _is_number(text: str) -> bool:
    """Python counts more as digits than it makes numbers of, and makes none of very many."""
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER


def release_of(version: str) -> str:
    """Return the release that a version is, or comes before: ``1.42.0`` of ``1.42.0-next.1``.

    Raises:
        ValueError: ``version`` is not a semantic version.
    """
    known = _version(version)
    return f"{known.major}.{known.minor}.{known.patch}"


def is_version(text: str) -> bool:
    """Return whether ``text`` is a semantic version."""
    if _RELEASE.fullmatch(text):
        return True
    try:
        _version(text)
    except ValueError:
        return False
    return True


def is_range(range: str) -> bool:  # noqa: A002 - npm's own word for it
    """Return whether ``range`` is an npm range, and not a tag, a protocol or an address."""
    if any(usual.fullmatch(range) for usual in (_USUAL_RANGE, _FROM_TO, _MAJORS)):
        return True
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
def ranges_meet(first: str, second: str) -> bool:
    """Return whether a release is in both npm ranges; nothing is in what is not a range.

    Two intervals have a version in common if and only if the lowest one of either is in the other.
    """
    if not (is_range(first) and is_range(second)):
        return False
    alternatives = product(first.split("||"), second.split("||"))
    pairs = [(one.strip(), other.strip()) for one, other in alternatives]
    return any(
        is_in(lowest, within)
        for one, other in pairs
        for lowest, within in ((lowest_in(one), other), (lowest_in(other), one))
        if lowest is not None
    )


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
    if found := _RELEASE.fullmatch(version):
        if usual := _USUAL_RANGE.fullmatch(wanted):
            return _is_in_usual(_numbers(found), usual[1], _numbers(usual, first=2))
        if bounds := _FROM_TO.fullmatch(wanted):
            return _numbers(bounds) <= _numbers(found) < _numbers(bounds, first=4)
        if _MAJORS.fullmatch(wanted):
            return found[1] in wanted.split(" || ")
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


# The grammar of node-semver's ranges, one version of it: "1", "1.x", "1.2.3-rc.1".
_PART = r"(\d+|[xX*])"
_PARTIAL = rf"[v=\s]*{_PART}(?:\.{_PART}(?:\.{_PART}(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?)?)?"
_HYPHEN = lazy_pattern(rf"{_PARTIAL}\s+-\s+{_PARTIAL}")
_COMPARATOR = lazy_pattern(rf"(\^|~>?|[<>]?=?)\s*{_PARTIAL}(?=\s|$)")
_Bound: TypeAlias = tuple[str, str]
_NOTHING: tuple[_Bound, ...] = (("<", "0.0.0-0"),)


def _holds(version: str, operator: str, bound: str) -> bool:
    order = compare_versions(version, bound)
    return order in {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1), "=": (0,)}[operator]


def _bounds(wanted: str) -> Iterator[_Bound]:
    """What a version has to be, of ranges joined by blanks, as node-semver writes them out.

    https://github.com/npm/node-semver#advanced-range-syntax, with ``includePrerelease``: where a
    part of a version is left open, prereleases of its first version are in.
    """
    if hyphen := _HYPHEN.fullmatch(wanted):
        first, last = hyphen.groups()[:4], hyphen.groups()[4:]
        if _known_numbers(first):
            yield ">=", _as_written(first) if first[3] else _first_of(_known_numbers(first))
        if last[3]:
            yield "<=", _as_written(last)
        elif _known_numbers(last):
            yield "<", _first_of(_next(_known_numbers(last)))
        return
    for found in _COMPARATOR.finditer(wanted):
        operator, *said = found.groups()
        yield from _bounds_of(operator.removesuffix(">") if operator == "~>" else operator, said)


def _bounds_of(operator: str, said: Sequence[str | None]) -> Iterator[_Bound]:
    known = _known_numbers(said)
    is_whole = len(known) == 3  # noqa: PLR2004 - major, minor, patch
    if not known:
        yield from _NOTHING if operator in {"<", ">"} else ()
    elif operator in {"^", "~"}:
        opens = not said[3] and (not is_whole or (operator == "^" and not known[0]))
        yield ">=", _first_of(known) if opens else _as_written(said)
        yield "<", _first_of(_next(_fixed_by(operator, known)))
    elif is_whole:
        yield operator or "=", _as_written(said)
    elif operator in {"<", ">="}:
        yield operator, _first_of(known)
    elif operator in {">", "<="}:
        yield {">": ">=", "<=": "<"}[operator], _first_of(_next(known))
    else:
        yield ">=", _first_of(known)
        yield "<", _first_of(_next(known))


def _known_numbers(said: Sequence[str | None]) -> tuple[int, ...]:
    """The numbers of a version up to the first part that is open."""
    return tuple(
        int(part or "") for part in takewhile(lambda part: (part or "x").isdigit(), said[:3])
    )


def _fixed_by(operator: str, known: tuple[int, ...]) -> tuple[int, ...]:
    """The part of a version that ``^`` or ``~`` holds fast."""
    if operator == "~":
        return known[:2]
    significant = next((place for place, number in enumerate(known) if number), len(known) - 1)
    return known[: significant + 1]


def _next(known: tuple[int, ...]) -> tuple[int, ...]:
    return (*known[:-1], known[-1] + 1)


def _first_of(known: tuple[int, ...]) -> str:
    """The very first version that begins so, prereleases included."""
    return f"{_release(known)}-0"


def _as_written(said: Sequence[str | None]) -> str:
    prerelease = said[3]
    return _release(_known_numbers(said)) + (f"-{prerelease}" if prerelease else "")


def _release(known: tuple[int, ...]) -> str:
    return ".".join(map(str, (*known, 0, 0)[:3]))
