"""All checks at once: each in a thread of its own, bounded in time, and harming no other."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from factory.doctor.configuration import CONFIGURATION_CHECKS
from factory.doctor.finding import DoctorFinding, failed_finding
from factory.doctor.machine import MACHINE_CHECKS
from factory.doctor.registries import REGISTRY_CHECKS
from factory.doctor.tools import TOOL_CHECKS
from factory.errors import FactoryError, Interrupted
from factory.said_warnings import collect_warnings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory.doctor.context import DoctorContext
    from factory.doctor.finding import Check

CHECKS = (*TOOL_CHECKS, *REGISTRY_CHECKS, *MACHINE_CHECKS, *CONFIGURATION_CHECKS)

_POLL_SECONDS = 0.1
# A check ends its own children when its time is up, and says so; only then is it given up.
_GRACE_SECONDS = 2.0


def examine(context: DoctorContext, checks: Sequence[Check] = CHECKS) -> tuple[DoctorFinding, ...]:
    """Return what every check has found, in the order of the checks.

    A check that raises, or does not end in time, has failed; the others are not touched by it.

    Raises:
        Interrupted: the run was cancelled.
    """
    answers: queue.SimpleQueue[tuple[Check, tuple[DoctorFinding, ...]]] = queue.SimpleQueue()
    for check in checks:
        # A daemon: what hangs, such as a network filesystem, must not keep the program from ending.
        threading.Thread(
            target=lambda each: answers.put((each, _look(each, context))),
            args=(check,),
            daemon=True,
        ).start()
    found: dict[Check, tuple[DoctorFinding, ...]] = {}
    until = time.monotonic() + context.seconds + _GRACE_SECONDS
    while len(found) < len(checks) and time.monotonic() < until:
        context.runner.raise_if_cancelled()
        with contextlib.suppress(queue.Empty):
            check, findings = answers.get(timeout=_POLL_SECONDS)
            found[check] = findings
    context.runner.raise_if_cancelled()
    return tuple(
        finding
        for check in checks
        for finding in found.get(check) or _warn_of_no_answer(check, context.seconds)
    )


def has_failed(findings: Sequence[DoctorFinding]) -> bool:
    """Whether something that a build needs is missing."""
    return any(finding.outcome == "failed" for finding in findings)


def _look(check: Check, context: DoctorContext) -> tuple[DoctorFinding, ...]:
    own = threading.get_ident()
    with collect_warnings(lambda record: record.thread == own) as collected:
        try:
            findings = check.look(context)
        except Interrupted:
            return ()
        except FactoryError as error:
            findings = (failed_finding(check.names[0], error),)
        except Exception as error:  # noqa: BLE001 - a check that breaks is one line of the answer
            found = f"this could not be checked: {type(error).__name__}: {error}"
            findings = (DoctorFinding(check=check.names[0], outcome="failed", found=found),)
    notes = collected.messages
    if notes and findings:
        first = findings[0]
        outcome = "warning" if first.outcome == "ok" else first.outcome
        findings = (replace(first, outcome=outcome, notes=notes), *findings[1:])
    return findings


def _warn_of_no_answer(check: Check, seconds: float) -> tuple[DoctorFinding, ...]:
    return tuple(
        DoctorFinding(
            check=name,
            outcome="failed",
            found=f"no answer within {seconds:g} s",
            advice="give it more time with --timeout, or skip the network with --offline",
        )
        for name in check.names
    )
