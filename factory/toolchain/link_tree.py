"""A folder once more, as hard links to its files: what is installed already takes no room again."""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Another filesystem, one without hard links, or a file of another user's.
_CANNOT_LINK = {errno.EXDEV, errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.ENOSYS}


def link_tree(
    source: Path,
    target: Path,
    *,
    wanted: Callable[[str], bool] = lambda _: True,
    endings: tuple[str, ...] = (),
    whole: frozenset[str] = frozenset(),
    checkpoint: Callable[[], None] = lambda: None,
) -> bool:
    """Let the empty folder ``target`` hold what ``source`` holds, and return whether by hard links.

    Files that cannot be linked are copied; one that has as many links as a file can have is copied
    too, and does not count. Symbolic links stay as they are.

    Args:
        source: a folder.
        target: an empty folder.
        wanted: says of each name in ``source`` itself, not in the folders below it, whether it is
            to be in ``target``.
        endings: of the names of files that are left out.
        whole: the names of folders in which, however deep, no file is left out.
        checkpoint: called before each folder; whatever it raises ends the work.

    Raises:
        OSError: a file can be neither linked nor copied.
    """
    linking = True
    # Some 90,000 files, which is why there is no Path for each. (One would also lose the slash at
    # the end of a symbolic link.)
    top = os.fspath(source)
    pending = [(top, os.fspath(target), endings)]
    while pending:
        folder, here, useless = pending.pop()
        checkpoint()
        with os.scandir(folder) as entries:
            for entry in entries:
                if folder == top and not wanted(entry.name):
                    continue
                new = f"{here}/{entry.name}"
                if entry.is_symlink():
                    os.symlink(os.readlink(entry.path), new)  # noqa: PTH115, PTH211
                elif entry.is_dir():
                    os.mkdir(new)  # noqa: PTH102
                    pending.append((entry.path, new, () if entry.name in whole else useless))
                elif not entry.name.endswith(useless):
                    linking = _link_or_copy(entry.path, new, linking=linking)
    return linking


def _link_or_copy(old: str, new: str, *, linking: bool) -> bool:
    if linking:
        try:
            os.link(old, new)
        except OSError as error:
            if error.errno in _CANNOT_LINK:
                linking = False
            elif error.errno != errno.EMLINK:
                raise
        else:
            return True
    shutil.copy2(old, new)
    return linking
