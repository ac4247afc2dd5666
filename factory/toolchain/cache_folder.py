"""Folders of the cache that are made once and then only read.

An entry is made in a temporary folder beside its place, under a lock, and moved there whole: a run
that is killed leaves nothing half-made, and two runs never make the same entry twice. In a cache
that may only be read, what is there is used; what is missing is made in a folder of this process.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import logging
import os
import shutil
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from factory.config.environment import CACHE_VARIABLE
from factory.errors import StorageError
from factory.locking import exclusive
from factory.scratch_folder import scratch_folder
from factory.toolchain.trust import is_trusted, refuse_planted
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from factory.config.environment import Environment
    from factory.toolchain.runner import Runner

log = logging.getLogger(__name__)

_spare_lock = threading.RLock()


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolCache:
    """Where tools are found or installed, once for all runs, and with what.

    ``folder`` is the cache's; ``environment`` says what of the machine is used and what the user
    has set; ``runner`` starts the processes.
    """

    folder: Path
    environment: Environment
    runner: Runner

    def make(self, name: str, make: Callable[[Path], None], *, what: str) -> Path:
        """Return the folder of an entry, as :func:`make_once` does."""
        return make_once(
            self.folder / name, make, what=what, checkpoint=self.runner.raise_if_cancelled
        )

    def refuse_planted(self, program: Path) -> Path:
        """Return a program, if nobody else can have put it into the cache.

        Raises:
            ToolchainError: somebody else may have, and the user does not say that this is well.
        """
        trusted = is_trusted(self.folder, self.environment)
        return refuse_planted(program, cache=self.folder, trusted=trusted)


def make_once(
    entry: Path,
    make: Callable[[Path], None],
    *,
    what: str,
    where: str = "the cache",
    hint: str = f"set {CACHE_VARIABLE} to a writable folder with free space",
    checkpoint: Callable[[], None] | None = None,
) -> Path:
    """Return the folder ``entry``, made by ``make`` unless it is already there.

    In a folder that may only be read it is made elsewhere, and gone when this process ends.

    Args:
        entry: the folder's final place.
        make: fills the empty folder that it is given; its errors are passed on, and leave nothing.
        what: the entry's name for messages.
        where: the parent folder's name for messages.
        hint: what to do when the folder cannot be written.
        checkpoint: called often while another run is waited for; whatever it raises ends the wait.

    Raises:
        StorageError: the cache cannot be written.
    """
    if entry.is_dir():
        return entry
    if reason := why_read_only(entry.parent):
        tell_read_only(_topmost_read_only(entry.parent), reason)
        with _spare_lock:
            return _make(_spare_folder() / entry.parent.name / entry.name, make)
    try:
        make_folder(entry.parent)
        with exclusive(
            entry.parent / f".{entry.name}.lock",
            wait=True,
            on_wait=lambda: log.info("waiting for another run that is installing %s", what),
            while_waiting=checkpoint,
        ):
            _remove_leftovers(entry)
            return _make(entry, make)
    except OSError as error:
        raise StorageError(
            f"{what} cannot be put into {where}",
            found=f"{error.strerror or error} ({error.filename or entry})",
            hint=hint,
        ) from error


def make_folder(folder: Path) -> None:
    """Make a folder and what is missing above it, which nobody else may write.

    Raises:
        OSError: it cannot be made.
    """
    for missing in reversed([each for each in (folder, *folder.parents) if not each.exists()]):
        missing.mkdir(mode=0o755, exist_ok=True)
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), os.fspath(folder))


def why_read_only(folder: Path) -> str:
    """Return why nothing can be added to a folder that may be absent; "" if something can be."""
    there = _existing_around(folder)
    if os.access(there, os.W_OK | os.X_OK, effective_ids=True) or not there.is_dir():
        return ""
    on_disk = bool(os.statvfs(there).f_flag & os.ST_RDONLY)
    return "Read-only file system" if on_disk else "Permission denied"


@cache
def tell_read_only(folder: Path, reason: str) -> None:
    """Warn that a cache may only be read; once, whoever finds it out."""
    log.warning(
        "the cache %s is read-only (%s): what is in it is used, and nothing is added to it",
        folder,
        reason,
    )


def _existing_around(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if os.path.lexists(each))


def _topmost_read_only(folder: Path) -> Path:
    """The cache rather than the folder of one tool in it, where both may only be read."""
    outer = folder.parent
    return outer if outer.is_dir() and why_read_only(outer) else _existing_around(folder)


@cache
def _spare_folder() -> Path:
    """A folder for what this process makes, removed when it ends."""
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(scratch_folder("tools"))


def _make(entry: Path, make: Callable[[Path], None]) -> Path:
    if entry.is_dir():
        return entry
    make_folder(entry.parent)
    making = Path(tempfile.mkdtemp(prefix=f".{entry.name}.making-", dir=entry.parent))
    try:
        making.chmod(0o755)
        make(making)
        making.rename(entry)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    return entry


def _remove_leftovers(entry: Path) -> None:
    """What a killed run left is nobody's: whoever makes an entry holds its lock."""
    for leftover in entry.parent.glob(f".{entry.name}.making-*"):
        shutil.rmtree(leftover, ignore_errors=True)
