"""How far a plugin, a package, or a workspace as a whole is, and the row that shows it."""

from __future__ import annotations

from dataclasses import field
from typing import Literal, TypeAlias

from factory.patterns import lazy_pattern
from factory.ui.text import printable
from factory.values import dataclass

# Yarn starts each line with a code; in a view of one line there is no room for it.
_YARN_PREFIX = lazy_pattern(r"^➤ YN\d{4}: (?:[│┌└] ?)?")

State: TypeAlias = Literal["waiting", "running", "done", "failed", "skipped", "stopped"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row as it stands: a mark a stage, what runs, for how many seconds, and its last line."""

    name: str
    state: State
    marks: tuple[State, ...]
    stage: str
    seconds: float
    line: str


@dataclass(kw_only=True, slots=True)
class StageRow:
    """How far a stage is: when it began, and how many seconds it took once it has ended."""

    state: State
    since: float
    seconds: float = 0.0


@dataclass(kw_only=True, slots=True)
class SubjectRow:
    """What is known of a plugin, a package, or a workspace as a whole."""

    name: str
    stages: dict[str, StageRow] = field(default_factory=dict)
    line: str = ""

    def running_stage(self) -> str:
        """The stage that began last of those that have not ended."""
        return next((n for n in reversed(self.stages) if self.stages[n].state == "running"), "")

    def failed_stage(self) -> str:
        """The first stage that has failed."""
        return next((n for n, stage in self.stages.items() if stage.state == "failed"), "")

    def marks(self, names: tuple[str, ...]) -> tuple[State, ...]:
        """A mark for each stage; one that a later stage has passed by is marked as skipped."""
        last = max((i for i, name in enumerate(names) if name in self.stages), default=-1)
        return tuple(
            stage.state if (stage := self.stages.get(name)) else _unseen(passed_by=i < last)
            for i, name in enumerate(names)
        )

    def seconds(self, now: float) -> float:
        """The time spent in stages, not the time between them."""
        return sum(
            now - stage.since if stage.state == "running" else stage.seconds
            for stage in self.stages.values()
        )


def row_of(about: SubjectRow, names: tuple[str, ...], now: float) -> Row:
    """Return the row of a subject whose stages are ``names``, at the time ``now``."""
    marks = about.marks(names)
    running, failed = about.running_stage(), about.failed_stage()
    ended = bool(marks) and marks[-1] in ("done", "skipped")
    state: State = "waiting"
    if running:
        state = "running"
    elif failed:
        state = "failed"
    elif "stopped" in marks:
        state = "stopped"
    elif ended:
        state = "skipped" if all(mark == "skipped" for mark in marks) else "done"
    stopped = next((n for n, mark in zip(names, marks, strict=True) if mark == "stopped"), "")
    return Row(
        name=about.name,
        state=state,
        marks=marks,
        stage=running or failed or stopped,
        seconds=about.seconds(now),
        line=_YARN_PREFIX.sub("", printable(about.line).strip()),
    )


def _unseen(*, passed_by: bool) -> State:
    return "skipped" if passed_by else "waiting"
