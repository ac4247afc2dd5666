"""Where a symbolic link leads, by what it says: the file that it names need not be there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path, PurePosixPath


def leads_out(name: PurePosixPath, target: Path) -> bool:
    """Whether a link leaves the tree that it is in.

    Args:
        name: the link's path from the tree's root.
        target: what the link says.
    """
    leads_to = os.path.normpath(name.parent / target)
    return leads_to == ".." or leads_to.startswith(("/", "../"))
