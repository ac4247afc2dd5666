"""What the live view knows of a run, and how it lays it out."""

from __future__ import annotations

import pytest

from factory.events import PluginsKnown, StageFinished, StageOutput, StageStarted
from factory.ui.board import Board
from factory.ui.frame import frame
from factory.ui.text import cells, plain
from tests.ui.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def board(clock: Clock) -> Board:
    return Board(clock)


def drawn(board: Board, *, width: int = 100, height: int | None = None) -> list[str]:
    return [plain(line) for line in frame(board.rows(), width=width, height=height, spin=0)]


def ended(
    stage: str, plugin: str = "", *, seconds: float = 1.0, workspace: str = "todo"
) -> StageFinished:
    return StageFinished(stage=stage, plugin=plugin, seconds=seconds, workspace=workspace)


def test_nothing_is_drawn_before_anything_is_known(board: Board) -> None:
    assert drawn(board) == []


def test_a_row_shows_marks_the_running_stage_its_time_and_its_last_line(
    board: Board, clock: Clock
) -> None:
    board.apply(StageStarted(stage="source", workspace="todo"))
    board.apply(ended("source", seconds=3.0))
    board.apply(StageStarted(stage="install", workspace="todo"))
    board.apply(StageOutput(stage="install", line="➤ YN0000: └ Completed", workspace="todo"))
    clock.now += 84
    assert drawn(board) == ["", "todo  ✓ - - - ⠋ ·  install    1:24  Completed"]


def test_plugins_stand_below_their_workspace_in_the_order_given(board: Board, clock: Clock) -> None:
    board.apply(PluginsKnown(plugins=("plugins/b", "plugins/a"), workspace="todo"))
    board.apply(StageStarted(stage="compile", plugin="plugins/a", workspace="todo"))
    board.apply(ended("compile", "plugins/a", seconds=2.0))
    board.apply(StageStarted(stage="export", plugin="plugins/a", workspace="todo"))
    clock.now += 10
    assert drawn(board) == [
        "",
        "todo         · · · · · ·  0/2         10s",
        "  plugins/b  · · ·",
        "  plugins/a  ✓ ⠋ ·        export      12s",
    ]


def test_a_failed_plugin_says_why_and_is_counted(board: Board) -> None:
    board.apply(PluginsKnown(plugins=("plugins/a",), workspace="todo"))
    board.apply(StageStarted(stage="export", plugin="plugins/a", workspace="todo"))
    board.apply(
        StageFinished(
            stage="export",
            plugin="plugins/a",
            seconds=4.0,
            outcome="failed",
            note="exit code 1",
            workspace="todo",
        )
    )
    assert drawn(board) == [
        "",
        "todo         · · · · · ·  1/1              1 failed",
        "  plugins/a  - ✗ ·        export       4s  exit code 1",
    ]


def test_the_workspaces_clock_stops_when_its_last_plugin_has_ended(
    board: Board, clock: Clock
) -> None:
    board.apply(PluginsKnown(plugins=("p",), workspace="todo"))
    clock.now += 5
    board.apply(ended("pack", "p"))
    clock.now += 60
    (workspace,) = board.rows()
    assert workspace.header.state == "done"
    assert workspace.header.seconds == 5


def test_an_embedded_package_has_a_row_only_while_it_is_compiled(board: Board) -> None:
    board.apply(PluginsKnown(plugins=("plugins/todo",), workspace="todo"))
    board.apply(StageStarted(stage="compile", plugin="plugins/todo-common", workspace="todo"))
    assert any("plugins/todo-common" in line for line in drawn(board))
    board.apply(ended("compile", "plugins/todo-common"))
    assert not any("plugins/todo-common" in line for line in drawn(board))


def test_pushing_adds_a_mark_once_it_is_known_to_happen(board: Board) -> None:
    board.apply(PluginsKnown(plugins=("a", "b"), workspace="todo"))
    assert drawn(board)[2].strip() == "a   · · ·"
    board.apply(StageStarted(stage="push", plugin="a", workspace="todo"))
    assert drawn(board)[3].strip() == "b   · · · ·"


def test_what_still_runs_when_the_run_is_stopped_is_marked_and_its_time_stands(
    board: Board, clock: Clock
) -> None:
    board.apply(StageStarted(stage="install", workspace="todo"))
    clock.now += 7
    board.stop()
    clock.now += 60
    assert drawn(board) == ["", "todo  - - - - ■ ·  install      7s"]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_no_line_is_wider_than_the_terminal(board: Board, width: int) -> None:
    name = "plugins/a-plugin-with-a-very-long-name-that-fits-nowhere-backend-module-日本語"
    board.apply(PluginsKnown(plugins=(name, "plugins/a"), workspace="a-long-workspace-name" * 3))
    workspace = "a-long-workspace-name" * 3
    for plugin in (name, "plugins/a"):
        board.apply(StageStarted(stage="compile", plugin=plugin, workspace=workspace))
        board.apply(
            StageOutput(stage="compile", plugin=plugin, line="日本語 " * 50, workspace=workspace)
        )
    assert max(cells(line) for line in drawn(board, width=width)) <= width


def test_a_narrow_terminal_keeps_the_names_rather_than_a_few_letters_of_output(
    board: Board,
) -> None:
    board.apply(PluginsKnown(plugins=("plugins/todo-backend",), workspace="todo"))
    board.apply(StageStarted(stage="compile", plugin="plugins/todo-backend", workspace="todo"))
    board.apply(
        StageOutput(stage="compile", plugin="plugins/todo-backend", line="x" * 50, workspace="todo")
    )
    assert drawn(board, width=60)[2] == "  plugins/todo-backend  ⠋··     compile      0s"


def test_a_low_terminal_shows_every_workspace_and_what_runs_in_it(board: Board) -> None:
    for name in ("one", "two"):
        plugins = tuple(f"plugins/{name}-{number}" for number in range(20))
        board.apply(PluginsKnown(plugins=plugins, workspace=name))
        board.apply(StageStarted(stage="export", plugin=plugins[13], workspace=name))
    lines = drawn(board, height=9)
    assert len(lines) < 9
    assert [line.split()[0] for line in lines if line] == [
        "one",
        "plugins/one-0",
        "plugins/one-13",
        "two",
        "plugins/two-13",
        "…",
        "0/2",
    ]
    assert lines[-2:] == ["  … 37 more rows", "0/2 workspaces · 0/40 plugins"]
