"""Rule 5: what becomes of the native packages among what would be bundled into a plugin."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from factory.analysis.lockfile import effective_range
from factory.analysis.reasons import Reason
from factory.values import dataclass

if TYPE_CHECKING:
    from factory.analysis.context import AnalysisContext, PluginCase
    from factory.analysis.embed_walk import EmbedDecision, Walk
    from factory.analysis.graph import Package
    from factory.analysis.reasons import Trail


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NativeUse:
    """A native package that would be bundled. ``asked`` are the ranges of its direct uses."""

    package: Package
    marker: str
    trail: Trail
    asked: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NativeChoice:
    """What to do with a native package: share it with the host if ``share``, else suppress it."""

    name: str
    share: bool
    reason: Reason


def native_uses(found: Walk, around: AnalysisContext) -> dict[str, NativeUse]:
    """Return the native packages below what the walk found private, by name.

    What lies below a native package is not looked at: it goes with it. What is embedded is not
    private, whoever asks for it.
    """
    uses: dict[str, NativeUse] = {}
    embedded = found.embedded_packages
    reaching = around.reaching_native
    seen: set[Package] = set()
    pending = deque(
        (use.edge, use.trail)
        for use in found.private
        if reaching is None or use.edge.target in reaching
    )
    direct = len(pending)
    while pending:
        edge, trail = pending.popleft()
        direct -= 1
        target = edge.target
        marker = around.markers.marker(target)
        if marker:
            asked = effective_range(edge.asked, target.keys)
            ranges = (asked,) if direct >= 0 and not edge.optional else ()
            known = uses.get(edge.name)
            if known is None:
                uses[edge.name] = NativeUse(
                    package=target, marker=marker, trail=trail.to(target), asked=ranges
                )
            elif ranges:
                uses[edge.name] = replace(known, asked=(*known.asked, *ranges))
        elif target not in seen and target not in embedded:
            seen.add(target)
            below = trail.to(target)
            for deeper in around.graph.edges(target):
                if deeper.target not in seen and (reaching is None or deeper.target in reaching):
                    pending.append((deeper, below))
    return uses


def choose(
    uses: dict[str, NativeUse], case: PluginCase, settled: EmbedDecision
) -> list[NativeChoice]:
    """Return the choice for each native package that the author does not allow, in order of name.

    One that an ``--allow-native-package`` names is the author's business.
    """
    return [
        _choice(name, uses[name], case.around, settled)
        for name in sorted(uses)
        if name not in case.rules.allowed
    ]


def find_dragged_in(found: Walk, around: AnalysisContext) -> dict[str, Trail]:
    """Return the ``@backstage`` and shared packages that optional dependencies bring, by name.

    rhdh-cli neither embeds nor shares along optional dependencies, so yarn installs these
    privately.
    """
    brought: dict[str, Trail] = {}
    embedded = found.embedded_packages
    seen: set[Package] = set()
    pending = deque((use.edge, use.trail) for use in found.private if use.edge.optional)
    while pending:
        edge, trail = pending.popleft()
        if edge.target in seen or edge.target in embedded:
            continue
        seen.add(edge.target)
        below = trail.to(edge.target)
        brought.setdefault(edge.name, below)
        pending.extend((deeper, below) for deeper in around.graph.edges(edge.target))
    return brought


def _choice(
    name: str, use: NativeUse, around: AnalysisContext, settled: EmbedDecision
) -> NativeChoice:
    host = around.host
    versions = [host.satisfying(name, asked) for asked in use.asked]
    share = bool(versions) and all(versions) and name not in settled.unshareable
    if share:
        why = f"{host.name} has {versions[0]}"
    elif not use.asked:
        why = "not a direct dependency"
    elif name in settled.unshareable:
        why = "an optional dependency needs it too, which cannot be shared"
    elif name not in host:
        why = f"not in {host.name}"
    else:
        asked = next(a for a, version in zip(use.asked, versions, strict=True) if not version)
        why = f"{host.name} has {', '.join(host.versions(name))}, requested: {asked or 'no range'}"
    return NativeChoice(
        name=name,
        share=share,
        reason=Reason(rule=5, chain=use.trail.names(), fact=f"native: {use.marker}; {why}"),
    )
