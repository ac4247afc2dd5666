"""Folders for what is needed only while a command runs, in the system's temporary folder.

Each is locked by its process until it is removed. A process that is killed cannot remove its own;
the kernel takes its lock back, and the next one that needs such a folder removes what it left.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from factory.files import remove_tree
from factory.locking import held_if_free
from factory.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

_PREFIX = "plugin-factory-"
_NAME = lazy_pattern(rf"{_PREFIX}(?:[a-z]+-)?[a-z0-9_]{{8}}")
# Says that a folder is of this module; it is there only while, or after, the folder is locked.
_MARK = ".plugin-factory-scratch"
# As `tempfile.mkdtemp` makes folders.
_OWN_MODE = 0o700


@contextlib.contextmanager
def scratch_folder(purpose: str = "", *, parent: Path | None = None) -> Iterator[Path]:
    """Make a folder, give its real path, and remove it at the end.

    Args:
        purpose: a word of lower case letters for its name.
        parent: where to make it; None for the system's temporary folder.

    Raises:
        OSError: it cannot be made.
    """
    parent = (parent or Path(tempfile.gettempdir())).resolve()
    _swept(parent)
    prefix = f"{_PREFIX}{purpose}-" if purpose else _PREFIX
    with contextlib.ExitStack() as stack:
        folder = None
        while folder is None:
            folder = _make(parent, prefix, stack)
        yield folder


def _make(parent: Path, prefix: str, stack: contextlib.ExitStack) -> Path | None:
    """Make a folder and lock it; None if it was taken for what a killed process had left."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    stack.callback(_remove, folder)
    try:
        held = stack.enter_context(held_if_free(folder, waits=True))
    except FileNotFoundError:
        return None
    # Where a folder cannot be locked, nobody could tell that it is in use: it gets no mark.
    if held:
        (folder / _MARK).touch()
    return folder if folder.is_dir() else None


@cache
def _swept(parent: Path) -> None:
    """Remove the folders of processes that were killed, once a process."""
    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if _is_ours(entry):
                    _remove_unless_held(parent / entry.name)


def _is_ours(entry: os.DirEntry[str]) -> bool:
    if not _NAME.fullmatch(entry.name) or not entry.is_dir(follow_symlinks=False):
        return False
    found = entry.stat(follow_symlinks=False)
    if found.st_uid != os.geteuid():
        return False
    if stat.S_IMODE(found.st_mode) == _OWN_MODE and not any(Path(entry.path).iterdir()):
        return True  # its process was killed before it could mark it
    return stat.S_ISREG((Path(entry.path) / _MARK).lstat().st_mode)


def _remove_unless_held(folder: Path) -> None:
    with held_if_free(folder) as free:
        if free:
            log.debug("%s belongs to a run that was killed: removed", folder)
            _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a folder, its mark last: what cannot be removed now is found by the next run."""
    try:
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name == _MARK):
            if entry.is_dir() and not entry.is_symlink():
                remove_tree(entry)
            else:
                entry.unlink()
        folder.rmdir()
    except OSError as error:
        log.debug("%s is left: %s", folder, error)
