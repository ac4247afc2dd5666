"""Folders looked into; of one that may not be read that is said, and what is in it passed over."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def entries_in(folder: Path) -> list[Path]:
    """Return what is in a folder, in the order of the names; nothing if it may not be read.

    Raises:
        OSError: it cannot be read for another reason than that it may not be.
    """
    return [folder / entry.name for entry in scan_folder(folder)]


def folders_in(folder: Path) -> list[Path]:
    """Return the folders in a folder that may be read, in the order of their names.

    Links to folders are among them.

    Raises:
        OSError: the folder cannot be read.
    """
    found = [path for path in entries_in(folder) if os.path.isdir(path)]  # noqa: PTH112 - never raises
    return [path for path in found if may_be_read(path)]


def output_folders(directory: Path) -> list[Path]:
    """Return an output directory and the folders in it that a run may have put plugins into.

    These are one for each workspace, or for each portal, which may hold one for each workspace.

    Raises:
        OSError: one cannot be read.
    """
    found = [directory]
    for folder in folders_in(directory):
        found.append(folder)
        if not any(entry.suffix == ".tgz" for entry in entries_in(folder)):
            found += folders_in(folder)
    return found


def scan_folder(folder: str | Path) -> list[os.DirEntry[str]]:
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
    import logging  # noqa: PLC0415 - loads slowly, and there is hardly ever something to say

    logging.getLogger(__name__).warning("%s is not readable and is skipped", folder)
