"""Which screen a run gets, and what the screen does with notices and questions."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factory.errors import FactoryError, Place
from factory.events import WORKSPACE, PluginSummary, RunFinished, StageOutput, StageStarted
from factory.ui.screen import screen_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from factory.ui.screen import Screen

TERMINAL = {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
STARTED = StageStarted(stage="install", workspace="todo")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Streams:
    """What a run's streams are connected to."""

    def __init__(self, *, terminal: bool = False, typed: str = "") -> None:
        kind = Terminal if terminal else io.StringIO
        self.stdin, self.stdout, self.stderr = kind(typed), kind(), kind()

    def screen(
        self,
        environment: dict[str, str] | None = None,
        *,
        log_level: str = "INFO",
        verbose: bool = False,
        redact: Callable[[str], str] = str,
    ) -> AbstractContextManager[Screen]:
        return screen_for(
            TERMINAL if environment is None else environment,
            stdin=self.stdin,
            stdout=self.stdout,
            stderr=self.stderr,
            log_level=log_level,
            verbose=verbose,
            redact=redact,
        )


def test_importing_the_screen_does_not_import_rich() -> None:
    code = "import sys, factory.ui.screen; print([m for m in sys.modules if m[:4] == 'rich'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_pipe_gets_lines_without_control_codes() -> None:
    streams = Streams()
    with streams.screen() as screen:
        screen.emit(STARTED)
        screen.show_error(FactoryError("no", hint="do this"))
    assert "todo  install    started\n" in streams.stderr.getvalue()
    assert "\x1b" not in streams.stderr.getvalue()


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {}])
def test_a_terminal_that_cannot_move_its_cursor_gets_lines(environment: dict[str, str]) -> None:
    streams = Streams(terminal=True)
    with streams.screen(environment) as screen:
        screen.emit(STARTED)
    assert "\x1b" not in streams.stderr.getvalue()


def test_a_terminal_gets_the_live_view() -> None:
    streams = Streams(terminal=True)
    with streams.screen() as screen:
        screen.emit(STARTED)
    assert "\x1b[?25l" in streams.stderr.getvalue()
    assert "started" not in streams.stderr.getvalue()


def test_no_color_takes_the_colours_and_leaves_the_view() -> None:
    streams = Streams(terminal=True)
    with streams.screen({**TERMINAL, "NO_COLOR": "1"}) as screen:
        screen.emit(STARTED)
        screen.show_error(FactoryError("no"))
    shown = streams.stderr.getvalue()
    assert "\x1b[?25l" in shown
    assert not any(f"\x1b[{code}m" in shown for code in ("31", "32", "33", "36", "1;31"))


def test_github_gets_commands_even_with_a_terminal() -> None:
    streams = Streams(terminal=True)
    with streams.screen({**TERMINAL, "GITHUB_ACTIONS": "true"}) as screen:
        assert not screen.interactive
        screen.show_error(FactoryError("no"))
    assert streams.stderr.getvalue() == "error: no\n::error title=plugin-factory::no\n"


def test_the_result_alone_goes_to_the_standard_output() -> None:
    streams = Streams()
    row = PluginSummary(plugin="p", outcome="done", artifact="p.tgz")
    with streams.screen() as screen:
        screen.emit(STARTED)
        logging.getLogger("factory.x").warning("careful")
        screen.emit(RunFinished(summaries=(row,), output_dir="/out", report="r", seconds=1))
    assert "p.tgz" in streams.stdout.getvalue()
    assert "careful" not in streams.stdout.getvalue()
    assert "p.tgz" not in streams.stderr.getvalue()


def test_notices_are_shown_from_the_level_on_and_warnings_are_kept_whatever_it_is() -> None:
    streams = Streams()
    logger = logging.getLogger("factory.x")
    with streams.screen(log_level="error") as screen:
        logger.info("a")
        logger.warning("b %s", "c")
        logger.error("d")
        assert screen.warnings == ["b c", "d"]
    assert streams.stderr.getvalue().endswith("  error: d\n")
    assert "b c" not in streams.stderr.getvalue()


def test_a_notice_about_one_of_several_workspaces_names_it() -> None:
    streams = Streams()
    with streams.screen() as screen:
        before = WORKSPACE.set("todo")
        logging.getLogger("factory.x").warning("careful")
        WORKSPACE.reset(before)
        assert screen.warnings == ["todo: careful"]
    assert streams.stderr.getvalue().endswith("  warning: todo: careful\n")


def test_the_logger_is_as_before_when_the_run_has_ended() -> None:
    logger = logging.getLogger("factory")
    before = (logger.level, list(logger.handlers))
    with contextlib.suppress(KeyboardInterrupt), Streams().screen(log_level="DEBUG"):
        assert logger.level == logging.DEBUG
        raise KeyboardInterrupt
    assert (logger.level, list(logger.handlers)) == before


def test_verbose_says_where_a_notice_is_from() -> None:
    streams = Streams()
    with streams.screen(verbose=True) as screen:
        logging.getLogger("factory.x").warning("careful")
        screen.emit(StageOutput(stage="tsc", line="child"))
    first, second = streams.stderr.getvalue().splitlines()
    assert re.search(r"  warning: careful  \(tests/ui/test_screen_choice.py:\d+\)$", first)
    assert second.endswith("| child")


def test_an_exception_is_named_and_its_traceback_kept_for_debug() -> None:
    for level, traceback in (("INFO", False), ("DEBUG", True)):
        streams = Streams()
        with streams.screen(log_level=level):
            try:
                Path("/no/such/file").read_text(encoding="utf-8")
            except OSError:
                logging.getLogger("factory.x").exception("cannot write")
        assert "cannot write" in streams.stderr.getvalue()
        assert "/no/such/file" in streams.stderr.getvalue()
        assert ("Traceback" in streams.stderr.getvalue()) is traceback


def test_secrets_are_masked_in_notices_errors_warnings_and_the_result() -> None:
    streams = Streams()
    row = PluginSummary(plugin="p", outcome="failed", error="s3cret")
    with streams.screen(redact=lambda text: text.replace("s3cret", "***")) as screen:
        logging.getLogger("factory.x").warning("token %s", "s3cret")
        screen.show_error(FactoryError("s3cret"))
        screen.emit(RunFinished(summaries=(row,), output_dir="/out", report="r", seconds=1))
        assert screen.warnings == ["token ***"]
    assert "s3cret" not in streams.stderr.getvalue() + streams.stdout.getvalue()


@pytest.mark.parametrize(
    ("typed", "said"), [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("", False)]
)
def test_only_a_clear_yes_is_a_yes(typed: str, said: bool) -> None:
    streams = Streams(terminal=True, typed=typed)
    with streams.screen() as screen:
        assert screen.interactive
        assert screen.confirm("Remove /source?") is said
    assert "Remove /source? [y/N] " in streams.stderr.getvalue()


def test_nobody_is_asked_where_nobody_is() -> None:
    streams = Streams(typed="y\n")
    with streams.screen() as screen:
        assert not screen.interactive
        assert not screen.confirm("Remove /source?")
    assert streams.stderr.getvalue() == ""


def test_a_notice_may_name_its_place_for_ci() -> None:
    streams = Streams()
    place = Place(file=Path("/w/source.json"), line=3)
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": "/w"}
    with streams.screen(environment):
        logging.getLogger("factory.x").warning("unknown key", extra={"place": place})
    assert streams.stderr.getvalue() == (
        "::warning file=source.json,line=3,title=plugin-factory::unknown key\n"
    )


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="no such level: LOUD"), Streams().screen(log_level="LOUD"):
        pass
