"""How much of what goes on is said: a choice of every command that does work."""

from __future__ import annotations

from enum import StrEnum


class LogLevel(StrEnum):
    """The least urgent notices to show."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"
