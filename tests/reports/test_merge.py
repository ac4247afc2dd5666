"""Reports of runs that shared the work, joined into one that says the same."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from factory.cli.app import run
from factory.errors import ConfigurationError, FactoryError
from factory.reports.merge import merge_reports
from factory.reports.reading import read_report
from factory.schemas import find_violation

if TYPE_CHECKING:
    from pathlib import Path

    from factory.schemas import SchemaName

COMMIT = "a" * 40
ERROR = {
    "kind": "export",
    "exit-code": 9,
    "problem": "refused",
    "place": None,
    "found": None,
    "expected": None,
    "hint": None,
    "details": None,
    "log": None,
}


def plugin(path: str, **others: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "path": path,
        "outcome": "done",
        "name": f"@acme/{path}",
        "exported-name": None,
        "version": "1.0.0",
        "role": "backend-plugin",
        "arguments": "",
        "repairs": [],
        "files": [],
        "integrity": None,
        "image": None,
        "seconds": {"export": 8.0},
        "error": None,
    }
    return known | others


def failed(path: str) -> dict[str, Any]:
    return plugin(path, outcome="failed", error=ERROR)


def workspace(*plugins: dict[str, Any], **others: Any) -> dict[str, Any]:
    codes = [each["error"]["exit-code"] for each in plugins if each["error"]]
    known = {
        "format": 1,
        "outcome": "failed" if codes else "done",
        "exit-code": min(codes, default=0),
        "started": "2026-07-01T12:00:00+00:00",
        "seconds": 60.0,
        "tools": {"factory": "1", "python": "3.11", "node": None, "yarn": None, "rhdh-cli": None},
        "source": {
            "repo": "https://example.com/p",
            "ref": "main",
            "commit": COMMIT,
            "committed-at": 0,
            "workspace-path": ".",
            "local": False,
            "modified": False,
            "patches": [],
            "overlays": [],
        },
        "stages": {"install": 30.0},
        "plugins": list(plugins),
        "left-out": [],
        "warnings": [],
        "error": None,
    }
    return known | others


def several(**workspaces: dict[str, Any]) -> dict[str, Any]:
    codes = [each["exit-code"] for each in workspaces.values() if each["exit-code"]]
    return {
        "format": 1,
        "outcome": "failed" if codes else "done",
        "exit-code": min(codes, default=0),
        "started": "2026-07-01T12:00:00+00:00",
        "seconds": 60.0,
        "tools": {"factory": "1", "python": "3.11"},
        "workspaces": [{"name": name} | report for name, report in workspaces.items()],
        "warnings": [],
        "error": None,
    }


class Shards:
    """Output directories with reports in them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(self, name: str, document: dict[str, Any]) -> Path:
        folder = self.root / name
        folder.mkdir()
        (folder / "build-report.json").write_text(json.dumps(document))
        return folder

    def merged(self, *documents: dict[str, Any]) -> dict[str, Any]:
        folders = [self.add(f"s{number}", each) for number, each in enumerate(documents, start=1)]
        found = merge_reports([read_report(folder) for folder in folders])
        form: SchemaName = "run-report" if "workspaces" in found else "build-report"
        assert find_violation(found, form) is None
        return found


@pytest.fixture
def shards(tmp_path: Path) -> Shards:
    return Shards(tmp_path)


def test_workspaces_of_all_runs_are_in_it_by_name(shards: Shards) -> None:
    found = shards.merged(several(todo=workspace(plugin("a"))), several(aws=workspace(plugin("b"))))
    assert [each["name"] for each in found["workspaces"]] == ["aws", "todo"]
    assert (found["outcome"], found["exit-code"]) == ("done", 0)


def test_plugins_of_one_workspace_are_joined(shards: Shards) -> None:
    found = shards.merged(
        several(todo=workspace(plugin("b"), stages={"install": 30.0, "tsc": 2.0})),
        several(todo=workspace(plugin("a"), stages={"install": 40.0})),
    )
    (todo,) = found["workspaces"]
    assert [each["path"] for each in todo["plugins"]] == ["a", "b"]
    assert todo["stages"] == {"install": 40.0, "tsc": 2.0}


def test_what_another_run_built_is_not_left_out(shards: Shards) -> None:
    named = [{"path": path, "name": f"@acme/{path}"} for path in ("a", "b", "c")]
    first = workspace(plugin("a"), **{"left-out": named[1:]})
    second = workspace(plugin("b"), **{"left-out": [named[0], named[2]]})

    merged = shards.merged(first, second)

    assert merged["left-out"] == [named[2]]


def test_one_report_is_itself(shards: Shards) -> None:
    document = several(todo=workspace(plugin("a")))
    assert shards.merged(copy.deepcopy(document)) == document


def test_time_goes_from_the_first_beginning_to_the_last_end(shards: Shards) -> None:
    first = several(a=workspace()) | {"started": "2026-07-01T12:00:00+00:00", "seconds": 10.0}
    later = several(b=workspace()) | {"started": "2026-07-01T14:01:00+02:00", "seconds": 20.0}
    found = shards.merged(later, first)
    assert (found["started"], found["seconds"]) == ("2026-07-01T12:00:00+00:00", 80.0)


def test_the_earliest_class_of_failure_decides(shards: Shards) -> None:
    earlier = workspace(error=ERROR | {"exit-code": 4}, **{"exit-code": 4, "outcome": "failed"})
    found = shards.merged(several(a=workspace(failed("x"))), several(b=earlier))
    assert (found["outcome"], found["exit-code"]) == ("failed", 4)


def test_a_failure_of_one_shard_is_one_of_the_joined_workspace(shards: Shards) -> None:
    found = shards.merged(several(a=workspace(plugin("x"))), several(a=workspace(failed("y"))))
    (joined,) = found["workspaces"]
    assert (joined["outcome"], joined["exit-code"], found["exit-code"]) == ("failed", 9, 9)


def test_a_plugin_that_one_run_skipped_is_as_the_other_built_it(shards: Shards) -> None:
    skipped = plugin("x", outcome="skipped")
    found = shards.merged(several(a=workspace(skipped)), several(a=workspace(plugin("x"))))
    assert [each["outcome"] for each in found["workspaces"][0]["plugins"]] == ["done"]


def test_a_workspace_that_one_run_skipped_is_as_the_other_built_it(shards: Shards) -> None:
    skipped = workspace(outcome="skipped", source=None)
    found = shards.merged(several(a=skipped), several(a=workspace(plugin("x"))))
    assert found["workspaces"][0]["outcome"] == "done"
    assert found["workspaces"][0]["source"]["commit"] == COMMIT


def test_a_workspace_that_every_run_skipped_stays_so(shards: Shards) -> None:
    skipped = workspace(outcome="skipped", source=None)
    found = shards.merged(several(a=skipped), several(a=skipped))
    assert found["workspaces"][0]["outcome"] == "skipped"


def test_a_plugin_that_is_the_same_in_both_is_no_conflict(shards: Shards) -> None:
    again = plugin("x", seconds={"export": 9.0})
    found = shards.merged(several(a=workspace(plugin("x"))), several(a=workspace(again)))
    assert len(found["workspaces"][0]["plugins"]) == 1


def test_a_plugin_that_differs_is_refused_with_both_files(shards: Shards) -> None:
    other = plugin("x", version="2.0.0")
    with pytest.raises(ConfigurationError) as caught:
        shards.merged(several(a=workspace(plugin("x"))), several(a=workspace(other)))
    said = str(caught.value.found)
    assert "1.0.0 in" in said
    assert "2.0.0 in" in said
    assert str(shards.root / "s1/build-report.json") in said
    assert str(shards.root / "s2/build-report.json") in said


def test_a_workspace_built_from_two_commits_is_warned_of(shards: Shards) -> None:
    moved = workspace(plugin("y"))
    moved["source"] = moved["source"] | {"commit": "b" * 40}
    found = shards.merged(several(a=workspace(plugin("x"))), several(a=moved))
    (warning,) = found["workspaces"][0]["warnings"]
    assert warning.startswith(f"the runs built different commits: {COMMIT}")


def test_warnings_are_said_once(shards: Shards) -> None:
    found = shards.merged(
        several(a=workspace()) | {"warnings": ["x", "y"]},
        several(b=workspace()) | {"warnings": ["y"]},
    )
    assert found["warnings"] == ["x", "y"]


def test_reports_of_one_workspace_stay_of_one(shards: Shards) -> None:
    found = shards.merged(workspace(plugin("a")), workspace(failed("b")))
    assert "workspaces" not in found
    assert [each["path"] for each in found["plugins"]] == ["a", "b"]
    assert (found["exit-code"], found["outcome"]) == (9, "failed")


def test_single_workspaces_of_other_sources_are_called_after_their_folders(shards: Shards) -> None:
    other = workspace(plugin("b"))
    other["source"] = other["source"] | {"repo": "https://example.com/q"}
    found = shards.merged(workspace(plugin("a")), other)
    assert [each["name"] for each in found["workspaces"]] == ["s1", "s2"]


def test_the_command_writes_the_report(
    shards: Shards, capsys: pytest.CaptureFixture[str], process: dict[str, str]
) -> None:
    first = shards.add("1", several(a=workspace(plugin("x"))))
    second = shards.add("2", several(b=workspace(failed("y"))))
    file = shards.root / "joined.json"
    words = ["report", "merge", str(first), str(second), "--output", str(file)]
    assert run(words, process) == 0
    assert [each["name"] for each in json.loads(file.read_text())["workspaces"]] == ["a", "b"]
    assert capsys.readouterr().out == f"{file}: 1 of 2 plugins built, exit code 9\n"


def test_the_command_shows_the_report(
    shards: Shards, capsys: pytest.CaptureFixture[str], process: dict[str, str]
) -> None:
    folder = shards.add("1", several(a=workspace(plugin("x"))))
    assert run(["report", "merge", str(folder / "build-report.json")], process) == 0
    assert json.loads(capsys.readouterr().out)["workspaces"][0]["name"] == "a"


@pytest.mark.parametrize("text", [None, "{", "{}", '{"workspaces": []}', "[]"])
def test_what_is_no_report_is_named(shards: Shards, text: str | None) -> None:
    folder = shards.root / "s"
    folder.mkdir()
    if text is not None:
        (folder / "build-report.json").write_text(text)
    with pytest.raises(FactoryError) as caught:
        read_report(folder)
    assert caught.value.exit_code == ConfigurationError.exit_code
    assert str(folder) in str(caught.value.place)


def test_a_report_of_a_later_form_is_not_misread(shards: Shards) -> None:
    folder = shards.add("s", several() | {"format": 2})
    with pytest.raises(ConfigurationError):
        read_report(folder)
