"""How much the cache of finished plugins may hold, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

from factory.config.byte_size import size_bytes
from factory.config.duration import duration_seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How much is kept: bytes in all, and seconds since the last use; None for no limit."""

    max_bytes: int | None = None
    max_age: float | None = None


def limits_of(max_size: str, max_age: str) -> Limits:
    """Return the limits that ``--max-size`` and ``--max-age`` mean, such as ``10G`` and ``90d``.

    Raises:
        UsageError: one is no size, or no time span.
    """
    return Limits(
        max_bytes=size_bytes(max_size, "--max-size"),
        max_age=duration_seconds(max_age, "--max-age"),
    )


DEFAULT_SIZE, DEFAULT_AGE = "10G", "90d"
DEFAULT_LIMITS = limits_of(DEFAULT_SIZE, DEFAULT_AGE)
"""What a build keeps."""
