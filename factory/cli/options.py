"""The options that commands have in common besides those of a build, and single ones of these."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from factory.cli.log_level import LogLevel
from factory.cli.option_groups import share_option
from factory.config import options

DISPLAY = "Display"
REGISTRY = "Registry"
ARCHIVES = "Archives"


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
        help="Show all progress and warnings, what every tool prints, and the file and line a "
        "message comes from.",
        rich_help_panel=DISPLAY,
    ),
]
AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print JSON.", rich_help_panel=DISPLAY)
]

RegistryConfigDir: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--config-dir",
        help="Directory whose .env holds the REGISTRY_ variables.",
        rich_help_panel=REGISTRY,
    ),
]
MaxEntrySize: TypeAlias = Annotated[
    str,
    typer.Option(
        "--max-entry-size",
        metavar="BYTES",
        help="The largest file in an archive. Default: MAX_ENTRY_SIZE, or 40000000.",
        show_default=False,
        rich_help_panel=ARCHIVES,
    ),
]

Host: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--host",
        help=options.HOST_HELP,
        metavar=options.HOST_METAVAR,
        rich_help_panel=options.ARGUMENTS,
    ),
]
Engines: TypeAlias = Annotated[list[str] | None, share_option(options.ArgumentOptions, "engine")]
NodeRange: TypeAlias = Annotated[str | None, share_option(options.ArgumentOptions, "node")]
Only: TypeAlias = Annotated[list[str] | None, share_option(options.SelectionOptions, "only")]
Exclude: TypeAlias = Annotated[list[str] | None, share_option(options.SelectionOptions, "exclude")]
CacheDir: TypeAlias = Annotated[Path | None, share_option(options.CacheOptions, "cache_dir")]
