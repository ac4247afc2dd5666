"""The one loop of what is tried again."""

from __future__ import annotations

import pytest

from factory.retrying import pause, retry


class BrokenError(Exception):
    pass


class EndedError(Exception):
    pass


class Work:
    """Fails so many times, then gives how often it was called."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self.failures:
            raise BrokenError
        return self.calls


def until_third(attempt: int, failure: BrokenError) -> float | None:
    assert isinstance(failure, BrokenError)
    return 0.0 if attempt < 3 else None


def try_again(work: Work) -> int:
    return retry(work, failures=BrokenError, wait_after=until_third, checkpoint=lambda: None)


@pytest.mark.parametrize("failures", [0, 1, 2])
def test_work_is_done_again_until_it_succeeds(failures: int) -> None:
    assert try_again(Work(failures)) == failures + 1


def test_the_last_failure_is_raised() -> None:
    work = Work(3)
    with pytest.raises(BrokenError):
        try_again(work)
    assert work.calls == 3


def test_another_failure_is_raised_at_once() -> None:
    calls: list[int] = []

    def work() -> None:
        calls.append(1)
        raise KeyError("another")

    with pytest.raises(KeyError):
        retry(work, failures=BrokenError, wait_after=until_third, checkpoint=lambda: None)
    assert len(calls) == 1


def test_what_ends_the_run_ends_the_wait() -> None:
    def end() -> None:
        raise EndedError

    work = Work(1)
    with pytest.raises(EndedError):
        retry(work, failures=BrokenError, wait_after=lambda *_: 3600.0, checkpoint=end)
    assert work.calls == 1
    with pytest.raises(EndedError):
        pause(3600.0, end)
