"""The machine shared out: what runs at once never asks for more cores or memory than there are."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

POLL_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """What a step takes while it runs: cores, and bytes of memory."""

    cores: int = 0
    memory: int = 0


NOTHING = Claim()


@dataclass(frozen=True, order=True, slots=True)
class _Place:
    """A place in the queue: the higher rank first, then who came first."""

    minus_rank: int
    number: int


class Budget:
    """Cores and bytes of memory that the threads of a run share.

    Whoever wants some waits for a turn. Nobody overtakes who is first in line, so that a large
    claim is not starved by a stream of small ones. A claim that is larger than the whole budget
    runs alone. A thread holds one claim at a time: a second one could wait for the first.

    Args:
        cores: how many there are.
        memory: bytes.
        while_waiting: called about ten times a second in a thread that waits; whatever it raises
            ends the wait.
    """

    def __init__(
        self, *, cores: int, memory: int, while_waiting: Callable[[], None] = lambda: None
    ) -> None:
        self._all = Claim(cores=cores, memory=memory)
        self._while_waiting = while_waiting
        self._taken: list[Claim] = []
        self._queue: list[_Place] = []
        self._numbers = count()
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def use(self, claim: Claim, *, rank: int = 0) -> Iterator[None]:
        """Wait until a claim fits, and hold it.

        Args:
            claim: a claim of nothing never waits.
            rank: a higher one goes before a lower one, whoever came first.
        """
        if claim == NOTHING:
            yield
            return
        self._take(claim, rank)
        try:
            yield
        finally:
            with self._changed:
                self._taken.remove(claim)
                self._changed.notify_all()

    def _take(self, claim: Claim, rank: int) -> None:
        place = _Place(-rank, next(self._numbers))
        with self._changed:
            self._queue.append(place)
            try:
                while place != min(self._queue) or not self._fits(claim):
                    self._changed.wait(POLL_SECONDS)
                    self._while_waiting()
                self._taken.append(claim)
            finally:
                self._queue.remove(place)
                self._changed.notify_all()

    def _fits(self, claim: Claim) -> bool:
        if not self._taken:
            return True
        cores = claim.cores + sum(taken.cores for taken in self._taken)
        memory = claim.memory + sum(taken.memory for taken in self._taken)
        return cores <= self._all.cores and memory <= self._all.memory
