"""Text for a screen: spans with a meaning, free of control codes, measured and cut in cells.

Nothing here knows how a span is coloured, so that every view can share the words and the layout,
and so that the plain views need no library at all.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal, TypeAlias

from factory.ui.harmless import clean, is_unprintable

Style: TypeAlias = Literal["", "good", "bad", "warn", "accent", "strong", "dim", "problem"]

_ONE_CELL_EACH = re.compile(r"[ -~]*")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line, and what it means to the reader; a view decides on the colour.

    Its text is free of line breaks and control codes, whatever it is made of.
    """

    text: str
    style: Style = ""

    def __post_init__(self) -> None:
        """Take out of the text what a line may not hold."""
        object.__setattr__(self, "text", clean(self.text))


Line: TypeAlias = tuple[Span, ...]


def plain(line: Line) -> str:
    """Return the text of a line without any style, and without blanks at its end."""
    return "".join(span.text for span in line).rstrip()


def printable(raw: str) -> str:
    """Return what is to be read of a line that a program printed: one line, no control codes."""
    return clean(raw).rstrip()


def cells(text: str) -> int:
    """Return how many columns of a terminal ``text`` takes."""
    if _ONE_CELL_EACH.fullmatch(text):
        return len(text)
    return sum(_char_cells(char) for char in text)


def cut(text: str, width: int) -> str:
    """Return the beginning of ``text`` in at most ``width`` cells, with … where it was cut."""
    if cells(text) <= width:
        return text
    return _beginning(text, width - 1).rstrip() + "…" if width > 0 else ""


def cut_start(text: str, width: int) -> str:
    """Return the end of ``text`` in at most ``width`` cells: a path is known by its end."""
    if cells(text) <= width:
        return text
    return "…" + _beginning(text[::-1], width - 1)[::-1] if width > 0 else ""


def padded(text: str, width: int) -> str:
    """Return ``text`` with blanks up to ``width`` cells; a longer one stays as it is."""
    return text + " " * (width - cells(text))


def _beginning(text: str, width: int) -> str:
    used = 0
    for index, char in enumerate(text):
        used += _char_cells(char)
        if used > width:
            return text[:index]
    return text


def _char_cells(char: str) -> int:
    if unicodedata.combining(char) or is_unprintable(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
