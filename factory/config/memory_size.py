"""A size of memory as it is written on a command line: ``6G``, ``512M``, ``1.5GiB``."""

from __future__ import annotations

import re

from factory.errors import UsageError

_WRITTEN = re.compile(r"^(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[kmgt]?)i?b?$", re.IGNORECASE)
_EXPONENTS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_LEAST = 1 << 20


def memory_bytes(written: str) -> int:
    """Return a size in bytes; units are powers of 1024, as for container limits.

    Raises:
        UsageError: it is no size, or less than a mebibyte (a unit was forgotten).
    """
    match = _WRITTEN.match(written.strip())
    size = (
        int(float(match["number"]) * 1024 ** _EXPONENTS[match["unit"].lower()]) if match else None
    )
    if size is None or size < _LEAST:
        raise UsageError(
            "--memory is not a size of memory",
            found=written,
            expected="a number with a unit, such as 6G or 512M",
        )
    return size
