"""build-report.json: complete, valid by its schema, free of secrets, whole or not there."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from factory.errors import (
    CompileError,
    ExportError,
    FactoryError,
    Interrupted,
    PackError,
    Place,
    SourceError,
)
from factory.export.packing import Artifact
from factory.redaction import redactor_for
from factory.reports.build_report import (
    BuildReport,
    PluginReport,
    ReportedImage,
    SourceReport,
    ToolVersions,
    write_report,
)
from factory.schemas import schema
from tests.slow_libraries import draft_7

SHA512 = "sha512-" + "A" * 86 + "=="
SCHEMA = schema("build-report")

PLUGIN = PluginReport(
    path="plugins/todo",
    outcome="done",
    name="@acme/plugin-todo",
    version="1.2.3",
    role="frontend-plugin",
    arguments="--embed-package @acme/x",
    seconds={"export": 8.123, "pack": 0.5},
    files=(Artifact(name="acme-plugin-todo-dynamic-1.2.3.tgz", size=12345),),
    integrity=SHA512,
    exported_name="@acme/plugin-todo-dynamic",
    image=ReportedImage(reference="quay.io/acme/plugin-todo:1.2.3", digest="sha256:" + "0" * 64),
)
WHOLE = BuildReport(
    started=datetime(2026, 7, 1, 12, 30, tzinfo=timezone(timedelta(hours=2))),
    seconds=61.23456,
    tools=ToolVersions(factory="1", python="3.11", node="22.20.0", yarn="4.12.0", rhdh_cli="1.9.1"),
    source=SourceReport(
        repo="https://example.com/p.git",
        ref="main",
        commit="a" * 40,
        committed_at=1_700_000_000,
        workspace_path="workspaces/todo",
        local=False,
        modified=False,
        patches=("001-fix.patch",),
        overlays=("plugins/todo/overlay",),
    ),
    stages={"source": 1.5, "install": 30.0},
    plugins=(PLUGIN,),
    warnings=("beware",),
)
FULL_ERROR = SourceError(
    "what went wrong",
    place=Place(file=Path("/config/source.json"), line=3, column=7, field="repo"),
    found="this",
    expected="that",
    hint="do this",
    details="a line",
    log=Path("/outputs/logs/x.log"),
)


def failed(error: FactoryError) -> PluginReport:
    return replace(
        PLUGIN, outcome="failed", files=(), integrity=None, exported_name=None, error=error
    )


REPORTS = {
    "everything built": WHOLE,
    "nothing reached": replace(WHOLE, source=None, plugins=(), stages={}, error=FULL_ERROR,
                               tools=ToolVersions(factory="1", python="3.11")),
    "a plain folder": replace(
        WHOLE,
        source=SourceReport(repo="/src", ref=None, commit=None, committed_at=None,
                            workspace_path=".", local=True, modified=True),
    ),
    "a plugin failed": replace(WHOLE, plugins=(PLUGIN, failed(ExportError("refused")))),
    "ended before its turn": replace(
        WHOLE, plugins=(replace(PLUGIN, outcome="skipped", files=(), image=None),),
        error=Interrupted("ended"),
    ),
}  # fmt: skip


def undescribed(document: object, node: dict[str, Any], path: str = "") -> list[str]:
    """The fields of a document that its schema does not name."""
    if "oneOf" in node:
        node = SCHEMA["definitions"]["error"]
    if isinstance(document, list):
        return [name for item in document for name in undescribed(item, node["items"], path)]
    if not isinstance(document, dict):
        return []
    known, others = node.get("properties", {}), node.get("additionalProperties")
    found = [] if others else [f"{path}.{name}" for name in document if name not in known]
    return found + [
        name
        for field, value in document.items()
        if field in known
        for name in undescribed(value, known[field], f"{path}.{field}")
    ]


@pytest.mark.parametrize("case", REPORTS)
def test_a_report_is_valid_by_its_schema(case: str) -> None:
    document = json.loads(json.dumps(REPORTS[case].as_json(str)))
    draft_7()(SCHEMA).validate(document)


@pytest.mark.parametrize("case", REPORTS)
def test_the_schema_describes_every_field_of_a_report(case: str) -> None:
    assert undescribed(REPORTS[case].as_json(str), SCHEMA) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda report: report.pop("tools"),
        lambda report: report.update(format=2),
        lambda report: report["plugins"][0].update(outcome="fine"),
        lambda report: report["plugins"][0].update(integrity="sha256-AAAA"),
        lambda report: report["plugins"][0]["files"][0].pop("size"),
        lambda report: report["source"].update(commit="HEAD"),
        lambda report: report.update(error={"problem": "only this"}),
        lambda report: report["stages"].update(tsc="long"),
    ],
)
def test_the_schema_refuses_what_no_report_may_be(spoil: Any) -> None:
    document = WHOLE.as_json(str)
    spoil(document)
    assert not draft_7()(SCHEMA).is_valid(document)


def test_times_are_in_utc_and_seconds() -> None:
    document = WHOLE.as_json(str)
    assert document["started"] == "2026-07-01T10:30:00+00:00"
    assert document["seconds"] == 61.235


def test_an_error_is_told_in_full() -> None:
    assert replace(WHOLE, error=FULL_ERROR).as_json(str)["error"] == {
        "kind": "source",
        "exit-code": 4,
        "problem": "what went wrong",
        "place": "/config/source.json:3:7 (repo)",
        "found": "this",
        "expected": "that",
        "hint": "do this",
        "details": "a line",
        "log": "/outputs/logs/x.log",
    }


def test_no_secret_is_in_a_report() -> None:
    error = SourceError("no hunter22", found="hunter22", hint="hunter22", details="hunter22")
    assert WHOLE.source
    source = replace(WHOLE.source, repo="https://me:hunter22@example.com/p.git")
    report = replace(
        WHOLE, source=source, warnings=("hunter22",), error=error, plugins=(failed(error),)
    )
    written = json.dumps(report.as_json(redactor_for({"A_TOKEN": "hunter22"})))
    assert "hunter22" not in written
    assert "https://***@example.com/p.git" in written


def test_no_secret_is_in_what_a_plugin_was_built_with() -> None:
    plugin = replace(
        PLUGIN,
        arguments="--registry https://u:hunter22@host",
        repairs=("--registry hunter22: because",),
        built_because="changed: hunter22",
    )
    report = replace(WHOLE, plugins=(plugin,))
    written = json.dumps(report.as_json(redactor_for({"A_TOKEN": "hunter22"})))
    assert "hunter22" not in written


def test_everything_made_is_exit_code_0() -> None:
    assert WHOLE.exit_code == 0
    assert WHOLE.as_json(str)["outcome"] == "done"


def test_the_runs_own_error_decides_the_exit_code() -> None:
    report = replace(WHOLE, error=PackError("late"), plugins=(failed(CompileError("early")),))
    assert report.exit_code == PackError.exit_code
    assert report.as_json(str)["outcome"] == "failed"


def test_of_the_plugins_errors_the_earliest_stage_decides() -> None:
    plugins = (failed(PackError("c")), PLUGIN, failed(CompileError("a")), failed(ExportError("b")))
    assert replace(WHOLE, plugins=plugins).exit_code == CompileError.exit_code


def test_all_errors_are_listed_the_runs_own_first() -> None:
    own, one = SourceError("own"), ExportError("one")
    assert replace(WHOLE, error=own, plugins=(PLUGIN, failed(one))).errors == (own, one)


def test_a_report_is_written_whole_and_readable_by_all(tmp_path: Path) -> None:
    file = write_report(WHOLE, tmp_path, str)
    assert file == tmp_path / "build-report.json"
    assert json.loads(file.read_text()) == WHOLE.as_json(str)
    assert file.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [file]


def test_a_report_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    old = write_report(WHOLE, tmp_path, str)
    before = old.read_bytes()

    def fail(_: str) -> str:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_report(replace(WHOLE, started=datetime.now(UTC)), tmp_path, fail)
    assert old.read_bytes() == before
    assert list(tmp_path.iterdir()) == [old]
