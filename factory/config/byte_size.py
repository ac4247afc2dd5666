"""A size in bytes as it is written on a command line: ``6G``, ``512M``, ``1.5GiB``, ``0``."""

from __future__ import annotations

import re

from factory.errors import UsageError

_WRITTEN = re.compile(r"(?P<number>\d{1,15}(?:\.\d+)?)\s*(?P<unit>[kmgt]?)i?b?", re.IGNORECASE)
_EXPONENTS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def size_bytes(written: str, option: str, *, least: int = 0) -> int:
    """Return a size in bytes; units are powers of 1024, as for container limits.

    Args:
        written: the text.
        option: the option's name, for the message.
        least: less than this is no size that the option can mean: a unit was forgotten.

    Raises:
        UsageError: it is no size, or less than ``least``.
    """
    match = _WRITTEN.fullmatch(written.strip())
    size = int(float(match["number"]) * 1024 ** _EXPONENTS[match["unit"].lower()]) if match else -1
    if size < least:
        raise UsageError(
            f"{option} is not a size",
            found=written,
            expected="a number with a unit, such as 6G or 512M",
        )
    return size
