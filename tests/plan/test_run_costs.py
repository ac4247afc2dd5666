"""What a run costs on machines: compared with a simulated catalogue of 65 workspaces."""

from __future__ import annotations

import heapq
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from factory.plan.run_costs import MeasuredRuns, estimate_costs, measured_runs
from factory.plan.shards import shards_of
from factory.reports.durations import durations_of
from factory.reports.reading import WrittenReport
from factory.schemas import find_violation
from tests.plan.test_shards import NOTHING_KNOWN, outlook, took, workspace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from factory.plan.plan_result import Outlook

CORES = 4


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """A workspace: seconds of its own stages, which come first, and of each plugin."""

    name: str
    own: float
    plugins: dict[str, float]


def simulated_run(workspaces: Iterable[Simulated]) -> float:
    """How long a machine takes: a stage a core, the longest workspace first, plugins side by side.

    Step by step, as a machine does it, with nothing of the model's.
    """
    waiting = sorted(workspaces, key=lambda one: -(one.own + sum(one.plugins.values())))
    ready: list[tuple[float, list[float]]] = [(w.own, list(w.plugins.values())) for w in waiting]
    running: list[tuple[float, int, list[float]]] = []
    now, number = 0.0, 0
    while ready or running:
        while ready and len(running) < CORES:
            seconds, then = ready.pop(0)
            number += 1
            heapq.heappush(running, (now + seconds, number, then))
        now, _, then = heapq.heappop(running)
        ready = [(seconds, []) for seconds in sorted(then, reverse=True)] + ready
    return now


def catalogue(seed: int) -> list[Simulated]:
    chance = random.Random(seed)
    return [
        Simulated(
            name=f"w{number:02}",
            own=chance.uniform(20, 120),
            plugins={f"p{n}": chance.uniform(5, 60) for n in range(chance.randint(1, 6))},
        )
        for number in range(65)
    ]


def report_of(workspaces: Sequence[Simulated], seconds: float) -> WrittenReport:
    """What such a run leaves, as far as the model reads it."""
    document: dict[str, Any] = {
        "seconds": seconds,
        "workspaces": [
            {
                "name": one.name,
                "seconds": one.own + sum(one.plugins.values()),
                "stages": {"install": one.own},
                "plugins": [
                    {"path": path, "outcome": "done", "seconds": {"export": took}}
                    for path, took in one.plugins.items()
                ],
            }
            for one in workspaces
        ],
    }
    return WrittenReport(file=Path("build-report.json"), several=True, document=document)


def outlook_of(workspaces: Sequence[Simulated]) -> Outlook:
    return outlook(*(workspace(one.name, *one.plugins) for one in workspaces))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("machines", [1, 2, 4, 8, 16])
def test_the_model_agrees_with_a_simulated_catalogue(seed: int, machines: int) -> None:
    all_of_it = catalogue(seed)
    reports = [report_of(all_of_it, simulated_run(all_of_it))]
    durations, look = durations_of(reports), outlook_of(all_of_it)
    costs = estimate_costs(look, durations, measured_runs(reports), machines)
    by_name = {one.name: one for one in all_of_it}
    simulated = max(
        simulated_run(
            Simulated(
                name=unit.workspace,
                own=by_name[unit.workspace].own,
                plugins={
                    path: by_name[unit.workspace].plugins[path]
                    for path in unit.plugins or by_name[unit.workspace].plugins
                },
            )
            for unit in shard.units
        )
        for shard in shards_of(look, durations, machines)
    )
    assert costs.cold == pytest.approx(simulated, rel=0.2)
    assert costs.work == pytest.approx(
        sum(one.own + sum(one.plugins.values()) for one in all_of_it)
    )
    chains = [one.own + seconds for one in all_of_it for seconds in one.plugins.values()]
    assert costs.worst_change == pytest.approx(max(chains))
    assert costs.one_change == pytest.approx(sum(chains) / len(chains))


def test_more_machines_take_no_longer_and_the_longest_workspace_is_the_floor() -> None:
    look = outlook(workspace("a", "p"), workspace("b", "p"), workspace("c", "p"))
    durations = took(a=60, b=30, c=30)
    colds = [estimate_costs(look, durations, MeasuredRuns(), n).cold for n in (1, 2, 3, 9)]
    assert colds == [120, 60, 60, 60]
    assert estimate_costs(look, durations, MeasuredRuns(at_once=4), 1).cold == 60


def test_what_is_cached_now_does_not_count() -> None:
    cached = workspace("a", "p")
    look = outlook(cached)
    assert estimate_costs(look, took(a=60), MeasuredRuns(), 1).cold == 60


def test_unchanged_is_known_from_a_run_in_which_nothing_had_changed() -> None:
    one = report_of([Simulated(name="a", own=10, plugins={"p": 5})], 15)
    assert measured_runs([one]) == MeasuredRuns(at_once=1.0)
    (plugin,) = one.document["workspaces"][0]["plugins"]
    plugin["cached"] = True
    one.document["workspaces"][0]["seconds"] = 0.5
    measured = measured_runs([one])
    assert measured.restoring == 0.5
    look = outlook(*(workspace(f"w{n}", "p") for n in range(10)))
    assert estimate_costs(look, NOTHING_KNOWN, measured, 5).unchanged == 1.0
    assert estimate_costs(look, NOTHING_KNOWN, MeasuredRuns(), 5).unchanged is None


def test_of_nothing_there_are_no_costs() -> None:
    costs = estimate_costs(outlook(), NOTHING_KNOWN, MeasuredRuns(), 3)
    assert (costs.cold, costs.work, costs.one_change, costs.worst_change) == (0, 0, 0, 0)
    document = {
        "format": 1,
        "several": True,
        "offline": True,
        "exit-code": 0,
        "workspaces": [],
        "left-out": [],
        "costs": costs.as_json(),
    }
    assert find_violation(json.loads(json.dumps(document)), "plan") is None
