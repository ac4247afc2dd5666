"""One walk over what rhdh-cli customizes: the plugin, and along chains what is embedded into it.

For each dependency on the way it says what becomes of it: embedded, shared with the host, or
private to the plugin. Rules 1 to 4 of docs/build-arguments.md are here.
"""

from __future__ import annotations

from collections import deque
from dataclasses import field
from typing import TYPE_CHECKING

from factory.analysis.context import is_backstage
from factory.analysis.embedding import role_by_name, sibling_names
from factory.analysis.reasons import Reason, Trail, start_of, way_down
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from factory.analysis.context import PluginCase
    from factory.analysis.graph import Edge, Hop, Package


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class EmbedDecision:
    """What earlier walks have settled: each time something is added, the walk is made again.

    ``embedded`` are packages on the way to one that the author embeds. ``shared`` are native
    packages that the host provides. ``unshared`` are packages that optional dependencies drag in.
    """

    embedded: Mapping[str, str] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()
    unshared: Mapping[str, Reason] = field(default_factory=dict)
    unshareable: frozenset[str] = frozenset()
    reasons: Mapping[str, Reason] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Use:
    """A dependency as a customized package has it; ``trail`` ends at that package."""

    edge: Edge
    trail: Trail


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Embedded:
    """An embedded package; ``explicit`` if rhdh-cli has to be told, ``unshare`` if that too."""

    package: Package
    trail: Trail
    reason: Reason
    explicit: bool
    unshare: bool


@dataclass(kw_only=True, slots=True)
class Walk:
    """What the walk found: embedded packages in order, and uses of shared and private ones."""

    start: Trail
    embedded: list[Embedded] = field(default_factory=list)
    shared: list[Use] = field(default_factory=list)
    private: list[Use] = field(default_factory=list)
    missing: list[Use] = field(default_factory=list)

    @property
    def embedded_names(self) -> frozenset[str]:
        """The names of the embedded packages, those that rhdh-cli embeds by itself among them."""
        return frozenset(embedded.package.name for embedded in self.embedded)

    @property
    def embedded_packages(self) -> frozenset[Package]:
        """The embedded packages themselves: another version of one is not among them."""
        return frozenset(embedded.package for embedded in self.embedded)


def walk(case: PluginCase, settled: EmbedDecision) -> Walk:
    """Return what becomes of the dependencies of the plugin and of what is embedded into it."""
    return _Walker(case, settled).walk()


class _Walker:
    def __init__(self, case: PluginCase, settled: EmbedDecision) -> None:
        self.plugin = case.plugin
        self.around = case.around
        self.rules = case.rules
        self.settled = settled
        by_author = frozenset(
            package.name
            for package in (self.around.packages if self.rules.shares_something else ())
            if self._is_shared_by_author(package.name)
        )
        names = by_author | settled.shared
        self.to_shared: Mapping[Package, Hop] = self.around.ways_to_names(names)

    def walk(self) -> Walk:
        plugin = self.plugin
        start = start_of(plugin)
        found = Walk(start=start)
        siblings = frozenset(sibling_names(plugin.name, plugin.role))
        pending = deque([(plugin, start, siblings)])
        seen = {plugin}
        while pending:
            package, trail, siblings = pending.popleft()
            for edge in self.around.graph.edges(package):
                if edge.target is plugin:
                    continue
                use = Use(edge=edge, trail=trail)
                if not edge.target.version:
                    found.missing.append(use)
                embedded = self._find_embedding(use, siblings)
                if embedded is None:
                    (found.shared if self._is_shared(edge) else found.private).append(use)
                elif edge.target not in seen:
                    seen.add(edge.target)
                    found.embedded.append(embedded)
                    role = edge.target.role or role_by_name(edge.target.name)
                    more = frozenset(sibling_names(edge.target.name, role))
                    pending.append((edge.target, embedded.trail, siblings | more))
        return found

    def is_unshared(self, name: str) -> bool:
        return self.rules.unshared.match(name) or name in self.settled.unshared

    def _is_shared_by_author(self, name: str) -> bool:
        return self.rules.shared.match(name) and not self.is_unshared(name)

    def _is_shared(self, edge: Edge) -> bool:
        name = edge.name
        if edge.optional or self.is_unshared(name):
            return False
        if is_backstage(name):
            return name in self.around.host
        return self._is_shared_by_author(name) or name in self.settled.shared

    def _find_embedding(self, use: Use, siblings: frozenset[str]) -> Embedded | None:
        """How the dependency is embedded, or None if it is shared or stays private."""
        edge = use.edge
        if edge.optional:  # rhdh-cli embeds only along plain dependencies
            return None
        if edge.name in siblings and self._is_certain_sibling(use):
            return self._embed(use, 1, "rhdh-cli embeds it by itself", explicit=False)
        unshare = is_backstage(edge.name) and edge.name not in self.around.host
        if unshare:
            return self._embed(use, 2, f"not in {self.around.host.name}", unshare=True)
        told = self._tell(edge.name)
        if self._is_shared(edge):
            return self._embed(use, 0, told) if told else None
        by_tree = self._find_embedding_by_tree(use)
        return self._embed(use, 0, told) if told and by_tree is None else by_tree

    def _tell(self, name: str) -> str:
        if name in self.rules.embedded:
            return "written by the author"
        return self.settled.embedded.get(name, "")

    def _is_certain_sibling(self, use: Use) -> bool:
        """Whether rhdh-cli knows the sibling by itself; a published package's role is a guess."""
        plugin_or_member = use.trail.package.folder is not None
        return plugin_or_member or use.edge.name in self.around.host

    def _find_embedding_by_tree(self, use: Use) -> Embedded | None:
        """Rules 3 and 4: embedded for what it is, or for what it reaches."""
        target = use.edge.target
        host = self.around.host
        if target.folder is not None and use.edge.name not in host:
            fact = f"a package of this workspace, not in {host.name}"
            return self._embed(use, 4, fact)
        if self.around.markers.marker(target):
            return None
        hops = self.around.to_backstage if target in self.around.to_backstage else self.to_shared
        if target not in hops:
            return None
        reached = hops[target].target.name
        fact = f"in {host.name}, shared" if reached in host else f"not in {host.name}"
        rule = 3 if hops is self.around.to_backstage else 5
        return self._embed(use, rule, fact, below=way_down(target, hops))

    def _embed(
        self,
        use: Use,
        rule: int,
        fact: str,
        *,
        explicit: bool = True,
        unshare: bool = False,
        below: tuple[str, ...] = (),
    ) -> Embedded:
        trail = use.trail.to(use.edge.target)
        return Embedded(
            package=use.edge.target,
            trail=trail,
            reason=Reason(rule=rule, chain=(*trail.names(), *below), fact=fact),
            explicit=explicit,
            unshare=unshare and explicit,
        )
