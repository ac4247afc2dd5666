"""A time span as it is written on a command line: ``30s``, ``10m``, ``12h``, ``7d``, ``2w``."""

from __future__ import annotations

import re

from factory.errors import UsageError

_WRITTEN = re.compile(r"(?P<number>\d{1,15}(?:\.\d+)?)\s*(?P<unit>[smhdw])", re.IGNORECASE)
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}


def duration_seconds(written: str, option: str) -> float:
    """Return a time span in seconds.

    Args:
        written: the text.
        option: the option's name, for the message.

    Raises:
        UsageError: it is no time span.
    """
    match = _WRITTEN.fullmatch(written.strip())
    if not match:
        raise UsageError(
            f"{option} is not a time span",
            found=written,
            expected="a number with a unit (s, m, h, d or w), such as 12h or 7d",
        )
    return float(match["number"]) * _SECONDS[match["unit"].lower()]
