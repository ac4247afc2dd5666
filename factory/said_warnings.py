"""What the program says through :mod:`logging`, heard by those who keep it.

The screen shows it (:mod:`factory.ui.notices`); the reports of workspaces and the doctor's findings
keep the warnings among it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import TYPE_CHECKING

from factory.events import WORKSPACE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOGGER = "factory"


def message_of(record: logging.LogRecord) -> str:
    """Return what a record says, with the error that it is about and without a traceback."""
    message = record.getMessage()
    if record.exc_info and record.exc_info[1]:
        return f"{message}: {record.exc_info[1]}"
    return message


@contextlib.contextmanager
def listening(handler: logging.Handler) -> Iterator[None]:
    """Let a handler hear what the program says while the context is open."""
    logger = logging.getLogger(LOGGER)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class WarningCollector(logging.Handler):
    """Keeps what is said from warnings on, by the workspace that it is about. Safe in threads."""

    def __init__(self, concerns: Callable[[logging.LogRecord], bool] = lambda _: True) -> None:
        """Collect the records that ``concerns`` is true of."""
        super().__init__(logging.WARNING)
        self._concerns = concerns
        self._said: list[tuple[str, str]] = []
        self._own_lock = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record in."""
        if self._concerns(record):
            with self._own_lock:
                self._said.append((WORKSPACE.get(), message_of(record)))

    def of(self, workspace: str) -> tuple[str, ...]:
        """Return the warnings about a workspace, or with "" those about the run, as they came."""
        with self._own_lock:
            return tuple(message for about, message in self._said if about == workspace)

    @property
    def messages(self) -> tuple[str, ...]:
        """All warnings, as they came."""
        with self._own_lock:
            return tuple(message for _, message in self._said)


@contextlib.contextmanager
def collect_warnings(
    concerns: Callable[[logging.LogRecord], bool] = lambda _: True,
) -> Iterator[WarningCollector]:
    """Collect warnings of the program while the context is open: those that ``concerns`` takes."""
    collector = WarningCollector(concerns)
    with listening(collector):
        yield collector
