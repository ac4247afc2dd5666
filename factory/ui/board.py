"""Where a run stands: events folded into one row a workspace and one row a plugin.

The board is written by the threads that work and read by the one that paints; it hands out frozen
values, and holds its lock for no longer than that takes.
"""

from __future__ import annotations

import threading
from dataclasses import field, replace
from typing import TYPE_CHECKING

from factory.events import (
    DurationsExpected,
    PluginsKnown,
    RunFinished,
    StageFinished,
    StageOutput,
    StageStarted,
    WorkspacesKnown,
)
from factory.ui import estimate
from factory.ui.progress import Row, StageRow, State, SubjectRow, row_of
from factory.ui.stages import PLUGIN_STAGES, WHOLE_WORKSPACE, WORKSPACE_STAGES, in_order
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from factory.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkspaceRows:
    """A workspace's own row, its plugins' rows, and how many of these have ended, and how."""

    header: Row
    plugins: tuple[Row, ...]
    done: int
    failed: int
    known: int


@dataclass(kw_only=True, slots=True)
class _Workspace:
    whole: SubjectRow
    began: float | None = None
    ended: float | None = None
    known: tuple[str, ...] = ()
    subjects: dict[str, SubjectRow] = field(default_factory=dict)
    expected: DurationsExpected | None = None

    def seconds(self, now: float) -> float:
        """The time since the workspace's first stage began."""
        return (self.ended or now) - self.began if self.began is not None else 0.0

    def expected_of(self, plugin: str = "") -> Mapping[str, float]:
        """The seconds that stages took last time, as far as they are known."""
        if self.expected is None:
            return {}
        return self.expected.plugins.get(plugin, {}) if plugin else self.expected.stages


class Board:
    """The state of a run; safe to use from many threads. ``now`` returns seconds, only growing."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._workspaces: dict[str, _Workspace] = {}
        self._began = now()

    def apply(self, event: Event) -> None:
        """Take an event in."""
        with self._lock:
            match event:
                case WorkspacesKnown():
                    for name in event.workspaces:
                        self._workspace(name)
                case DurationsExpected():
                    self._workspace(event.workspace).expected = event
                case PluginsKnown():
                    workspace = self._begin(event.workspace)
                    workspace.known = event.plugins
                    for plugin in event.plugins:
                        workspace.subjects.setdefault(plugin, SubjectRow(name=plugin))
                case StageStarted():
                    self._start(event)
                case StageOutput():
                    # Most lines are overwritten before anybody sees them: clean them when read.
                    if event.line.strip():
                        self._subject(event.workspace, event.plugin).line = event.line
                case StageFinished():
                    self._finish(event)
                case RunFinished():
                    pass

    def stop(self) -> None:
        """Say that nothing runs any more, whatever has not ended."""
        with self._lock:
            now = self._now()
            for workspace in self._workspaces.values():
                workspace.ended = workspace.ended or now
                for each in (workspace.whole, *workspace.subjects.values()):
                    for stage in each.stages.values():
                        if stage.state == "running":
                            stage.state, stage.seconds = "stopped", now - stage.since

    def rows(self) -> tuple[WorkspaceRows, ...]:
        """Return all rows as they stand now, workspaces in the order in which they began."""
        with self._lock:
            now = self._now()
            return tuple(self._rows(workspace, now) for workspace in self._workspaces.values())

    def seconds_left(self) -> float | None:
        """Return an estimate of the run's wall time from now on; None while nobody can say."""
        with self._lock:
            now = self._now()
            return estimate.seconds_left(self._work(now), now - self._began)

    def _work(self, now: float) -> Iterator[estimate.Work]:
        stages = self._plugin_stages()
        counts = [len(one.known) for one in self._workspaces.values() if one.known]
        likely = round(sum(counts) / len(counts)) if counts else estimate.TYPICAL_PLUGINS
        for one in self._workspaces.values():
            over = self._rows(one, now).header.state in ("done", "failed", "stopped")
            yield from _work_of(one.whole, WORKSPACE_STAGES, one.expected_of(), now, over=over)
            for name in one.known:
                about, expected = one.subjects[name], one.expected_of(name)
                yield from _work_of(about, stages, expected, now, over=over)
            if not one.known and not over:
                before = one.expected.plugins.values() if one.expected else ()
                for expected in before or [{}] * likely:
                    yield from _work_of(SubjectRow(name=""), stages, expected, now, over=over)

    def _workspace(self, name: str) -> _Workspace:
        known = self._workspaces.get(name)
        if known is None:
            whole = SubjectRow(name=name or WHOLE_WORKSPACE)
            known = self._workspaces[name] = _Workspace(whole=whole)
        return known

    def _begin(self, name: str) -> _Workspace:
        workspace = self._workspace(name)
        if workspace.began is None:
            workspace.began = self._now()
        return workspace

    def _subject(self, workspace: str, plugin: str) -> SubjectRow:
        found = self._begin(workspace)
        return found.subjects.setdefault(plugin, SubjectRow(name=plugin)) if plugin else found.whole

    def _start(self, event: StageStarted) -> None:
        about = self._subject(event.workspace, event.plugin)
        about.stages.pop(event.stage, None)  # begun again: it is the latest one now
        about.stages[event.stage] = StageRow(state="running", since=self._now())
        about.line = ""
        self._workspace(event.workspace).ended = None

    def _finish(self, event: StageFinished) -> None:
        about = self._subject(event.workspace, event.plugin)
        stage = about.stages.setdefault(event.stage, StageRow(state="running", since=self._now()))
        stage.state, stage.seconds = event.outcome, event.seconds
        about.line = event.note or (about.line if event.outcome == "failed" else "")
        workspace = self._workspace(event.workspace)
        if self._rows(workspace, self._now()).header.state in ("done", "failed"):
            workspace.ended = self._now()

    def _plugin_stages(self) -> tuple[str, ...]:
        seen = (
            stage
            for workspace in self._workspaces.values()
            for plugin in workspace.known
            for stage in workspace.subjects[plugin].stages
        )
        return in_order((*PLUGIN_STAGES, *seen))

    def _rows(self, workspace: _Workspace, now: float) -> WorkspaceRows:
        stages = self._plugin_stages()
        plugins = [row_of(workspace.subjects[name], stages, now) for name in workspace.known]
        # Packages that plugins embed come and go: they are shown while there is news of them.
        others = [
            row_of(about, in_order(about.stages), now)
            for name, about in workspace.subjects.items()
            if name not in workspace.known
        ]
        done = sum(row.state in ("done", "skipped") for row in plugins)
        failed = sum(row.state == "failed" for row in plugins)
        whole = workspace.whole
        header = row_of(whole, in_order((*WORKSPACE_STAGES, *whole.stages)), now)
        # Its last stage is not a workspace's end: that is the end of its plugins.
        state: State = "waiting" if header.state in ("done", "skipped") else header.state
        if state == "waiting" and plugins and done + failed == len(plugins):
            state = "failed" if failed else "done"
        return WorkspaceRows(
            header=replace(header, state=state, seconds=workspace.seconds(now)),
            plugins=(*plugins, *(row for row in others if row.state in ("running", "failed"))),
            done=done,
            failed=failed,
            known=len(plugins),
        )


def _work_of(
    about: SubjectRow,
    names: tuple[str, ...],
    expected: Mapping[str, float],
    now: float,
    *,
    over: bool,
) -> Iterator[estimate.Work]:
    for name, mark in zip(names, about.marks(names), strict=True):
        seconds = expected.get(name, estimate.typical(name))
        if mark == "running":
            yield estimate.running_work(seconds, now - about.stages[name].since)
        elif mark == "done":
            yield estimate.ended_work(seconds)
        elif mark == "waiting" and not over:
            yield estimate.waiting_work(seconds)
