"""A clone that borrows the objects of another: nothing is fetched that is here already.

The other is only read, so that a look at its commits leaves it as it is.
"""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

_OBJECTS = "objects"
# What belongs to the other's own worktrees and to whoever is at work in it.
_ITS_OWN = shutil.ignore_patterns(_OBJECTS, "worktrees", "*.lock", "FETCH_HEAD")


def lend_objects(clone: Path, borrower: Path) -> None:
    """Make ``borrower`` a bare clone with what ``clone`` has; nothing if there is no such clone.

    https://git-scm.com/docs/gitrepository-layout, "objects/info/alternates".
    """
    if not (clone / _OBJECTS).is_dir() or borrower.exists():
        return
    try:
        shutil.copytree(clone, borrower, ignore=_ITS_OWN)
        info = borrower / _OBJECTS / "info"
        info.mkdir(parents=True)
        (borrower / _OBJECTS / "pack").mkdir()
        (info / "alternates").write_text(f"{(clone / _OBJECTS).resolve()}\n", encoding="utf-8")
    except OSError as error:  # it is being changed just now, say: then all is fetched
        log.debug("%s lends nothing: %s", clone, error)
        shutil.rmtree(borrower, ignore_errors=True)
