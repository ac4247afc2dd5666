"""One frame of the live view: the board laid out in lines that fit a given width and height.

::

    todo                    ✓ ✓ ✓ ✓ ⠹ ·  install    1:24  812 packages were added to the project
      plugins/todo          ✓ ⠹ ·        export      12s  Generating main package
      plugins/todo-backend  · · ·

Every row is one line in one grid, so that the eye runs down the columns. What does not fit the
height is left out by what tells least: plugins that wait, then those that are done.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from factory.quantities import clock, pluralize
from factory.ui.stages import STAGE_WIDTH
from factory.ui.text import MARKS, Line, Span, Style, cells, cut, cut_start, pad
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory.ui.board import WorkspaceRows
    from factory.ui.progress import Row, State

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
SPINS_PER_SECOND = 8

_STAGE_STYLES: dict[State, Style] = {"running": "accent", "failed": "bad", "stopped": "warn"}
_WEIGHTS: dict[State, int] = {
    "failed": 0,
    "running": 1,
    "stopped": 2,
    "done": 3,
    "skipped": 4,
    "waiting": 5,
}
_INDENT = "  "
_GAP = "  "
_TIME_WIDTH = 6
_WIDE = 100
_SHORTEST_TAIL = 16
_SHORTEST_NAME = 16
_NAME_SHARE = 0.36
_FEWEST_ROWS = 4


def frame(
    workspaces: Sequence[WorkspaceRows],
    *,
    width: int,
    height: int | None,
    spin: int,
    seconds_left: float | None = None,
) -> list[Line]:
    """Return the lines of a frame, each at most ``width`` cells wide.

    Args:
        workspaces: the board's rows.
        width: columns of the terminal.
        height: rows of the terminal, or nothing for a frame of any height.
        spin: which picture of the spinner is due.
        seconds_left: an estimate of how long the run is still going to take.
    """
    if not workspaces:
        return []
    grid = _grid_for(workspaces, width)
    rows = [
        _Placed(line=line, weight=weight)
        for workspace in workspaces
        for line, weight in _workspace_lines(workspace, grid, spin)
    ]
    worth_a_line = len(workspaces) > 1 or seconds_left is not None
    total = [_total(workspaces, width, seconds_left)] if worth_a_line else []
    if height is not None:
        # One for the blank line above, one for the cursor's line below.
        rows = _fitting(rows, max(height - 2 - len(total), _FEWEST_ROWS))
    return [(), *(row.line for row in rows), *total]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Grid:
    """The widths of the columns that all rows share; ``gap`` stands between two marks."""

    name: int
    marks: int
    gap: str
    tail: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cells:
    """What stands in the columns of one row."""

    name: Span
    marks: Line
    stage: Span
    time: Span
    tail: Span


@dataclass(frozen=True, kw_only=True, slots=True)
class _Placed:
    """A laid-out row; of two, the one with the lower weight tells more."""

    line: Line
    weight: int


def _grid_for(workspaces: Sequence[WorkspaceRows], width: int) -> _Grid:
    gap = " " if width >= _WIDE else ""
    rows = [row for workspace in workspaces for row in (workspace.header, *workspace.plugins)]
    most = max(len(row.marks) for row in rows)
    marks = most + len(gap) * (most - 1)
    room = width - marks - STAGE_WIDTH - _TIME_WIDTH - 2 * len(_GAP)
    plugins = (row.name for workspace in workspaces for row in workspace.plugins)
    headers = (workspace.header.name for workspace in workspaces)
    longest = max(map(cells, (*headers, *(_INDENT + name for name in plugins))))
    name = min(longest, max(int(width * _NAME_SHARE), _SHORTEST_NAME))
    tail = room - name - len(_GAP)
    if tail < _SHORTEST_TAIL:
        # A few letters of output tell nothing: the names can have their room.
        name, tail = max(min(longest, room), 3), 0
    return _Grid(name=name, marks=marks, gap=gap, tail=tail)


def _workspace_lines(workspace: WorkspaceRows, grid: _Grid, spin: int) -> list[tuple[Line, int]]:
    header = workspace.header
    columns = _cells_of(header, grid, spin, name=Span(cut_start(header.name, grid.name), "strong"))
    if workspace.known and not header.stage:
        # Between or after the workspace's own stages, its plugins are what it is about.
        ended = Span(f"{workspace.done + workspace.failed}/{workspace.known}", "strong")
        failed = Span(f"{workspace.failed} failed" if workspace.failed else "", "bad")
        columns = replace(columns, stage=ended, tail=failed)
    # A workspace's row weighs less than any plugin's: without it they belong nowhere.
    lines = [(_laid_out(columns, grid), _WEIGHTS[header.state] - len(_WEIGHTS))]
    for row in workspace.plugins:
        name = _INDENT + cut_start(row.name, grid.name - len(_INDENT))
        style: Style = "dim" if row.state in ("waiting", "skipped") else ""
        lines.append(
            (
                _laid_out(_cells_of(row, grid, spin, name=Span(name, style)), grid),
                _WEIGHTS[row.state],
            )
        )
    return lines


def _cells_of(row: Row, grid: _Grid, spin: int, *, name: Span) -> _Cells:
    marks: list[Span] = []
    for mark in row.marks:
        marks += [MARKS.get(mark) or Span(SPINNER[spin % len(SPINNER)], "accent"), Span(grid.gap)]
    return _Cells(
        name=name,
        marks=tuple(marks[:-1]),
        stage=Span(cut(row.stage, STAGE_WIDTH), _STAGE_STYLES.get(row.state, "")),
        time=Span(
            clock(row.seconds) if row.seconds or row.stage else "",
            "" if row.state == "running" else "dim",
        ),
        tail=Span(row.line, "bad" if row.state == "failed" else "dim"),
    )


def _laid_out(row: _Cells, grid: _Grid) -> Line:
    blank = grid.marks - sum(cells(mark.text) for mark in row.marks)
    return (
        Span(pad(row.name.text, grid.name) + _GAP, row.name.style),
        *row.marks,
        Span(" " * blank + _GAP),
        Span(pad(row.stage.text, STAGE_WIDTH), row.stage.style),
        Span(f"{row.time.text:>{_TIME_WIDTH}}{_GAP}", row.time.style),
        Span(cut(row.tail.text, grid.tail), row.tail.style),
    )


def _total(workspaces: Sequence[WorkspaceRows], width: int, seconds_left: float | None) -> Line:
    ended = sum(workspace.header.state in ("done", "failed") for workspace in workspaces)
    plugins_ended = sum(workspace.done + workspace.failed for workspace in workspaces)
    failed = sum(workspace.failed for workspace in workspaces)
    known = sum(workspace.known for workspace in workspaces)
    parts = [f"{ended}/{pluralize(len(workspaces), 'workspace')}"] if len(workspaces) > 1 else []
    if known or parts:
        parts.append(f"{plugins_ended}/{pluralize(known, 'plugin')}")
    text = " · ".join(parts)
    trouble = f" · {failed} failed" if failed else ""
    left = f"about {clock(seconds_left)} left" if seconds_left is not None else ""
    left = f" · {left}" if left and text else left
    return (
        Span(cut(text, width - len(trouble) - len(left)), "strong"),
        Span(trouble, "bad"),
        Span(left, "dim"),
    )


def _fitting(rows: list[_Placed], room: int) -> list[_Placed]:
    if len(rows) <= room:
        return rows
    by_weight = sorted(range(len(rows)), key=lambda index: rows[index].weight)
    kept = sorted(by_weight[: room - 1])
    hidden = pluralize(len(rows) - len(kept), "more row")
    return [
        *(rows[index] for index in kept),
        _Placed(line=(Span(f"  … {hidden}", "dim"),), weight=0),
    ]
