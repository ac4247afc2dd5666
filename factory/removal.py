"""A folder removed with all that is in it, also where nobody may write."""

from __future__ import annotations

import os
import shutil
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def remove_tree(folder: Path) -> None:
    """Remove a folder and what is in it; links are removed and never followed.

    Raises:
        OSError: something cannot be removed.
    """
    try:
        shutil.rmtree(folder)
    except PermissionError:
        # Folders that may not be read or written, as package managers leave them in their caches.
        _make_removable(os.fspath(folder))
        shutil.rmtree(folder)


def _make_removable(folder: str) -> None:
    """Let the owner read and write a folder and all folders in it, the outer ones first."""
    pending = [folder]
    while pending:
        here = pending.pop()
        mode = os.lstat(here).st_mode
        if stat.S_ISDIR(mode) and mode & stat.S_IRWXU != stat.S_IRWXU:
            os.chmod(here, stat.S_IMODE(mode) | stat.S_IRWXU)  # noqa: PTH101
        with os.scandir(here) as entries:
            pending.extend(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
