"""What the workspaces of a run share: plugins in flight, the first failure, a person's answers."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from factory.errors import ExportError, Interrupted
from factory.export.shared_installation import Installation
from factory.pipeline.run_context import FirstFailure
from factory.scheduling.in_flight import InFlight, Installations
from factory.toolchain.runner import Runner


class TestInFlight:
    def test_a_key_is_claimed_once_until_it_has_ended(self) -> None:
        in_flight = InFlight()
        with in_flight.claim(["a", "b"]) as first:
            with in_flight.claim(["b", "c"]) as second:
                assert set(first) == {"a", "b"}
                assert set(second) == {"c"}
            in_flight.finish("a")
            with in_flight.claim(["a", "b"]) as third:
                assert third == {"a"}

    def test_what_is_claimed_is_free_again_whatever_happens(self) -> None:
        in_flight = InFlight()
        with pytest.raises(ExportError), in_flight.claim(["a"]):
            raise ExportError("no luck")
        with in_flight.claim(["a"]) as again:
            assert again == {"a"}

    def test_who_waits_goes_on_when_the_other_has_ended(self) -> None:
        in_flight = InFlight()
        waiting = threading.Event()
        with ThreadPoolExecutor(1) as pool, in_flight.claim(["a", "b"]):
            waiter = pool.submit(in_flight.wait, ["a", "x"], waiting.set)
            assert waiting.wait(300)
            assert not waiter.done()
            in_flight.finish("a")
            waiter.result(30)

    def test_waiting_ends_with_the_run(self) -> None:
        in_flight = InFlight()

        def cancelled() -> None:
            raise Interrupted("the run was ended")

        with in_flight.claim(["a"]), pytest.raises(Interrupted):
            in_flight.wait(["a"], cancelled)

    def test_two_that_want_the_same_never_wait_for_each_other(self) -> None:
        in_flight = InFlight()
        built: list[str] = []
        lock = threading.Lock()
        meet = threading.Barrier(2)

        def build(keys: list[str]) -> None:
            meet.wait(300)
            with in_flight.claim(keys) as mine:
                with lock:
                    built.extend(mine)
                for key in mine:
                    in_flight.finish(key)
            in_flight.wait(set(keys) - mine, lambda: None)

        with ThreadPoolExecutor(2) as pool:
            for work in [pool.submit(build, ["a", "b", "c"]), pool.submit(build, ["c", "b", "d"])]:
                work.result(30)
        assert set(built) == {"a", "b", "c", "d"}


class TestInstallations:
    HERE = Installation(workspace=Path("/one"), folders=("node_modules",), manifests={})

    def test_the_first_makes_it_and_the_others_take_it(self) -> None:
        installations = Installations()
        with installations.turn("a", lambda: None) as made:
            assert made is None
            installations.offer("a", self.HERE)
        with installations.turn("a", lambda: None) as made:
            assert made == self.HERE
        with installations.turn("b", lambda: None) as made:
            assert made is None

    def test_where_it_cannot_be_handed_on_nobody_waits_for_another(self) -> None:
        installations = Installations()
        with installations.turn("a", lambda: None):
            installations.offer("a", None)
        with (
            installations.turn("a", lambda: None) as second,
            installations.turn("a", lambda: pytest.fail("it waits")) as third,
        ):
            assert second is third is None

    def test_who_comes_meanwhile_waits(self) -> None:
        installations = Installations()
        waiting = threading.Event()

        def second() -> Installation | None:
            with installations.turn("a", waiting.set) as made:
                return made

        with ThreadPoolExecutor(1) as pool:
            with installations.turn("a", lambda: None):
                waiter = pool.submit(second)
                assert waiting.wait(300)
                assert not waiter.done()
                installations.offer("a", self.HERE)
            assert waiter.result(30) == self.HERE

    def test_if_it_fails_it_is_the_next_ones_turn(self) -> None:
        installations = Installations()
        with pytest.raises(ExportError), installations.turn("a", lambda: None):
            raise ExportError("no luck")
        with installations.turn("a", lambda: None) as made:
            assert made is None

    def test_waiting_ends_with_the_run(self) -> None:
        installations = Installations()

        def cancelled() -> None:
            raise Interrupted("the run was ended")

        def second() -> None:
            with installations.turn("a", cancelled):
                raise AssertionError("not before the first has ended")

        with (
            ThreadPoolExecutor(1) as pool,
            installations.turn("a", lambda: None),
            pytest.raises(Interrupted),
        ):
            pool.submit(second).result(30)


class TestFirstFailure:
    def test_it_ends_the_run_if_it_is_to(self) -> None:
        runner = Runner()
        first = FirstFailure(runner=runner, ends_run=True)
        first.note("todo/plugins/todo")
        first.note("ecs")
        with pytest.raises(Interrupted, match="because todo/plugins/todo failed") as caught:
            runner.raise_if_cancelled()
        assert first.is_reason(caught.value)
        assert not first.is_reason(Interrupted("Ctrl-C"))
        assert not first.is_reason(None)

    def test_otherwise_the_run_goes_on(self) -> None:
        runner = Runner()
        first = FirstFailure(runner=runner, ends_run=False)
        first.note("todo")
        runner.raise_if_cancelled()

    def test_a_signal_that_came_before_stays_the_reason(self) -> None:
        runner = Runner()
        signal = Interrupted("the run was ended by SIGINT")
        runner.cancel(signal)
        first = FirstFailure(runner=runner, ends_run=True)
        first.note("todo")
        with pytest.raises(Interrupted) as caught:
            runner.raise_if_cancelled()
        assert caught.value is signal
        assert not first.is_reason(caught.value)
