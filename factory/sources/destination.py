"""The folder that code is brought into (``--repo-path``): made, locked, and empty.

What is in it already is somebody's work until they say otherwise: with ``--clean``, or by answering
yes on a terminal.
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from factory.errors import Place, SourceError, StorageError
from factory.files import remove_tree
from factory.locking import exclusive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = logging.getLogger(__name__)

# A filesystem's own folder at the top of a volume: neither content nor ours to remove.
_NOT_CONTENT = {"lost+found"}
# The top folders of hier(7) and of macOS: emptying one of these is always a slip.
# fmt: off
_OF_THE_SYSTEM = frozenset({
    "/applications", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64",
    "/library", "/media", "/mnt", "/opt", "/private", "/proc", "/root", "/run", "/sbin", "/srv",
    "/sys", "/system", "/tmp",  # noqa: S108 - so that it is never emptied
    "/users", "/usr", "/usr/bin", "/usr/lib", "/usr/local",
    "/usr/share", "/usr/src", "/var", "/var/lib", "/var/tmp",  # noqa: S108
    "/volumes",
})
# fmt: on
_WAYS_OUT = (
    "use --clean to remove its contents, --use-local to build it as it is, or another --repo-path"
)


@contextlib.contextmanager
def hold(path: Path) -> Iterator[Path]:
    """Make a folder if need be and hold it for one run; gives its real path.

    Raises:
        BusyError: another run holds it.
        StorageError: it cannot be made or written, or is not a folder.
    """
    real = make_folder(path)
    if not os.access(real, os.W_OK | os.X_OK):
        raise StorageError(
            f"the folder for the source cannot be written: {path}",
            place=Place(file=path),
            found="no write permission",
            hint="name a folder that you can write to with --repo-path",
        )
    with exclusive(real, wait=False, hint="wait until it has ended, or use another --repo-path"):
        yield real


def make_folder(
    path: Path, *, called: str = "the folder for the source", option: str = "--repo-path"
) -> Path:
    """Make a folder, and those above it, if need be; return its real path.

    Args:
        path: the folder.
        called: what it is, for an error about it.
        option: which option names it.

    Raises:
        StorageError: it cannot be made, or is not a folder.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        return path.resolve(strict=True)
    except OSError as error:
        raise StorageError(
            f"{called} cannot be created: {path}",
            place=Place(file=path),
            found=error.strerror,
            hint=f"name a folder that you can write to with {option}",
        ) from error


def prepare(
    path: Path,
    *,
    clean: bool,
    confirm: Callable[[str], bool] | None,
    keep: tuple[Path, ...] = (),
    home: Path | None = None,
    found: str | None = None,
) -> None:
    """See to it that a held folder is empty, so that code can be brought into it.

    Args:
        path: the folder; call this within :func:`held`.
        clean: remove what is there without asking.
        confirm: asks a yes-or-no question on a terminal; ``None`` where there is none.
        keep: files and folders that must outlive this: the configuration and output directories,
            a source folder.
        home: the user's home folder, which is never emptied.
        found: what is there, in words; without it, the first names are listed.

    Raises:
        SourceError: it is not empty and stays so, or is a folder that must not be emptied.
        StorageError: something in it cannot be removed.
    """
    there = contents(path)
    if not there:
        return
    names = ", ".join(entry.name for entry in there[:3]) + (", …" if len(there) > 3 else "")  # noqa: PLR2004
    some = found or names
    if not clean and confirm is None:
        raise SourceError(
            f"{path} is not empty", place=Place(file=path), found=some, hint=_WAYS_OUT
        )
    refuse_to_empty(path, keep=keep, home=home)
    if not clean and confirm and not confirm(f"{path} is not empty ({some}). Remove all of it?"):
        raise SourceError(f"{path} is left as it is", place=Place(file=path), hint=_WAYS_OUT)
    log.info("removing what is in %s", path)
    empty(path)


def contents(path: Path) -> list[Path]:
    """Return what is in a folder, sorted by name."""
    return sorted(entry for entry in path.iterdir() if entry.name not in _NOT_CONTENT)


def refuse_to_empty(path: Path, *, keep: tuple[Path, ...] = (), home: Path | None = None) -> None:
    """Raise unless a folder's content may go.

    Raises:
        SourceError: it is the root, a home, a system folder, or holds something to keep.
    """
    real = path.resolve()
    reason = None
    if str(real).lower() in _OF_THE_SYSTEM or real == Path(real.anchor):
        reason = "it is a system folder"
    elif home is not None and home.resolve().is_relative_to(real):
        reason = f"it holds your home folder {home}"
    else:
        for other in keep:
            if other.resolve().is_relative_to(real):
                reason = f"it holds {other}, which this run needs"
        for entry in contents(real):
            if entry.is_mount() and not entry.is_symlink():
                reason = f"{entry} is a mounted volume"
    if reason:
        raise SourceError(
            f"{path} is not emptied: {reason}",
            place=Place(file=path),
            hint="use a separate folder as --repo-path",
        )


def empty(path: Path, *, last: str = "") -> None:
    """Remove a folder's content, but not the folder: it may be a mount point.

    Links are removed and never followed. What is called ``last`` goes when all else is gone.

    Raises:
        StorageError: something cannot be removed.
    """
    for entry in sorted(contents(path), key=lambda entry: entry.name == last):
        try:
            if entry.is_dir() and not entry.is_symlink():
                remove_tree(entry)
            else:
                entry.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(
                f"{path} cannot be emptied",
                place=Place(file=Path(error.filename or entry)),
                found=error.strerror,
                hint="remove it yourself, or use another --repo-path",
            ) from error
