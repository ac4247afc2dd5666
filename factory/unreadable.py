"""Folders that may not be read, beside what is looked for: named once, and passed over.

``lost+found`` of a volume, a database's folder, what another user left: such a folder holds nothing
that a build, which has the same rights, could use.
"""

from __future__ import annotations

import logging
import os
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)


def entries_in(folder: Path) -> list[Path]:
    """Return what is in a folder, in the order of the names; nothing if it may not be read.

    Raises:
        OSError: it cannot be read for another reason than that it may not be.
    """
    return [folder / entry.name for entry in scanned(folder)]


def folders_in(folder: Path) -> list[Path]:
    """Return the folders in a folder that may be read, in the order of their names.

    Links to folders are among them.

    Raises:
        OSError: the folder cannot be read.
    """
    found = [path for path in entries_in(folder) if os.path.isdir(path)]  # noqa: PTH112 - never raises
    return [path for path in found if may_be_read(path)]


def scanned(folder: str | Path) -> list[os.DirEntry[str]]:
    """Return the entries of a folder, in the order of their names; none if it may not be read.

    Raises:
        OSError: it cannot be read for another reason than that it may not be.
    """
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except PermissionError:
        tell_passed_over(os.fspath(folder))
        return []
    # Without the right to search a folder, its names can be had and nothing else.
    if found and not os.access(folder, os.X_OK, effective_ids=True):
        tell_passed_over(os.fspath(folder))
        return []
    return found


def may_be_read(folder: Path) -> bool:
    """Whether what is in a folder may be looked at; if not, that is said."""
    if os.access(folder, os.R_OK | os.X_OK, effective_ids=True):
        return True
    tell_passed_over(os.fspath(folder))
    return False


@cache
def tell_passed_over(folder: str) -> None:
    """Warn that a folder is passed over; once for each."""
    log.warning("%s may not be read and is passed over", folder)
