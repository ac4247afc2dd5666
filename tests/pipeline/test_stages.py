"""The stages of a run: told, timed, and each with a log file of its own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from factory.errors import ExportError
from factory.events import WORKSPACE, Event, StageFinished, StageOutput, StageStarted
from factory.pipeline.stages import Stages
from factory.scheduling.budget import (
    Budget,
    Claim,
)
from factory.threads import InheritingPool

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def told() -> list[Event]:
    return []


@pytest.fixture
def stages(tmp_path: Path, told: list[Event]) -> Stages:
    (tmp_path / "logs").mkdir()
    return Stages(tmp_path, told.append)


def test_a_stage_is_told_from_its_start_to_its_end(stages: Stages, told: list[Event]) -> None:
    with stages.stage("export", "plugins/todo") as stage:
        stage.on_line("a line")
        stage.note = "all well"
    started, line, finished = told
    assert started == StageStarted(stage="export", plugin="plugins/todo")
    assert line == StageOutput(stage="export", plugin="plugins/todo", line="a line")
    assert isinstance(finished, StageFinished)
    assert (finished.outcome, finished.note) == ("done", "all well")
    assert finished.seconds >= 0


def test_a_stage_that_fails_says_why_and_passes_it_on(stages: Stages, told: list[Event]) -> None:
    error = ExportError("rhdh-cli refuses", details="at length")
    with pytest.raises(ExportError) as caught, stages.stage("export"):
        raise error
    assert caught.value is error
    finished = told[-1]
    assert isinstance(finished, StageFinished)
    assert (finished.outcome, finished.note) == ("failed", "rhdh-cli refuses")


def test_an_interrupt_ends_a_stage_as_failed(stages: Stages, told: list[Event]) -> None:
    with pytest.raises(KeyboardInterrupt), stages.stage("export"):
        raise KeyboardInterrupt
    assert isinstance(told[-1], StageFinished)
    assert told[-1].outcome == "failed"


@pytest.mark.parametrize(
    ("stage", "plugin", "file"),
    [
        ("install", "", "install.log"),
        ("export", "plugins/todo", "plugins-todo.export.log"),
        ("export", "plugins/todo.v2", "plugins-todo.v2.export.log"),
        ("pack", ".", "root.pack.log"),
        ("compile", "packages/a b/ü", "packages-a-b.compile.log"),
    ],
)
def test_a_stage_has_a_log_called_after_it(
    stages: Stages, tmp_path: Path, stage: str, plugin: str, file: str
) -> None:
    with stages.stage(stage, plugin) as opened:
        assert opened.log == tmp_path / "logs" / file


def test_the_log_of_an_earlier_run_is_not_added_to(stages: Stages, tmp_path: Path) -> None:
    old = tmp_path / "logs/install.log"
    old.write_text("of yesterday")
    with stages.stage("install"):
        assert not old.exists()


def test_wall_times_are_kept_for_each_plugin_and_for_the_workspace(stages: Stages) -> None:
    with stages.stage("install"), stages.stage("export", "plugins/todo"):
        pass
    assert set(stages.seconds()) == {"install"}
    assert set(stages.seconds("plugins/todo")) == {"export"}
    assert set(stages.seconds("plugins/other")) == set()


def test_two_plugins_never_share_a_log(stages: Stages) -> None:
    names = []
    for plugin in ("plugins/a-b", "plugins/a/b", "plugins/a-b"):
        with stages.stage("export", plugin) as stage:
            names.append(stage.log.name)
    assert names == ["plugins-a-b.export.log", "plugins-a-b-2.export.log", "plugins-a-b.export.log"]


def test_a_stage_that_is_run_again_adds_to_its_log_and_its_time(
    stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 2.0, 10.0, 13.0])
    monkeypatch.setattr("factory.pipeline.stages.time.monotonic", lambda: next(clock))
    for attempt in ("first", "second"):
        with stages.stage("export", "plugins/todo") as stage, stage.log.open("a") as log:
            log.write(f"{attempt}\n")
    assert stage.log.read_text() == "first\nsecond\n"
    assert stages.seconds("plugins/todo") == {"export": 5.0}


def test_a_stage_waits_for_its_turn_before_it_says_that_it_has_started(
    tmp_path: Path, told: list[Event]
) -> None:
    (tmp_path / "logs").mkdir()
    budget = Budget(cores=1, memory=1)
    stages = Stages(tmp_path, told.append, budget)

    def install() -> None:
        with stages.stage("install"):
            pass

    with budget.use(Claim(cores=1)):
        thread = threading.Thread(target=install)
        thread.start()
        with stages.stage("source"):  # it only waits for a network, so it takes nothing
            pass
        thread.join(0.15)
        assert [event.stage for event in told if isinstance(event, StageStarted)] == ["source"]
    thread.join(30)
    assert [event.stage for event in told if isinstance(event, StageStarted)] == [
        "source",
        "install",
    ]


def test_the_threads_of_a_workspace_know_which_one_it_is() -> None:
    before = WORKSPACE.set("todo")
    try:
        with InheritingPool(1) as pool:
            assert pool.submit(WORKSPACE.get).result() == "todo"
    finally:
        WORKSPACE.reset(before)
