"""One run at a time: an exclusive lock on a folder, or on a lock file in a cache.

The lock is flock(2)'s: the kernel takes it back when its holder ends, however it ends, so nothing
has to be tidied up after a killed run. On a folder it leaves no file behind.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from factory.errors import BusyError, Place, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = logging.getLogger(__name__)

POLL_SECONDS = 0.1
# Network filesystems may not lock a folder at all; a build there is better than none.
_CANNOT_LOCK = {errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


@contextlib.contextmanager
def exclusive(
    path: Path,
    *,
    wait: bool,
    on_wait: Callable[[], None] | None = None,
    while_waiting: Callable[[], None] | None = None,
    hint: str = "wait until it has ended, or use another folder",
) -> Iterator[None]:
    """Hold an exclusive lock on a folder, or on a lock file, which is made when it is missing.

    Args:
        path: an existing folder, or the path of a lock file.
        wait: whether to wait for another holder, or to give up at once.
        on_wait: called once when there is another holder and the wait begins.
        while_waiting: called about ten times a second; whatever it raises ends the wait.
        hint: what the user may do when the lock is held.

    Raises:
        BusyError: another run holds it, and ``wait`` is false.
        StorageError: the folder or file cannot be opened, or the system forbids to lock it.
    """
    descriptor = _open(path)
    try:
        waiting = False
        while not (_take(descriptor, path) and _is_same_file(descriptor, path)):
            if not _is_same_file(descriptor, path):
                # Its holder has removed the file meanwhile: a lock on that locks nothing.
                stale, descriptor = descriptor, _open(path)
                os.close(stale)
                continue
            if not wait:
                raise BusyError(
                    f"another run uses {path}",
                    place=Place(file=path),
                    found=_holder(descriptor),
                    hint=hint,
                )
            if on_wait and not waiting:
                on_wait()
            waiting = True
            if while_waiting:
                while_waiting()
            time.sleep(POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def held_if_free(path: Path, *, waits: bool = False) -> Iterator[bool]:
    """Hold a lock on an existing file or folder if nobody does; gives whether it is held.

    It is not where the filesystem cannot lock: nobody can tell there whether somebody does. Nor
    where another is at its path by then.

    Args:
        path: the file or folder.
        waits: wait until nobody holds one, for a lock that nobody holds for long.

    Raises:
        OSError: it cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        held = True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        except OSError:
            held = False
        yield held and _is_same_file(descriptor, path)
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY if path.is_dir() else os.O_RDWR | os.O_CREAT
    try:
        return os.open(path, flags | os.O_CLOEXEC, 0o644)
    except OSError as error:
        hint = "check that the folder exists and is writable"
        raise _unlockable(path, error, hint) from error


def _unlockable(path: Path, error: OSError, hint: str) -> StorageError:
    return StorageError(
        f"{path} cannot be locked", place=Place(file=path), found=error.strerror, hint=hint
    )


def _take(descriptor: int, path: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _CANNOT_LOCK:
            hint = "check what restricts access to the folder, such as SELinux"
            raise _unlockable(path, error, hint) from error
        log.warning(
            "%s is on a filesystem without locks (%s): do not start two runs on it at once",
            path,
            error.strerror,
        )
    return True


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except (FileNotFoundError, NotADirectoryError):
        return False


def _holder(descriptor: int) -> str | None:
    """Who holds the lock, where the system tells (proc_locks(5))."""
    status = os.fstat(descriptor)
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    with contextlib.suppress(OSError):
        for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
            words = line.split()
            if "FLOCK" in words and device in words:
                return f"process {words[words.index(device) - 1]} holds it"
    return None
