"""Names and dates in the header lines of a patch, read as GNU patch reads them.

A name may be quoted as in C, a date may follow it, and the first folders may be stripped from it.
What a header says of a file's being there is in its date: diff writes the epoch (or ``/dev/null``)
for a file that does not exist (POSIX, patch(1), and the GNU diffutils manual, "Creating and
Removing Files").
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Literal, TypeAlias

from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

# What a header's date tells: none was written, the file does not exist, any other date.
Date: TypeAlias = Literal["none", "epoch", "other"]

_NOTHING = b"/dev/null"
_SPACE = b" \t\n\v\f\r"
_SIMPLE_ESCAPES = {
    **dict(zip(b"abfnrtv", b"\a\b\f\n\r\t\v", strict=True)),
    ord("\\"): ord("\\"),
    ord('"'): ord('"'),
}
_OCTAL = lazy_pattern(rb"[0-3][0-7]{2}")
_ISO_DATE = lazy_pattern(
    r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    r"(?:[ T]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?)?"
    r"\s*(?P<zone>[+-]\d{2}:?\d{2}|[+-]\d{1,2}|Z|UTC|GMT)?$"
)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_LONG_DATE = lazy_pattern(
    r"(?:[A-Za-z]{3},?\s+)?(?P<name>[A-Za-z]{3})\s+(?P<day>\d{1,2})\s+"
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?\s+"
    r"(?P<year>\d{4})\s*(?P<zone>[+-]\d{2}:?\d{2}|UTC|GMT)?$"
)
_MAIL_DATE = lazy_pattern(
    r"(?:[A-Za-z]{3},?\s+)?(?P<day>\d{1,2})\s+(?P<name>[A-Za-z]{3})\s+(?P<year>\d{4})\s+"
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?\s*"
    r"(?P<zone>[+-]\d{2}:?\d{2}|UTC|GMT)?$"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A date is written in local time, and POSIX allows for zones between these.
_EARLIEST, _LATEST = timedelta(hours=-25), timedelta(hours=26)


@dataclass(frozen=True, kw_only=True, slots=True)
class HeaderName:
    """A header's name after stripping, and what its date tells.

    ``name`` is ``None`` for ``/dev/null``. A name with too few folders to strip gives no value.
    """

    name: str | None
    date: Date


def read_header_name(rest: bytes, strip: int) -> HeaderName | None:
    """Return the name in a header line such as ``--- a/x<tab>date``; ``None`` for no usable one.

    Args:
        rest: the line after its mark, to its line feed.
        strip: how many folders to strip.
    """
    found = _take_name(rest, _end_of_name)
    if found is None:
        return None
    name, after = found
    if name == _NOTHING:
        return HeaderName(name=None, date="epoch")
    stripped = _strip(name, strip)
    if stripped is None:
        return None
    return HeaderName(name=os.fsdecode(stripped), date=_read_date(after))


def read_index_name(rest: bytes, strip: int) -> str | None:
    """Return the name in an ``Index:`` line; nothing but a line's end may follow it."""
    found = _take_name(rest, _end_of_index_name)
    if found is None:
        return None
    name, after = found
    stripped = _strip(name, strip)
    return os.fsdecode(stripped) if stripped is not None and after == b"\n" else None


def read_git_names(rest: bytes, strip: int) -> tuple[str, str] | None:
    """Return both names of ``diff --git a/x b/x``; ``None`` where a blank makes them unclear."""
    names: list[str] = []
    for _ in range(2):
        found = _take_name(rest, _end_of_word)
        if found is None:
            return None
        name, rest = found
        stripped = _strip(name, strip)
        if stripped is None or (not names and rest[:1] not in {bytes([one]) for one in _SPACE}):
            return None
        names.append(os.fsdecode(stripped))
    return None if rest.strip(_SPACE) else (names[0], names[1])


def _take_name(text: bytes, end_of: Callable[[bytes], int]) -> tuple[bytes, bytes] | None:
    """Return a name, quoted or up to its end, and what follows; ``None`` for a malformed one."""
    text = text.lstrip(_SPACE)
    if text.startswith(b'"'):
        return _read_quoted(text)
    end = end_of(text)
    return text[:end], text[end:]


def _end_of_word(text: bytes) -> int:
    return next((at for at, byte in enumerate(text) if byte in _SPACE), len(text))


def _end_of_index_name(text: bytes) -> int:
    return next((at for at in range(len(text)) if _ends_index_name(text, at)), len(text))


def best_name(names: dict[str, str]) -> str | None:
    """Return which of some names is the one to patch, as the key that it has.

    The order of the rules is GNU patch's: fewest folders, shortest, first. It judges a name by the
    shortest of those before it, so that of three names none may be left.
    """
    fewest = shortest = None
    for name in names.values():
        folders, length = count_folders(name), len(os.fsencode(name.rstrip("/")))
        if fewest is not None and fewest < folders:
            continue
        fewest = folders
        if shortest is not None and shortest < length:
            continue
        shortest = length
    for key, name in names.items():
        length = len(os.fsencode(name.rstrip("/")))
        if count_folders(name) == fewest and length == shortest and is_safe_name(name):
            return key
    return None


def count_folders(name: str) -> int:
    """How many folders a name goes through."""
    return sum(name[at] == "/" and name[at - 1] != "/" and bool(name) for at in range(1, len(name)))


def is_safe_name(name: str) -> bool:
    """Whether a name is relative and free of ``..``: GNU patch ignores any other."""
    return not name.startswith("/") and ".." not in name.split("/")


def _end_of_name(rest: bytes) -> int:
    """Where an unquoted name ends: at a blank, unless a tab comes later, before the date."""
    for at, byte in enumerate(rest):
        if byte not in _SPACE:
            continue
        last = at
        while rest[last] != ord("\t") and last + 1 < len(rest) and rest[last + 1] in _SPACE:
            last += 1
        if rest[last] == ord("\t") or b"\t" not in rest[last + 1 :]:
            return at
    return len(rest)


def _ends_index_name(rest: bytes, at: int) -> bool:
    if rest[at] not in _SPACE:
        return False
    last = at
    while rest[last] != ord("\t") and last + 1 < len(rest) and rest[last + 1] in _SPACE:
        last += 1
    return rest[last] == ord("\t") or b"\n" not in rest[last + 1 :]


def _read_quoted(text: bytes) -> tuple[bytes, bytes] | None:
    """Return a C string at the start of a text, and what follows it; ``None`` for no such."""
    name = bytearray()
    at = 1
    while at < len(text):
        byte = text[at]
        at += 1
        if byte == ord('"'):
            return bytes(name), text[at:]
        if byte != ord("\\"):
            name.append(byte)
            continue
        if octal := _OCTAL.match(text, at):
            name.append(int(octal[0], 8))
            at = octal.end()
        elif at < len(text) and text[at] in _SIMPLE_ESCAPES:
            name.append(_SIMPLE_ESCAPES[text[at]])
            at += 1
        else:
            return None
    return None


def _strip(name: bytes, strip: int) -> bytes | None:
    """Take the first folders off a name; several slashes count as one."""
    rest = name
    for _ in range(strip):
        _, slash, rest = rest.partition(b"/")
        if not slash:
            return None
        rest = rest.lstrip(b"/")
    return rest or None


def _read_date(after: bytes) -> Date:
    if after.startswith(b"\n") or not after:
        return "none"
    text = after.decode("ascii", errors="replace").strip()
    for form in (_ISO_DATE, _LONG_DATE, _MAIL_DATE):
        if match := form.match(text):
            return "epoch" if _is_epoch(match) else "other"
    # Nothing is today; what cannot be read is not said.
    return "none" if text else "other"


def _is_epoch(match: re.Match[str]) -> bool:
    fields = match.groupdict()
    month = fields.get("month")
    name = (fields.get("name") or "").lower()
    if month is None and name not in _MONTHS:
        return False
    try:
        at = datetime(
            int(fields["year"]),
            int(month) if month else _MONTHS.index(name) + 1,
            int(fields["day"]),
            int(fields["hour"] or 0),
            int(fields["minute"] or 0),
            int(fields["second"] or 0),
            tzinfo=_zone(fields["zone"]),
        )
    except ValueError:
        return False
    return _EARLIEST < at - _EPOCH < _LATEST


def _zone(written: str | None) -> timezone:
    if written is None or written[0] not in "+-":
        return UTC
    digits = written[1:].replace(":", "")
    hours, minutes = (int(digits), 0) if len(digits) <= 2 else (int(digits[:-2]), int(digits[-2:]))  # noqa: PLR2004
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if written[0] == "-" else offset)
