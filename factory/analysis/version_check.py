"""Where rhdh-cli 1.9 refuses an export for the ranges of shared packages, told beforehand.

What a customized package shares becomes a peer dependency of it, beside those that it has. rhdh-cli
merges the peers of all embedded packages, and these into the plugin's own; two ranges agree for it
if the lowest version of one is in the other, and of the plugin's own only theirs counts
(``addToDependenciesForModule`` and ``addToMainDependencies``). ``--ignore-version-check NAME``
tells it to go on; that is right where one version is in both ranges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.analysis.lockfile import effective_range
from factory.values import dataclass
from factory.versions import (
    is_in,
    lowest_in,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from factory.analysis.context import AnalysisContext
    from factory.analysis.embed_walk import Use, Walk
    from factory.analysis.graph import Package

_WORKSPACE = "workspace:"


@dataclass(frozen=True, kw_only=True, slots=True)
class RangeConflict:
    """Two ranges of one shared package that rhdh-cli does not take for compatible.

    ``asking`` is the embedded package with the ``second`` range; ``fitting`` is a version that is
    in both, locked or the host's, or None if none is known.
    """

    name: str
    first: str
    second: str
    asking: Package
    fitting: str | None


def range_conflicts(found: Walk, around: AnalysisContext) -> tuple[RangeConflict, ...]:
    """Return the conflicts that an export of the plugin would stop at, each package once.

    A range that is not npm's is compared as text alone: rhdh-cli cannot read it either.
    """
    shared: dict[Package, dict[str, str]] = {}
    for use in found.shared:
        shared.setdefault(use.trail.package, {})[use.edge.name] = _write(use)
    plugin = found.start.package
    hoisted: dict[str, str] = {}
    conflicts: dict[str, RangeConflict] = {}
    last: dict[str, Package] = {}
    for package in _in_export_order(plugin, found, around):
        for name, asked in _peers(package, shared.get(package, {})).items():
            merged = _merge(hoisted.get(name), asked)
            if merged is None:
                conflict = _conflict(name, hoisted[name], asked, package, around)
                conflicts.setdefault(name, conflict)
            else:
                hoisted[name] = merged
                last.setdefault(name, package)
    own = _peers(plugin, shared.get(plugin, {}))
    for name, asked in hoisted.items():
        if name in own and name not in conflicts and not _covers(own[name], asked):
            conflicts[name] = _conflict(name, asked, own[name], last[name], around)
    return tuple(conflicts.values())


def _peers(package: Package, shared: Mapping[str, str]) -> dict[str, str]:
    return {**package.peers, **shared}


def _in_export_order(plugin: Package, found: Walk, around: AnalysisContext) -> Iterator[Package]:
    """The embedded packages as rhdh-cli comes to them: depth first, each once."""
    embedded = found.embedded_packages
    seen = {plugin}
    stack: list[Iterator[Package]] = [_targets(plugin, around)]
    while stack:
        package = next(stack[-1], None)
        if package is None:
            stack.pop()
        elif package in embedded and package not in seen:
            seen.add(package)
            yield package
            stack.append(_targets(package, around))


def _targets(package: Package, around: AnalysisContext) -> Iterator[Package]:
    return (edge.target for edge in around.graph.edges(package) if not edge.optional)


def _write(use: Use) -> str:
    """The range that the exported package.json has."""
    asked, target = use.edge.asked, use.edge.target
    if asked.startswith(_WORKSPACE):
        wanted = asked.removeprefix(_WORKSPACE)
        return wanted + target.version if wanted in {"^", "~"} else target.version
    return effective_range(asked, target.keys) or asked


def _merge(existing: str | None, asked: str) -> str | None:
    """The range that rhdh-cli keeps of two, or None where it refuses both."""
    if existing is None or _covers(existing, asked):
        return asked if existing is None else existing
    return asked if _covers(asked, existing) else None


def _covers(existing: str, asked: str) -> bool:
    """Whether the lowest version of the one range is in the other."""
    if existing == asked:
        return True
    try:
        lowest = lowest_in(existing)
        lowest_in(asked)
    except ValueError:
        return True  # no range: another warning says so
    return lowest is not None and is_in(lowest, asked)


def _conflict(
    name: str, first: str, second: str, asking: Package, around: AnalysisContext
) -> RangeConflict:
    locked = around.graph.lockfile.versions.get(name, ())
    fitting = fitting_version((*locked, *reversed(around.host.versions(name))), first, second)
    return RangeConflict(name=name, first=first, second=second, asking=asking, fitting=fitting)


def fitting_version(candidates: Iterable[str], first: str, second: str) -> str | None:
    """Return the first of the versions that is in both ranges, or None."""
    return next((v for v in candidates if is_in(v, first) and is_in(v, second)), None)
