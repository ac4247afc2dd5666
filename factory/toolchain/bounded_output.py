"""A child's output as lines of a bounded length, however it prints: memory has a limit.

A program may print a gigabyte without a line break, by mistake or to do harm. What is longer than a
line may be is left out, with a word, and never kept anywhere.
"""

from __future__ import annotations

import codecs
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LINE_LIMIT = 100_000
"""Characters of a line that are kept; a bundler's longest lines are a tenth of it."""

_LINES = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class OutputLine:
    """A line with its line break, if it has one, and how many of its characters are not in it."""

    text: str
    left_out: int = 0


class LineCutter:
    """Cuts bytes into lines: UTF-8, with any of the three line breaks; what is no UTF-8 is �.

    Args:
        redact: masks secrets in a line. Of a line that is cut, ``margin`` characters at the end are
            dropped after masking: a secret that is cut in two is not recognised.
        margin: the length of the longest secret.
    """

    def __init__(self, redact: Callable[[str], str], margin: int, limit: int = LINE_LIMIT) -> None:
        self._redact = redact
        self._margin = margin
        self._limit = limit
        utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._decoder = io.IncrementalNewlineDecoder(utf8, translate=True)
        self._begun: list[str] = []
        self._kept = 0
        self._left_out = 0

    def feed(self, data: bytes, *, end: bool = False) -> Iterator[OutputLine]:
        """Return the lines that end in ``data``, or with it."""
        for piece in _LINES.findall(self._decoder.decode(data, final=end)):
            ended = piece.endswith("\n")
            self._keep(piece[:-1] if ended else piece)
            if ended:
                yield self._line("\n")
        if end and (self._begun or self._left_out):
            yield self._line("")

    def _keep(self, text: str) -> None:
        room = self._limit + self._margin - self._kept
        kept = text[: max(room, 0)]
        if kept:
            self._begun.append(kept)
        self._kept += len(kept)
        self._left_out += len(text) - len(kept)

    def _line(self, ending: str) -> OutputLine:
        text, left_out = "".join(self._begun), self._left_out
        self._begun, self._kept, self._left_out = [], 0, 0
        masked = self._redact(text)
        if left_out or len(text) > self._limit:
            shown = masked[: max(min(len(masked) - self._margin, self._limit), 0)]
            left_out = max(left_out + len(text) - len(shown), 1)
            masked = f"{shown} … {left_out} more characters of this line are left out"
        return OutputLine(masked + ending, left_out)
