"""What the program says through :mod:`logging`, brought to the screen for the time of a run.

In a run of several workspaces a message begins with the name of the one that it is about.

Code that has a warning about a user's file may give its place, and a CI will show it there::

    logger.warning("unknown key 'reff'", extra={"place": Place(file=path, line=3)})
"""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import factory
from factory.errors import Place
from factory.events import WORKSPACE
from factory.said_warnings import LOGGER, listening, message_of
from factory.ui.text import Line, Span, Style, printable
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PACKAGE_ROOT = Path(factory.__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """A message for people: its level as in :mod:`logging`, and ``origin``, the line that said it.

    ``place`` is the place in the user's files that it is about.
    """

    level: int
    message: str
    origin: str = ""
    place: Place | None = None

    @property
    def word(self) -> str:
        """The level as a word: ``warning``."""
        return logging.getLevelName(self.level).lower()


def notice_lines(notice: Notice, *, verbose: bool) -> list[Line]:
    """Return a notice as lines; all but INFO say their level, ``verbose`` adds who says it."""
    styles: dict[int, Style] = {logging.WARNING: "warn", logging.DEBUG: "dim"}
    style = styles.get(notice.level, "bad" if notice.level >= logging.ERROR else "")
    first, *more = [printable(line) for line in notice.message.splitlines()] or [""]
    label = "" if notice.level == logging.INFO else f"{notice.word}: "
    origin = f"  ({notice.origin})" if verbose and notice.origin else ""
    indent = " " * len(label)
    text: Style = "dim" if notice.level <= logging.DEBUG else ""
    return [
        (Span(label, style), Span(first, text), Span(origin, "dim")),
        *((Span(indent + line, text),) for line in more),
    ]


@contextlib.contextmanager
def notices(
    show: Callable[[Notice], None], *, level: int, redact: Callable[[str], str]
) -> Iterator[list[str]]:
    """Bring notices from ``level`` on to ``show`` while the context is open.

    Yields a list that all warnings and errors are added to, whatever the level: the report tells
    them even when the screen does not.
    """
    handler = _Handler(show, level=level, redact=redact)
    logger = logging.getLogger(LOGGER)
    before = logger.level
    logger.setLevel(min(level, logging.WARNING))
    try:
        with listening(handler):
            yield handler.warnings
    finally:
        logger.setLevel(before)


class _Handler(logging.Handler):
    """Turns records into notices, and remembers the warnings among them."""

    def __init__(
        self, show: Callable[[Notice], None], *, level: int, redact: Callable[[str], str]
    ) -> None:
        super().__init__()
        self.warnings: list[str] = []
        self._show = show
        self._from = level
        self._redact = redact

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record; a record that cannot be formatted is logging's to complain about."""
        try:
            about = WORKSPACE.get()
            text = self._text(record)
            message = self._redact(f"{about}: {text}" if about else text)
        except Exception:  # noqa: BLE001 - as logging.Handler does: a notice never ends a run
            self.handleError(record)
            return
        place = getattr(record, "place", None)
        notice = Notice(
            level=record.levelno,
            message=message,
            origin=_origin(record),
            place=place if isinstance(place, Place) else None,
        )
        if record.levelno >= logging.WARNING:
            self.warnings.append(message)
        if record.levelno >= self._from:
            self._show(notice)

    def _text(self, record: logging.LogRecord) -> str:
        """The message; a traceback only for those who asked for everything."""
        if record.exc_info and record.exc_info[1] and self._from <= logging.DEBUG:
            formatted = logging.Formatter().formatException(record.exc_info)
            return f"{record.getMessage()}\n{formatted}"
        return message_of(record)


def _origin(record: logging.LogRecord) -> str:
    path = Path(record.pathname)
    shown = path.relative_to(_PACKAGE_ROOT) if path.is_relative_to(_PACKAGE_ROOT) else path.name
    return f"{shown}:{record.lineno}"
