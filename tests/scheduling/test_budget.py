"""The machine shared out among threads: never more than there is, and nobody waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from factory.errors import Interrupted
from factory.scheduling.budget import (
    CLAIMS,
    Budget,
    Claim,
    claim_of,
    rank_of,
)

GIB = 1 << 30


class Worker:
    """A thread that takes a claim, and gives it back when it is told to."""

    def __init__(self, budget: Budget, claim: Claim, rank: int = 0) -> None:
        self.has_it = threading.Event()
        self._may_go = threading.Event()
        self.ended: Future[None] = Future()
        self._thread = threading.Thread(target=self._work, args=(budget, claim, rank))
        self._thread.start()

    def _work(self, budget: Budget, claim: Claim, rank: int) -> None:
        try:
            with budget.use(claim, rank=rank):
                self.has_it.set()
                assert self._may_go.wait(300)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.ended.set_exception(error)
        else:
            self.ended.set_result(None)

    def go(self) -> None:
        self._may_go.set()
        self._thread.join(30)

    def assert_has_it(self) -> None:
        assert self.has_it.wait(300)

    def assert_waits(self) -> None:
        assert not self.has_it.wait(0.15)


Start = Callable[..., Worker]


@contextmanager
def workers(budget: Budget) -> Iterator[Start]:
    """Starts workers one after the other, each in line before the next comes."""
    started: list[Worker] = []

    def start(*, cores: int = 1, memory: int = 0, rank: int = 0) -> Worker:
        before = len(budget._queue) + len(budget._taken)
        worker = Worker(budget, Claim(cores=cores, memory=memory), rank)
        end = time.monotonic() + 300
        while len(budget._queue) + len(budget._taken) == before and not worker.ended.done():
            assert time.monotonic() < end
            time.sleep(0.001)
        started.append(worker)
        return worker

    try:
        yield start
    finally:
        for worker in started:
            worker._may_go.set()
        for worker in started:
            worker.go()


def test_there_are_never_more_than_the_cores() -> None:
    budget = Budget(cores=2, memory=8 * GIB)
    with workers(budget) as start:
        first, second, third = start(), start(), start()
        first.assert_has_it()
        second.assert_has_it()
        third.assert_waits()
        first.go()
        third.assert_has_it()


def test_memory_limits_as_cores_do() -> None:
    budget = Budget(cores=8, memory=8 * GIB)
    with workers(budget) as start:
        first, second = start(memory=5 * GIB), start(memory=4 * GIB)
        first.assert_has_it()
        second.assert_waits()
        first.go()
        second.assert_has_it()


def test_a_claim_larger_than_everything_runs_alone() -> None:
    budget = Budget(cores=2, memory=2 * GIB)
    with workers(budget) as start:
        small = start(memory=1)
        large = start(cores=4, memory=3 * GIB)
        after = start(cores=1)
        small.assert_has_it()
        large.assert_waits()
        small.go()
        large.assert_has_it()
        after.assert_waits()
        large.go()
        after.assert_has_it()


def test_who_came_first_goes_first_and_small_claims_do_not_starve_a_large_one() -> None:
    budget = Budget(cores=2, memory=GIB)
    with workers(budget) as start:
        running = start()
        large = start(cores=2)
        small = start()
        running.assert_has_it()
        large.assert_waits()
        small.assert_waits()  # it would fit, but is not first in line
        running.go()
        large.assert_has_it()
        small.assert_waits()
        large.go()
        small.assert_has_it()


def test_one_that_does_not_fit_is_overtaken_by_those_that_it_will_fit_beside() -> None:
    budget = Budget(cores=8, memory=10 * GIB)
    with workers(budget) as start:
        running = start(memory=5 * GIB)
        large = start(memory=6 * GIB)
        beside = start(memory=3 * GIB)
        in_the_way = start(memory=2 * GIB)  # fits now, but not beside the two before it
        beside.assert_has_it()
        large.assert_waits()
        in_the_way.assert_waits()
        running.go()
        large.assert_has_it()
        in_the_way.assert_waits()
        beside.go()
        in_the_way.assert_has_it()


def test_a_stream_of_small_claims_does_not_starve_a_large_one() -> None:
    budget = Budget(cores=8, memory=8 * GIB)
    with workers(budget) as start:
        running = start(memory=4 * GIB)
        large = start(memory=6 * GIB)
        for _ in range(10):
            small = start(memory=2 * GIB)
            small.assert_has_it()
            small.go()
        last = start(memory=2 * GIB)
        last.assert_has_it()
        running.go()
        large.assert_has_it()


def test_a_higher_rank_goes_first() -> None:
    budget = Budget(cores=1, memory=GIB)
    with workers(budget) as start:
        running = start()
        install = start(rank=rank_of("install"))
        export = start(rank=rank_of("export"))
        running.go()
        export.assert_has_it()
        install.assert_waits()
        export.go()
        install.assert_has_it()


def test_a_claim_of_nothing_never_waits() -> None:
    budget = Budget(cores=1, memory=1)
    with budget.use(Claim(cores=1, memory=1)), budget.use(Claim()):
        pass


def test_a_claim_is_given_back_when_its_holder_fails() -> None:
    budget = Budget(cores=1, memory=1)
    with pytest.raises(ValueError, match="no luck"), budget.use(Claim(cores=1)):
        raise ValueError("no luck")
    with budget.use(Claim(cores=1)):
        pass


def test_who_waits_is_woken_when_the_run_is_cancelled() -> None:
    cancelled = threading.Event()

    def checkpoint() -> None:
        if cancelled.is_set():
            raise Interrupted("the run was ended")

    budget = Budget(cores=1, memory=GIB, while_waiting=checkpoint)
    with workers(budget) as start:
        running, waiting = start(), start()
        waiting.assert_waits()
        cancelled.set()
        with pytest.raises(Interrupted):
            waiting.ended.result(30)
        # Its place in line is free again, and the claim of the other one still stands.
        cancelled.clear()
        next_one = start()
        next_one.assert_waits()
        running.go()
        next_one.assert_has_it()


def test_many_threads_never_take_more_than_there_is() -> None:
    budget = Budget(cores=3, memory=10)
    now, most = [0, 0], [0, 0]
    lock = threading.Lock()

    def work(number: int) -> None:
        claim = Claim(cores=1 + number % 3, memory=1 + number % 7)
        with budget.use(claim, rank=number % 5):
            with lock:
                now[0] += claim.cores
                now[1] += claim.memory
                most[:] = [max(pair) for pair in zip(most, now, strict=True)]
            time.sleep(0.0005)
            with lock:
                now[0] -= claim.cores
                now[1] -= claim.memory

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(300)))
    assert now == [0, 0]
    assert most[0] == 3
    assert most[1] <= 10


def test_what_only_waits_for_a_network_has_no_claim() -> None:
    for stage in ("resolve", "source", "push"):
        assert claim_of(stage) == Claim()


def test_later_stages_go_first_but_what_leads_to_least_goes_last() -> None:
    ranks = [rank_of(stage) for stage in ("compile", "install", "tsc", "export", "pack", "verify")]
    assert ranks == sorted(set(ranks))
    assert {stage for stage in CLAIMS if rank_of(stage) == min(ranks)} == {"compile"}
    assert set(CLAIMS) >= {"toolchain", "install"}
