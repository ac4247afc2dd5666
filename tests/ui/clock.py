"""A time that passes when it is told to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Clock:
    """Reads as seconds; a test sets ``now``."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now
