"""A folder removed with all that is in it, also where nobody may write."""

from __future__ import annotations

import os
import shutil
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def remove_tree(folder: Path) -> None:
    """Remove a folder and what is in it; links are removed and never followed.

    Raises:
        OSError: something cannot be removed.
    """
    try:
        shutil.rmtree(folder)
    except PermissionError:
        # Folders without write permission, as package managers leave them in their caches.
        for parent, _, _ in os.walk(folder):
            os.chmod(parent, os.lstat(parent).st_mode | stat.S_IRWXU)  # noqa: PTH101
        shutil.rmtree(folder)
