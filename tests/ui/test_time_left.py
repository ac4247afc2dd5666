"""The estimate of how long a run is still going to take."""

from __future__ import annotations

import pytest

from factory.events import (
    DurationsExpected,
    PluginsKnown,
    StageFinished,
    StageStarted,
    WorkspacesKnown,
)
from factory.ui.board import Board
from factory.ui.frame import frame
from factory.ui.text import plain
from tests.ui.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def board(clock: Clock) -> Board:
    board = Board(clock)
    board.apply(
        DurationsExpected(
            workspace="todo",
            stages={"source": 10, "override": 0, "analyse": 0, "toolchain": 0, "install": 30},
            plugins={"a": {"compile": 0, "export": 20, "pack": 0}},
        )
    )
    return board


def passed(board: Board, clock: Clock, stage: str, seconds: float, plugin: str = "") -> None:
    board.apply(StageStarted(stage=stage, plugin=plugin, workspace="todo"))
    clock.now += seconds
    board.apply(
        StageFinished(stage=stage, plugin=plugin, seconds=seconds, workspace="todo", outcome="done")
    )


def test_nothing_is_said_while_nothing_is_done(board: Board, clock: Clock) -> None:
    clock.now += 60
    assert board.seconds_left() is None


def test_what_is_left_takes_as_long_as_last_time_at_the_runs_own_pace(
    board: Board, clock: Clock
) -> None:
    passed(board, clock, "source", 20.0)  # half as fast as last time
    board.apply(PluginsKnown(plugins=("a",), workspace="todo"))
    left = board.seconds_left()
    assert left is not None
    # 30 s of install, 20 s of export and a tsc of typical length, all at half the pace.
    assert left == pytest.approx(2 * (30 + 10 + 20), rel=0.05)


def test_the_estimate_shrinks_as_a_stage_goes_on_and_never_ends_before_it(
    board: Board, clock: Clock
) -> None:
    passed(board, clock, "source", 10.0)
    board.apply(PluginsKnown(plugins=("a",), workspace="todo"))
    board.apply(StageStarted(stage="install", workspace="todo"))
    seen = []
    for _ in range(3):
        clock.now += 9
        seen.append(board.seconds_left() or 0.0)
    assert seen == sorted(seen, reverse=True)
    clock.now += 600
    late = board.seconds_left()
    assert late is not None
    assert late > 0


def test_workspaces_that_have_not_begun_count(board: Board, clock: Clock) -> None:
    passed(board, clock, "source", 10.0)
    alone = board.seconds_left()
    board.apply(WorkspacesKnown(workspaces=("todo", "gitlab", "ecs")))
    together = board.seconds_left()
    assert alone
    assert together
    assert together > 2 * alone


def test_a_finished_workspace_leaves_nothing(board: Board, clock: Clock) -> None:
    board.apply(PluginsKnown(plugins=("a",), workspace="todo"))
    passed(board, clock, "source", 10.0)
    for stage in ("compile", "export", "pack"):
        passed(board, clock, stage, 1.0, plugin="a")
    assert board.seconds_left() is None


def test_the_frame_ends_with_the_estimate(board: Board) -> None:
    board.apply(PluginsKnown(plugins=("a",), workspace="todo"))
    lines = frame(board.rows(), width=80, height=24, spin=0, seconds_left=130.0)
    assert plain(lines[-1]) == "0/1 plugin · about 2:10 left"


def test_workspaces_are_listed_before_they_begin(board: Board) -> None:
    board.apply(WorkspacesKnown(workspaces=("gitlab", "todo")))
    lines = [
        plain(line).split()[0] for line in frame(board.rows(), width=80, height=24, spin=0)[1:]
    ]
    assert lines[:2] == ["todo", "gitlab"]
