"""How long each stage took in the run before, for an estimate of the time that is left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from factory.events import DurationsExpected
from factory.pipeline.report import REPORT_FILE
from factory.pipeline.written_reports import LONGEST_TIME

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from factory.config.build_plan import BuildPlan
    from factory.events import Emit


def tell_expected(builds: Iterable[BuildPlan], emit: Emit) -> None:
    """Tell how long each workspace took in an earlier run, where its report is still there."""
    for plan in builds:
        if expected := expected_durations(plan.output_dir, plan.name):
            emit(expected)


def expected_durations(output_dir: Path, workspace: str) -> DurationsExpected | None:
    """Return the wall times in the report of an earlier run, if there is one that tells."""
    try:
        report = json.loads((output_dir / REPORT_FILE).read_text(encoding="utf-8"))
        plugins = {
            str(plugin["path"]): _seconds(plugin["seconds"])
            for plugin in report["plugins"]
            if plugin["outcome"] == "done" and not plugin.get("cached")
        }
        return DurationsExpected(
            workspace=workspace, stages=_seconds(report["stages"]), plugins=plugins
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError):
        return None
    except RecursionError:
        return None


def _seconds(stages: dict[str, Any]) -> dict[str, float]:
    """Seconds by stage; those of a report that no run has left are refused.

    Raises:
        ValueError: a time is none.
    """
    found = {name: float(seconds) for name, seconds in stages.items()}
    if not all(0 <= seconds <= LONGEST_TIME for seconds in found.values()):
        raise ValueError("a time that no run takes")
    return found
