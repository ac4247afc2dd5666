"""JSON from servers, images and archives: read so that nothing in it can upset who reads on.

RFC 8259 lets a reader set limits (section 9). Python's own reader takes more than JSON (``NaN``),
ends with other errors than ValueError (RecursionError), and gives texts that cannot be written
again (half of a surrogate pair). What comes from here can be walked, compared, shown and written
without a further look.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

DEEPEST = 64
"""Levels of arrays and objects within one another; what is read here has six."""

_MOST_DIGITS = 400


def parse_json(content: bytes | str, *, each_key_once: bool = False) -> Any:
    """Return the value that ``content`` is; bytes are UTF-8, with a byte order mark or without.

    Of a name that an object has twice the latter counts, unless ``each_key_once``: where readers
    must agree on what was signed, say.

    Raises:
        ValueError: it is not JSON, nested deeper than :data:`DEEPEST`, has a number that is too
            large, or a text that is not Unicode. The message is the end of a sentence.
    """
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
        value = json.loads(
            text,
            parse_constant=_refuse,
            parse_int=_whole,
            parse_float=_number,
            object_pairs_hook=_each_once if each_key_once else None,
        )
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error}") from error
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    _refuse_odd(value)
    return value


def parse_object(content: bytes | str, *, each_key_once: bool = False) -> dict[str, Any]:
    """Return the object that ``content`` is.

    Raises:
        ValueError: as :func:`parse_json`, or it is something else.
    """
    value = parse_json(content, each_key_once=each_key_once)
    if not isinstance(value, dict):
        raise ValueError("it holds no object")  # noqa: TRY004 - a fault of the text, as others
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"it is not JSON: {name} is not a number")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in value if names.count(name) > 1)
        raise ValueError(f"it has {twice!r} twice in one object")
    return value


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError("it has a number that is too long")
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ValueError("it has a number that is too large")
    return value


def _refuse_odd(value: object) -> None:
    level = [value]
    for _ in range(DEEPEST + 1):
        below: list[object] = []
        for one in level:
            if isinstance(one, str):
                _refuse_surrogates(one)
            elif isinstance(one, dict):
                for key in one:
                    _refuse_surrogates(key)
                below += one.values()
            elif isinstance(one, list):
                below += one
        if not below:
            return
        level = below
    raise ValueError("it is nested too deep")


def _refuse_surrogates(text: str) -> None:
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("it has a text that is not Unicode")
