"""What a check has found, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from factory.doctor.context import DoctorContext
    from factory.errors import FactoryError

# A warning does not stop a build; what has failed does; what was left out is not known.
Outcome: TypeAlias = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True, kw_only=True, slots=True)
class DoctorFinding:
    """The answer of one check.

    ``found`` is what is there, ``advice`` what to do, best a command to type. ``notes`` are
    warnings that came up meanwhile.
    """

    check: str
    outcome: Outcome
    found: str
    advice: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """A question to the machine, which may have several answers; ``names`` are those of all."""

    names: tuple[str, ...]
    look: Callable[[DoctorContext], tuple[DoctorFinding, ...]]


def failed_finding(check: str, error: FactoryError) -> DoctorFinding:
    """Return the finding for an error that a build would end with."""
    found = f"{error.problem} ({error.found})" if error.found else error.problem
    place = f"{error.place}: " if error.place else ""
    advice = error.hint or (f"expected is {error.expected}" if error.expected else "")
    return DoctorFinding(check=check, outcome="failed", found=f"{place}{found}", advice=advice)
