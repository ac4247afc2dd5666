"""One file copied: content, mode and time of change, links that stay inside; and two compared."""

from __future__ import annotations

import filecmp
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import PurePosixPath


def is_same_file(one: Path, other: Path) -> bool:
    """Whether both are links to the same, or files with the same bytes that as many may run.

    Raises:
        OSError: one of them cannot be read, or is not there.
    """
    if one.is_symlink() or other.is_symlink():
        both = one.is_symlink() and other.is_symlink()
        return both and one.readlink() == other.readlink()
    return is_executable(one) == is_executable(other) and filecmp.cmp(one, other, shallow=False)


def is_executable(path: Path) -> bool:
    """Whether a file's owner may run it: all that git keeps of a mode."""
    return bool(path.stat().st_mode & stat.S_IXUSR)


def leads_out(name: PurePosixPath, target: Path) -> bool:
    """Whether a link leaves the tree that it is in.

    Args:
        name: the link's path from the tree's root.
        target: what the link says.
    """
    leads_to = os.path.normpath(name.parent / target)
    return leads_to == ".." or leads_to.startswith(("/", "../"))


def copy_file(source: Path | str, target: Path | str) -> None:
    """Copy a file to a name that is free; a link is copied as a link.

    Raises:
        OSError: one of the two cannot be read or written.
    """
    shutil.copyfile(source, target, follow_symlinks=False)
    copied = Path(target)
    if not copied.is_symlink():
        copy_mode_and_times(Path(source), copied)


def copy_mode_and_times(source: Path, target: Path) -> None:
    """Give a file or folder the mode and times of another."""
    status = source.stat()
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
    target.chmod(stat.S_IMODE(status.st_mode))
