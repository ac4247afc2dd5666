"""The live view: what stands on a terminal while a run goes on, and after it."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factory.errors import FactoryError
from factory.events import (
    PluginsKnown,
    PluginSummary,
    RunFinished,
    StageFinished,
    StageOutput,
    StageStarted,
)
from factory.ui.errors import message_of
from factory.ui.live import Live, console_on
from factory.ui.notices import Notice
from factory.ui.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[2]
WIDTH, HEIGHT = 80, 24
ENVIRONMENT = {"TERM": "xterm-256color", "COLUMNS": str(WIDTH), "LINES": str(HEIGHT)}
SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"
RESULT = RunFinished(
    summaries=(PluginSummary(plugin="plugins/a", outcome="done", artifact="a-1.0.0.tgz", size=9),),
    output_dir="/outputs",
    report="/outputs/build-report.json",
    seconds=3,
)

_TOKEN = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


def seen(written: str) -> list[str]:
    """What a terminal shows after ``written``: the few codes that Rich uses, understood."""
    rows, row, column = [""], 0, 0
    for code, command, newline, text in _TOKEN.findall(written):
        if newline == "\r":
            column = 0
        elif newline == "\n":
            row, column = row + 1, 0
            rows += [""] * (row + 1 - len(rows))
        elif text:
            old = rows[row].ljust(column)
            rows[row] = old[:column] + text + old[column + len(text) :]
            column += len(text)
        elif command == "A":
            row = max(row - int(code or 1), 0)
        elif command == "K":
            assert code == "2"
            rows[row] = ""
        else:
            assert command in "mhl", (code, command)
    while rows and not rows[-1].strip():
        rows.pop()
    return [line.rstrip() for line in rows]


class Stream(io.StringIO):
    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


class View:
    """A live view on a terminal, or with its result in a pipe; time stands still."""

    def __init__(self, *, piped: bool = False, level: int = 20, verbose: bool = False) -> None:
        self.err = Stream(terminal=True)
        self.out = Stream(terminal=False) if piped else self.err
        self.live = Live(
            out=console_on(Sink(self.out), ENVIRONMENT),
            screen=console_on(Sink(self.err), ENVIRONMENT),
            level=level,
            verbose=verbose,
            now=lambda: 0.0,
        )

    @property
    def screen(self) -> list[str]:
        return seen(self.err.getvalue())


@pytest.fixture
def view() -> Iterator[View]:
    view = View()
    yield view
    view.live.close()


def begin(view: View) -> None:
    view.live.show(PluginsKnown(plugins=("plugins/a", "plugins/b"), workspace="todo"))
    view.live.show(StageFinished(stage="source", seconds=1, workspace="todo"))
    view.live.show(StageStarted(stage="export", plugin="plugins/a", workspace="todo"))
    view.live.show(
        StageOutput(stage="export", plugin="plugins/a", workspace="todo", line="bundling")
    )


def test_nothing_is_written_before_the_first_stage(view: View) -> None:
    view.live.show(PluginsKnown(plugins=("plugins/a",), workspace="todo"))
    assert view.err.getvalue() == ""


def test_the_result_takes_the_place_of_the_view(view: View) -> None:
    begin(view)
    view.live.show(RESULT)
    view.live.close()
    assert view.screen == [
        "",
        "✓ plugins/a  a-1.0.0.tgz" + " " * 45 + "9 B",
        "",
        "1 plugin built in 3.0s",
        "  artifacts  /outputs",
        "  report     /outputs/build-report.json",
    ]


def test_with_its_result_in_a_pipe_the_terminal_keeps_the_last_state(view: View) -> None:
    view = View(piped=True)
    begin(view)
    view.live.show(RESULT)
    view.live.close()
    assert "a-1.0.0.tgz" in view.out.getvalue()
    assert "\x1b" not in view.out.getvalue()
    assert view.screen[2] == "  plugins/a  -■·     export       0s  bundling"


def test_a_notice_stands_above_the_view(view: View) -> None:
    begin(view)
    view.live.notice(Notice(level=30, message="careful"))
    view.live.close()
    assert view.screen[0] == "warning: careful"
    assert view.screen[2].startswith("todo ")


def test_markup_in_messages_is_text(view: View) -> None:
    view.live.notice(Notice(level=20, message="[red]not markup[/red] :smile:"))
    assert view.screen == ["[red]not markup[/red] :smile:"]


def test_an_error_stands_below_the_last_state_of_the_view(view: View) -> None:
    begin(view)
    view.live.error(message_of(FactoryError("it broke", hint="mend it"), str))
    view.live.close()
    assert view.screen[-3:] == ["", "error: it broke", "  try  mend it"]
    assert view.screen[2] == "  plugins/a  -■·     export       0s  bundling"
    assert "\x1b[1;31merror: it broke" in view.err.getvalue()


def test_a_question_is_asked_without_the_view_which_then_returns(view: View) -> None:
    begin(view)
    shown: list[list[str]] = []

    def answer() -> str:
        shown.append(view.screen)
        assert view.err.getvalue().rfind(SHOW_CURSOR) > view.err.getvalue().rfind(HIDE_CURSOR)
        view.err.write("y\n")
        return "y\n"

    assert view.live.ask("Sure? ", answer) == "y\n"
    assert shown == [["Sure?"]]
    assert any("plugins/a" in line for line in view.screen)


def test_what_children_print_is_shown_above_when_asked_for() -> None:
    view = View(verbose=True)
    begin(view)
    view.live.close()
    assert view.screen[0] == "todo/plugins/a export │ bundling"


def test_the_cursor_is_hidden_while_it_draws_and_back_at_the_end(view: View) -> None:
    begin(view)
    assert view.err.getvalue().count(HIDE_CURSOR) == 1
    view.live.close()
    assert view.err.getvalue().rfind(SHOW_CURSOR) > view.err.getvalue().rfind(HIDE_CURSOR)


def test_late_events_draw_nothing_any_more(view: View) -> None:
    begin(view)
    view.live.close()
    before = view.err.getvalue()
    view.live.show(StageStarted(stage="pack", plugin="plugins/a", workspace="todo"))
    assert view.err.getvalue() == before


@pytest.fixture
def _hasty_threads() -> Iterator[None]:
    """Threads that take turns so often that what is not locked goes wrong."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_hasty_threads")
def test_many_threads_leave_one_whole_frame(view: View) -> None:
    begin(view)

    def work(number: int) -> None:
        for _ in range(30):
            # Packages come and go, so that the frame's height changes all the time.
            plugin = f"packages/{number}"
            view.live.show(StageStarted(stage="export", plugin=plugin, workspace="todo"))
            view.live.notice(Notice(level=30, message=f"notice {number}"))
            view.live.show(
                StageFinished(stage="export", plugin=plugin, seconds=1, workspace="todo")
            )

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    view.live.close()
    assert sorted(view.screen[:-4]) == sorted(
        f"warning: notice {n}" for n in range(6) for _ in range(30)
    )
    assert view.screen[-4:] == [
        "",
        "todo         ✓·····  0/2",
        "  plugins/a  -■·     export       0s  bundling",
        "  plugins/b  ···",
    ]


SCRIPT = """
import os, sys, time
from factory.errors import CompileError
from factory.events import *
from factory.ui.screen import screen_for

with screen_for(dict(os.environ), stdout=sys.stdout, stderr=sys.stderr) as screen:
    screen.emit(PluginsKnown(plugins=("plugins/a",), workspace="todo"))
    screen.emit(StageStarted(stage="tsc", workspace="todo"))
    screen.emit(StageOutput(stage="tsc", workspace="todo", line="checking"))
    time.sleep(0.5)
    if sys.argv[1] == "raise":
        raise KeyboardInterrupt
    if sys.argv[1] == "error":
        screen.show_error(CompileError("yarn tsc failed"))
        sys.exit(8)
    screen.emit(StageFinished(stage="tsc", workspace="todo", seconds=0.5))
    summary = PluginSummary(plugin="plugins/a", outcome="done", artifact="a-1.0.0.tgz")
    screen.emit(RunFinished(summaries=(summary,), output_dir="/o", report="/o/r.json", seconds=1))
"""


def in_a_terminal(how: str, *, variables: dict[str, str] | None = None) -> str:
    """Run the script in a pseudo-terminal and return all that it wrote to it."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(PROJECT),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        **(variables or {}),
    }
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, how],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
    ):
        os.close(theirs)
        written = b""
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # Linux says EIO when the last writer has gone
                break
            if not chunk:
                break
            written += chunk
    os.close(ours)
    return written.decode()


@pytest.mark.parametrize("how", ["finish", "error", "raise"])
def test_a_real_terminal_has_its_cursor_back_whatever_ended_the_run(how: str) -> None:
    written = in_a_terminal(how)
    assert HIDE_CURSOR in written
    assert written.rfind(SHOW_CURSOR) > written.rfind(HIDE_CURSOR)


def test_a_real_terminal_shows_the_result_in_the_end() -> None:
    assert seen(in_a_terminal("finish")) == [
        "",
        "✓ plugins/a  a-1.0.0.tgz",
        "",
        "1 plugin built in 1.0s",
        "  artifacts  /o",
        "  report     /o/r.json",
    ]


def test_a_real_terminal_keeps_the_last_state_above_an_error() -> None:
    assert seen(in_a_terminal("error")) == [
        "",
        "todo         -----■  tsc          0s  checking",
        "  plugins/a  ···",
        "",
        "error: yarn tsc failed",
    ]


def test_a_dumb_terminal_gets_lines() -> None:
    written = in_a_terminal("finish", variables={"TERM": "dumb"})
    assert "\x1b" not in written
    assert "todo            tsc        started\r\n" in written


def test_redraws_are_at_most_eight_a_second() -> None:
    # Half a second of waiting: five redraws at most, and those of the beginning and the end.
    assert in_a_terminal("finish").count("checking") <= 7


def test_pipes_get_no_control_codes() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "error"],
        capture_output=True,
        env={**ENVIRONMENT, "PYTHONPATH": str(PROJECT), "FORCE_COLOR": "1"},
        check=False,
    )
    assert b"yarn tsc failed" in done.stderr
    assert b"\x1b" not in done.stdout + done.stderr
