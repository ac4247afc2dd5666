"""One file copied: content, mode and time of change, and nothing else.

Extended attributes stay behind: on a system with SELinux they are the label of the place that the
file comes from, and a container may not set them.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path


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
