"""The lines of a patch's text, as GNU patch takes them: without indentation and comments.

A mail may indent a patch, or quote its lines with ``- `` (RFC 934). Lines that begin with ``#``
are passed over, and so is a last line without its line feed.
"""

from __future__ import annotations

from factory.values import dataclass

_TAB = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Wrapping:
    """What is around each line: columns of indentation, dashes of a mail, a carriage return."""

    indent: int = 0
    nesting: int = 0
    strip_return: bool = False


class PatchLines:
    """A patch's bytes, and how far they have been read."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0
        self.number = 0

    def go_to(self, at: int, number: int) -> None:
        """Go on reading from a place; ``number`` lines are before it."""
        self.at, self.number = at, number

    @property
    def is_at_end(self) -> bool:
        """Whether all has been read."""
        return self.at >= len(self._data)

    def take(self, wrapping: Wrapping | None = None, *, comments: bool = False) -> bytes:
        """Return the next line with its line feed; nothing at the end.

        Args:
            wrapping: what to take off.
            comments: whether lines that begin with ``#`` count.
        """
        wrapping = wrapping or Wrapping()
        while True:
            end = self._data.find(b"\n", self.at)
            if end < 0:
                self.at = len(self._data)
                return b""
            line = _unwrap(self._data[self.at : end + 1], wrapping)
            self.at = end + 1
            self.number += 1
            if comments or not line.startswith(b"#"):
                return line

    def skip_no_newline_note(self) -> bool:
        r"""Pass over ``\ No newline at end of file``, in whatever language, if it is there."""
        if self._data[self.at : self.at + 1] != b"\\":
            return False
        end = self._data.find(b"\n", self.at)
        self.at = len(self._data) if end < 0 else end + 1
        self.number += 1
        return True


def indentation(line: bytes) -> tuple[int, bytes]:
    """Return how many columns a line is indented, and the rest of it; ``X`` counts as a blank."""
    columns = at = 0
    while line[at : at + 1] in {b" ", b"\t", b"X"}:
        columns = (columns + _TAB) // _TAB * _TAB if line[at] == ord("\t") else columns + 1
        at += 1
    return columns, line[at:]


def _unwrap(line: bytes, wrapping: Wrapping) -> bytes:
    columns = at = 0
    while columns < wrapping.indent and line[at : at + 1] in {b" ", b"\t", b"X"}:
        columns = (columns + _TAB) // _TAB * _TAB if line[at] == ord("\t") else columns + 1
        at += 1
    line = line[at:]
    for _ in range(wrapping.nesting):
        line = line.removeprefix(b"- ")
    if wrapping.strip_return and line.endswith(b"\r\n"):
        line = line[:-2] + b"\n"
    return line
