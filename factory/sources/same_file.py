"""Whether a file of one tree is what another tree has: as git sees it, with the executable bit."""

from __future__ import annotations

import filecmp
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


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
