"""Small notes beside the finished plugins: a JSON document each, called after a digest.

Whatever is noted can be found out again: a note that cannot be read is none.
"""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Any

from factory.whole_file import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from factory.cache.store import Store

MEMO, LATEST = "memo", "latest"
NOTES = (MEMO, LATEST)
"""The kinds, each a folder of the store."""
_LARGEST = 4 << 20


def note_file(store: Store, kind: str, digest: str) -> Path:
    """Return where a note is, if there is one."""
    return store.folder / kind / digest[:2] / f"{digest}.json"


def read_note(store: Store, kind: str, digest: str) -> Any:
    """Return what was noted.

    Raises:
        OSError: nothing was, or it cannot be read.
        ValueError: it is damaged.
        RecursionError: it is damaged, too.
    """
    # Not blocking: somebody may have put a pipe there.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(note_file(store, kind, digest), flags), "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise ValueError("it is not a file")
        text = stream.read(_LARGEST + 1)
    if len(text) > _LARGEST:
        raise ValueError("it is too long")
    return json.loads(text)


def write_note(store: Store, kind: str, digest: str, value: object) -> None:
    """Note a JSON value, in place of what was noted before.

    Raises:
        OSError: the store cannot be written.
    """
    file = note_file(store, kind, digest)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, json.dumps(value), durable=False)
