"""What of the factory itself decides a plugin's bytes, as a digest that is part of every key.

A new version that makes other bytes of the same source must not restore the old ones. Nobody has to
remember to say so: everything counts that is in the package, less the rooms that build nothing. A
test holds that nothing that builds knows one of those.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import factory

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILD_NOTHING = frozenset(
    {
        *("cli", "ui", "doctor", "scaffolding"),  # what is shown, asked and looked at
        *("installation", "plugin_registry"),  # the portal's side
        *("hosts", "schemas"),  # data: a host acts through the build arguments
    }
)
"""Rooms whose code reaches no artifact."""

_LEFT_OUT = frozenset({"__pycache__"})


@cache
def code_digest(package: Path | None = None) -> str:
    """Return the digest of the code that makes artifacts, 16 hexadecimal digits.

    Args:
        package: the folder of the package ``factory``; that of this process unless given.

    Raises:
        OSError: a file cannot be read.
    """
    root = package or Path(factory.__file__).parent
    digest = hashlib.sha256()
    for name in sorted(_files(root)):
        content = hashlib.sha256((root / name).read_bytes()).hexdigest()
        digest.update(os.fsencode(f"{content} {name}\0"))
    return digest.hexdigest()[:16]


def _files(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        inside = Path(folder).relative_to(root)
        left_out = _LEFT_OUT | (BUILD_NOTHING if inside == Path() else frozenset())
        folders[:] = [name for name in folders if name not in left_out]
        for name in names:
            if not name.endswith((".pyc", ".pyo")):
                yield (inside / name).as_posix()
