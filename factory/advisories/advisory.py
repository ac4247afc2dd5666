"""What an advisory says: packages, and which of their versions are affected.

The order of versions is that of the OSV schema ("Evaluation", ``SEMVER``): by precedence alone, so
that a prerelease of a fixed version is affected. https://ossf.github.io/osv-schema/#evaluation
"""

from __future__ import annotations

from functools import cmp_to_key
from typing import Literal, TypeAlias

from factory.archives.npm_package import is_package_name
from factory.errors import UsageError
from factory.values import dataclass
from factory.versions import compare_versions, is_affected_by, is_range, is_version

Judgement: TypeAlias = Literal["affected", "unknown", "not affected"]
EventKind: TypeAlias = Literal["introduced", "fixed", "last_affected", "limit"]
FIRST = "0"
"""The version that comes before all others, in ``introduced``."""
NO_LIMIT = "*"


@dataclass(frozen=True, kw_only=True, slots=True)
class RangeEvent:
    """A version at which something changes: from it on (``introduced``), or up to it."""

    kind: EventKind
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AffectedPackage:
    """A package, and which of its versions are affected: by any of what is given.

    Attributes:
        name: the npm package's.
        npm_range: versions as npm writes them, None if there is no such range.
        ranges: each the events of one range of the OSV schema.
        versions: single versions.
        undecidable: there are ranges that nothing here can decide, such as those of commits.
    """

    name: str
    npm_range: str | None = None
    ranges: tuple[tuple[RangeEvent, ...], ...] = ()
    versions: frozenset[str] = frozenset()
    undecidable: bool = False

    def judge(self, version: str) -> Judgement:
        """Return what is to be thought of a version; "" is one that nobody knows."""
        if version in self.versions or self._takes_any:
            return "affected"
        if not is_version(version):
            has_ranges = self.npm_range is not None or bool(self.ranges)
            return "not affected" if version and not has_ranges else "unknown"
        if (
            any(is_version(one) and compare_versions(version, one) == 0 for one in self.versions)
            or (self.npm_range is not None and is_affected_by(version, self.npm_range))
            or any(_is_within(version, events) for events in self.ranges)
        ):
            return "affected"
        return "unknown" if self.undecidable else "not affected"

    def fixed_in(self, version: str) -> str | None:
        """Return the lowest version above ``version`` that the advisory calls fixed, if any."""
        if not is_version(version):
            return None
        fixed = [
            event.version
            for events in self.ranges
            for event in events
            if event.kind == "fixed" and compare_versions(event.version, version) > 0
        ]
        return min(fixed, key=cmp_to_key(compare_versions), default=None)

    @property
    def _takes_any(self) -> bool:
        """Whether it does not matter which version it is."""
        return self.npm_range in ("", "*") or any(
            events == (RangeEvent(kind="introduced", version=FIRST),) for events in self.ranges
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Advisory:
    """What to look for. ``withdrawn`` is the time when its authors took it back, or ""."""

    id: str
    packages: tuple[AffectedPackage, ...]
    aliases: tuple[str, ...] = ()
    summary: str = ""
    withdrawn: str = ""


def parse_query(text: str) -> Advisory:
    """Return ``PACKAGE@RANGE`` as an advisory; without a range all versions are affected.

    Raises:
        UsageError: it names no package, or the range is not one of npm's.
    """
    name, _, wanted = text[1:].partition("@")
    name, wanted = f"{text[:1]}{name}", wanted.strip()
    if not is_package_name(name):
        raise UsageError(
            "this is not the name of an npm package",
            found=text,
            expected="PACKAGE@RANGE, such as 'lodash@<4.17.21', or the file of an OSV record",
        )
    if not is_range(wanted or "*"):
        raise UsageError(
            f"the versions of {name} are not a range of npm's",
            found=wanted,
            expected="a range such as '<4.17.21', '>=2.0.0 <2.1.3' or '1.x || 2.0.0'",
        )
    return Advisory(id=text, packages=(AffectedPackage(name=name, npm_range=wanted or "*"),))


def _is_within(version: str, events: tuple[RangeEvent, ...]) -> bool:
    """OSV's ``IncludedInRanges`` for one range, its limits included."""
    limits = [one.version for one in events if one.kind == "limit"]
    if limits and not any(one == NO_LIMIT or compare_versions(version, one) < 0 for one in limits):
        return False
    within = False
    for event in sorted((one for one in events if one.kind != "limit"), key=_ORDER):
        after = 1 if event.version == FIRST else compare_versions(version, event.version)
        if event.kind == "introduced":
            within = within or after >= 0
        elif after > 0 or (after == 0 and event.kind == "fixed"):
            within = False
    return within


def _compare_events(first: RangeEvent, second: RangeEvent) -> int:
    """By version; at one version what ends comes before what begins, ``last_affected`` after."""
    ranks = {"fixed": 0, "introduced": 1, "last_affected": 2}
    if FIRST in (first.version, second.version):
        order = (second.version == FIRST) - (first.version == FIRST)
    else:
        order = compare_versions(first.version, second.version)
    return order or ranks[first.kind] - ranks[second.kind]


_ORDER = cmp_to_key(_compare_events)
