"""What is read of a workspace, kept for as long as one analysis takes: nobody writes to it then."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_KEPT: ContextVar[dict[object, Any] | None] = ContextVar("kept", default=None)
T = TypeVar("T")


@contextlib.contextmanager
def reading_once() -> Iterator[None]:
    """Keep what is read by way of :func:`once` while the context is open, for this thread alone."""
    token = _KEPT.set({})
    try:
        yield
    finally:
        _KEPT.reset(token)


def once(key: object, read: Callable[[], T]) -> T:
    """Return what ``read`` returns, or has returned for the same key while the context is open."""
    kept = _KEPT.get()
    if kept is None:
        return read()
    if key not in kept:
        kept[key] = read()
    found: T = kept[key]
    return found
