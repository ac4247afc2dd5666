"""A run in a log: plain lines with the time."""

from __future__ import annotations

import io
import logging
import threading

import pytest

from factory.events import PluginsKnown, RunFinished, StageFinished, StageOutput, StageStarted
from factory.ui.lines import Lines
from factory.ui.notices import Notice
from factory.ui.sink import Sink


class Log:
    """Both streams of a display of lines, at half past nine."""

    def __init__(self, *, level: int = logging.INFO, verbose: bool = False) -> None:
        self.out = io.StringIO()
        self.err = io.StringIO()
        self.display = Lines(
            out=Sink(self.out),
            log=Sink(self.err),
            level=level,
            verbose=verbose,
            now=lambda: "21:30:00",
        )

    @property
    def lines(self) -> list[str]:
        return self.err.getvalue().splitlines()


STARTED = StageStarted(stage="export", plugin="plugins/a", workspace="todo")
OUTPUT = StageOutput(
    stage="export", plugin="plugins/a", workspace="todo", line="\x1b[1mbundling\x1b[0m"
)
DONE = StageFinished(
    stage="export", plugin="plugins/a", workspace="todo", seconds=12.34, note="3 packages embedded"
)
FAILED = StageFinished(
    stage="export", plugin="plugins/a", workspace="todo", seconds=1, outcome="failed", note="exit 1"
)


def test_a_stage_has_a_line_when_it_starts_and_one_when_it_ends() -> None:
    log = Log()
    for event in (STARTED, OUTPUT, DONE):
        log.display.show(event)
    assert log.lines == [
        "21:30:00  todo/plugins/a  export     started",
        "21:30:00  todo/plugins/a  export     done in 12.3s: 3 packages embedded",
    ]


def test_columns_align_once_the_plugins_are_known() -> None:
    log = Log()
    log.display.show(PluginsKnown(plugins=("plugins/a", "plugins/long"), workspace="todo"))
    log.display.show(STARTED)
    log.display.show(StageStarted(stage="tsc"))
    assert log.lines == [
        "21:30:00  todo/plugins/a     export     started",
        "21:30:00  workspace          tsc        started",
    ]


@pytest.mark.parametrize(("level", "verbose"), [(logging.DEBUG, False), (logging.INFO, True)])
def test_what_children_print_is_shown_on_request(level: int, verbose: bool) -> None:
    log = Log(level=level, verbose=verbose)
    log.display.show(OUTPUT)
    assert log.lines == ["21:30:00  todo/plugins/a  export     | bundling"]


def test_above_info_only_failed_stages_are_shown() -> None:
    log = Log(level=logging.WARNING)
    for event in (STARTED, DONE, FAILED):
        log.display.show(event)
    assert log.lines == ["21:30:00  todo/plugins/a  export     failed after 1.0s: exit 1"]


def test_a_skipped_stage_says_why() -> None:
    log = Log()
    log.display.show(StageFinished(stage="push", seconds=0, outcome="skipped", note="not asked"))
    assert log.lines == ["21:30:00  workspace  push       skipped: not asked"]


def test_a_notice_has_its_level_and_when_verbose_its_origin() -> None:
    notice = Notice(level=logging.WARNING, message="two\nlines", origin="factory/x.py:3")
    plain, verbose = Log(), Log(verbose=True)
    plain.display.notice(notice)
    verbose.display.notice(notice)
    assert plain.lines == ["21:30:00  warning: two", "                   lines"]
    assert verbose.lines[0] == "21:30:00  warning: two  (factory/x.py:3)"


def test_the_result_goes_to_the_standard_output_and_nothing_else_does() -> None:
    log = Log()
    log.display.show(STARTED)
    assert log.out.getvalue() == ""
    log.display.show(RunFinished(summaries=(), output_dir="/outputs", report="r.json", seconds=1))
    assert "  artifacts  /outputs\n" in log.out.getvalue()
    assert "/outputs" not in log.err.getvalue()


def test_lines_of_many_threads_stay_whole() -> None:
    log = Log()

    def work() -> None:
        for _ in range(200):
            log.display.show(STARTED)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.lines == ["21:30:00  todo/plugins/a  export     started"] * 1600


def test_a_stream_that_knows_only_ascii_gets_a_plainer_line() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    Sink(stream).write("✓ plugins/日 · …\n")
    assert raw.getvalue() == b"+ plugins/? . ~\n"


def test_a_reader_that_went_away_does_not_end_the_run() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:  # noqa: ARG002
            raise BrokenPipeError

    sink = Sink(Gone())
    sink.write("first\n")
    sink.write("second\n")
