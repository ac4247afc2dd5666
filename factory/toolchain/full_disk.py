"""Which disk is full, where a tool or the system says only that one is."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_FULL_BELOW = 1 << 20


def on_full_disk(folders: Iterable[Path]) -> Path | None:
    """Return the first of these folders whose disk has less than a megabyte left, if one has."""
    for folder in folders:
        with contextlib.suppress(OSError):  # it is gone, or never was
            if shutil.disk_usage(folder).free < _FULL_BELOW:
                return folder
    return None
