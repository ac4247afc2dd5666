"""Plain timestamped lines, for logs and pipes: what happened, in the order in which it happened.

::

    21:09:40  todo                       install    started
    21:11:04  todo                       install    done in 84.2s
    21:11:05  todo/plugins/todo          export     failed after 12.0s: exit code 1
    21:11:05  warning: 2 unknown keys in /config/source.json

A line stands alone: it names its workspace and plugin, so that ``grep`` finds one among many that
run at once.
"""

from __future__ import annotations

import logging
import time
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
from factory.ui.errors import error_lines
from factory.ui.notices import notice_lines
from factory.ui.stages import STAGE_WIDTH, subject
from factory.ui.summary import summary
from factory.ui.text import Span, pad, printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from factory.events import Event
    from factory.ui.errors import ErrorMessage
    from factory.ui.notices import Notice
    from factory.ui.sink import Sink

_WIDEST_SUBJECT = 40


class Lines:
    """Shows a run as lines; safe to use from many threads, since each line is written at once.

    Args:
        out: where the result goes.
        log: where everything else goes.
        level: what is shown of the progress: from INFO on the stages, from DEBUG on (or with
            ``verbose``) what the child processes print; above INFO only the stages that fail.
        verbose: whether notices say which line of the program they come from.
        now: returns the time of day as text.
    """

    def __init__(
        self,
        *,
        out: Sink,
        log: Sink,
        level: int,
        verbose: bool,
        now: Callable[[], str] = lambda: time.strftime("%H:%M:%S"),
    ) -> None:
        self._out = out
        self._log = log
        self._level = level
        self._verbose = verbose
        self._now = now
        self._subject_width = 0

    def show(self, event: Event) -> None:
        """Write what there is to say about an event."""
        match event:
            case PluginsKnown():
                names = (f"{event.workspace}/{plugin}".strip("/") for plugin in event.plugins)
                longest = max((len(name) for name in names), default=0)
                self._subject_width = max(self._subject_width, min(longest, _WIDEST_SUBJECT))
            case StageStarted():
                if self._level <= logging.INFO:
                    self._line(event, "started")
            case StageOutput():
                if self._level <= logging.DEBUG or self._verbose:
                    self._line(event, f"| {printable(event.line)}")
            case StageFinished():
                if self._level <= (logging.ERROR if event.outcome == "failed" else logging.INFO):
                    self._line(event, describe_end(event))
            case WorkspacesKnown() | DurationsExpected():
                pass
            case RunFinished():
                self._out.lines(summary(event))

    def notice(self, notice: Notice) -> None:
        """Write a notice; only its first line has the time."""
        for index, line in enumerate(notice_lines(notice, verbose=self._verbose)):
            start = self._now() if index == 0 else ""
            self._log.lines([(Span(f"{start:8}  "), *line)])

    def error(self, message: ErrorMessage) -> None:
        """Write an error, without a timestamp: it is for reading, not for sorting."""
        self._log.lines(error_lines(message))

    def ask(self, question: str, answer: Callable[[], str]) -> str:
        """Write a question and return the line that is the answer."""
        self._log.write(question)
        return answer()

    def close(self) -> None:
        """Nothing is left open."""

    def _line(self, event: StageStarted | StageOutput | StageFinished, what: str) -> None:
        about = pad(printable(subject(event)), self._subject_width)
        line = (Span(f"{self._now()}  {about}  {pad(event.stage, STAGE_WIDTH)}  {what}"),)
        self._log.lines([line])


def describe_end(event: StageFinished) -> str:
    """Return how a stage ended, in words: ``failed after 12.0s: exit code 1``."""
    note = f": {printable(event.note)}" if event.note else ""
    if event.outcome == "skipped":
        return f"skipped{note}"
    how = "done in" if event.outcome == "done" else "failed after"
    return f"{how} {event.seconds:.1f}s{note}"
