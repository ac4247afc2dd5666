"""A run's work in shards of about equal length, one for each machine of a CI run.

The longest first, each to the machine that has least to do (LPT: Graham, "Bounds on Multiprocessing
Timing Anomalies", 1969). A workspace that alone takes longer than all else is split by its plugins,
as far as that helps: each of its parts is fetched and installed once more.
"""

from __future__ import annotations

import glob
import heapq
import json
import shlex
from typing import TYPE_CHECKING, TypeVar

from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from factory.plan.plan_result import (
        Outlook,
        PlannedWorkspace,
    )
    from factory.reports.durations import Durations

_T = TypeVar("_T")

# Splitting a workspace costs work; it has to make the whole run shorter by this part.
_WORTH = 0.05
EVERYTHING = "*"


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """A workspace, or some of its plugins, that one machine builds; how long it may take."""

    workspace: str
    plugins: tuple[str, ...] = ()
    seconds: float

    @property
    def patterns(self) -> tuple[str, ...]:
        """What ``--only`` has to be given for it."""
        if not self.plugins:
            return (_literal(self.workspace) if self.workspace else EVERYTHING,)
        head = f"{self.workspace}/" if self.workspace else ""
        return tuple(_literal(f"{head}{path}") for path in self.plugins)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """What one machine builds; ``number`` counts from 1."""

    number: int
    of: int
    units: tuple[Unit, ...]

    @property
    def seconds(self) -> float:
        """How long it may take."""
        return sum(unit.seconds for unit in self.units)

    @property
    def name(self) -> str:
        """What a person is to call it."""
        names = dict.fromkeys(unit.workspace or "plugins" for unit in self.units)
        return ", ".join(names)

    @property
    def only(self) -> str:
        """The value of ``--only``."""
        return ",".join(pattern for unit in self.units for pattern in unit.patterns)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Work:
    """A workspace's work: seconds of its own, and of each plugin if they are known."""

    workspace: str
    own: float
    plugins: Mapping[str, float]
    unknown: float
    partly: bool

    def units(self, parts: int) -> list[Unit]:
        """The work in a number of parts of about equal length."""
        if parts == 1:
            seconds = self.own + self.unknown + sum(self.plugins.values())
            named = tuple(self.plugins) if self.partly else ()
            return [Unit(workspace=self.workspace, plugins=named, seconds=seconds)]
        loads = _spread(self.plugins.items(), parts)
        return [
            Unit(
                workspace=self.workspace,
                plugins=tuple(path for path, _ in load),
                seconds=self.own + sum(seconds for _, seconds in load),
            )
            for load in loads
            if load
        ]


def shards_of(
    outlook: Outlook, durations: Durations, number: int, *, changed_only: bool = False
) -> tuple[Shard, ...]:
    """Return a run's work in at most ``number`` shards; fewer where there is less to do.

    A workspace whose configuration cannot be used is in a shard too, so that its build tells.

    Args:
        outlook: what there is to build.
        durations: how long it took before.
        number: how many machines there are.
        changed_only: leave out workspaces all of whose plugins are cached.
    """
    works = [
        _work(each, durations)
        for each in outlook.workspaces
        if not (changed_only and _all_cached(each))
    ]
    parts = dict.fromkeys((work.workspace for work in works), 1)
    best = tried = _assign(works, parts, number)
    while (heaviest := _splittable(tried, works, parts, number)) is not None:
        parts = parts | {heaviest: parts[heaviest] + 1}
        tried = _assign(works, parts, number)
        if _longest(tried) < _longest(best) * (1 - _WORTH):
            best = tried
    filled = [units for units in best if units]
    return tuple(
        Shard(number=place, of=len(filled), units=tuple(units))
        for place, units in enumerate(filled, start=1)
    )


def github_matrix(shards: Sequence[Shard]) -> str:
    """Return a matrix for ``strategy: matrix: ${{ fromJSON(…) }}``, in one line.

    https://docs.github.com/en/actions/using-jobs/using-a-matrix-for-your-jobs
    """
    included = [
        {
            "shard": shard.number,
            "of": shard.of,
            "name": shard.name,
            "only": shard.only,
            "seconds": round(shard.seconds),
        }
        for shard in shards
    ]
    return json.dumps({"include": included}, ensure_ascii=False)


def gitlab_matrix(shards: Sequence[Shard]) -> str:
    """Return a hidden job to extend, whose ``parallel: matrix`` has a job for each shard.

    PLUGIN_FACTORY_ONLY is the variable of ``--only``, so that the job needs no option for it; it is
    quoted as a variable of an option that may be repeated is, and, since JSON is YAML, as JSON is.
    https://docs.gitlab.com/ci/yaml/#parallelmatrix
    """
    lines = [".plugin-factory-shards:", "  parallel:", "    matrix:"]
    for shard in shards:
        only = json.dumps(shlex.quote(shard.only), ensure_ascii=False)
        lines += [
            f'      - SHARD: "{shard.number}"',
            f'        SHARDS: "{shard.of}"',
            f"        PLUGIN_FACTORY_ONLY: {only}",
        ]
    return "\n".join(lines)


def tekton_matrix(shards: Sequence[Shard]) -> str:
    """Return the values of ``--only`` as an array result, which a ``matrix`` fans out over.

    https://tekton.dev/docs/pipelines/matrix/#specifying-results-in-a-matrix
    """
    return json.dumps([shard.only for shard in shards], ensure_ascii=False)


def _work(workspace: PlannedWorkspace, durations: Durations) -> _Work:
    name = workspace.name
    if workspace.plugins is None:
        return _Work(
            workspace=name,
            own=durations.own(name),
            plugins={},
            unknown=durations.all_plugins(name),
            partly=False,
        )
    seconds = {
        plugin.path: 0.0 if plugin.verdict == "cached" else durations.plugin(name, plugin.path)
        for plugin in workspace.plugins
    }
    return _Work(
        workspace=name,
        own=0.0 if _all_cached(workspace) else durations.own(name),
        plugins=seconds,
        unknown=0.0,
        partly=workspace.partly,
    )


def _all_cached(workspace: PlannedWorkspace) -> bool:
    plugins = workspace.plugins
    return bool(plugins) and all(plugin.verdict == "cached" for plugin in plugins or ())


def _assign(works: Iterable[_Work], parts: Mapping[str, int], number: int) -> list[list[Unit]]:
    units = [unit for work in works for unit in work.units(parts[work.workspace])]
    by_patterns = {unit.patterns: unit for unit in units}
    loads = _spread(((unit.patterns, unit.seconds) for unit in units), number)
    return [[by_patterns[patterns] for patterns, _ in load] for load in loads]


def _spread(items: Iterable[tuple[_T, float]], number: int) -> list[list[tuple[_T, float]]]:
    """The longest first, each to the load that is least so far; each load in the items' order."""
    known = list(items)
    loads: list[list[tuple[int, _T, float]]] = [[] for _ in range(number)]
    heap = [(0.0, 0, place) for place in range(number)]
    for place, (item, seconds) in sorted(enumerate(known), key=lambda each: -each[1][1]):
        total, several, load = heapq.heappop(heap)
        loads[load].append((place, item, seconds))
        heapq.heappush(heap, (total + seconds, several + 1, load))
    return [
        [(item, seconds) for _, item, seconds in sorted(load, key=lambda each: each[0])]
        for load in loads
    ]


def _splittable(
    loads: Sequence[Sequence[Unit]], works: Sequence[_Work], parts: Mapping[str, int], number: int
) -> str | None:
    """The workspace to split further: the one that the longest load is a part of, alone."""
    heaviest = max(loads, key=lambda load: sum(unit.seconds for unit in load), default=())
    if len(heaviest) != 1:
        return None
    name = heaviest[0].workspace
    work = next(each for each in works if each.workspace == name)
    return name if parts[name] < min(len(work.plugins), number) else None


def _longest(loads: Sequence[Sequence[Unit]]) -> float:
    return max((sum(unit.seconds for unit in load) for load in loads), default=0.0)


def _literal(name: str) -> str:
    """A pattern that matches a name alone; a comma would divide it, and any one character fits."""
    return glob.escape(name).replace(",", "?")
