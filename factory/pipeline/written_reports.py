"""The ``build-report.json`` of earlier runs, read: of one workspace, or of several."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from factory.config.documents import read_json, validated
from factory.errors import ConfigurationError, Place
from factory.pipeline.report import REPORT_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Report: TypeAlias = "Mapping[str, Any]"


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenReport:
    """A report that was read: ``document`` is all of it, of one workspace or of ``several``.

    ``workspaces`` are the reports of its workspaces by their names; that of one alone has none, "".
    """

    file: Path
    several: bool
    document: Report = field(repr=False)

    @property
    def workspaces(self) -> tuple[tuple[str, Report], ...]:
        """The workspaces' names and reports, in their order."""
        if not self.several:
            return (("", self.document),)
        return tuple((each["name"], each) for each in self.document["workspaces"])


def read_report(where: Path) -> WrittenReport:
    """Return the report in an output directory, or the report that is this file.

    Raises:
        ConfigurationError: there is none, or it is none that this version understands.
    """
    file = where / REPORT_FILE if where.is_dir() else where
    if not file.is_file():
        raise ConfigurationError(
            f"there is no {REPORT_FILE}" if where.is_dir() else "there is no such report",
            place=Place(file=where),
            expected="the output directory of a run, or the report that it left",
        )
    document = read_json(file)
    several = isinstance(document.value, dict) and "workspaces" in document.value
    validated(document, "run-report" if several else "build-report")
    return WrittenReport(file=file, several=several, document=document.value)
