"""Whether a portal can load a plugin of some commit: its Backstage version, and its ranges.

A portal gives newer packages to plugins that were made for older ones all the time, which is worth
a remark. What it cannot give is a version that it does not have yet: that is a reason against.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from semver import Version

from factory.analysis.discovery import BACKEND_ROLES
from factory.values import dataclass
from factory.versions import is_in, is_range, lowest_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from factory.analysis.inventory import HostInventory
    from factory.analysis.manifest import Manifest

# What a portal's page has only once, whichever plugin brings it along (Backstage BEP-0002).
_SHARED_BY_PAGES = frozenset({"@backstage/core-plugin-api", "@backstage/version-bridge"})
_BACKSTAGE = "@backstage/"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """Why something does not fit a portal, and what is worth knowing if it does."""

    reasons: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def judge(backstage: str, manifests: Iterable[Manifest], host: HostInventory) -> Fit:
    """Return how plugins of one commit fit a portal.

    Args:
        backstage: the version in the commit's backstage.json, or "".
        manifests: the plugins' package.json.
        host: what the portal has.
    """
    return join_fits(
        judge_backstage(backstage, host), *(judge_ranges(each, host) for each in manifests)
    )


def join_fits(*fits: Fit) -> Fit:
    """Return all reasons and all remarks of several answers, each once."""
    return Fit(
        reasons=tuple(dict.fromkeys(reason for fit in fits for reason in fit.reasons)),
        remarks=tuple(dict.fromkeys(remark for fit in fits for remark in fit.remarks)),
    )


def judge_backstage(backstage: str, host: HostInventory) -> Fit:
    """Return how a Backstage version fits a portal; of one minor release, patches do not matter."""
    own, there = _parse(backstage), _parse(host.backstage)
    if own is None or there is None:
        return Fit()
    said = f"it is on Backstage {backstage}, {host.name} on {host.backstage}"
    if (own.major, own.minor) > (there.major, there.minor):
        return Fit(reasons=(said,))
    if (own.major, own.minor) < (there.major, there.minor):
        return Fit(remarks=(said,))
    return Fit()


@dataclass(frozen=True, kw_only=True, slots=True)
class Misfit:
    """A range of which a portal has no version, though it has the package.

    ``is_against`` is whether the plugin asks for what the portal cannot give: a newer version, or
    another one of a package that is not Backstage's.
    """

    package: str
    asked: str
    versions: tuple[str, ...]
    is_against: bool


def judge_ranges(manifest: Manifest, host: HostInventory) -> Fit:
    """Return how the ranges of what a plugin takes from the portal fit it.

    These are its peer dependencies, and of its dependencies those that the portal shares. Packages
    that the portal lacks, and ranges that are not npm's (``backstage:^``), say nothing.
    """
    reasons: list[str] = []
    remarks: list[str] = []
    for one in find_misfits(list_taken(manifest), host):
        has = ", ".join(one.versions)
        said = f"{manifest.name} needs {one.package} {one.asked}, {host.name} has {has}"
        (reasons if one.is_against else remarks).append(said)
    return Fit(reasons=tuple(reasons), remarks=tuple(remarks))


def find_misfits(asked_of: Iterable[tuple[str, str]], host: HostInventory) -> Iterator[Misfit]:
    """Yield what does not fit a portal of packages and the ranges that a plugin asks for."""
    for name, asked in asked_of:
        versions = host.versions(name)
        if not versions or not is_range(asked) or any(is_in(v, asked) for v in versions):
            continue
        is_against = _is_newer(asked, versions[-1]) or not name.startswith(_BACKSTAGE)
        yield Misfit(package=name, asked=asked, versions=versions, is_against=is_against)


def list_taken(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Yield the packages that a plugin takes from its portal, each with the range it asks for."""
    for name, asked in manifest.peer_dependencies.items():
        if name not in manifest.optional_peers:
            yield name, asked
    is_backend = manifest.role in BACKEND_ROLES
    for name, asked in manifest.dependencies.items():
        if name in _SHARED_BY_PAGES or (is_backend and name.startswith(_BACKSTAGE)):
            yield name, asked


def _is_newer(asked: str, there: str) -> bool:
    lowest = lowest_in(asked)
    wanted, has = _parse(lowest or ""), _parse(there)
    return wanted is None or has is None or wanted > has


def _parse(version: str) -> Version | None:
    return Version.parse(version) if Version.is_valid(version) else None
