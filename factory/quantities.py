"""Seconds, bytes, counts and long lists as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MINUTE = 60
_HOUR = 3600
_KILO = 1000


def clock(seconds: float) -> str:
    """Return a duration at a glance: ``7s``, ``1:24``, ``1:02:03``."""
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}:{whole % _MINUTE:02}"
    return f"{whole // _HOUR}:{whole % _HOUR // _MINUTE:02}:{whole % _MINUTE:02}"


def duration(seconds: float) -> str:
    """Return a duration that has ended, to a tenth while that matters: ``7.3s``, ``1:24``."""
    return f"{seconds:.1f}s" if round(seconds, 1) < _MINUTE else clock(seconds)


def size(count: int) -> str:
    """Return bytes in decimal units, as registries and file managers do: ``1.2 MB``."""
    if count < _KILO:
        return f"{count} B"
    amount, unit = count / _KILO, "kB"
    for bigger in ("MB", "GB"):
        if round(amount, 1) < _KILO:
            break
        amount, unit = amount / _KILO, bigger
    return f"{amount:.1f} {unit}"


def pluralize(number: int, noun: str, several: str = "") -> str:
    """Return ``1 plugin``, ``2 plugins``; ``several`` is a plural that is not the noun and an s."""
    return f"{number} {noun if number == 1 else several or f'{noun}s'}"


def join_names(names: Iterable[str], most: int = 5, *, between: str = ", ") -> str:
    """Return names as one text: the first ``most`` of them, and how many more there are."""
    several = list(names)
    shown = between.join(several[:most])
    more = len(several) - most
    return f"{shown} and {more} more" if more > 0 else shown
