"""Folders of the cache that are made once and then only read.

An entry is made in a temporary folder beside its place, under a lock, and moved there whole: a run
that is killed leaves nothing half-made, and two runs never make the same entry twice.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from factory.config.cache_dir import CACHE_VARIABLE
from factory.errors import StorageError
from factory.locking import exclusive

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)


def made_once(
    entry: Path,
    make: Callable[[Path], None],
    *,
    what: str,
    where: str = "the cache",
    hint: str = f"set {CACHE_VARIABLE} to a folder that can be written and has room",
) -> Path:
    """Return the folder ``entry``, made by ``make`` unless it is already there.

    Args:
        entry: the folder's final place.
        make: fills the empty folder that it is given; its errors are passed on, and leave nothing.
        what: the entry's name for messages.
        where: the parent folder's name for messages.
        hint: what to do when the folder cannot be written.

    Raises:
        StorageError: the cache cannot be written.
    """
    if entry.is_dir():
        return entry
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        with exclusive(
            entry.parent / f".{entry.name}.lock",
            wait=True,
            on_wait=lambda: log.info("waiting for another run that is installing %s", what),
        ):
            if entry.is_dir():
                return entry
            _remove_leftovers(entry)
            making = Path(tempfile.mkdtemp(prefix=f".{entry.name}.making-", dir=entry.parent))
            try:
                making.chmod(0o755)
                make(making)
                making.rename(entry)
            except BaseException:
                shutil.rmtree(making, ignore_errors=True)
                raise
    except OSError as error:
        raise StorageError(
            f"{what} cannot be put into {where}",
            found=f"{error.strerror or error} ({error.filename or entry})",
            hint=hint,
        ) from error
    return entry


def _remove_leftovers(entry: Path) -> None:
    """What a killed run left is nobody's: whoever makes an entry holds its lock."""
    for leftover in entry.parent.glob(f".{entry.name}.making-*"):
        shutil.rmtree(leftover, ignore_errors=True)
