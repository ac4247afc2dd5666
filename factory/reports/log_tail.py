"""The end of a log, as text that can be shown: bounded, without what a terminal would obey."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from factory.outside_text import clean

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 48 * 1024
MOST_LINES = 300
_LONGEST_LINE = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class LogTail:
    """The last lines of a log; ``is_whole`` is whether these are all."""

    text: str
    is_whole: bool


def read_log_tail(file: Path) -> LogTail | None:
    """Return a log's end; None if it is not a file that can be read."""
    try:
        # No link is followed, and no pipe is waited for: the folder may be anybody's.
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None
        start = max(0, status.st_size - MOST_BYTES)
        content = os.pread(descriptor, MOST_BYTES, start)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    if start:  # the first line, of which only the end is here
        content = content.partition(b"\n")[2]
    lines = content.decode("utf-8", "replace").split("\n")
    shown = [_cut(clean(line)) for line in lines[-MOST_LINES:]]
    whole = not start and len(shown) == len(lines)
    return LogTail(text="\n".join(shown).strip("\n"), is_whole=whole)


def _cut(line: str) -> str:
    return f"{line[:_LONGEST_LINE]}…" if len(line) > _LONGEST_LINE else line
