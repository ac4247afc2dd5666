"""Files written whole or not at all: to a name beside their own, then moved into place."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def write_whole(file: Path, text: str) -> None:
    """Write a file, replacing the one that is there.

    An existing file keeps its permissions. A symbolic link is followed.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    file = file.resolve()
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o644
    temporary = _written_beside(file, text, mode)
    try:
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_new(file: Path, text: str) -> None:
    """Write a file where there is none yet.

    Raises:
        FileExistsError: there is one already; it is left as it is.
        OSError: the folder cannot be written, or the disk is full.
    """
    temporary = _written_beside(file, text, 0o644)
    try:
        file.hardlink_to(temporary)  # unlike a rename, a link never replaces a file
    finally:
        temporary.unlink(missing_ok=True)


def _written_beside(file: Path, text: str, mode: int) -> Path:
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        temporary.chmod(mode)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    return temporary
