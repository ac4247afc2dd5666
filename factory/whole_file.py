"""Files written whole or not at all: to a name beside their own, then moved into place.

Until then the other name is locked. A process that is killed leaves such a file; the kernel takes
its lock back, which tells it from one that is just being written. What is moved is on the disk
before its name is, so that a power cut leaves the former file or the new one, and never an empty
one. New files get mode 0644 less what the umask takes.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNFINISHED = ".plugin-factory-"
_LONGEST = 50
_NAME = re.compile(rf"\..+{re.escape(_UNFINISHED)}[a-z0-9_]{{8}}")
_MODE = 0o644
# How link(2) fails where a filesystem has no hard links: exFAT, FAT, many by FUSE or a network.
_NO_LINKS = frozenset(
    {errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL}
)


def write_whole(file: Path, text: str, *, durable: bool = True) -> None:
    """Write a file, replacing the one that is there.

    An existing file keeps its permissions. A symbolic link is followed.

    Args:
        file: where the text goes.
        text: the whole of it.
        durable: whether it has to outlast a power cut; what can be made again need not.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    file = file.resolve()
    mode = file.stat().st_mode & 0o777 if file.exists() else None
    with written_beside(file, text, mode=mode, durable=durable) as temporary:
        temporary.replace(file)
        if durable:
            sync_folder(file.parent)


def write_new(file: Path, text: str) -> None:
    """Write a file where there is none yet.

    Raises:
        FileExistsError: there is one already; it is left as it is.
        OSError: the folder cannot be written, or the disk is full.
    """
    with written_beside(file, text) as temporary:
        move_new(temporary, file)
        sync_folder(file.parent)


@contextlib.contextmanager
def written_beside(
    file: Path, text: str, *, mode: int | None = None, durable: bool = True
) -> Iterator[Path]:
    """Write a text whole to another name beside a file's, which is gone again at the end.

    Args:
        file: where the text will go.
        text: the whole of it.
        mode: the permissions; without them those of a new file.
        durable: whether it has to outlast a power cut.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    content = text.encode("utf-8")
    handle, temporary = _made_beside(file)
    try:
        # It stays open, and so locked, until it has its own name.
        write_all(handle, content)
        if mode is not None:
            os.fchmod(handle, mode)
        if durable:
            sync(handle)
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        os.close(handle)


def move_new(temporary: Path, file: Path) -> None:
    """Move a whole file to a name in the same folder, which nobody may have yet.

    A rename would replace what is there; a link never does. On a filesystem without hard links the
    name is taken by an empty file first, and that one is replaced.

    Raises:
        FileExistsError: somebody has the name; what they have is left as it is.
        OSError: the folder cannot be written.
    """
    try:
        file.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
    else:
        temporary.unlink()
        return
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        temporary.replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            if not file.stat().st_size:
                file.unlink()
        raise


def write_all(descriptor: int, content: bytes | memoryview) -> None:
    """Write all of ``content``: write(2) may take less than it is given, as on a full disk.

    Raises:
        OSError: it cannot be written, or the disk is full.
    """
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def move_durably(source: Path, target: Path) -> None:
    """Move a finished file into place, replacing what is there, so that a power cut cuts neither.

    Raises:
        OSError: one of the folders cannot be written.
    """
    descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)
    source.replace(target)
    sync_folder(target.parent)


def sync(descriptor: int) -> None:
    """Have what was written to a file on the disk, where its filesystem can say so.

    Raises:
        OSError: the disk is full, or broken: some filesystems say it only now.
    """
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.EROFS, errno.EOPNOTSUPP, errno.ENOSYS}:
            raise


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk; where that cannot be, the system does it later."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_unfinished(folder: Path) -> None:
    """Remove what killed processes were about to write in a folder; what cannot be, is left."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    _remove_unless_locked(Path(entry.path))


def _made_beside(file: Path) -> tuple[int, Path]:
    while True:
        name = f".{file.name[:_LONGEST]}{_UNFINISHED}{secrets.token_hex(4)}"
        temporary = file.with_name(name)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            handle = os.open(temporary, flags, _MODE)
        except FileExistsError:
            continue
        with contextlib.suppress(OSError):  # where nothing can be locked, nothing is removed
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle, temporary
        os.close(handle)  # somebody who tidies up was quicker


def _remove_unless_locked(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.unlink()
    finally:
        os.close(descriptor)
