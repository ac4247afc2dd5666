"""The screen of a run: chosen once, from what stands at the other end of the streams.

Progress, notices, questions and errors go to the standard error; the result (what was made, and
where it is) goes to the standard output. So ``plugin-factory build > result.txt`` still shows what
goes on, and a pipe gets nothing but the result.

==============================  ==========================================================
``GITHUB_ACTIONS=true``         groups and annotations (:mod:`factory.ui.github`)
stderr is a terminal            a view that is redrawn in place (:mod:`factory.ui.live`)
anything else, ``TERM=dumb``    timestamped lines without colour (:mod:`factory.ui.lines`)
==============================  ==========================================================

``NO_COLOR`` takes the colours out of the live view and leaves the view (https://no-color.org).
"""

from __future__ import annotations

import contextlib
import logging
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TextIO

from factory.events import RunFinished
from factory.ui.errors import ErrorMessage, message_of
from factory.ui.github import GitHub, checkout_of
from factory.ui.lines import Lines
from factory.ui.notices import Notice, notices
from factory.ui.sink import Sink
from factory.ui.text import show_raw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from factory.errors import FactoryError
    from factory.events import Event

_YES = frozenset({"y", "yes"})


class Display(Protocol):
    """One way to show a run; every method may be called from any thread."""

    def show(self, event: Event) -> None:
        """Show an event."""

    def notice(self, notice: Notice) -> None:
        """Show a notice."""

    def error(self, message: ErrorMessage) -> None:
        """Show an error."""

    def ask(self, question: str, answer: Callable[[], str]) -> str:
        """Show a question and return what ``answer`` returns."""

    def close(self) -> None:
        """Leave everything as it was found."""


class Screen:
    """What a command has of the screen.

    Attributes:
        interactive: whether somebody is there who can answer a question.
        warnings: the warnings and errors that were said so far, for the report.
    """

    def __init__(
        self,
        display: Display,
        *,
        warnings: list[str],
        stdin: TextIO,
        interactive: bool,
        redact: Callable[[str], str],
    ) -> None:
        self.interactive = interactive
        self.warnings = warnings
        self._display = display
        self._stdin = stdin
        self._redact = redact

    def emit(self, event: Event) -> None:
        """Show an event; any thread may call this, also after the run."""
        if isinstance(event, RunFinished):
            rows = (replace(row, error=self._redact(row.error)) for row in event.summaries)
            event = replace(event, summaries=tuple(rows))
        self._display.show(event)

    def show_error(self, error: FactoryError) -> None:
        """Show what went wrong and what to do next; the live view ends with its last state."""
        self._display.error(message_of(error, self._redact))

    def confirm(self, question: str) -> bool:
        """Return whether the user says yes; nobody there, an end of input or no answer is a no."""
        if not self.interactive:
            return False
        said = self._display.ask(f"{self._ask(question)} [y/N] ", self._stdin.readline)
        return said.strip().lower() in _YES

    def ask(self, question: str) -> str | None:
        """Return the user's answer in one line, "" for an empty one; None at an end of input.

        The question may have several lines; nothing is asked where nobody is there.
        """
        if not self.interactive:
            return None
        said = self._display.ask(f"{self._ask(question)} ", self._stdin.readline)
        return said.strip() if said else None

    def _ask(self, question: str) -> str:
        return "\n".join(show_raw(self._redact(line)) for line in question.split("\n"))


@contextlib.contextmanager
def screen_for(
    environment: Mapping[str, str],
    *,
    stdout: TextIO,
    stderr: TextIO,
    stdin: TextIO | None = None,
    log_level: str = "INFO",
    verbose: bool = False,
    redact: Callable[[str], str] = str,
) -> Iterator[Screen]:
    """Yield the screen that fits the streams, and show what the logger ``factory`` says on it.

    The terminal is as it was when the context ends, whatever ended it.

    Args:
        environment: the variables that decide: GITHUB_ACTIONS, TERM, NO_COLOR, COLUMNS, LINES.
        stdout: gets the result.
        stderr: gets everything else.
        stdin: answers questions; the process's own unless given.
        log_level: the least urgent notices to show: DEBUG, INFO, WARNING, ERROR or CRITICAL. Where
            progress is written as lines it counts as INFO, a failed stage as ERROR, and what child
            processes print as DEBUG.
        verbose: show what child processes print, and which line of the program a notice is from.
        redact: masks secrets in notices, errors and the result; the text of other events is
            masked where it is made.

    Raises:
        ValueError: there is no such level.
    """
    level = logging.getLevelNamesMapping().get(log_level.upper())
    if level is None:
        raise ValueError(f"no such level: {log_level}")
    answers = sys.stdin if stdin is None else stdin
    out, log = Sink(stdout), Sink(stderr)
    display = _display_for(environment, out=out, log=log, level=level, verbose=verbose)
    interactive = log.isatty() and _is_terminal(answers) and not _on_github(environment)
    with notices(display.notice, level=level, redact=redact) as warnings:
        try:
            yield Screen(
                display,
                warnings=warnings,
                stdin=answers,
                interactive=interactive,
                redact=redact,
            )
        finally:
            display.close()


def _display_for(
    environment: Mapping[str, str],
    *,
    out: Sink,
    log: Sink,
    level: int,
    verbose: bool,
) -> Display:
    if _on_github(environment):
        checkout = checkout_of(environment)
        return GitHub(out=out, log=log, level=level, verbose=verbose, checkout=checkout)
    if log.isatty() and log.draws and environment.get("TERM", "dumb") not in ("dumb", "unknown"):
        from factory.ui.live import Live, console_on  # noqa: PLC0415 - Rich is for terminals

        return Live(
            out=console_on(out, environment),
            screen=console_on(log, environment),
            level=level,
            verbose=verbose,
        )

    return Lines(out=out, log=log, level=level, verbose=verbose)


def _on_github(environment: Mapping[str, str]) -> bool:
    return environment.get("GITHUB_ACTIONS") == "true"


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # no standard input at all, or a closed one
        return False
