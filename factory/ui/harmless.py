"""Lines from outside, made such that neither a terminal nor a CI system takes a command from them.

A name, a version, a path or a program's output may hold what means something to whoever shows it:
a line break and then ``::add-mask::``, an escape that hides text, a mark that turns its direction.
All that is shown to people goes through here, a line at a time, with no exception.
"""

from __future__ import annotations

import re
import unicodedata

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
    """Whether a character is none that a line may show."""
    return unicodedata.category(char) in _UNPRINTABLE


def harmless(line: str) -> str:
    """Return a line that is clean already such that no CI system takes a command from it."""
    text = _AT_START.sub(r"\1: ", line)
    if "##" in text:
        text = _ANYWHERE.sub("# ", text)
    return _SECTION.sub(r"\1 :", text) if "section_" in text else text


def shown(raw: str) -> str:
    """Return a line of a text from anywhere as it may be shown."""
    return harmless(clean(raw).rstrip())


def harmless_json(text: str) -> str:
    r"""Return a JSON document that means the same, with ``\u`` in place of what is not printable.

    In the values of such a document no line begins, so that "##" is what is left to break.
    """
    text = text.replace("##", "#\\u0023").replace("section_", "section\\u005f")
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(_escaped(char) if _is_escaped(char) else char for char in text)


def _is_escaped(char: str) -> bool:
    return char != "\n" and (is_unprintable(char) or bool(_BLANK.match(char)))


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
