"""Sizes and time spans as people write them: ``6G``, ``512M``, ``30s``, ``12h``, ``2w``."""

from __future__ import annotations

import re

from factory.errors import UsageError
from factory.patterns import lazy_pattern

_BYTE_SIZE = lazy_pattern(r"(?P<number>\d{1,15}(?:\.\d+)?)\s*(?P<unit>[kmgt]?)i?b?", re.IGNORECASE)
_EXPONENTS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def size_bytes(written: str, option: str, *, least: int = 0) -> int:
    """Return a size in bytes; units are powers of 1024, as for container limits.

    Args:
        written: the text.
        option: the option's name, for the message.
        least: less than this cannot be meant as a size: a unit was forgotten.

    Raises:
        UsageError: it is not a size, or less than ``least``.
    """
    match = _BYTE_SIZE.fullmatch(written.strip())
    size = int(float(match["number"]) * 1024 ** _EXPONENTS[match["unit"].lower()]) if match else -1
    if size < least:
        raise UsageError(
            f"{option} is not a size",
            found=written,
            expected="a number with a unit, such as 6G or 512M",
        )
    return size


_TIME_SPAN = lazy_pattern(r"(?P<number>\d{1,15}(?:\.\d+)?)\s*(?P<unit>[smhdw])", re.IGNORECASE)
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}


def duration_seconds(written: str, option: str) -> float:
    """Return a time span in seconds.

    Args:
        written: the text.
        option: the option's name, for the message.

    Raises:
        UsageError: it is not a time span.
    """
    match = _TIME_SPAN.fullmatch(written.strip())
    if not match:
        raise UsageError(
            f"{option} is not a time span",
            found=written,
            expected="a number with a unit (s, m, h, d or w), such as 12h or 7d",
        )
    return float(match["number"]) * _SECONDS[match["unit"].lower()]
