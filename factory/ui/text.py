"""Text for a screen: spans with a meaning, free of control codes, measured and cut in cells.

Nothing here knows how a span is coloured, so that every view can share the words and the layout,
and so that the plain views need no library at all.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from factory.ui.progress import State


# ECMA-48: CSI (colours, cursor), OSC (titles, links), the strings DCS, SOS, PM and APC, and the
# two-character escapes; each also as the one C1 character that stands for its first two.
_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c)?"
    r"|\x1b(?:[ -/]+[0-~]|[0-Z\\^_`-~])"
)
_LINE_BREAKS = re.compile(r"\r\n|[\n\v\f\x1c\x1d\x1e\x85\u2028\u2029]")
# Controls, formats (bidirectional overrides, invisible characters, tags), lone surrogates.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# What draws nothing although its category says that it is a letter.
_BLANK = re.compile("[\u115f\u1160\u3164\uffa0\u2800]")
_ASCII = re.compile(r"[ -~]*")

# GitHub's runner obeys "::" at a line's start and "##[" anywhere, Azure's agent "##vso[" and
# TeamCity "##teamcity["; GitLab folds at "section_start:TIME:NAME".
_AT_START = re.compile(r"^(\s*):(?=:)")
_ANYWHERE = re.compile(r"#(?=#\w*\[)")
_SECTION = re.compile(r"(section_(?:start|end)):(?=\d)")


def clean(raw: str) -> str:
    """Return a text on one line, without control codes; blanks at its end stay.

    A line break becomes a blank. Of a line that was overwritten with carriage returns (a progress
    bar), the last state is left.
    """
    if _ASCII.fullmatch(raw):
        return raw
    text = _LINE_BREAKS.sub(" ", _ESCAPE.sub("", raw.rstrip("\r\n")))
    if "\r" in text:
        text = next((part for part in reversed(text.split("\r")) if part.strip()), "")
    text = _BLANK.sub("", text.expandtabs(4))
    return "".join(char for char in text if not is_unprintable(char))


def is_unprintable(char: str) -> bool:
    """Whether a character is one that a line may not show."""
    return unicodedata.category(char) in _UNPRINTABLE


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
    return "".join(_escape(char) if _is_escaped(char) else char for char in text)


def _is_escaped(char: str) -> bool:
    return char != "\n" and (is_unprintable(char) or bool(_BLANK.match(char)))


def _escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


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
