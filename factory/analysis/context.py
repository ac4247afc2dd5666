"""What the plugins of one workspace have in common for the analysis, worked out once for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.analysis.graph import DependencyGraph, Hop, Package, ways_to
from factory.analysis.native import NativeMarkers
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from factory.analysis.arguments import Arguments
    from factory.analysis.inventory import HostInventory
    from factory.analysis.written_rules import WrittenRules

_BACKSTAGE_SCOPE = "@backstage/"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class AnalysisContext:
    """The graph, the host, and which packages reach what matters.

    ``to_backstage`` has the way to the nearest ``@backstage`` package. ``reaching_native`` holds
    the packages from which a native one can be reached, or is None where ``node_modules`` may show
    more of them than the lockfile does.
    """

    graph: DependencyGraph
    host: HostInventory
    markers: NativeMarkers
    packages: tuple[Package, ...]
    dependents: Mapping[Package, list[Package]]
    to_backstage: Mapping[Package, Hop]
    reaching_native: frozenset[Package] | None

    def ways_to_names(self, is_wanted: frozenset[str]) -> Mapping[Package, Hop]:
        """Return which packages reach one that is called so, and the way."""
        if not is_wanted:
            return {}
        return ways_to((p for p in self.packages if p.name in is_wanted), self.dependents)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PluginCase:
    """A plugin whose arguments are computed, what is around it, and what its author wrote.

    ``rules`` are what ``written`` says of packages, as far as it is followed.
    """

    plugin: Package
    around: AnalysisContext
    written: Arguments
    rules: WrittenRules


def is_backstage(name: str) -> bool:
    """Return whether rhdh-cli shares the package of this name without being told.

    It looks for ``@backstage/`` anywhere in it.
    """
    return _BACKSTAGE_SCOPE in name


def survey(
    graph: DependencyGraph,
    host: HostInventory,
    plugins: Iterable[Package],
    workspace: Path | None = None,
) -> AnalysisContext:
    """Return the context of ``plugins``; ``workspace`` is where ``node_modules`` may be."""
    packages = graph.reachable(plugins)
    dependents = graph.dependents(packages)
    markers = NativeMarkers(graph, workspace)
    reaching_native = None
    if not markers.sees_installed:
        native = [package for package in packages if markers.marker(package)]
        reaching_native = frozenset((*native, *ways_to(native, dependents)))
    backstage = (package for package in packages if is_backstage(package.name))
    return AnalysisContext(
        graph=graph,
        host=host,
        markers=markers,
        packages=packages,
        dependents=dependents,
        to_backstage=ways_to(backstage, dependents),
        reaching_native=reaching_native,
    )
