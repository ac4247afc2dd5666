"""The options on what is shown that commands have in common."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeAlias

import typer

DISPLAY = "Display"


class LogLevel(StrEnum):
    """The least urgent notices to show."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


LeastUrgent: TypeAlias = Annotated[
    LogLevel,
    typer.Option(
        "--log-level",
        case_sensitive=False,
        help="The lowest level of messages to show.",
        rich_help_panel=DISPLAY,
    ),
]
Verbose: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--verbose",
        help="Show all progress and what every tool prints, and the file and line a message comes "
        "from.",
        rich_help_panel=DISPLAY,
    ),
]
AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print JSON.", rich_help_panel=DISPLAY)
]
