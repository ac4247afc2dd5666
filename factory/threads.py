"""Threads that work on what their starter works on."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_P = ParamSpec("_P")
_T = TypeVar("_T")


class InheritingPool(ThreadPoolExecutor):
    """A pool whose tasks see the context variables of who submits them.

    Python's own pools do not pass them on; ``factory.events.WORKSPACE`` is one.
    """

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Submit a task as :meth:`ThreadPoolExecutor.submit` does."""
        context = copy_context()
        return super().submit(lambda: context.run(fn, *args, **kwargs))
