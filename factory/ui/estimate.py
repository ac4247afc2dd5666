"""How long a run is still going to take, from what its stages took before and its own pace.

Work is counted in the seconds that stages took the last time, or typically take. What that means on
this machine, with as many at once as it can do, is what the run itself has shown so far.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Seconds, of a workspace of a few plugins on a machine with two cores.
TYPICAL: Mapping[str, float] = {
    "source": 4.0,
    "install": 30.0,
    "tsc": 10.0,
    "compile": 4.0,
    "export": 12.0,
    "push": 3.0,
}
TYPICAL_PLUGINS = 2
_SHORT = 0.5
# Before that a run's pace is that of its first downloads.
_SOONEST = 5.0
# A stage that takes longer than it did is still going to take a while.
_LEAST_LEFT = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """Work in expected seconds: what has been done, and what is left."""

    done: float = 0.0
    left: float = 0.0


def typical(stage: str) -> float:
    """Return the seconds that a stage takes where nothing better is known."""
    return TYPICAL.get(stage, _SHORT)


def ended_work(expected: float) -> Work:
    """Return the work of a stage that is done."""
    return Work(done=expected)


def waiting_work(expected: float) -> Work:
    """Return the work of a stage that has not begun."""
    return Work(left=expected)


def running_work(expected: float, seconds: float) -> Work:
    """Return the work of a stage that has been running for ``seconds``."""
    return Work(done=min(seconds, expected), left=max(expected - seconds, expected * _LEAST_LEFT))


def seconds_left(work: Iterable[Work], elapsed: float) -> float | None:
    """Return how many seconds of wall time are left; None while nobody can say.

    Args:
        work: the stages' work.
        elapsed: seconds since the run began.
    """
    stages = list(work)
    done = sum(stage.done for stage in stages)
    left = sum(stage.left for stage in stages)
    if elapsed < _SOONEST or not done or not left:
        return None
    return left * elapsed / done
