"""Work that is tried again when its failure may pass by itself: the loop, whatever the work is.

How often and after which waits is said by whoever knows the failures: of processes
:mod:`factory.toolchain.retrying`, of requests :class:`factory.oci.transport.RetryPolicy`.
"""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")
_Failure = TypeVar("_Failure", bound=Exception)

_TICK = 0.2


def retry(
    action: Callable[[], _T],
    *,
    failures: type[_Failure],
    wait_after: Callable[[int, _Failure], float | None],
    checkpoint: Callable[[], None],
) -> _T:
    """Return what ``action`` returns, calling it again as long as its failures may pass.

    Args:
        action: the work.
        failures: the exceptions that may pass; any other is raised at once.
        wait_after: the seconds to wait after an attempt (from 1 on) that failed; None to give up,
            when the failure itself is raised.
        checkpoint: called while waiting; whatever it raises ends the work.
    """
    for attempt in count(1):
        try:
            return action()
        except failures as failure:
            seconds = wait_after(attempt, failure)
            if seconds is None:
                raise
        pause(seconds, checkpoint)
    raise AssertionError("there is always another attempt")


def pause(seconds: float, checkpoint: Callable[[], None]) -> None:
    """Wait, with a look now and then, by ``checkpoint``, whether the work is to end."""
    checkpoint()
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        checkpoint()
        time.sleep(min(left, _TICK))
