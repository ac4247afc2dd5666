"""The live view on a terminal: one row a plugin, redrawn in place while the run goes on.

Only this module knows Rich, and it is imported only when somebody looks at a terminal. One lock
orders everything that is painted: a notice printed by one thread while another redraws would leave
the cursor on the wrong line.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, cast

from rich.console import Console
from rich.live import Live as RichLive
from rich.segment import Segment
from rich.text import Text
from rich.theme import Theme

from factory.events import RunFinished, StageFinished, StageOutput, StageStarted
from factory.ui.board import Board
from factory.ui.errors import error_lines
from factory.ui.frame import SPINS_PER_SECOND, frame
from factory.ui.notices import notice_lines
from factory.ui.stages import subject
from factory.ui.summary import summary
from factory.ui.text import Span, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TextIO

    from rich.console import ConsoleOptions, RenderResult

    from factory.events import Event
    from factory.ui.errors import ErrorMessage
    from factory.ui.notices import Notice
    from factory.ui.sink import Sink
    from factory.ui.text import Line

THEME = Theme(
    {
        "good": "green",
        "bad": "red",
        "warn": "yellow",
        "accent": "cyan",
        "strong": "bold",
        "dim": "dim",
        "problem": "bold red",
    },
    inherit=False,
)


def console_on(sink: Sink, environment: Mapping[str, str]) -> Console:
    """Return a console that takes nothing from the process's environment but what is given."""
    return Console(
        file=cast("TextIO", sink),
        theme=THEME,
        highlight=False,
        markup=False,
        emoji=False,
        force_terminal=sink.isatty(),
        force_jupyter=False,
        legacy_windows=False,
        _environ=environment,
    )


class Live:
    """Shows a run on a terminal; safe to use from many threads.

    The view appears with the first stage. At the end of a run it makes room for the result; when a
    run ends in any other way its last state stays, as the context of the error below it.

    Args:
        out: the console for the result; a pipe gets it without colours.
        screen: the console for everything else.
        level: what child processes print is shown above the view from DEBUG on.
        verbose: the same, and notices say which line of the program they come from.
        now: returns seconds, only growing.
    """

    def __init__(
        self,
        *,
        out: Console,
        screen: Console,
        level: int,
        verbose: bool,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._out = out
        self._screen = screen
        self._verbose = verbose
        self._show_output = verbose or level <= logging.DEBUG
        self._now = now
        self._board = Board(now)
        self._paint_lock = threading.RLock()
        self._queue_lock = threading.Lock()
        self._queued: list[Line] = []
        self._live: RichLive | None = None
        self._closed = False
        self._last = False
        self._result_shown = False
        self._leaving = threading.Event()

    def show(self, event: Event) -> None:
        """Take an event in; the next redraw shows it."""
        self._board.apply(event)
        match event:
            case StageStarted():
                self._begin()
            case StageOutput():
                if self._show_output:
                    about = Span(f"{subject(event)} {event.stage} │ ", "dim")
                    self._queue((about, Span(printable(event.line))))
            case StageFinished():
                pass
            case RunFinished():
                self._end(keep=not self._out.is_terminal)
                width = self._out.width if self._out.is_terminal else None
                lines = summary(event, width=width) if width else summary(event)
                print_on(self._out, lines)
                self._result_shown = self._out.is_terminal

    def notice(self, notice: Notice) -> None:
        """Print a notice above the view."""
        self._print(notice_lines(notice, verbose=self._verbose))

    def error(self, message: ErrorMessage) -> None:
        """Leave the view as it is and print an error below it."""
        with self._paint_lock:
            if self._end(keep=True) or self._result_shown:
                self._screen.line()
            self._print(error_lines(message))

    def ask(self, question: str, answer: Callable[[], str]) -> str:
        """Take the view away while a question is answered; the answer is one line."""
        with self._paint_lock:
            shown = self._end(keep=False)
            self._screen.print(Text(question, style="accent"), end="", soft_wrap=True)
            try:
                return answer()
            finally:
                if shown:
                    self._begin()

    def close(self) -> None:
        """Give the terminal back, with its cursor; nothing is drawn from now on."""
        with self._paint_lock:
            self._closed = True
            try:
                self._end(keep=True)
            finally:
                # Once more, for a second Ctrl-C in the midst of the above.
                if self._screen.is_terminal:
                    self._screen.show_cursor(True)

    def _begin(self) -> None:
        with self._paint_lock:
            if self._live or self._closed:
                return
            self._last = False
            self._live = RichLive(
                console=self._screen,
                auto_refresh=False,
                vertical_overflow="crop",
                redirect_stdout=self._out.is_terminal,
                get_renderable=lambda: _Frame(self._board, self._now, last=self._last),
            )
            self._live.start(refresh=True)
            self._leaving = threading.Event()
            painter = threading.Thread(
                target=self._paint, args=(self._leaving,), name="screen", daemon=True
            )
            painter.start()

    def _end(self, *, keep: bool) -> bool:
        """Stop drawing, and leave the last frame or not. Returns whether there was one."""
        with self._paint_lock:
            live, self._live = self._live, None
            if live is None:
                return False
            self._leaving.set()
            self._print_queued()
            if keep:
                self._board.stop()
            live.transient, self._last = not keep, keep
            live.stop()
            return True

    def _paint(self, leaving: threading.Event) -> None:
        while not leaving.wait(1 / SPINS_PER_SECOND):
            with self._paint_lock:
                if self._live and not leaving.is_set():
                    self._print_queued()
                    self._live.refresh()

    def _print(self, lines: Iterable[Line]) -> None:
        with self._paint_lock:
            self._print_queued()
            print_on(self._screen, lines)

    def _queue(self, line: Line) -> None:
        """Print a line with the next redraw: a child that prints fast does not wait for us."""
        with self._queue_lock:
            self._queued.append(line)
        if self._live is None:
            self._print(())

    def _print_queued(self) -> None:
        with self._queue_lock:
            queued, self._queued = self._queued, []
        print_on(self._screen, queued)


class _Frame:
    """The board as it stands when it is drawn, laid out for the size of the terminal then."""

    def __init__(self, board: Board, now: Callable[[], float], *, last: bool) -> None:
        self._board = board
        self._now = now
        self._last = last

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = frame(
            self._board.rows(),
            width=options.max_width,
            height=None if self._last else console.height,
            spin=int(self._now() * SPINS_PER_SECOND),
            seconds_left=None if self._last else self._board.seconds_left(),
        )
        # Segments, not Text: this runs several times a second for hours, and wraps nothing. Rich
        # crops what is too wide: a wrapped line would be one more than the next redraw takes back.
        styles = {name: console.get_style(name) for name in THEME.styles}
        for line in lines:
            for span in line:
                yield Segment(span.text, styles.get(span.style))
            yield Segment.line()


def rich_text(line: Line) -> Text:
    """Return a line as Rich has it."""
    text = Text(end="")
    for span in line:
        text.append(span.text, style=span.style or None)
    text.rstrip()
    return text


def print_on(console: Console, lines: Iterable[Line]) -> None:
    """Print lines in one piece, unwrapped: a terminal wraps them so that they copy as one."""
    shown = [rich_text(line) for line in lines]
    if shown:
        console.print(Text("\n", end="").join(shown), soft_wrap=True)
