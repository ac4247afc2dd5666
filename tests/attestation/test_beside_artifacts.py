"""What is written beside artifacts: of the values in the report, of the configuration's files."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from factory.archives.integrity import integrity_of
from factory.attestation.provenance import Material
from factory.engines import Engine
from factory.errors import ExportError
from factory.export.packing import Artifact
from factory.pipeline.attestations import (
    find_configured_materials,
    lockfile_material,
    write_provenance,
    write_sbom,
)
from factory.reports.build_report import (
    PluginReport,
    SourceReport,
    ToolVersions,
)
from tests.oci.plugin_archives import pack

COMMIT = "3fadf6b0595d1d1804f5c7f2690f4db7b81275f1"
SOURCE = SourceReport(
    repo="https://github.com/backstage/community-plugins",
    ref="main",
    commit=COMMIT,
    committed_at=1_777_636_800,
    workspace_path="workspaces/todo",
    local=False,
)
TOOLS = ToolVersions(factory="1.2.3", python="3.13.1", node="20.20.2", rhdh_cli="1.9.1")
MATERIALS = (Material(name="yarn.lock", sha256="a" * 64),)


@pytest.fixture
def report(tmp_path: Path) -> PluginReport:
    tgz = pack(tmp_path / "plugin-dynamic-1.0.0.tgz")
    return PluginReport(
        path="plugins/todo-backend",
        outcome="done",
        name="plugin",
        version="1.0.0",
        role="backend-plugin",
        arguments="--embed-package @scope/one --suppress-native-package 'a b'",
        seconds={"export": 3.2},
        files=(Artifact(name=tgz.name, size=tgz.stat().st_size),),
    )


def written(report: PluginReport, folder: Path, source: SourceReport = SOURCE) -> PluginReport:
    return write_provenance(
        report,
        source=source,
        materials=MATERIALS,
        tools=TOOLS,
        engine=Engine.RHDH,
        output_dir=folder,
        redact=lambda text: text.replace("hidden", "***"),
    )


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_the_provenance_is_a_file_of_the_plugin(report: PluginReport, tmp_path: Path) -> None:
    after = written(report, tmp_path)

    file = tmp_path / "plugin-dynamic-1.0.0.tgz.provenance.json"
    assert after.files == (*report.files, Artifact(name=file.name, size=file.stat().st_size))
    statement = json.loads(file.read_text())
    (subject,) = statement["subject"]
    content = (tmp_path / subject["name"]).read_bytes()
    assert subject["digest"] == {
        "sha256": sha256(content),
        "sha512": hashlib.sha512(content).hexdigest(),
    }
    assert statement["predicate"]["buildDefinition"]["externalParameters"]["arguments"] == [
        "--embed-package",
        "@scope/one",
        "--suppress-native-package",
        "a b",
    ]
    assert statement["predicate"]["runDetails"]["builder"]["version"] == {
        "node": "20.20.2",
        "plugin-factory": "1.2.3",
        "rhdh-cli": "1.9.1",
    }


def test_writing_it_again_changes_neither_report_nor_file(
    report: PluginReport, tmp_path: Path
) -> None:
    once = written(report, tmp_path)
    before = (tmp_path / once.files[-1].name).read_bytes()

    slower = replace(once, seconds={"export": 99.0})
    twice = written(slower, tmp_path)

    assert twice == slower
    assert (tmp_path / twice.files[-1].name).read_bytes() == before


def test_of_a_restored_plugin_it_says_what_was_compared_then(
    report: PluginReport, tmp_path: Path
) -> None:
    built = written(report, tmp_path)
    file = tmp_path / built.files[-1].name
    before = file.read_text()
    tgz = tmp_path / report.files[0].name
    known = replace(report.files[0], sha256=sha256(tgz.read_bytes()))
    restored = replace(report, cached=True, files=(known,), integrity=integrity_of(tgz))
    tgz.unlink()  # nobody reads it again

    written(restored, tmp_path)

    assert file.read_text() == before


def test_a_plugin_that_failed_has_none(report: PluginReport, tmp_path: Path) -> None:
    failed = replace(report, outcome="failed", files=(), error=ExportError("no"))

    assert written(failed, tmp_path) == failed
    assert not list(tmp_path.glob("*.provenance.json"))


def test_it_is_free_of_secrets_and_of_folders_of_the_machine(
    report: PluginReport, tmp_path: Path
) -> None:
    arguments = replace(report, arguments="--embed-package hidden")
    local = replace(SOURCE, repo=str(tmp_path), local=True)

    text = (tmp_path / written(arguments, tmp_path, local).files[-1].name).read_text()

    assert "hidden" not in text
    assert str(tmp_path) not in text
    assert COMMIT in text


def test_the_bill_of_materials_is_beside_the_artifact(report: PluginReport, tmp_path: Path) -> None:
    artifact = write_sbom(tmp_path / report.files[0].name, None)

    file = tmp_path / "plugin-dynamic-1.0.0.tgz.cdx.json"
    assert artifact == Artifact(name=file.name, size=file.stat().st_size)
    assert json.loads(file.read_text())["bomFormat"] == "CycloneDX"


def test_patches_the_files_of_overlays_and_further_files_are_materials(tmp_path: Path) -> None:
    overlay = tmp_path / "plugins/a/overlay"
    for name, content in {
        "patches/0001.patch": b"patch",
        "plugins/a/overlay/src/index.ts": b"source",
        "plugins/a/overlay/.hidden": b"hidden",
        "backstage.json": b"{}",
        "plugins/b/overlay/not-asked-for": b"x",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (overlay / "link").symlink_to("src/index.ts")

    found = find_configured_materials(
        tmp_path,
        patches=[tmp_path / "patches/0001.patch"],
        overlays=[overlay],
        files=[tmp_path / "backstage.json", tmp_path / "plugins/a/scalprum-config.json"],
    )

    assert {one.name: one.sha256 for one in found} == {
        "backstage.json": sha256(b"{}"),
        "patches/0001.patch": sha256(b"patch"),
        "plugins/a/overlay/.hidden": sha256(b"hidden"),
        "plugins/a/overlay/link": sha256(b"src/index.ts"),
        "plugins/a/overlay/src/index.ts": sha256(b"source"),
    }


@pytest.mark.parametrize("at", ["workspaces/todo", "workspaces", "."])
def test_the_lockfile_is_the_next_one_on_the_way_up(tmp_path: Path, at: str) -> None:
    workspace = tmp_path / "root/workspaces/todo"
    workspace.mkdir(parents=True)
    (tmp_path / "yarn.lock").write_bytes(b"not of this repository")
    (tmp_path / "root" / at / "yarn.lock").write_bytes(b"lock")

    (material,) = lockfile_material(workspace, tmp_path / "root")

    assert material == Material(name=str(Path(at, "yarn.lock")), sha256=sha256(b"lock"))


def test_no_lockfile_is_no_material(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "yarn.lock").write_bytes(b"not of this repository")

    assert lockfile_material(tmp_path / "root", tmp_path / "root") == ()
