"""All checks at once: none can harm another, and none can make the others wait."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from factory.config.environment import Environment
from factory.doctor.context import DoctorContext
from factory.doctor.examination import examine, has_failed
from factory.doctor.finding import Check, DoctorFinding
from factory.errors import Interrupted, UsageError
from factory.toolchain.runner import Runner


def about(tmp_path: Path, *, seconds: float = 60, runner: Runner | None = None) -> DoctorContext:
    return DoctorContext(
        environment=Environment(variables={}),
        process={},
        runner=runner or Runner(),
        config_dir=None,
        repo_path=tmp_path,
        output_dir=tmp_path,
        cache_dir=tmp_path,
        temporary=tmp_path,
        offline=True,
        seconds=seconds,
    )


def fine(_: DoctorContext) -> tuple[DoctorFinding, ...]:
    return (DoctorFinding(check="fine", outcome="ok", found="all"),)


def test_a_check_that_breaks_is_one_line_of_the_answer(tmp_path: Path) -> None:
    def broken(_: DoctorContext) -> tuple[DoctorFinding, ...]:
        raise ZeroDivisionError("of the test")

    def refused(_: DoctorContext) -> tuple[DoctorFinding, ...]:
        raise UsageError("no good", found="this", hint="do that")

    checks = [
        Check(names=("broken",), look=broken),
        Check(names=("refused",), look=refused),
        Check(names=("fine",), look=fine),
    ]
    broke, refusal, good = examine(about(tmp_path), checks)
    assert (broke.check, broke.outcome) == ("broken", "failed")
    assert "ZeroDivisionError: of the test" in broke.found
    assert (refusal.found, refusal.advice) == ("no good (this)", "do that")
    assert good.outcome == "ok"


def test_what_hangs_is_given_up_under_all_its_names(tmp_path: Path) -> None:
    forever = threading.Event()

    def hanging(_: DoctorContext) -> tuple[DoctorFinding, ...]:
        forever.wait(120)
        return ()

    checks = [Check(names=("one", "two"), look=hanging), Check(names=("fine",), look=fine)]
    findings = examine(about(tmp_path, seconds=0.1), checks)
    forever.set()
    assert [(each.check, each.outcome) for each in findings] == [
        ("one", "failed"),
        ("two", "failed"),
        ("fine", "ok"),
    ]
    assert "no answer within 0.1 s" in findings[0].found


def test_all_are_asked_at_once(tmp_path: Path) -> None:
    together = threading.Barrier(8, timeout=300)

    def waiting(_: DoctorContext) -> tuple[DoctorFinding, ...]:
        together.wait()
        return (DoctorFinding(check="x", outcome="ok", found=""),)

    checks = [Check(names=(str(number),), look=waiting) for number in range(8)]
    assert not has_failed(examine(about(tmp_path), checks))


def test_warnings_belong_to_the_check_that_says_them(tmp_path: Path) -> None:
    together = threading.Barrier(2, timeout=300)

    def saying(word: str) -> Check:
        def look(_: DoctorContext) -> tuple[DoctorFinding, ...]:
            together.wait()
            logging.getLogger("factory.of.the.test").warning("%s!", word)
            together.wait()
            return (DoctorFinding(check=word, outcome="ok", found=""),)

        return Check(names=(word,), look=look)

    findings = examine(about(tmp_path), [saying("a"), saying("b")])
    assert [(each.outcome, each.notes) for each in findings] == [
        ("warning", ("a!",)),
        ("warning", ("b!",)),
    ]
    assert not has_failed(findings)


def test_ctrl_c_ends_it(tmp_path: Path) -> None:
    runner = Runner()
    runner.cancel(Interrupted("of the test"))
    with pytest.raises(Interrupted):
        examine(about(tmp_path, runner=runner), [Check(names=("fine",), look=fine)])
