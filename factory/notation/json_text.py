"""JSON (RFC 8259) from servers, archives, caches and files, read within limits."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, NoReturn

from factory.notation.limits import DEEPEST, DocumentError, Steps, decode_text, too_deep
from factory.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

# A piece of valid JSON that tells where one is: a whole text, or one of the brackets.
_PIECE = lazy_pattern(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]')
# Text that does not end goes to the end, so that its rest is not looked through again and again.
# Python before 3.11.5 misreads a possessive "+" behind what has alternatives (gh-106052).
_QUOTED = r'("[^"\\]*+(?:\\.[^"\\]*+)*(?:"|\\?\Z))'
_COMMENT = lazy_pattern(rf"{_QUOTED}|//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_LAST_COMMA = lazy_pattern(rf"{_QUOTED}|,(?=\s*+[]}}])", re.DOTALL)
_SURROGATE = lazy_pattern("[\ud800-\udfff]")
_ESCAPED_HALF = lazy_pattern(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_HIGH, _LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
# In a valid document without escaped backslashes, behind which a half only seems to be.
_LONE_HALF = lazy_pattern(rf"{_HIGH}(?!{_LOW})|(?<!{_HIGH}){_LOW}|[\ud800-\udfff]")


def parse_json(text: str | bytes, *, each_key_once: bool = False) -> Any:
    """Return the value of a JSON document; of a repeated key the last, as JavaScript takes it.

    What Python's reader lets through and JSON does not have is refused: ``NaN``, ``Infinity``, and
    numbers that double precision cannot hold; and so are halves of surrogate pairs, which cannot be
    written or shown.

    Args:
        text: the document; bytes are UTF-8, with or without a byte order mark.
        each_key_once: refuse a repeated key: where all readers must agree on what was signed, say.

    Raises:
        DocumentError: a ValueError; it is not JSON, not UTF-8, or nested more than
            :data:`~factory.notation.limits.DEEPEST` deep.
    """
    written = decode_text(text) if isinstance(text, bytes) else text.removeprefix("\ufeff")
    try:
        value = json.loads(
            written,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            object_pairs_hook=_refuse_repeated if each_key_once else None,
        )
    except json.JSONDecodeError as error:
        raise DocumentError(error.msg, line=error.lineno, column=error.colno) from error
    except RecursionError as error:
        raise too_deep() from error
    except DocumentError:
        raise
    except ValueError as error:  # a whole number of more than 4,300 digits
        raise DocumentError("a number has too many digits", expected="a number") from error
    _refuse_depth(value)
    # Scripts in a source map have whole pairs.
    if _may_have_halves(written) and _LONE_HALF.search(written.replace("\\\\", "  ")):
        _refuse_half_pairs(written)
    return value


def parse_object(text: str | bytes, *, each_key_once: bool = False) -> dict[str, Any]:
    """Return the value of a JSON document that is an object.

    Raises:
        DocumentError: as for :func:`parse_json`, or it is something else.
    """
    value = parse_json(text, each_key_once=each_key_once)
    if not isinstance(value, dict):
        raise DocumentError("it is not an object", expected="an object")
    return value


def parse_commented_object(text: str | bytes) -> dict[str, Any]:
    """Return the value of an object as ``tsconfig.json`` has it: with comments, and last commas.

    That is JSON with Comments (https://code.visualstudio.com/docs/languages/json).

    Raises:
        DocumentError: as for :func:`parse_object`.
    """
    written = decode_text(text) if isinstance(text, bytes) else text
    bare = _COMMENT.sub(lambda found: found[1] or " ", written)
    return parse_object(_LAST_COMMA.sub(lambda found: found[1] or "", bare))


def json_keys(text: str) -> Iterator[tuple[Steps, int]]:
    """Yield the way to each key of a JSON document that has been read, and the key's offset.

    A way has the names of keys, and numbers in lists from 0, as text. A key that is repeated is
    yielded each time.
    """
    for way, piece, is_key in _texts(text):
        if is_key:
            yield way, piece.start()


def _texts(text: str) -> Iterator[tuple[Steps, re.Match[str], bool]]:
    """The texts of a valid document: the way to each, where it stands, whether it is a key."""
    way: list[str] = []  # where we are in each open bracket
    in_map: list[bool] = []
    expects_key = False
    for piece in _PIECE.finditer(text):
        mark = piece.group()
        if mark in "{[":
            in_map.append(mark == "{")
            way.append("0")
            expects_key = mark == "{"
        elif mark in "}]":
            in_map.pop()
            way.pop()
            expects_key = False
        elif mark == ",":
            expects_key = in_map[-1]
            if not expects_key:
                way[-1] = str(int(way[-1]) + 1)
        elif mark != ":":
            if expects_key:
                way[-1] = json.loads(mark)
            yield tuple(way), piece, expects_key
            expects_key = False


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in value if names.count(name) > 1)
        raise DocumentError(f"{twice!r} appears twice in one object", expected="each key only once")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise DocumentError(f"{name} is not a value of JSON", expected="a number")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise DocumentError(f"{digits[:40]} is too large", expected="a number")
    return number


def _refuse_depth(value: object) -> None:
    level, depth = [value] if isinstance(value, dict | list) else [], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise too_deep()
        level = [
            child
            for outer in level
            for child in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(child, dict | list)
        ]


def _may_have_halves(text: str) -> bool:
    if "\\u" in text and _ESCAPED_HALF.search(text) is not None:
        return True
    try:  # a tenth of the time that a regular expression takes to find none
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _refuse_half_pairs(text: str) -> None:
    """Refuse text that cannot be encoded; the reader puts whole pairs together."""
    for way, piece, _ in _texts(text):
        half = _SURROGATE.search(json.loads(piece.group()))
        if half:
            offset = piece.start()
            raise DocumentError(
                f"U+{ord(half.group()):04X}, half of a surrogate pair",
                line=text.count("\n", 0, offset) + 1,
                column=offset - (text.rfind("\n", 0, offset) + 1) + 1,
                field=".".join(way).encode("ascii", "backslashreplace").decode("ascii"),
                expected="text that can be printed",
            )
