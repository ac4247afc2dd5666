"""build-report.json of several workspaces: valid by its schema, free of secrets, whole."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from factory.errors import CompileError, ExportError, FactoryError, Interrupted, SourceError
from factory.redaction import redactor_for
from factory.reports.build_report import (
    BuildReport,
    PluginReport,
    ToolVersions,
    write_report,
)
from factory.reports.run_report import (
    RunReport,
    WorkspaceReport,
    write_run_report,
)
from factory.schemas import find_violation

if TYPE_CHECKING:
    from pathlib import Path

PLUGIN = PluginReport(
    path="plugins/todo",
    outcome="done",
    name="@acme/todo",
    version="1.0.0",
    role="backend-plugin",
    arguments="",
    seconds={"export": 8.0},
)
STARTED = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)
TODO = BuildReport(
    started=STARTED,
    seconds=60,
    tools=ToolVersions(factory="1", python="3.11"),
    stages={"install": 30.0},
    plugins=(PLUGIN,),
)


def broken(error: FactoryError) -> BuildReport:
    return replace(TODO, plugins=(), error=error)


def with_failed(error: FactoryError) -> BuildReport:
    return replace(TODO, plugins=(PLUGIN, replace(PLUGIN, path="b", outcome="failed", error=error)))


def run(*reports: BuildReport, **others: Any) -> RunReport:
    workspaces = tuple(
        WorkspaceReport(name=f"w{number}", report=report) for number, report in enumerate(reports)
    )
    return RunReport(started=STARTED, seconds=90.5, workspaces=workspaces, **others)


REPORTS = {
    "everything built": run(TODO, TODO),
    "nothing reached": run(error=SourceError("no disk")),
    "one broken": run(broken(SourceError("no such ref")), TODO),
    "one skipped": RunReport(
        started=STARTED,
        seconds=1,
        workspaces=(
            WorkspaceReport(name="a", report=with_failed(ExportError("refused"))),
            WorkspaceReport(name="b", report=replace(TODO, plugins=()), skipped=True),
        ),
    ),
}


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_every_report_is_as_the_schema_says(report: RunReport) -> None:
    assert find_violation(report.as_json(str), "run-report") is None


def test_a_wrong_workspace_is_seen() -> None:
    document = run(TODO).as_json(str)
    document["workspaces"][0]["plugins"][0]["outcome"] = "fine"
    wrong = find_violation(document, "run-report")
    assert wrong
    assert wrong.path == ("workspaces", "0", "plugins", "0", "outcome")


def test_the_report_is_in_the_output_directory(tmp_path: Path) -> None:
    file = write_run_report(run(TODO), tmp_path, str)
    assert file == tmp_path / "build-report.json"
    assert [path.name for path in tmp_path.iterdir()] == ["build-report.json"]
    document = json.loads(file.read_text())
    assert document["outcome"] == "done"
    assert [each["name"] for each in document["workspaces"]] == ["w0"]
    assert document["workspaces"][0]["plugins"][0]["name"] == "@acme/todo"


def test_a_workspaces_part_is_its_own_report_with_its_name(tmp_path: Path) -> None:
    own = json.loads(write_report(TODO, tmp_path, str).read_text())
    assert run(TODO).as_json(str)["workspaces"] == [{"name": "w0"} | own]


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (run(TODO, TODO), 0),
        (run(TODO, with_failed(ExportError("x"))), 9),
        (run(with_failed(ExportError("x")), with_failed(CompileError("x"))), 8),
        (run(with_failed(ExportError("x")), broken(SourceError("x"))), SourceError.exit_code),
        (run(with_failed(CompileError("x")), error=Interrupted("x")), 130),
    ],
)
def test_the_earliest_class_of_failure_is_the_exit_code(report: RunReport, code: int) -> None:
    assert report.exit_code == code
    document = report.as_json(str)
    assert document["exit-code"] == code
    assert document["outcome"] == ("failed" if code else "done")


def test_a_workspace_whose_turn_did_not_come_is_skipped() -> None:
    outcomes = [each["outcome"] for each in REPORTS["one skipped"].as_json(str)["workspaces"]]
    assert outcomes == ["failed", "skipped"]


def test_no_secret_is_in_it() -> None:
    redact = redactor_for({"NPM_TOKEN": "hunter22"})
    report = run(
        broken(SourceError("hunter22")), warnings=("hunter22",), error=SourceError("hunter22")
    )
    assert "hunter22" not in json.dumps(report.as_json(redact))


def test_the_summary_names_the_workspace_of_each_plugin(tmp_path: Path) -> None:
    finished = run(TODO, TODO).describe_end(tmp_path, tmp_path / "build-report.json")
    assert [(row.workspace, row.plugin) for row in finished.summaries] == [
        ("w0", "plugins/todo"),
        ("w1", "plugins/todo"),
    ]
    assert (finished.output_dir, finished.seconds) == (str(tmp_path), 90.5)
