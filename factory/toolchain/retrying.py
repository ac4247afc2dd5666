"""A command that is run again when its failure may pass by itself."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from factory.retrying import retry
from factory.toolchain.runner import ProcessFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from factory.toolchain.runner import Runner

_T = TypeVar("_T")

log = logging.getLogger(__name__)


def retry_command(
    action: Callable[[], _T],
    *,
    may_pass: Callable[[ProcessFailed], bool],
    after: Sequence[float],
    what: str,
    runner: Runner,
) -> _T:
    """Run an action again as long as its failure may pass by itself.

    Args:
        action: runs a process.
        may_pass: whether a failure may be gone a little later.
        after: how many seconds to wait before each further attempt; there are no more than these.
        what: what has happened, for the warning: "yarn install: the registry broke off".
        runner: says whether the run was ended meanwhile.

    Raises:
        ProcessFailed: it failed for another reason, or once too often.
        Interrupted: the run was ended meanwhile.
    """

    def wait_after(attempt: int, failure: ProcessFailed) -> float | None:
        if attempt > len(after) or not may_pass(failure):
            return None
        seconds = after[attempt - 1]
        log.warning("%s; trying again in %.0f s", what, seconds)
        return seconds

    return retry(
        action,
        failures=ProcessFailed,
        wait_after=wait_after,
        checkpoint=runner.raise_if_cancelled,
    )
