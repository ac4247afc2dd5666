"""How long stages, plugins and workspaces took in earlier runs, and what to expect of the next."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from factory.errors import ConfigurationError
from factory.events import DurationsExpected
from factory.reports.reading import read_report
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from factory.config.build_plan import BuildPlan
    from factory.events import Emit
    from factory.reports.reading import Report, WrittenReport


def tell_expected(builds: Iterable[BuildPlan], emit: Emit) -> None:
    """Tell how long each workspace took in an earlier run, where its report is still there."""
    for plan in builds:
        if expected := expect_durations(plan.output_dir, plan.name):
            emit(expected)


def expect_durations(output_dir: Path, workspace: str) -> DurationsExpected | None:
    """Return the wall times in the report of an earlier run, if there is one that tells."""
    try:
        written = read_report(output_dir)
    except (ConfigurationError, OSError):
        return None
    if written.several:
        return None
    report = written.document
    plugins = {
        plugin["path"]: plugin["seconds"]
        for plugin in report["plugins"]
        if plugin["outcome"] == "done" and not plugin.get("cached")
    }
    return DurationsExpected(workspace=workspace, stages=report["stages"], plugins=plugins)


# Where no report tells: what a workspace of a few plugins takes on two cores.
_SECONDS_OF_WORKSPACE = 60.0
_SECONDS_OF_PLUGIN = 15.0
_PLUGINS_OF_WORKSPACE = 3


def _median(numbers: Iterable[float]) -> float:
    """The middle of some numbers, as Python's ``statistics`` has it, which loads slowly."""
    ordered = sorted(numbers)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


@dataclass(frozen=True, kw_only=True, slots=True)
class StageDurations:
    """Seconds that a workspace's own stages took, and those of its plugins, by path."""

    own: float
    plugins: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Durations:
    """What earlier runs took, by workspace; what is not known counts as the median of the rest."""

    known: Mapping[str, StageDurations] = field(default_factory=dict)

    def own(self, workspace: str) -> float:
        """Return the seconds to expect of a workspace's own stages: source, install and so on."""
        if took := self.known.get(workspace):
            return took.own
        return _median([took.own for took in self.known.values()] or [_SECONDS_OF_WORKSPACE])

    def plugin(self, workspace: str, path: str) -> float:
        """Return the seconds to expect of a plugin."""
        took = self.known.get(workspace)
        if took and path in took.plugins:
            return took.plugins[path]
        every = [seconds for each in self.known.values() for seconds in each.plugins.values()]
        return _median(every or [_SECONDS_OF_PLUGIN])

    def all_plugins(self, workspace: str) -> float:
        """Return the seconds to expect of a workspace's plugins where it is not known which."""
        if (took := self.known.get(workspace)) and took.plugins:
            return sum(took.plugins.values())
        numbers = [len(took.plugins) for took in self.known.values() if took.plugins]
        return _median(numbers or [_PLUGINS_OF_WORKSPACE]) * self.plugin(workspace, "")


def durations_of(reports: Iterable[WrittenReport]) -> Durations:
    """Return what earlier runs took; of two reports about one thing, the last counts.

    What a run took from the cache, or did not finish, says nothing about how long it takes.
    """
    known: dict[str, StageDurations] = {}
    for report in reports:
        for name, workspace in report.workspaces:
            former = known.get(name)
            plugins = {**(former.plugins if former else {}), **_plugins(workspace)}
            own = sum(workspace["stages"].values())
            if plugins and (former is None or _plugins(workspace)):
                known[name] = StageDurations(own=own, plugins=plugins)
    return Durations(known=known)


def _plugins(workspace: Report) -> dict[str, float]:
    return {
        plugin["path"]: sum(plugin["seconds"].values())
        for plugin in workspace["plugins"]
        if plugin["outcome"] == "done" and plugin["seconds"] and not plugin.get("cached")
    }
