"""Files and folders of a user: written whole or not at all, moved into place, read and removed."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from factory.errors import ConfigurationError, Place
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator


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


_UNFINISHED = ".plugin-factory-"
_LONGEST = 50
_NAME = lazy_pattern(rf"\..+{re.escape(_UNFINISHED)}[a-z0-9_]{{8}}")
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
    with write_beside(file, text, mode=mode, durable=durable) as temporary:
        temporary.replace(file)
        if durable:
            sync_folder(file.parent)


def write_new(file: Path, text: str) -> None:
    """Write a file where there is none yet.

    Raises:
        FileExistsError: there is one already; it is left as it is.
        OSError: the folder cannot be written, or the disk is full.
    """
    with write_beside(file, text) as temporary:
        move_new(temporary, file)
        sync_folder(file.parent)


@contextlib.contextmanager
def write_beside(
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
    handle, temporary = _make_beside(file)
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


@contextlib.contextmanager
def replace_file(file: Path) -> Iterator[BinaryIO]:
    """Open a file to be written anew: it appears whole at the end, and else stays as it was.

    What is being written has another name in the same folder, which is gone if the work fails; one
    that a killed process has left goes with :func:`remove_unfinished`.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    handle, temporary = _make_beside(file)
    try:
        with os.fdopen(handle, "wb") as opened:
            yield opened
            opened.flush()
            temporary.replace(file)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replace_folder(folder: Path) -> Iterator[Path]:
    """Give a folder to fill, which takes the place of ``folder`` at the end, and else is removed.

    Raises:
        OSError: the folder around it cannot be written, or the disk is full; what was there before
            is there again.
    """
    prefix = f".{folder.name[:_LONGEST]}."
    with tempfile.TemporaryDirectory(prefix=prefix, dir=folder.parent) as work:
        fresh, former = Path(work, "new"), Path(work, "old")
        fresh.mkdir()
        yield fresh
        if os.path.lexists(folder):
            folder.rename(former)
        try:
            fresh.rename(folder)
        except OSError:
            if os.path.lexists(former):
                former.rename(folder)
            raise


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


def _make_beside(file: Path) -> tuple[int, Path]:
    while True:
        name = f".{file.name[:_LONGEST]}{_UNFINISHED}{os.urandom(4).hex()}"
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


@dataclass(frozen=True, slots=True)
class FileEnd:
    """The last bytes of a file; ``is_whole`` if there are no others."""

    content: bytes
    is_whole: bool

    def text(self) -> str:
        """Return the lines that are here as a whole; of the first there may be only the end."""
        content = self.content if self.is_whole else self.content.partition(b"\n")[2]
        return content.decode("utf-8", "replace")


def read_end(file: Path, most: int) -> FileEnd:
    """Return at most so many bytes of a file's end, where anybody may have put it.

    No link is followed, and no pipe is waited for.

    Raises:
        OSError: it cannot be read, or is not a file.
    """
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a file", str(file))
        start = max(0, status.st_size - most)
        return FileEnd(os.pread(descriptor, most, start), is_whole=not start)
    finally:
        os.close(descriptor)


def read_text(path: Path, *, exactly: bool = False) -> str:
    """Return a file's text; ``exactly`` keeps its line ends and a byte order mark.

    Raises:
        ConfigurationError: it cannot be read, or is not UTF-8.
    """
    encoding, newline = ("utf-8", "") if exactly else ("utf-8-sig", None)
    try:
        with path.open(encoding=encoding, newline=newline) as stream:
            return stream.read()
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path.name} is not UTF-8 text",
            place=Place(file=path),
            found=f"byte 0x{error.object[error.start]:02x} at offset {error.start}",
            hint="save it as UTF-8",
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"{path.name} cannot be read",
            place=Place(file=path),
            found=error.strerror or str(error),
        ) from error
