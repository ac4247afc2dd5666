"""What a run costs on a number of machines: cold, with nothing changed, and after one change.

The model: a machine has the seconds of all its stages to do, as they were measured, and does as
many of them at once as earlier runs did on the average (their stages' seconds by their wall time).
It cannot end before its longest workspace, whose own stages come before its plugins. Workspaces are
given to machines as by :func:`factory.plan.shards.shards_of`.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from factory.plan.shards import shards_of
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from factory.plan.plan_result import Outlook, PlannedWorkspace
    from factory.plan.shards import Shard, Unit
    from factory.reports.durations import Durations
    from factory.reports.reading import Report, WrittenReport


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredRuns:
    """What earlier runs tell beside the durations of stages.

    ``at_once`` is how many stages were at work on the average, at least one. ``restoring`` is the
    wall time of a workspace of which nothing had changed, in seconds; None where no run had one.
    """

    at_once: float = 1.0
    restoring: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RunCosts:
    """Wall times of a run on ``machines``, in seconds; ``None`` is what no run has measured.

    ``work`` is what the machines of a cold run have to do together. After one change a plugin and
    what comes before it are built: ``one_change`` on the average over all plugins, ``worst_change``
    of the plugin that takes longest.
    """

    machines: int
    workspaces: int
    plugins: int
    work: float
    cold: float
    unchanged: float | None
    one_change: float
    worst_change: float

    def as_json(self) -> dict[str, Any]:
        """Return the costs as the plan's schema has them, in whole seconds."""
        return {
            "machines": self.machines,
            "workspaces": self.workspaces,
            "plugins": self.plugins,
            "work": round(self.work),
            "cold": round(self.cold),
            "unchanged": None if self.unchanged is None else round(self.unchanged, 1),
            "one-change": round(self.one_change),
            "worst-change": round(self.worst_change),
        }


def measured_runs(reports: Iterable[WrittenReport]) -> MeasuredRuns:
    """Return what earlier runs tell of how many stages ran at once, and of unchanged workspaces."""
    work = wall = 0.0
    restoring: list[float] = []
    for report in reports:
        done = sum(_stage_seconds(workspace) for _, workspace in report.workspaces)
        if any(_was_built(workspace) for _, workspace in report.workspaces):
            work += done
            wall += report.document["seconds"]
        restoring += [
            workspace["seconds"]
            for _, workspace in report.workspaces
            if workspace["plugins"] and all(each.get("cached") for each in workspace["plugins"])
        ]
    return MeasuredRuns(
        at_once=max(1.0, work / wall) if wall else 1.0,
        restoring=median(restoring) if restoring else None,
    )


def estimate_costs(
    outlook: Outlook, durations: Durations, measured: MeasuredRuns, machines: int
) -> RunCosts:
    """Return what a run of everything that an outlook has costs.

    Args:
        outlook: what there is to build; whether it is cached now does not count.
        durations: how long it took before.
        measured: what else earlier runs tell.
        machines: how many there are, at least one.
    """
    cold = _nothing_cached(outlook)
    shards = shards_of(cold, durations, machines)
    chains = [chain for each in cold.workspaces for chain in _chains(each, durations)]
    number = len(cold.workspaces)
    unchanged = None
    if measured.restoring is not None:
        on_one = -(-number // machines)
        unchanged = max(measured.restoring, on_one * measured.restoring / measured.at_once)
    rest = unchanged or 0.0
    return RunCosts(
        machines=machines,
        workspaces=number,
        plugins=sum(len(each.plugins or ()) for each in cold.workspaces),
        work=sum(shard.seconds for shard in shards),
        cold=max((_wall(shard, durations, measured) for shard in shards), default=0.0),
        unchanged=unchanged,
        one_change=rest + (fmean(chains) if chains else 0.0),
        worst_change=rest + max(chains, default=0.0),
    )


def _nothing_cached(outlook: Outlook) -> Outlook:
    return replace(
        outlook,
        workspaces=tuple(
            replace(
                each,
                plugins=None
                if each.plugins is None
                else tuple(replace(plugin, verdict="build") for plugin in each.plugins),
            )
            for each in outlook.workspaces
        ),
    )


def _wall(shard: Shard, durations: Durations, measured: MeasuredRuns) -> float:
    """How long a machine takes for its shard."""
    longest = max((_longest_chain(unit, durations) for unit in shard.units), default=0.0)
    return max(shard.seconds / measured.at_once, longest)


def _longest_chain(unit: Unit, durations: Durations) -> float:
    """A workspace's own stages, and then the longest of its plugins."""
    own = durations.own(unit.workspace)
    known = durations.known.get(unit.workspace)
    paths: Sequence[str] = unit.plugins or (tuple(known.plugins) if known else ("",))
    return own + max((durations.plugin(unit.workspace, path) for path in paths), default=0.0)


def _chains(workspace: PlannedWorkspace, durations: Durations) -> Iterator[float]:
    """What each plugin takes with what comes before it; of plugins not known, one."""
    own = durations.own(workspace.name)
    paths = [plugin.path for plugin in workspace.plugins or ()] or [""]
    yield from (own + durations.plugin(workspace.name, path) for path in paths)


def _stage_seconds(workspace: Report) -> float:
    plugins = (seconds for each in workspace["plugins"] for seconds in each["seconds"].values())
    return float(sum(workspace["stages"].values()) + sum(plugins))


def _was_built(workspace: Report) -> bool:
    return any(
        each["outcome"] == "done" and not each.get("cached") for each in workspace["plugins"]
    )
