"""How much the cache of finished plugins may hold, and for how long, as people write it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from factory.errors import UsageError

_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[kmgt]?)(?:i?b)?", re.IGNORECASE)
_EXPONENTS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_AGE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[smhdw])", re.IGNORECASE)
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How much is kept: bytes in all, and seconds since the last use; None for no limit."""

    max_bytes: int | None = None
    max_age: float | None = None


DEFAULT_SIZE, DEFAULT_AGE = "10G", "90d"
DEFAULT_LIMITS = Limits(max_bytes=10 << 30, max_age=90 * 86400.0)
"""What a build keeps."""


def size_in_bytes(written: str, *, option: str) -> int:
    """Return a size in bytes: ``10G``, ``512M``, ``0``; units are powers of 1024.

    Raises:
        UsageError: it is no size; ``option`` is named.
    """
    match = _SIZE.fullmatch(written.strip())
    if not match:
        raise UsageError(
            f"{option} is not a size",
            found=written,
            expected="a number with a unit, such as 10G or 512M",
        )
    return int(float(match["number"]) * 1024 ** _EXPONENTS[match["unit"].lower()])


def age_in_seconds(written: str, *, option: str) -> float:
    """Return an age in seconds: ``90d``, ``12h``, ``2w``.

    Raises:
        UsageError: it is no age; ``option`` is named.
    """
    match = _AGE.fullmatch(written.strip())
    if not match:
        raise UsageError(
            f"{option} is not an age",
            found=written,
            expected="a number with a unit, such as 90d, 12h or 2w",
        )
    return float(match["number"]) * _SECONDS[match["unit"].lower()]
