"""Text that others wrote, such as what programs print: free of control codes, for one line.

What such a line may still tell a CI system, :mod:`factory.ui.text` takes out where it is shown.
"""

from __future__ import annotations

import unicodedata

from factory.patterns import lazy_pattern

# ECMA-48: CSI (colours, cursor), OSC (titles, links), the strings DCS, SOS, PM and APC, and the
# two-character escapes; each also as the one C1 character that stands for its first two.
_ESCAPE = lazy_pattern(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c)?"
    r"|\x1b(?:[ -/]+[0-~]|[0-Z\\^_`-~])"
)
_LINE_BREAKS = lazy_pattern(r"\r\n|[\n\v\f\x1c\x1d\x1e\x85\u2028\u2029]")
# Controls, formats (bidirectional overrides, invisible characters, tags), lone surrogates.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# What draws nothing although its category says that it is a letter.
BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_ASCII = lazy_pattern(r"[ -~]*")


def strip_escapes(text: str) -> str:
    """Return a text without colours, movements of the cursor, titles and links."""
    return _ESCAPE.sub("", text)


def clean(raw: str) -> str:
    """Return a text on one line, without control codes; blanks at its end stay.

    A line break becomes a blank. Of a line that was overwritten with carriage returns (a progress
    bar), the last state is left.
    """
    if _ASCII.fullmatch(raw):
        return raw
    text = _LINE_BREAKS.sub(" ", strip_escapes(raw.rstrip("\r\n")))
    if "\r" in text:
        text = next((part for part in reversed(text.split("\r")) if part.strip()), "")
    text = text.expandtabs(4)
    return "".join(char for char in text if char not in BLANK and not is_unprintable(char))


def is_unprintable(char: str) -> bool:
    """Whether a character is one that a line may not show."""
    return unicodedata.category(char) in _UNPRINTABLE
