"""rhdh-cli in a folder of the workspace, as hard links to its one installation.

Bundlers sort, number and name what they bundle by its path, and parts of it are rhdh-cli's own.
With rhdh-cli in a cache that is elsewhere on every machine, the same sources give other bytes.
So what bundles is run from a place that is the same as seen from the workspace.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from factory.toolchain.cache_folder import made_once
from factory.toolchain.link_tree import link_tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from factory.toolchain.rhdh_cli import RhdhCli

log = logging.getLogger(__name__)

# No tool looks into it, no git shows it, and what removes installed packages removes it too.
PLACE = "node_modules/.plugin-factory"


def place_rhdh_cli(
    rhdh_cli: RhdhCli, workspace: Path, *, checkpoint: Callable[[], None] = lambda: None
) -> Path:
    """Return the command of rhdh-cli at its place in the workspace, where it is put unless it is.

    Args:
        rhdh_cli: the installed one.
        workspace: the folder of the yarn workspace.
        checkpoint: called again and again; whatever it raises ends the work.

    Raises:
        StorageError: it cannot be put there.
    """
    installed = rhdh_cli.command.parents[2]

    def make(folder: Path) -> None:
        if not link_tree(installed, folder, checkpoint=checkpoint):
            log.info("rhdh-cli is copied into %s, which takes no hard links to the cache", folder)

    placed = made_once(
        workspace / PLACE / f"rhdh-cli-{installed.name}",
        make,
        what=f"rhdh-cli {rhdh_cli.version}",
        where="the workspace",
        hint="check that the folder can be written and has room",
        checkpoint=checkpoint,
    )
    return placed / rhdh_cli.command.relative_to(installed)
