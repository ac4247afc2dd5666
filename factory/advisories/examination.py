"""Which of the published plugins an advisory is about, and by which chains of dependencies."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from factory.errors import CheckError
from factory.oci.packed_plugin import source_name
from factory.reports.build_report import error_json
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from factory.advisories.advisory import Advisory, AffectedPackage, Judgement
    from factory.advisories.origin import PluginOrigin
    from factory.advisories.published import PublishedPlugin
    from factory.attestation.bill import BillComponent, BillOfMaterials

FORMAT = 1
MOST_CHAINS = 10
_WORST: tuple[Judgement, ...] = ("affected", "unknown")


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldPackage:
    """A package of an advisory in a plugin; ``judgement`` is never "not affected".

    ``chains`` lead from the plugin to it, one by each package that needs it directly, the shortest
    first; ``further`` is how many more there are. Without one the bill does not say who needs it.
    """

    component: BillComponent
    judgement: Judgement
    fixed_in: str | None
    chains: tuple[tuple[BillComponent, ...], ...]
    further: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ExaminedPlugin:
    """A published plugin, and what it holds of an advisory."""

    plugin: PublishedPlugin
    held: tuple[HeldPackage, ...] = ()

    @property
    def judgement(self) -> Judgement:
        """Affected if anything in it is; unknown if that cannot be told of all of it."""
        if any(one.judgement == "affected" for one in self.held):
            return "affected"
        return "unknown" if self.plugin.problem or self.held else "not affected"


def examine(advisory: Advisory, plugins: Sequence[PublishedPlugin]) -> tuple[ExaminedPlugin, ...]:
    """Return of each plugin what it holds of the advisory's packages, in their order."""
    return tuple(
        ExaminedPlugin(
            plugin=plugin, held=_find_held(advisory, plugin.bill) if plugin.bill is not None else ()
        )
        for plugin in plugins
    )


def exit_code_of(examined: Sequence[ExaminedPlugin]) -> int:
    """Return 0 if none is affected; 14 if one is; else the smallest code of why it is not known."""
    if any(one.judgement == "affected" for one in examined):
        return CheckError.exit_code
    codes = [
        one.plugin.problem.exit_code if one.plugin.problem else CheckError.exit_code
        for one in examined
        if one.judgement == "unknown"
    ]
    return min(codes, default=0)


def examination_document(
    advisory: Advisory, examined: Sequence[ExaminedPlugin], redact: Callable[[str], str]
) -> dict[str, Any]:
    """Return all of it as ``factory/schemas/affected.schema.json`` has it, for tickets."""

    def count(judgement: Judgement) -> int:
        return sum(one.judgement == judgement for one in examined)

    return {
        "format": FORMAT,
        "advisory": {
            "id": advisory.id,
            "aliases": list(advisory.aliases),
            "summary": advisory.summary or None,
            "withdrawn": advisory.withdrawn or None,
            "packages": list(dict.fromkeys(one.name for one in advisory.packages)),
        },
        "affected": count("affected"),
        "unknown": count("unknown"),
        "not-affected": count("not affected"),
        "exit-code": exit_code_of(examined),
        "plugins": [_plugin_json(one, redact) for one in examined],
    }


def _find_held(advisory: Advisory, bill: BillOfMaterials) -> tuple[HeldPackage, ...]:
    found = []
    parents = _shortest(bill)
    for component in (bill.subject, *bill.components):
        judged = [
            (one, one.judge(component.version))
            for one in advisory.packages
            if one.name in _names(component, bill)
        ]
        said = {each for _, each in judged}
        worst = next((each for each in _WORST if each in said), None)
        if worst is None:
            continue
        chains = _chains(component, bill, parents)
        found.append(
            HeldPackage(
                component=component,
                judgement=worst,
                fixed_in=_fixed_in([one for one, each in judged if each == worst], component),
                chains=tuple(chains[:MOST_CHAINS]),
                further=max(0, len(chains) - MOST_CHAINS),
            )
        )
    return tuple(found)


def _names(component: BillComponent, bill: BillOfMaterials) -> set[str]:
    """What a component is called: an exported plugin is the package that it was exported from."""
    if component is bill.subject:
        return {component.name, source_name(component.name)}
    return {component.name}


def _fixed_in(packages: Sequence[AffectedPackage], component: BillComponent) -> str | None:
    """Of several entries each has to be passed: the first that says so."""
    said = (one.fixed_in(component.version) for one in packages)
    return next((version for version in said if version), None)


def _shortest(bill: BillOfMaterials) -> dict[str, str | None]:
    """By reference, what needs it on a shortest way from the plugin; None for the plugin itself."""
    parents: dict[str, str | None] = {bill.subject.reference: None}
    waiting = deque([bill.subject.reference])
    while waiting:
        here = waiting.popleft()
        for needed in bill.needs.get(here, ()):
            if needed not in parents:
                parents[needed] = here
                waiting.append(needed)
    return parents


def _chains(
    component: BillComponent, bill: BillOfMaterials, parents: Mapping[str, str | None]
) -> list[tuple[BillComponent, ...]]:
    """The shortest way by each package that needs the component, circles through it left out."""
    if component is bill.subject:
        return [(component,)]
    known = {one.reference: one for one in (*bill.components, bill.subject)}
    chains = []
    for needing, needed in bill.needs.items():
        if component.reference not in needed or needing not in parents:
            continue
        way = _way(needing, parents)
        if component.reference not in way and all(one in known for one in way):
            chains.append((*(known[one] for one in way), component))
    return sorted(chains, key=lambda chain: (len(chain), [one.label for one in chain]))


def _way(reference: str, parents: Mapping[str, str | None]) -> list[str]:
    way: list[str] = []
    here: str | None = reference
    while here is not None:
        way.append(here)
        here = parents[here]
    return way[::-1]


def _plugin_json(one: ExaminedPlugin, redact: Callable[[str], str]) -> dict[str, Any]:
    plugin = one.plugin
    return {
        "artifact": plugin.artifact,
        "name": plugin.name or None,
        "version": plugin.version or None,
        "image": plugin.image or None,
        "judgement": one.judgement,
        "problem": error_json(plugin.problem, redact) if plugin.problem else None,
        "bill-of-materials": plugin.bill_from or None,
        "origin": _origin_json(plugin.origin) if plugin.origin else None,
        "packages": [_held_json(each) for each in one.held],
    }


def _origin_json(origin: PluginOrigin) -> dict[str, str | None]:
    return {
        "told-by": origin.told_by,
        "workspace": origin.workspace or None,
        "repository": origin.repository or None,
        "ref": origin.ref or None,
        "commit": origin.commit or None,
        "workspace-path": origin.workspace_path or None,
        "plugin-path": origin.plugin_path or None,
    }


def _held_json(held: HeldPackage) -> dict[str, Any]:
    component = held.component
    return {
        "name": component.name,
        "version": component.version or None,
        "judgement": held.judgement,
        "fixed-in": held.fixed_in,
        "known-from": component.origin or None,
        "shared-with-host": component.shared,
        "locations": list(component.locations),
        "chains": [
            [{"name": c.name, "version": c.version} for c in chain] for chain in held.chains
        ],
        "further-chains": held.further,
    }
