"""Sources that cannot be had, and lists that do not fit them: nothing installed, nothing lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.command_line import Ended

from .desk import Desk, new_desk, tree_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def desk(tmp_path: Path, process: dict[str, str]) -> Desk:
    return new_desk(tmp_path, process)


def refused(desk: Desk, *options: str) -> Ended:
    """Run; what the user had before is as it was, and the cache of tools is untouched."""
    before = desk.tree()
    ended = desk.build(*options)
    after = desk.tree()
    assert {name: after.get(name) for name in before} == before
    assert not desk.cache.exists()
    ended.assert_says("error: ")
    report = json.loads((desk.outputs / "build-report.json").read_text())
    assert report["exit-code"] == ended.code
    assert report["error"]["problem"] in ended.said
    return ended


def assert_nothing_was_brought(desk: Desk) -> None:
    assert desk.brought() == []


@pytest.mark.parametrize("repo", ["nowhere", "file:///nowhere/at/all.git"])
def test_an_unknown_repository(desk: Desk, repo: str) -> None:
    ended = refused(desk, "--source-repo", repo)
    assert ended.code == 4
    ended.assert_says(repo.removeprefix("file://"))
    assert_nothing_was_brought(desk)


def test_a_host_that_does_not_answer(desk: Desk) -> None:
    ended = refused(desk, "--source-repo", "http://127.0.0.1:1/plugins.git")
    assert ended.code == 4
    ended.assert_says("127.0.0.1")
    assert_nothing_was_brought(desk)


def test_an_unknown_ref(desk: Desk) -> None:
    desk.commit()
    ended = refused(desk, "--source-repo", f"file://{desk.repository}", "--source-ref", "v9.9.9")
    assert ended.code == 4
    ended.assert_says("'v9.9.9'", "found  main", "git ls-remote")
    assert_nothing_was_brought(desk)


def test_an_unknown_workspace_path(desk: Desk) -> None:
    ended = refused(desk, "--workspace-path", "workspaces/tood")
    assert ended.code == 4
    ended.assert_says("workspaces/tood", "did you mean --workspace-path workspaces/todo?")


def test_a_workspace_without_a_package_json(desk: Desk) -> None:
    ended = refused(desk, "--workspace-path", "workspaces")
    assert ended.code == 3
    ended.assert_says("the workspace has no package.json", desk.source / "workspaces")


def test_a_repo_path_that_is_not_empty_without_clean(desk: Desk) -> None:
    desk.write("source/of-somebody.txt", "years of work")
    ended = refused(desk)
    assert ended.code == 4
    ended.assert_says("is not empty", desk.source, "of-somebody.txt", "--clean", "--use-local")


def test_clean_does_not_remove_the_configuration(desk: Desk) -> None:
    ended = refused(desk, "--clean", "--repo-path", str(desk.root))
    assert ended.code == 4
    ended.assert_says(f"{desk.root} is not emptied", desk.config.parent)


@pytest.mark.parametrize("place", ["source", "source/mine"])
def test_clean_does_not_remove_a_source_that_is_there(desk: Desk, place: str) -> None:
    kept = desk.write(f"{place}/package.json", '{"name": "mine"}')
    desk.write("config/source.json", {"repo": str(kept.parent)})
    ended = refused(desk, "--clean")
    assert ended.code == 4
    ended.assert_says("is not emptied", kept.parent)


def test_clean_removes_nothing_for_a_source_that_does_not_exist(desk: Desk) -> None:
    desk.write("source/of-somebody.txt", "years of work")
    desk.write("config/source.json", {"repo": "./nowhere"})
    ended = refused(desk, "--clean")
    assert ended.code == 4
    ended.assert_says("does not exist", "nowhere")


def test_use_local_without_anything_there(desk: Desk) -> None:
    ended = refused(desk, "--use-local")
    assert ended.code == 4
    ended.assert_says("there is nothing to build in place", "--repo-path")


def test_plugins_that_cannot_be_built_are_all_named_with_their_lines(desk: Desk) -> None:
    desk.write(
        "config/plugins-list.yaml", "plugins/gone:\nplugins/todo:\nplugins/common: --no-build\n"
    )
    ended = refused(desk)
    assert ended.code == 3
    ended.assert_says(
        "2 plugins of plugins-list.yaml cannot be built",
        "plugins-list.yaml:1 (plugins/gone)",
        "plugins there: plugins/todo",
        "plugins-list.yaml:3 (plugins/common)",
        "common-library",
    )


def test_a_plugin_that_is_a_link_out_of_the_workspace(desk: Desk) -> None:
    desk.write("elsewhere/package.json", {"name": "e", "backstage": {"role": "backend-plugin"}})
    plugins = desk.repository / "workspaces/todo/plugins"
    (plugins / "elsewhere").symlink_to(desk.root / "elsewhere")
    desk.write("config/plugins-list.yaml", "plugins/elsewhere:\n")
    ended = refused(desk)
    assert ended.code == 3
    ended.assert_says("a link out of the workspace", "plugins-list.yaml:1", desk.root / "elsewhere")


def test_another_package_manager(desk: Desk) -> None:
    manifest = {
        "name": "w",
        "private": True,
        "workspaces": ["plugins/*"],
        "packageManager": "pnpm@9.1.0",
    }
    desk.write("repository/workspaces/todo/package.json", manifest)
    ended = refused(desk)
    assert ended.code == 3
    ended.assert_says("managed by pnpm", "package.json (packageManager)", "found     pnpm@9.1.0")


def test_a_node_that_nobody_has(desk: Desk) -> None:
    manifest = {
        "name": "w",
        "private": True,
        "workspaces": ["plugins/*"],
        "engines": {"node": ">=99"},
    }
    desk.write("repository/workspaces/todo/package.json", manifest)
    ended = refused(desk)
    assert ended.code == 6
    ended.assert_says("engines.node >=99")


def test_a_version_of_rhdh_cli_that_is_none(desk: Desk) -> None:
    desk.write("config/.env", "RHDH_CLI_VERSION=npm:1.9\n")
    before = desk.tree()
    ended = desk.build()
    assert ended.code == 3
    ended.assert_says("RHDH_CLI_VERSION is not a version of rhdh-cli", "found     npm:1.9")
    assert before.items() <= desk.tree().items()


def test_a_source_folder_is_never_modified(desk: Desk) -> None:
    before = tree_of(desk.repository)
    desk.write("config/plugins-list.yaml", "plugins/gone:\n")
    assert desk.build().code == 3
    assert tree_of(desk.repository) == before
