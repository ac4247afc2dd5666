"""What runs have made and what failed: a page for people, and outputs for CI systems."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from factory.cli.app import run
from factory.reports.ci_outputs import (
    GITLAB_BYTES,
    TEKTON_BYTES,
    github_outputs,
    gitlab_outputs,
    tekton_results,
)
from factory.reports.markdown import markdown
from factory.reports.reading import read_report
from factory.reports.summary import (
    RunSummary,
    summary_of,
)
from tests.reports.test_merge import ERROR, failed, plugin, several, workspace

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = f"sha256:{'d' * 64}"
TGZ = "acme-todo-dynamic-1.0.0.tgz"


def built(path: str, archive: str = TGZ, **others: Any) -> dict[str, Any]:
    return plugin(path, files=[{"name": archive, "size": 1}], **others)


def summary(root: Path, *documents: dict[str, Any], archive: str | None = TGZ) -> RunSummary:
    """The summary of output directories s1, s2… that hold these reports, and an archive."""
    folders = []
    for number, document in enumerate(documents, start=1):
        folder = root / f"s{number}"
        folder.mkdir(parents=True)
        (folder / "build-report.json").write_text(json.dumps(document))
        if archive:
            (folder / archive).write_bytes(b"")
        folders.append(folder)
    return summary_of([read_report(folder) for folder in folders])


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pushed(path: str) -> dict[str, Any]:
    return built(path, image={"reference": "quay.io/acme/todo:1.0.0", "digest": DIGEST})


def test_an_artifact_is_named_where_it_is(tmp_path: Path) -> None:
    told = summary(tmp_path, workspace(built("plugins/todo")))
    assert told.artifacts == (str(tmp_path / "s1" / TGZ),)


def test_an_artifact_that_is_not_here_is_not_named(tmp_path: Path) -> None:
    assert summary(tmp_path, workspace(built("plugins/todo")), archive=None).artifacts == ()


def test_of_several_workspaces_the_artifacts_are_in_folders(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / "s1" / name).mkdir(parents=True)
        (tmp_path / "s1" / name / TGZ).write_bytes(b"")
    folder = tmp_path / "s1"
    document = several(one=workspace(built("plugins/a")), two=workspace(built("plugins/b")))
    (folder / "build-report.json").write_text(json.dumps(document))

    told = summary_of([read_report(folder)])

    assert told.artifacts == (str(folder / "one" / TGZ), str(folder / "two" / TGZ))
    assert [each.label for each in told.plugins] == ["one/plugins/a", "two/plugins/b"]


def test_shards_of_one_workspace_are_told_together(tmp_path: Path) -> None:
    skipped = plugin("plugins/b", outcome="skipped")
    told = summary(tmp_path, workspace(built("plugins/a"), skipped), workspace(failed("plugins/b")))
    assert [(each.path, each.outcome) for each in told.plugins] == [
        ("plugins/a", "done"),
        ("plugins/b", "failed"),
    ]
    assert told.failed == ("plugins/b",)
    assert told.report is None


def test_a_workspace_that_could_not_begin_has_failed(tmp_path: Path) -> None:
    lost = workspace(error=ERROR, **{"exit-code": 9, "outcome": "failed"})
    told = summary(tmp_path, several(lost=lost, kept=workspace(built("plugins/a"))))
    assert told.failed == ("lost",)
    assert "lost: refused" in markdown(told)


def test_the_page_links_each_plugin(tmp_path: Path) -> None:
    source = workspace()["source"] | {
        "repo": "https://github.com/acme/plugins",
        "workspace-path": "workspaces/todo",
    }
    told = summary(tmp_path, workspace(pushed("plugins/todo"), source=source))

    page = markdown(told, link=lambda path: f"https://ci/{path.rpartition('/')[2]}")

    commit = source["commit"]
    assert f"(https://github.com/acme/plugins/tree/{commit}/workspaces/todo/plugins/todo)" in page
    assert "[quay.io/acme/todo:1.0.0](https://quay.io/acme/todo)" in page
    assert f"[{TGZ}](https://ci/{TGZ})" in page
    assert "1 plugin built, in 1:00." in page


def test_the_page_links_the_log_of_a_failure(tmp_path: Path) -> None:
    error = ERROR | {"log": "/builder/outputs/logs/plugins-a.export.log", "hint": "do this"}
    told = summary(tmp_path, workspace(plugin("plugins/a", outcome="failed", error=error)))
    logs = tmp_path / "s1/logs"
    logs.mkdir()
    (logs / "plugins-a.export.log").write_text("")

    page = markdown(summary_of([read_report(tmp_path / "s1")]))

    assert "logs" not in markdown(told), "a log that is not here is no link"
    assert f"]({tmp_path}/s1/logs/plugins-a.export.log)" in page
    assert "hint: do this" in page


@pytest.mark.parametrize(
    "hostile",
    ["a|b", "[x](https://evil)", "<script>alert(1)</script>", "`x`", "**x**", "two\nlines", "#1"],
)
def test_no_text_of_a_report_is_markup(tmp_path: Path, hostile: str) -> None:
    error = ERROR | {"problem": hostile, "details": f"```\n</details>\n{hostile}"}
    broken = plugin("plugins/a", outcome="failed", name=hostile, error=error)
    told = summary(tmp_path, workspace(broken, warnings=[hostile]))

    page = markdown(told)

    rows = [line for line in page.splitlines() if line.startswith("| ❌")]
    assert len(rows) == 1
    assert rows[0].replace("\\|", "").count("|") == 6
    inside_code = page.split("````")
    assert len(inside_code) == 3, "the code block is not closed by its content"
    outside = inside_code[0] + inside_code[2]
    # A block of HTML is not read as Markdown.
    html = [line for line in outside.splitlines() if line.startswith("<summary>")]
    assert all(line.count("<") == 2 for line in html)
    assert hostile not in "\n".join(set(outside.splitlines()) - set(html)).replace("\\#1", "")
    assert "<script" not in outside.replace("\\<script", "")


def test_github_takes_a_value_on_each_line(tmp_path: Path) -> None:
    told = summary(tmp_path, workspace(pushed("plugins/a"), failed("plugins/b")))
    values = dict(line.split("=", 1) for line in github_outputs(told).splitlines())
    assert json.loads(values["artifacts"]) == [str(tmp_path / "s1" / TGZ)]
    assert json.loads(values["images"]) == [f"quay.io/acme/todo:1.0.0@{DIGEST}"]
    assert json.loads(values["failed"]) == ["plugins/b"]
    assert values["report"] == str(tmp_path / "s1/build-report.json")


def test_gitlab_takes_variables(tmp_path: Path) -> None:
    told = summary(tmp_path, workspace(pushed("plugins/a"), failed("plugins/b"), failed("x")))
    text, left_out = gitlab_outputs(told)
    values = dict(line.split("=", 1) for line in text.splitlines())
    assert left_out == ()
    assert values["PLUGIN_FAILED"] == "plugins/b,x"
    assert values["PLUGIN_FAILED_COUNT"] == "2"
    assert values["PLUGIN_IMAGES"] == f"quay.io/acme/todo:1.0.0@{DIGEST}"
    assert not any(name.startswith("PLUGIN_FACTORY_") for name in values), "those are options"


def test_what_a_system_has_no_room_for_is_left_out_and_counted(tmp_path: Path) -> None:
    many = [built(f"plugins/{number:03}", f"p{number:03}.tgz") for number in range(200)]
    told = summary(tmp_path, workspace(*many, failed("plugins/x")))
    for each in many:
        (tmp_path / "s1" / each["files"][0]["name"]).write_bytes(b"")
    told = summary_of([read_report(tmp_path / "s1")])

    text, left_out = gitlab_outputs(told)
    results, not_in_tekton = tekton_results(told)

    assert left_out == ("PLUGIN_ARTIFACTS",)
    assert len(text.encode()) <= GITLAB_BYTES
    assert "PLUGIN_ARTIFACTS=\n" in text
    assert "PLUGIN_ARTIFACTS_COUNT=200\n" in text
    assert "PLUGIN_FAILED=plugins/x\n" in text
    assert not_in_tekton == ("artifacts",)
    assert sum(len(value.encode()) for value in results.values()) <= TEKTON_BYTES
    assert results["artifacts"] == "[]"
    assert json.loads(results["failed"]) == ["plugins/x"]
    assert results["failed-count"] == "1"


def test_the_command_writes_a_page_and_outputs(
    tmp_path: Path, process: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    summary(tmp_path, workspace(built("plugins/a")))
    assert run(["report", "summary", "s1", "--link", "https://ci/{path}"], process) == 0
    assert f"](https://ci/s1/{TGZ})" in capsys.readouterr().out
    assert run(["report", "summary", "s1", "--outputs", "github"], process) == 0
    assert f'artifacts=["s1/{TGZ}"]' in capsys.readouterr().out
    results = tmp_path / "results"
    results.mkdir()
    words = ["report", "summary", "s1", "--outputs", "tekton", "--into", str(results)]
    assert run(words, process) == 0
    assert json.loads((results / "artifacts").read_text()) == [f"s1/{TGZ}"]
    assert (results / "report").read_text() == "s1/build-report.json"


@pytest.mark.parametrize(
    "wrong",
    [
        ["--outputs", "tekton"],
        ["--outputs", "github", "--into", "x"],
        ["--into", "x"],
        ["--outputs", "github", "--link", "x"],
    ],
)
def test_contradictions_are_refused(
    tmp_path: Path, process: dict[str, str], wrong: list[str]
) -> None:
    summary(tmp_path, workspace())
    assert run(["report", "summary", "s1", *wrong], process) == 2
