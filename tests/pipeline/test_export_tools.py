"""What exports plugins, fetched while something else is done: neither outlives the other's end."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from factory.errors import DependenciesError, Interrupted, ToolchainError
from factory.pipeline.export_tools import ExportTools, fetched_meanwhile
from factory.toolchain.rhdh_cli import RhdhCli
from factory.toolchain.runner import ProcessFailed, Runner

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENT = {"PATH": "/usr/bin:/bin"}
LONG = ("sleep", "300")


@pytest.fixture
def tools(tmp_path: Path) -> ExportTools:
    return ExportTools(rhdh_cli=RhdhCli(version="1.2.3", command=tmp_path / "rhdh-cli"))


def test_they_are_fetched_while_something_else_is_done(tools: ExportTools) -> None:
    is_installed = threading.Event()

    def fetch(_: Runner) -> ExportTools:
        assert is_installed.wait(300)
        return tools

    with fetched_meanwhile(Runner(), fetch) as fetched:
        assert not fetched.tools.done()
        is_installed.set()
        assert fetched.tools.result() is tools


def test_when_they_cannot_be_had_what_else_is_done_ends_and_their_error_is_told(
    tmp_path: Path,
) -> None:
    is_running = threading.Event()
    refusal = ToolchainError("rhdh-cli cannot be installed")

    def fetch(_: Runner) -> ExportTools:
        assert is_running.wait(300)
        time.sleep(0.2)
        raise refusal

    def build() -> None:
        with fetched_meanwhile(Runner(), fetch) as fetched:
            is_running.set()
            fetched.runner.run(LONG, cwd=tmp_path, env=ENVIRONMENT)

    started = time.monotonic()
    with pytest.raises(ToolchainError) as caught:
        build()
    assert caught.value is refusal
    assert time.monotonic() - started < 60


def test_who_waits_for_tools_that_cannot_be_had_is_ended_with_the_rest() -> None:
    refusal = ToolchainError("rhdh-cli cannot be installed")

    def fetch(_: Runner) -> ExportTools:
        raise refusal

    def build() -> None:
        with fetched_meanwhile(Runner(), fetch) as fetched:
            with pytest.raises(Interrupted, match="is not available"):
                fetched.give_to(None)  # type: ignore[arg-type]  # it does not come to that
            fetched.runner.raise_if_cancelled()

    with pytest.raises(ToolchainError) as caught:
        build()
    assert caught.value is refusal


def test_when_something_else_fails_their_fetching_ends(tmp_path: Path) -> None:
    is_running = threading.Event()
    ended: list[BaseException] = []

    def fetch(runner: Runner) -> ExportTools:
        is_running.set()
        try:
            runner.run(LONG, cwd=tmp_path, env=ENVIRONMENT)
        except BaseException as error:
            ended.append(error)
            raise
        return ExportTools()

    failure = DependenciesError("yarn install failed")

    def build() -> None:
        with fetched_meanwhile(Runner(), fetch):
            assert is_running.wait(300)
            raise failure

    started = time.monotonic()
    with pytest.raises(DependenciesError) as caught:
        build()
    assert caught.value is failure
    assert isinstance(ended[0], Interrupted)
    assert time.monotonic() - started < 60


def test_an_end_of_the_run_ends_both_with_its_own_reason(tmp_path: Path) -> None:
    runner, ctrl_c = Runner(), Interrupted("the run was ended by SIGINT")
    is_running = threading.Event()

    def fetch(theirs: Runner) -> ExportTools:
        is_running.set()
        theirs.run(LONG, cwd=tmp_path, env=ENVIRONMENT)
        return ExportTools()

    def cancel() -> None:
        assert is_running.wait(300)
        runner.cancel(ctrl_c)

    canceller = threading.Thread(target=cancel)
    canceller.start()
    with pytest.raises(Interrupted) as caught, fetched_meanwhile(runner, fetch) as fetched:
        fetched.runner.run(LONG, cwd=tmp_path, env=ENVIRONMENT)
    canceller.join()
    assert caught.value is ctrl_c


def test_a_branch_is_ended_without_the_others(tmp_path: Path) -> None:
    runner = Runner()
    with runner.branch() as one, runner.branch() as other:
        one.cancel(Interrupted("enough"))
        with pytest.raises(Interrupted, match="enough"):
            one.run(("true",), cwd=tmp_path, env=ENVIRONMENT)
        other.run(("true",), cwd=tmp_path, env=ENVIRONMENT)
        with pytest.raises(ProcessFailed):
            other.run(("false",), cwd=tmp_path, env=ENVIRONMENT)
    runner.run(("true",), cwd=tmp_path, env=ENVIRONMENT)
    runner.cancel(Interrupted("the run is over"))
    with pytest.raises(Interrupted, match="over"), runner.branch():
        pass
