"""Files written whole or not at all: to a name beside their own, then moved into place.

Until then the other name is locked. A process that is killed leaves such a file; the kernel takes
its lock back, which tells it from one that is just being written.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNFINISHED = ".plugin-factory-"
_LONGEST = 50
_NAME = re.compile(rf"\..+{re.escape(_UNFINISHED)}[a-z0-9_]{{8}}")


def write_whole(file: Path, text: str) -> None:
    """Write a file, replacing the one that is there.

    An existing file keeps its permissions. A symbolic link is followed.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    file = file.resolve()
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o644
    with _written_beside(file, text, mode) as temporary:
        temporary.replace(file)


def write_new(file: Path, text: str) -> None:
    """Write a file where there is none yet.

    Raises:
        FileExistsError: there is one already; it is left as it is.
        OSError: the folder cannot be written, or the disk is full.
    """
    with _written_beside(file, text, 0o644) as temporary:
        file.hardlink_to(temporary)  # unlike a rename, a link never replaces a file


def remove_unfinished(folder: Path) -> None:
    """Remove what killed processes were about to write in a folder; what cannot be, is left."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    _remove_unless_locked(Path(entry.path))


@contextlib.contextmanager
def _written_beside(file: Path, text: str, mode: int) -> Iterator[Path]:
    """A whole file under another name, which is gone at the end."""
    handle, name = _made_beside(file)
    temporary = Path(name)
    # The lock lasts until both are closed. The text is on the disk, or not, once the first is.
    lock = os.dup(handle)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        temporary.chmod(mode)
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        os.close(lock)


def _made_beside(file: Path) -> tuple[int, str]:
    while True:
        prefix = f".{file.name[:_LONGEST]}{_UNFINISHED}"
        handle, name = tempfile.mkstemp(prefix=prefix, dir=file.parent)
        with contextlib.suppress(OSError):  # where nothing can be locked, nothing is removed
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle, name
        os.close(handle)  # somebody who tidies up was quicker


def _remove_unless_locked(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.unlink()
    finally:
        os.close(descriptor)
