"""A run on GitHub Actions: a foldable group a stage, and annotations for warnings and errors.

A group is printed whole when its stage has ended, since groups cannot be told apart when several
stages print at once. The commands are those of
https://docs.github.com/actions/reference/workflow-commands-for-github-actions.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict, deque
from pathlib import Path
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
from factory.outside_text import clean
from factory.ui.errors import error_lines
from factory.ui.lines import describe_end
from factory.ui.notices import notice_lines
from factory.ui.stages import subject
from factory.ui.summary import summary
from factory.ui.text import (
    MARKS,
    show_raw,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from factory.errors import Place
    from factory.events import Event
    from factory.ui.errors import ErrorMessage
    from factory.ui.notices import Notice
    from factory.ui.sink import Sink
    from factory.ui.text import Line

MOST_GROUP_LINES = 20_000


class GitHub:
    """Shows a run in the log of a GitHub Actions job; safe to use from many threads.

    Args:
        out: where the result goes.
        log: where everything else goes.
        level: from INFO on all stages have a group; above, only those that fail.
        verbose: whether notices say which line of the program they come from.
        checkout: the folder that GitHub checked the repository out to (GITHUB_WORKSPACE):
            annotations are shown at files inside it only when they are named relative to it.
    """

    def __init__(
        self,
        *,
        out: Sink,
        log: Sink,
        level: int,
        verbose: bool,
        checkout: Path | None = None,
    ) -> None:
        self._out = out
        self._log = log
        self._level = level
        self._verbose = verbose
        self._checkout = checkout
        self._lock = threading.Lock()
        self._output = _no_output()

    def show(self, event: Event) -> None:
        """Keep what a child prints, and print it when its stage has ended."""
        match event:
            case PluginsKnown():
                pass
            case StageStarted():
                # The long stages of a workspace would otherwise look as if nothing went on.
                if not event.plugin and self._level <= logging.INFO:
                    self._log.write(f"{show_raw(f'{subject(event)}  {event.stage}  started')}\n")
            case StageOutput():
                with self._lock:
                    self._output[subject(event), event.stage].append(event.line)
            case StageFinished():
                self._group(event)
            case WorkspacesKnown() | DurationsExpected():
                pass
            case RunFinished():
                self._result(event)

    def notice(self, notice: Notice) -> None:
        """Annotate a warning or an error; print any other notice as a line."""
        if notice.level < logging.WARNING:
            self._print(notice_lines(notice, verbose=self._verbose))
            return
        text = notice.message
        if self._verbose and notice.origin:
            text += f"\n({notice.origin})"
        command = "error" if notice.level >= logging.ERROR else "warning"
        self._annotate(command, text, title="plugin-factory", place=notice.place)

    def error(self, message: ErrorMessage) -> None:
        """Annotate the place that the error is about, and print the whole error to the log."""
        told = [f"{name}: {value}" for name, value in message.facts if name != "in"]
        hint = [f"try: {message.hint}"] if message.hint else []
        text = "\n".join([message.problem, *told, *hint])
        self._print(error_lines(message))
        self._annotate("error", text, title="plugin-factory", place=message.place)

    def ask(self, question: str, answer: Callable[[], str]) -> str:
        """Write a question and return the line that is the answer."""
        self._log.write(question)
        return answer()

    def close(self) -> None:
        """Print what stages that have not ended (the run was cancelled) had to say."""
        with self._lock:
            left, self._output = self._output, _no_output()
        if self._level <= logging.INFO:
            for (about, stage), lines in left.items():
                self._write_group(f"{MARKS['stopped'].text} {about}  {stage}  not finished", lines)

    def _group(self, event: StageFinished) -> None:
        with self._lock:
            lines = self._output.pop((subject(event), event.stage), deque())
        if self._level > (logging.ERROR if event.outcome == "failed" else logging.INFO):
            return
        mark = MARKS[event.outcome].text
        self._write_group(f"{mark} {subject(event)}  {event.stage}  {describe_end(event)}", lines)

    def _write_group(self, title: str, lines: deque[str]) -> None:
        """Print a group at once; one without any output would be an empty fold, so it is a line."""
        if not lines:
            self._log.write(f"{show_raw(title)}\n")
            return
        body = [show_raw(line) for line in lines]
        if len(body) == MOST_GROUP_LINES:
            body.insert(0, f"… only the last {MOST_GROUP_LINES} lines; the log file has all")
        text = "\n".join([f"::group::{escape(show_raw(title))}", *body, "::endgroup::"])
        self._log.write(f"{text}\n")

    def _result(self, event: RunFinished) -> None:
        for row in event.summaries:
            if row.outcome == "failed":
                about = subject(row)
                text = "\n".join(filter(None, [row.error, row.log and f"log: {row.log}"]))
                self._annotate("error", text or "failed", title=f"{about} was not built")
        self._out.lines(summary(event))

    def _annotate(self, command: str, text: str, *, title: str, place: Place | None = None) -> None:
        self._log.write(annotation(command, text, title=title, place=place, base=self._checkout))

    def _print(self, lines: list[Line]) -> None:
        self._log.lines(lines)


def _no_output() -> defaultdict[tuple[str, str], deque[str]]:
    return defaultdict(lambda: deque(maxlen=MOST_GROUP_LINES))


def annotation(
    command: str, text: str, *, title: str, place: Place | None = None, base: Path | None = None
) -> str:
    """Return the line that makes an annotation: ``command`` is error, warning or notice."""
    properties: dict[str, object] = {}
    if place:
        file = place.file
        inside = base is not None and file.is_relative_to(base)
        properties["file"] = file.relative_to(base) if base and inside else file
        properties |= {"line": place.line, "col": place.column}
    properties["title"] = title
    told = ",".join(
        f"{name}={escape_property(clean(str(value)))}"
        for name, value in properties.items()
        if value
    )
    message = "\n".join(clean(line) for line in text.split("\n"))
    return f"::{command} {told}::{escape(message)}\n"


def escape(text: str) -> str:
    """Return a command's message as the runner reads it (``actions/toolkit``, ``escapeData``)."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """Return a command's property as the runner reads it (``escapeProperty``)."""
    return escape(text).replace(":", "%3A").replace(",", "%2C")


def checkout_of(environment: Mapping[str, str]) -> Path | None:
    """Return the folder of the checkout, if GitHub says one."""
    checkout = environment.get("GITHUB_WORKSPACE")
    return Path(checkout) if checkout else None
