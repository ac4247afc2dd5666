"""``build-report.json`` of a run of several workspaces: what became of each, and of the run.

It lies in the run's output directory; each workspace's own report lies in the workspace's. The form
is ``factory/schemas/run-report.schema.json``; that it has ``workspaces`` tells it from the other.
"""

from __future__ import annotations

import platform
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from factory import __version__
from factory.events import PluginSummary, RunFinished
from factory.reports.build_report import (
    BuildReport,
    error_json,
    write_document,
)
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from factory.errors import FactoryError

FORMAT = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkspaceReport:
    """What became of one workspace; ``skipped`` if the run ended before its turn.

    In a run for several portals its name begins with that of its ``portal``.
    """

    name: str
    portal: str = ""
    report: BuildReport
    skipped: bool = False

    def as_a_whole(self) -> tuple[PluginSummary, ...]:
        """Return a row about the workspace itself, if there is more to say than of its plugins."""
        error = self.report.error
        if error:
            log = str(error.log) if error.log else ""
            return (PluginSummary(plugin="", outcome="failed", error=str(error), log=log),)
        if self.skipped and not self.report.plugins:
            return (PluginSummary(plugin="", outcome="skipped"),)
        return ()

    def as_json(self, redact: Callable[[str], str]) -> dict[str, Any]:
        """Return the workspace's own report with its name, texts freed of secrets."""
        named = {"name": self.name} | ({"portal": self.portal} if self.portal else {})
        document = named | self.report.as_json(redact)
        return document | {"outcome": "skipped"} if self.skipped else document


@dataclass(frozen=True, kw_only=True, slots=True)
class RunReport:
    """A run of several workspaces. ``error`` is what ended it before, or beside, any of them."""

    started: datetime
    seconds: float
    workspaces: tuple[WorkspaceReport, ...]
    warnings: tuple[str, ...] = ()
    error: FactoryError | None = None

    @property
    def errors(self) -> tuple[FactoryError, ...]:
        """Every error of the run: its own, then the workspaces' in their order."""
        own = (self.error,) if self.error else ()
        return own + tuple(error for each in self.workspaces for error in each.report.errors)

    @property
    def exit_code(self) -> int:
        """0 if everything asked for exists; else the code of the class of failure.

        The run's own error decides; of the workspaces' errors, the one of the earliest stage.
        """
        if self.error:
            return self.error.exit_code
        codes = (each.report.exit_code for each in self.workspaces)
        return min((code for code in codes if code), default=0)

    def describe_end(self, output_dir: Path, file: Path) -> RunFinished:
        """Return the run's end as the screen shows it; ``file`` is where the report is."""
        rows = [
            replace(
                row,
                workspace=each.name,
                portal=each.portal,
                artifact=f"{each.name}/{row.artifact}" if row.artifact else "",
            )
            for each in self.workspaces
            for row in (
                *each.as_a_whole(),
                *each.report.describe_end(output_dir / each.name, file).summaries,
            )
        ]
        return RunFinished(
            summaries=tuple(rows),
            output_dir=str(output_dir),
            report=str(file),
            seconds=self.seconds,
        )

    def as_json(self, redact: Callable[[str], str]) -> dict[str, Any]:
        """Return the report as the schema has it, texts freed of secrets."""
        return {
            "format": FORMAT,
            "outcome": "failed" if self.errors else "done",
            "exit-code": self.exit_code,
            "started": self.started.astimezone(UTC).isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 3),
            "tools": {"factory": __version__, "python": platform.python_version()},
            "workspaces": [each.as_json(redact) for each in self.workspaces],
            "warnings": [redact(warning) for warning in self.warnings],
            "error": error_json(self.error, redact) if self.error else None,
        }


def write_run_report(report: RunReport, output_dir: Path, redact: Callable[[str], str]) -> Path:
    """Write ``build-report.json``, whole or not at all, and return its path.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    return write_document(report.as_json(redact), output_dir)
