"""Text for a screen: spans with a meaning, free of control codes, measured and cut in cells.

Nothing here knows how a span is coloured, so that every view can share the words and the layout,
and so that the plain views need no library at all.
"""

from __future__ import annotations

import unicodedata
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

from factory.outside_text import BLANK, clean, is_unprintable
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

    from factory.ui.progress import State


# GitHub's runner obeys "::" at a line's start and "##[" anywhere, Azure's agent "##vso[" and
# TeamCity "##teamcity["; GitLab folds at "section_start:TIME:NAME".
_AT_START = lazy_pattern(r"^(\s*):(?=:)")
_ANYWHERE = lazy_pattern(r"#(?=#\w*\[)")
_SECTION = lazy_pattern(r"(section_(?:start|end)):(?=\d)")
_UNUSUAL = lazy_pattern(r"[^\n -~]")


def harmless(line: str) -> str:
    """Return a line that is clean already such that no CI system takes a command from it."""
    text = _AT_START.sub(r"\1: ", line)
    if "##" in text:
        text = _ANYWHERE.sub("# ", text)
    return _SECTION.sub(r"\1 :", text) if "section_" in text else text


def show_raw(raw: str) -> str:
    """Return a line of a text from anywhere as it may be shown."""
    return harmless(clean(raw).rstrip())


def harmless_json(text: str) -> str:
    r"""Return a JSON document that means the same, with ``\u`` in place of what is not printable.

    In the values of such a document no line begins, so that "##" is what is left to break.
    """
    text = text.replace("##", "#\\u0023").replace("section_", "section\\u005f")
    if text.isascii() and "\x7f" not in text:
        return text
    return _UNUSUAL.sub(_escape_unprintable, text)


def _escape_unprintable(found: re.Match[str]) -> str:
    char = found[0]
    if not is_unprintable(char) and char not in BLANK:
        return char
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


Style: TypeAlias = Literal["", "good", "bad", "warn", "accent", "strong", "dim", "problem"]

_ONE_CELL_EACH = lazy_pattern(r"[ -~]*")


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


def pad(text: str, width: int) -> str:
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


# What runs has no mark: it moves.
MARKS: Mapping[State, Span] = MappingProxyType(
    {
        "waiting": Span("·", "dim"),
        "done": Span("✓", "good"),
        "failed": Span("✗", "bad"),
        "skipped": Span("-", "dim"),
        "stopped": Span("■", "warn"),
    }
)
