"""The warnings of a run, each with the workspace that it is about."""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import TYPE_CHECKING

from factory.events import WORKSPACE

if TYPE_CHECKING:
    from collections.abc import Iterator

LOGGER = "factory"


class WorkspaceWarnings(logging.Handler):
    """Collects what is said by :mod:`logging` from warnings on. Safe in many threads."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: dict[str, list[str]] = {}
        self._own_lock = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record in."""
        message = record.getMessage()
        if record.exc_info and record.exc_info[1]:
            message = f"{message}: {record.exc_info[1]}"
        with self._own_lock:
            self._said.setdefault(WORKSPACE.get(), []).append(message)

    def of(self, workspace: str) -> tuple[str, ...]:
        """Return the warnings about a workspace, or with "" those about the run, as they came."""
        with self._own_lock:
            return tuple(self._said.get(workspace, ()))


@contextlib.contextmanager
def warnings_collected() -> Iterator[WorkspaceWarnings]:
    """Collect the warnings of the program while the context is open."""
    handler = WorkspaceWarnings()
    logger = logging.getLogger(LOGGER)
    logger.addHandler(handler)
    try:
        yield handler
    finally:
        logger.removeHandler(handler)
