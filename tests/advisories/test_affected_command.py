"""``plugin-factory affected`` over what builds leave: who holds it, why, and from where."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from factory.attestation.provenance import PROVENANCE_SUFFIX, SBOM_SUFFIX
from factory.cli.app import run
from factory.schemas import find_violation
from tests.reports.test_merge import several

from .shelves import COMMIT, NAME, REPOSITORY, report_of, shelve

OLD = "lodash@<4.17.21"


class Desk:
    """Where the command is typed."""

    def __init__(self, process: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
        self._process = process
        self._capsys = capsys
        self.said = ""

    def code(self, *words: str | Path) -> int:
        code = run(["affected", *map(str, words)], self._process)
        captured = self._capsys.readouterr()
        self.printed, self.said = captured.out, captured.out + captured.err
        assert "Traceback" not in self.said
        return code

    def document(self, *words: str | Path) -> dict[str, Any]:
        code = self.code(*words, "--json")
        document: dict[str, Any] = json.loads(self.printed)
        assert document["exit-code"] == code
        assert find_violation(document, "affected") is None
        return document

    def plugin(self, *words: str | Path) -> dict[str, Any]:
        (plugin,) = self.document(*words)["plugins"]
        return dict(plugin)


@pytest.fixture
def desk(process: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(process, capsys)


def bill_of(tgz: Path) -> Path:
    return tgz.with_name(f"{tgz.name}{SBOM_SUFFIX}")


def test_who_holds_it_by_which_chains_and_from_where(desk: Desk, tmp_path: Path) -> None:
    tgz = shelve(tmp_path)

    found = desk.plugin(OLD, tmp_path)

    assert (found["artifact"], found["name"], found["judgement"]) == (str(tgz), NAME, "affected")
    (held,) = found["packages"]
    assert (held["name"], held["version"], held["judgement"]) == ("lodash", "4.17.20", "affected")
    assert held["locations"] == ["package/node_modules/lodash/package.json"]
    assert [[each["name"] for each in chain] for chain in held["chains"]] == [
        [NAME, "express", "lodash"],
        [NAME, "express", "body", "lodash"],
    ]
    assert found["origin"] == {
        "told-by": "provenance",
        "workspace": None,
        "repository": REPOSITORY,
        "ref": "v1.2",
        "commit": COMMIT,
        "workspace-path": "workspaces/todo",
        "plugin-path": "plugins/todo-backend",
    }


def test_the_exit_code_and_the_lines_for_people(desk: Desk, tmp_path: Path) -> None:
    shelve(tmp_path)
    shelve(tmp_path, "4.17.21", name="@acme/plugin-other-dynamic")

    assert desk.code(OLD, tmp_path) == 14
    for words in (
        f"AFFECTED     {NAME} 1.2.3",
        f"{NAME} 1.2.3 > express 4.1.0 > lodash 4.17.20",
        f"from {REPOSITORY} v1.2 = {COMMIT[:12]} workspaces/todo/plugins/todo-backend",
        "not affected @acme/plugin-other-dynamic 1.2.3",
        "2 plugins: 1 affected",
    ):
        assert words in desk.printed
    assert desk.code("lodash@>=5", tmp_path) == 0
    assert "2 plugins: 0 affected" in desk.printed


def test_the_report_of_several_workspaces_knows_the_workspace(desk: Desk, tmp_path: Path) -> None:
    tgz = shelve(tmp_path / "todo")
    report = several(todo=report_of(tgz))
    (tmp_path / "build-report.json").write_text(json.dumps(report))

    origin = desk.plugin(OLD, tmp_path)["origin"]

    assert (origin["told-by"], origin["workspace"], origin["ref"]) == (
        "build report",
        "todo",
        "main",
    )
    assert desk.plugin(OLD, tgz)["origin"] == origin, "the same, however the plugin is named"


def test_the_plugin_itself_is_the_package_that_it_was_exported_from(
    desk: Desk, tmp_path: Path
) -> None:
    shelve(tmp_path)
    (held,) = desk.plugin("@acme/plugin-todo-backend@1.x", tmp_path)["packages"]
    assert [[each["name"] for each in chain] for chain in held["chains"]] == [[NAME]]


def test_a_record_of_several_packages(desk: Desk, tmp_path: Path) -> None:
    shelve(tmp_path / "outputs")
    record = tmp_path / "GHSA-0000.json"
    names = ("body", "lodash", "nothing")
    affected = [
        {
            "package": {"ecosystem": "npm", "name": name},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "4.17.21"}]}],
        }
        for name in names
    ]
    record.write_text(
        json.dumps(
            {"id": "GHSA-0000", "aliases": ["CVE-1"], "summary": "bad", "affected": affected}
        )
    )

    document = desk.document(record, tmp_path / "outputs")

    assert document["advisory"] == {
        "id": "GHSA-0000",
        "aliases": ["CVE-1"],
        "summary": "bad",
        "withdrawn": None,
        "packages": list(names),
    }
    packages = document["plugins"][0]["packages"]
    assert [(one["name"], one["fixed-in"]) for one in packages] == [
        ("body", "4.17.21"),
        ("lodash", "4.17.21"),
    ]


def test_a_record_on_the_standard_input_that_was_withdrawn(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelve(tmp_path)
    record = {
        "id": "GHSA-0000",
        "withdrawn": "2026-01-01T00:00:00Z",
        "affected": [{"package": {"ecosystem": "npm", "name": "lodash"}, "versions": ["4.17.20"]}],
    }
    text = io.TextIOWrapper(io.BytesIO(json.dumps(record).encode()))
    monkeypatch.setattr(sys, "stdin", text)
    assert desk.code("-", tmp_path) == 14
    assert "GHSA-0000 was withdrawn at 2026-01-01T00:00:00Z" in desk.said


def test_no_bill_is_never_not_affected(desk: Desk, tmp_path: Path) -> None:
    shelve(tmp_path, with_bill=False)
    found = desk.plugin("nothing@1", tmp_path)
    assert found["judgement"] == "unknown"
    assert found["problem"]["problem"] == "there is no bill of materials beside the plugin"
    assert desk.code("nothing@1", tmp_path) == 15
    assert "1 plugin: 0 affected, 1 not known" in desk.printed


@pytest.mark.parametrize(
    "change",
    [
        lambda _: "",
        lambda _: "[" * 100_000,
        lambda bill: bill[: len(bill) // 2],
        lambda _: json.dumps({"spdxVersion": "SPDX-2.3"}),
        lambda bill: json.dumps(json.loads(bill) | {"components": {}}),
        lambda bill: json.dumps(json.loads(bill) | {"components": ["x"]}),
        lambda bill: json.dumps(json.loads(bill) | {"components": [{"name": ""}]}),
        lambda bill: json.dumps(json.loads(bill) | {"components": [{"name": "a", "purl": "x"}]}),
        lambda bill: json.dumps(json.loads(bill) | {"dependencies": [{"dependsOn": [5]}]}),
        lambda bill: json.dumps(json.loads(bill) | {"metadata": {}}),
        lambda bill: bill.replace('"SHA-256"', '"SHA-1"'),
    ],
)
def test_a_bill_that_cannot_be_read_is_never_not_affected(
    desk: Desk, tmp_path: Path, change: Any
) -> None:
    bill = bill_of(shelve(tmp_path))
    bill.write_text(change(bill.read_text()))
    found = desk.plugin("nothing@1", tmp_path)
    assert found["judgement"] == "unknown"
    assert found["problem"]["place"].startswith(str(bill))
    assert desk.code("nothing@1", tmp_path) == 14


def test_a_bill_of_another_artifact_does_not_count(desk: Desk, tmp_path: Path) -> None:
    tgz = shelve(tmp_path, "4.17.21")
    other = shelve(tmp_path / "other", "4.17.20")
    tgz.write_bytes(other.read_bytes())
    found = desk.plugin(OLD, tgz)
    assert found["judgement"] == "unknown"
    assert found["problem"]["problem"] == "the bill of materials belongs to another artifact"


def test_a_bill_whose_artifact_is_elsewhere(desk: Desk, tmp_path: Path) -> None:
    tgz = shelve(tmp_path)
    tgz.unlink()
    assert desk.plugin(OLD, tmp_path)["artifact"] == str(bill_of(tgz))
    assert desk.plugin(OLD, bill_of(tgz))["judgement"] == "affected"


def test_a_package_whose_version_nobody_knows_is_not_known(desk: Desk, tmp_path: Path) -> None:
    bill = bill_of(shelve(tmp_path))
    document = json.loads(bill.read_text())
    for component in document["components"]:
        component.pop("version", None)
        component["purl"] = component["purl"].partition("@")[0]
    bill.write_text(json.dumps(document))
    found = desk.plugin(OLD, tmp_path)
    assert (found["judgement"], found["packages"][0]["judgement"]) == ("unknown", "unknown")
    assert desk.plugin("lodash", tmp_path)["judgement"] == "affected"


def test_packages_within_packages_and_of_other_ecosystems(desk: Desk, tmp_path: Path) -> None:
    bill = bill_of(shelve(tmp_path, "4.17.21"))
    document = json.loads(bill.read_text())
    inner = {"name": "lodash", "version": "4.0.0", "purl": "pkg:npm/lodash@4.0.0"}
    python = {"name": "lodash", "version": "4.0.0", "purl": "pkg:pypi/lodash@4.0.0"}
    document["components"] += [{"name": "outer", "version": "1.0.0", "components": [inner]}, python]
    bill.write_text(json.dumps(document))
    (held,) = desk.plugin(OLD, tmp_path)["packages"]
    assert (held["version"], held["chains"]) == ("4.0.0", [])
    assert desk.code(OLD, tmp_path) == 14
    assert "its bill does not say what needs it" in desk.printed


def test_circles_end(desk: Desk, tmp_path: Path) -> None:
    bill = bill_of(shelve(tmp_path))
    document = json.loads(bill.read_text())
    document["dependencies"].append(
        {"ref": "pkg:npm/lodash@4.17.20", "dependsOn": ["pkg:npm/express@4.1.0"]}
    )
    bill.write_text(json.dumps(document))
    (held,) = desk.plugin(OLD, tmp_path)["packages"]
    assert len(held["chains"]) == 2


def test_many_chains_are_counted(desk: Desk, tmp_path: Path) -> None:
    bill = bill_of(shelve(tmp_path))
    document = json.loads(bill.read_text())
    main = document["metadata"]["component"]["bom-ref"]
    for number in range(30):
        document["components"].append(
            {"bom-ref": f"p{number}", "name": f"p{number}", "version": "1.0.0"}
        )
        document["dependencies"] += [
            {"ref": main, "dependsOn": [f"p{number}"]},
            {"ref": f"p{number}", "dependsOn": ["pkg:npm/lodash@4.17.20"]},
        ]
    bill.write_text(json.dumps(document))
    (held,) = desk.plugin(OLD, tmp_path)["packages"]
    assert (len(held["chains"]), held["further-chains"]) == (10, 22)


def test_texts_of_a_bill_do_nothing_to_a_terminal(desk: Desk, tmp_path: Path) -> None:
    bill = bill_of(shelve(tmp_path))
    text = bill.read_text().replace("4.17.20", "4.17.20-\\u001b[2J\\u202e")
    bill.write_text(text)
    assert desk.code(OLD, tmp_path) == 14
    assert "\x1b" not in desk.printed
    assert "\u202e" not in desk.printed


def test_an_origin_that_cannot_be_read_is_said(desk: Desk, tmp_path: Path) -> None:
    tgz = shelve(tmp_path)
    tgz.with_name(f"{tgz.name}{PROVENANCE_SUFFIX}").write_text("{}")
    (tmp_path / "build-report.json").write_text("{}")
    assert desk.plugin(OLD, tmp_path)["origin"] is None
    assert "build-report.json cannot be used" in desk.said
    assert "tells no origin" in desk.said


def test_an_image_on_disk_is_that_of_the_plugin_beside_it(desk: Desk, tmp_path: Path) -> None:
    tgz = shelve(tmp_path)
    layout = tmp_path / "todo.oci"
    layout.mkdir()
    (layout / "oci-layout").write_text("{}")
    assert [one["judgement"] for one in desk.document(OLD, tmp_path)["plugins"]] == [
        "affected",
        "unknown",
    ]
    report_file = tmp_path / "build-report.json"
    report_file.write_text(json.dumps(report_of(tgz)))
    assert len(desk.document(OLD, tmp_path)["plugins"]) == 2
    report_file.write_text(json.dumps(report_of(tgz, **{"image-file": layout.name})))
    assert len(desk.document(OLD, tmp_path)["plugins"]) == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("lodash@latest", "."), 2),
        (("lodash@<1", "nowhere"), 2),
        (("no-such.json", "."), 3),
        (("lodash@<1", "oci://"), 2),
    ],
)
def test_mistakes_are_named(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int
) -> None:
    shelve(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert desk.code(*words) == code
