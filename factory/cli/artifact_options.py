"""The options on artifacts that are fetched or pushed which commands have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

REGISTRY = "Registry"
ARCHIVES = "Archives"

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
