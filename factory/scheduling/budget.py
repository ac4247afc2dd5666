"""The machine shared out: what each stage takes, and who goes next when several wait."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import field
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING

from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


POLL_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """What a step takes while it runs: cores, and bytes of memory."""

    cores: int = 0
    memory: int = 0


NOTHING = Claim()


@dataclass(frozen=True, order=True, slots=True)
class _QueuePlace:
    """A place in the queue: the higher rank first, then who came first."""

    minus_rank: int
    number: int
    claim: Claim = field(compare=False)


@dataclass(frozen=True, slots=True)
class _Held:
    """A claim that is held, and since when: its number is of the same count as the places'."""

    number: int
    claim: Claim


class Budget:
    """Cores and bytes of memory that the threads of a run share.

    Whoever wants some waits for a turn. A claim that does not fit yet is overtaken only by those
    that it would fit beside: it never waits for them, but only for what was held when it came, so
    that a large claim is not starved by a stream of small ones. A claim that is larger than the
    whole budget runs alone. A thread holds one claim at a time: a second one could wait for the
    first.

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
        self._taken: list[_Held] = []
        self._queue: list[_QueuePlace] = []
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
        held = self._take(claim, rank)
        try:
            yield
        finally:
            with self._changed:
                self._taken.remove(held)
                self._changed.notify_all()

    def _take(self, claim: Claim, rank: int) -> _Held:
        with self._changed:
            place = _QueuePlace(-rank, next(self._numbers), claim)
            self._queue.append(place)
            try:
                while not self._may_go(place):
                    self._changed.wait(POLL_SECONDS)
                    self._while_waiting()
                held = _Held(next(self._numbers), claim)
                self._taken.append(held)
            finally:
                self._queue.remove(place)
                self._changed.notify_all()
        return held

    def _may_go(self, place: _QueuePlace) -> bool:
        ahead = (other for other in self._queue if other < place)
        return self._fits(place.claim) and all(self._may_overtake(place, other) for other in ahead)

    def _may_overtake(self, place: _QueuePlace, other: _QueuePlace) -> bool:
        """Whether ``other`` cannot go yet, and will not have to wait for ``place``."""
        since = [held.claim for held in self._taken if held.number > other.number]
        return not self._fits(other.claim) and self._is_enough_for(*since, place.claim, other.claim)

    def _fits(self, claim: Claim) -> bool:
        return not self._taken or self._is_enough_for(*(held.claim for held in self._taken), claim)

    def _is_enough_for(self, *claims: Claim) -> bool:
        cores = sum(claim.cores for claim in claims)
        memory = sum(claim.memory for claim in claims)
        return cores <= self._all.cores and memory <= self._all.memory


_GIB = 1 << 30

# In the order of a run. What waits for a network or a disk has no claim.
CLAIMS: Mapping[str, Claim] = MappingProxyType(
    {
        # npm, asked for a version, or at work on rhdh-cli's 1,900 packages.
        "toolchain": Claim(cores=1, memory=1 * _GIB),
        # yarn holds the whole dependency tree and unpacks in parallel: some 3 GB, of which two do
        # not meet on a machine of 8 GB.
        "install": Claim(cores=1, memory=4 * _GIB),
        # The same from another workspace, as links: a disk's work.
        "take over": Claim(cores=1, memory=_GIB // 4),
        # The type checker has all sources and their types in memory.
        "tsc": Claim(cores=1, memory=2 * _GIB),
        # A bundler, and once more the type checker, for one package.
        "compile": Claim(cores=1, memory=2 * _GIB),
        # Webpack for a frontend; a yarn install of the private dependencies for a backend.
        "export": Claim(cores=1, memory=2 * _GIB),
        # npm, which reads files and compresses them.
        "pack": Claim(cores=1, memory=_GIB // 4),
        # A node process that loads the plugin.
        "verify": Claim(cores=1, memory=_GIB // 2),
    }
)
# The last goes first. A later stage mostly does, so that what has begun is finished before more is
# begun. But compilations lead to short exports, and an installation leads to a bundler, which takes
# longest: begun too late, that is all that runs in the end, on one core of several.
_ORDER = ("compile", "toolchain", "install", "take over", "tsc", "export", "pack", "verify")
_RANKS = {stage: rank for rank, stage in enumerate(_ORDER)}


def claim_of(stage: str) -> Claim:
    """Return what a stage takes while it runs."""
    return CLAIMS.get(stage, NOTHING)


def rank_of(stage: str) -> int:
    """Return a stage's place among those that wait: the highest goes first."""
    return _RANKS.get(stage, 0)
