"""Yarn's catalogs, read as the ranges that they stand for (https://yarnpkg.com/features/catalogs)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from factory.analysis.catalogs import read_catalogs
from factory.analysis.lockfile_parser import read_lockfile
from factory.analysis.release_ranges import ReleaseRanges
from factory.analysis.workspace_analysis import analyze_workspace
from factory.cache.inputs import workspace_inputs
from factory.errors import SourceError
from factory.sources.replacement import take_back
from factory.work_tree.export_tree import adapt_tree

from .tiny_workspace import PLUGIN, TinyWorkspace, host

SETTINGS = """\
nodeLinker: node-modules
catalog:
  uses-backstage: ^1.0.0
  react: 18
catalogs:
  old: {escape: "npm:~1.0.3"}
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A plugin that asks by two catalogs; the lockfile has what yarn 4.12 writes: the ranges."""
    made = TinyWorkspace(
        plugin={"dependencies": {"uses-backstage": "^1.0.0", "escape": "~1.0.3"}},
        published={
            "uses-backstage@1.2.0": {"dependencies": {"@backstage/config": "^1.0.0"}},
            "@backstage/config@1.3.6": {},
            "escape@1.0.4": {},
        },
    ).write(tmp_path / "workspace", "protocols")
    (made / ".yarnrc.yml").write_text(SETTINGS)
    manifest = made / PLUGIN / "package.json"
    document = json.loads(manifest.read_text())
    document["dependencies"] = {"uses-backstage": "catalog:", "escape": "catalog:old"}
    document["peerDependencies"] = {"react": "catalog:"}
    manifest.write_text(json.dumps(document, indent=2) + "\n")
    return made


def ranges_of(workspace: Path) -> ReleaseRanges:
    return ReleaseRanges(lockfile=read_lockfile(workspace / "yarn.lock"), release={})


def test_every_value_is_text_as_for_yarn(workspace: Path) -> None:
    catalogs = read_catalogs(workspace)
    assert catalogs.meaning("react", "catalog:") == "18"
    assert catalogs.meaning("escape", "catalog:old") == "npm:~1.0.3"
    assert catalogs.meaning("escape", "catalog:") == "catalog:"
    assert catalogs.meaning("escape", "^2.0.0") == "^2.0.0"


def test_the_nearest_settings_win_entry_by_entry(workspace: Path) -> None:
    (workspace.parent / ".yarnrc.yml").write_text("catalog: {react: 17, lodash: ^4.0.0}")
    catalogs = read_catalogs(workspace)
    assert [catalogs.meaning(name, "catalog:") for name in ("react", "lodash")] == ["18", "^4.0.0"]


@pytest.mark.parametrize(
    "settings",
    ["catalog: [react]", "catalogs: {a: x}", "catalog: {a: {b: c}}", "- a", "a: [", "*a"],
)
def test_settings_of_another_form_are_named(settings: str, tmp_path: Path) -> None:
    (tmp_path / ".yarnrc.yml").write_text(settings)
    with pytest.raises(SourceError) as caught:
        read_catalogs(tmp_path)
    assert caught.value.place
    assert caught.value.place.file == tmp_path / ".yarnrc.yml"


def test_the_analysis_reads_the_range(workspace: Path) -> None:
    found = analyze_workspace(workspace, host({"@backstage/config": "1.3.6", "react": "18.3.1"}))
    assert [(p.arguments, p.warnings) for p in found.plugins] == [
        ("--embed-package uses-backstage", ())
    ]


def test_an_entry_that_is_in_no_catalog_is_said(workspace: Path) -> None:
    (workspace / ".yarnrc.yml").write_text("catalog: {react: 18, uses-backstage: ^1.0.0}")
    found = analyze_workspace(workspace, host({"@backstage/config": "1.3.6", "react": "18.3.1"}))
    (warning,) = found.plugins[0].warnings
    assert str(warning) == (
        "no catalog of .yarnrc.yml has the entry that escape@catalog:old means (plugin → escape): "
        "add it, or write the range"
    )


def test_the_lockfile_part_of_the_key_has_what_a_catalog_leads_to(workspace: Path) -> None:
    inputs = workspace_inputs(workspace, workspace)
    asker = inputs._document(PLUGIN).asker
    assert set(inputs.locked.reach_from([asker])) == {
        "uses-backstage",
        "@backstage/config",
        "escape",
    }


def test_the_export_reads_real_ranges_and_the_tree_stays_as_it_was(workspace: Path) -> None:
    manifest = workspace / PLUGIN / "package.json"
    before = {file: file.read_bytes() for file in workspace.rglob("*") if file.is_file()}
    with adapt_tree(workspace, ranges_of(workspace), bundles=False):
        meanwhile = json.loads(manifest.read_text())
        assert meanwhile["dependencies"] == {"uses-backstage": "^1.0.0", "escape": "~1.0.3"}
        assert meanwhile["peerDependencies"] == {"react": "18"}
        assert [file.name for file in manifest.parent.iterdir()] == ["package.json"]
    assert {file: file.read_bytes() for file in workspace.rglob("*") if file.is_file()} == before


def test_what_a_killed_run_left_is_taken_back_by_the_next(workspace: Path) -> None:
    manifest = workspace / PLUGIN / "package.json"
    before = manifest.read_bytes()
    context = adapt_tree(workspace, ranges_of(workspace), bundles=False)
    context.__enter__()
    assert manifest.read_bytes() != before
    assert take_back(workspace)
    assert manifest.read_bytes() == before
    context.__exit__(None, None, None)
    assert manifest.read_bytes() == before


def test_resolutions_are_compared_with_the_range_and_not_with_the_catalog(workspace: Path) -> None:
    root = workspace / "package.json"
    document = json.loads(root.read_text())
    document["resolutions"] = {"escape@npm:~1.0.3": "1.0.4", "uses-backstage": "1.2.0"}
    root.write_text(json.dumps(document))
    lockfile = workspace / "yarn.lock"
    text = lockfile.read_text().replace("escape@npm:~1.0.3", "escape@npm:1.0.4")
    lockfile.write_text(text.replace("uses-backstage@npm:^1.0.0", "uses-backstage@npm:1.2.0"))
    found = analyze_workspace(workspace, host({"@backstage/config": "1.3.6", "react": "18.3.1"}))
    assert [(p.arguments, p.warnings) for p in found.plugins] == [
        ("--embed-package uses-backstage", ())
    ]
