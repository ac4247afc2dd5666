"""The workspace while exports run, and that nothing of it stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from factory.analysis.lockfile_parser import read_lockfile
from factory.analysis.release_ranges import ReleaseRanges
from factory.sources.replacement import JOURNAL, take_back
from factory.work_tree.export_tree import adapt_tree
from tests.analysis.test_release_ranges import LOCK

PLUGIN = "plugins/x"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    plugin = tmp_path / PLUGIN
    plugin.mkdir(parents=True)
    (tmp_path / "package.json").write_text('{"name": "root", "workspaces": ["plugins/*"]}')
    (tmp_path / "yarn.lock").write_text(LOCK)
    manifest = {
        "name": "x",
        "dependencies": {"@backstage/config": "backstage:^"},
        "peerDependencies": {"@backstage/ui": "backstage:^", "@backstage/none": "backstage:^"},
    }
    (plugin / "package.json").write_text(json.dumps(manifest))
    return tmp_path


def ranges_of(workspace: Path) -> ReleaseRanges:
    lockfile = read_lockfile(workspace / "yarn.lock")
    return ReleaseRanges(lockfile=lockfile, release={"@backstage/ui": "0.9.0"})


def files_of(workspace: Path) -> dict[str, bytes]:
    return {
        file.relative_to(workspace).as_posix(): file.read_bytes()
        for file in workspace.rglob("*")
        if file.is_file()
    }


def test_peers_too_have_the_ranges_of_the_release(workspace: Path) -> None:
    with adapt_tree(workspace, ranges_of(workspace), bundles=False):
        meanwhile = json.loads((workspace / PLUGIN / "package.json").read_text())
        assert not (workspace / "tsconfig.json").exists()
    assert meanwhile["dependencies"] == {"@backstage/config": "^1.3.6"}
    assert meanwhile["peerDependencies"] == {
        "@backstage/ui": "^0.9.0",
        "@backstage/none": "backstage:^",
    }


def test_frontends_find_a_tsconfig_at_the_root_that_is_gone_afterwards(workspace: Path) -> None:
    before = files_of(workspace)
    with adapt_tree(workspace / PLUGIN, ranges_of(workspace), bundles=True):
        settings = json.loads((workspace / "tsconfig.json").read_text())
        assert settings["compilerOptions"]["noEmit"]
    assert files_of(workspace) == before


@pytest.mark.parametrize("is_link", [False, True])
def test_a_tsconfig_that_is_there_stays(is_link: bool, workspace: Path) -> None:
    tsconfig = workspace / "tsconfig.json"
    if is_link:
        tsconfig.symlink_to("elsewhere.json")
    else:
        tsconfig.write_text("{}")
    with adapt_tree(workspace, ranges_of(workspace), bundles=True):
        assert tsconfig.is_symlink() == is_link
        assert is_link or tsconfig.read_text() == "{}"
    assert tsconfig.is_symlink() == is_link
    assert not (workspace / "elsewhere.json").exists()


def test_what_a_killed_run_left_is_removed_by_the_next(workspace: Path) -> None:
    before = files_of(workspace)
    context = adapt_tree(workspace, ranges_of(workspace), bundles=True)
    context.__enter__()
    assert (workspace / "tsconfig.json").is_file()
    assert (workspace / JOURNAL).is_file()
    assert take_back(workspace)
    assert files_of(workspace) == before
    context.__exit__(None, None, None)
    assert files_of(workspace) == before


def test_a_tsconfig_that_somebody_writes_meanwhile_is_theirs(workspace: Path) -> None:
    with adapt_tree(workspace, ranges_of(workspace), bundles=True):
        (workspace / "tsconfig.json").unlink()
        (workspace / "tsconfig.json").write_text('{"theirs": true}')
    assert (workspace / "tsconfig.json").read_text() == '{"theirs": true}'
