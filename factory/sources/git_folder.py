"""Which names lead into git's own folder: what is written there, git runs or obeys.

``.git`` is not the only one. Where case does not count, ``.GIT`` is the same; HFS+ leaves some
invisible characters out of account; NTFS drops dots and blanks at the end, knows ``git~1`` as the
short name, and takes what follows a colon for a stream. git refuses to check any of them out
(``core.protectHFS`` and ``core.protectNTFS`` in git-config(1)), and a volume may be all of these,
whatever the system is that mounts it.
"""

from __future__ import annotations

import re

# What HFS+ ignores in names: zero-width characters, and marks of the direction of writing.
_IGNORED = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF]
)
_NAMES = {".git", "git~1"}
_NTFS_END = re.compile(r"(?::.*|[ .]+)$", re.DOTALL)


def is_git_folder(part: str) -> bool:
    """Whether one part of a path is git's own folder, on whatever filesystem."""
    for piece in part.split("\\"):
        name = piece.translate(_IGNORED).lower()
        while (shorter := _NTFS_END.sub("", name)) != name:
            name = shorter
        if name in _NAMES:
            return True
    return False
