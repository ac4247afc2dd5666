"""Which release of Backstage packages belong to, by their versions.

A release of Backstage is a list of packages with one version each (its release manifest). So the
release that packages belong to is the one whose list has these versions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.analysis.backstage_releases import list_releases, releases_that_have
from factory.quantities import pluralize
from factory.values import dataclass
from factory.versions import is_range, lowest_in

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

SCOPE = "@backstage/"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseMatch:
    """The releases of Backstage that agree with the most of some packages, oldest first.

    There are several where as many packages are theirs, as with patch releases that changed none of
    these. ``agreeing`` is how many that is, ``known`` how many packages are in any release, and
    ``others`` are those that not all of ``releases`` agree with.
    """

    releases: tuple[str, ...]
    agreeing: int
    known: int
    others: tuple[str, ...]

    @property
    def version(self) -> str | None:
        """The release that counts: the oldest, since nothing asks for more; None without one.

        Packages of several releases belong to that of more than half of them, or to none. Neither
        do releases of several minors count, which only happens with very few packages.
        """
        minors = {release.rpartition(".")[0] for release in self.releases}
        if len(minors) != 1 or self.agreeing * 2 <= self.known:
            return None
        return self.releases[0]

    def __str__(self) -> str:
        """In words, for example ``41 of its 41 @backstage packages are those of 1.42.0``."""
        first, last = self.releases[0], self.releases[-1]
        those = first if first == last else f"{first} to {last}"
        if self.known == 1:
            return f"its @backstage package is that of {those}"
        number = pluralize(self.known, "@backstage package")
        if self.others:
            return f"{self.agreeing} of its {number} are those of {those}"
        return f"all of its {number} are those of {those}"


def match_release(versions: Mapping[str, Collection[str]]) -> ReleaseMatch | None:
    """Return which release of Backstage packages belong to; None if no release has any of them.

    A release agrees with a package if its manifest has one of the package's ``versions``. Those
    that agree with the most packages are the match.

    Args:
        versions: for each package the versions that are locked, or, of a published package, the
            lowest of each range that it asks for (:func:`lowest_versions`): that is the version it
            was built with. Packages of no release are passed over.
    """
    agreeing: dict[str, int] = {}
    for package, found in versions.items():
        each = [releases_that_have(package, version) for version in found]
        known = [bits for bits in each if bits is not None]
        if known:
            agreeing[package] = 0
        for bits in known:
            agreeing[package] |= bits
    counts = [
        sum(bits >> index & 1 for bits in agreeing.values())
        for index in range(len(list_releases()))
    ]
    most = max(counts, default=0)
    if not most:
        return None
    best = [index for index, count in enumerate(counts) if count == most]
    return ReleaseMatch(
        releases=tuple(list_releases()[index] for index in best),
        agreeing=most,
        known=len(agreeing),
        others=tuple(
            package
            for package, bits in sorted(agreeing.items())
            if not all(bits >> index & 1 for index in best)
        ),
    )


def lowest_versions(dependencies: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
    """Return the lowest version in each range that asks for a ``@backstage/`` package.

    Backstage's own tools and yarn write the version of the build there, with ``^`` before it.
    """
    ranges = {
        name: asked
        for name, asked in dependencies.items()
        if name.startswith(SCOPE) and is_range(asked)
    }
    lowest = {name: lowest_in(asked) for name, asked in ranges.items()}
    return {name: (version,) for name, version in lowest.items() if version}
