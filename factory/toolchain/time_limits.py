"""How long a child may take: from beginning to end, and from one line to the next."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable


class TimeLimits:
    """Calls ``expire`` once when a limit is passed while this is open.

    Args:
        total: seconds of wall time; None for as long as it takes.
        silence: seconds without a line; None where silence says nothing.
        expire: called in a thread of its own.
    """

    def __init__(
        self, *, total: float | None, silence: float | None, expire: Callable[[], None]
    ) -> None:
        self.passed = False
        self.fell_silent = False
        self._total = total
        self._silence = silence
        self._expire = expire
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        self._began = self._heard_at = time.monotonic()
        if self._total is not None or self._silence is not None:
            threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    def note_line(self) -> None:
        """Say that there was a line."""
        self._heard_at = time.monotonic()

    def _watch(self) -> None:
        while (left := min(self._seconds_left_in_all(), self._seconds_left_to_speak())) > 0:
            if self._ended.wait(left):
                return
        self.fell_silent = self._seconds_left_in_all() > 0
        self.passed = True
        self._expire()

    def _seconds_left_in_all(self) -> float:
        return _seconds_left(self._began, self._total)

    def _seconds_left_to_speak(self) -> float:
        return _seconds_left(self._heard_at, self._silence)


def _seconds_left(since: float, limit: float | None) -> float:
    return float("inf") if limit is None else since + limit - time.monotonic()
