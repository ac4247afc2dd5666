"""rhdh-cli in a folder of the workspace, as hard links to its one installation.

Bundlers sort, number and name what they bundle by its path, and parts of it are rhdh-cli's own.
With rhdh-cli in a cache that is elsewhere on every machine, the same sources give other bytes.
So what bundles is run from a place that is the same as seen from the workspace.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
from typing import TYPE_CHECKING

from factory.toolchain.cache_folder import made_once

if TYPE_CHECKING:
    from pathlib import Path

    from factory.toolchain.rhdh_cli import RhdhCli

log = logging.getLogger(__name__)

# No tool looks into it, no git shows it, and what removes installed packages removes it too.
PLACE = "node_modules/.plugin-factory"
# Another filesystem, one without hard links, a file of another user's, or too many links.
_CANNOT_LINK = {errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS}


def place_rhdh_cli(rhdh_cli: RhdhCli, workspace: Path) -> Path:
    """Return the command of rhdh-cli at its place in the workspace, where it is put unless it is.

    Raises:
        StorageError: it cannot be put there.
    """
    installed = rhdh_cli.command.parents[2]

    def make(folder: Path) -> None:
        if not link_tree(installed, folder):
            log.info("rhdh-cli is copied into %s, which takes no hard links to the cache", folder)

    placed = made_once(
        workspace / PLACE / f"rhdh-cli-{installed.name}",
        make,
        what=f"rhdh-cli {rhdh_cli.version}",
        where="the workspace",
        hint="check that the folder can be written and has room",
    )
    return placed / rhdh_cli.command.relative_to(installed)


def link_tree(source: Path, target: Path) -> bool:
    """Let the empty folder ``target`` hold what ``source`` holds, and return whether by hard links.

    Files that cannot be linked are copied. Symbolic links stay as they are.

    Raises:
        OSError: a file can be neither linked nor copied.
    """
    linking = True
    # Some 60,000 files, which is why there is no Path for each. (One would also lose the slash at
    # the end of a symbolic link.)
    pending = [(os.fspath(source), os.fspath(target))]
    while pending:
        folder, here = pending.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                new = f"{here}/{entry.name}"
                if entry.is_symlink():
                    os.symlink(os.readlink(entry.path), new)  # noqa: PTH115, PTH211
                elif entry.is_dir():
                    os.mkdir(new)  # noqa: PTH102
                    pending.append((entry.path, new))
                else:
                    linking = _link_or_copy(entry.path, new, linking=linking)
    return linking


def _link_or_copy(old: str, new: str, *, linking: bool) -> bool:
    if linking:
        try:
            os.link(old, new)
        except OSError as error:
            if error.errno not in _CANNOT_LINK:
                raise
        else:
            return True
    shutil.copy2(old, new)
    return False
