"""Mistakes in the configuration: found before anything is fetched, and nothing is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .desk import Desk, new_desk

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def desk(tmp_path: Path, process: dict[str, str]) -> Desk:
    return new_desk(tmp_path, process)


def assert_refused(
    desk: Desk, *facts: object, options: tuple[str, ...] = (), code: int = 3
) -> None:
    """The run ends with the code, tells the facts, and leaves everything as it was."""
    before = desk.tree()
    ended = desk.build(*options)
    ended.assert_says("error: ", *facts)
    assert ended.code == code
    assert desk.tree() == before
    assert not desk.outputs.exists()


def test_a_missing_configuration_directory(desk: Desk) -> None:
    assert_refused(
        desk,
        "the configuration directory does not exist",
        desk.root / "confg",
        "expected  a directory with source.json",
        "--config-dir",
        options=("--config-dir", str(desk.root / "confg")),
    )


def test_an_empty_configuration_directory(desk: Desk) -> None:
    (desk.root / "empty").mkdir()
    assert_refused(
        desk,
        "the configuration directory is empty",
        "source.json with",
        "--source-repo",
        options=("--config-dir", str(desk.root / "empty")),
    )


def test_a_configuration_directory_that_is_a_file(desk: Desk) -> None:
    file = desk.config / "source.json"
    assert_refused(desk, "is a file", file, options=("--config-dir", str(file)))


def test_invalid_json(desk: Desk) -> None:
    desk.write("config/source.json", '{\n  "repo": oops\n}')
    assert_refused(
        desk,
        "source.json is not valid JSON",
        f"{desk.config}/source.json:2:11",
        '"repo": oops',
        "Expecting value",
    )


def test_a_wrong_type_in_source_json(desk: Desk) -> None:
    desk.write("config/source.json", '{\n  "repo": ["a"]\n}')
    assert_refused(
        desk, f"{desk.config}/source.json:2:3 (repo)", "found     a list", "expected  a git URL"
    )


def test_a_duplicate_key_in_source_json(desk: Desk) -> None:
    desk.write("config/source.json", '{\n  "repo": "a",\n  "repo": "b"\n}')
    assert_refused(desk, '"repo" appears twice in source.json', ":3:3 (repo)", "remove one")


def test_a_workspace_path_of_source_json_that_leaves_the_repository(desk: Desk) -> None:
    desk.write("config/source.json", {"repo": "r", "workspace-path": "../elsewhere"})
    assert_refused(desk, "points outside the repository", "(workspace-path)", "../elsewhere")


def test_invalid_yaml(desk: Desk) -> None:
    desk.write("config/plugins-list.yaml", "plugins/todo:\n\tplugins/x:\n")
    assert_refused(
        desk, "plugins-list.yaml is not valid YAML", f"{desk.config}/plugins-list.yaml:2:1"
    )


def test_a_wrong_type_in_the_plugins_list(desk: Desk) -> None:
    desk.write("config/plugins-list.yaml", "plugins/todo:\n  - --embed-package\n")
    assert_refused(
        desk, "plugins-list.yaml:1:1 (plugins/todo)", "a list", "one line of text, or nothing"
    )


@pytest.mark.parametrize("path", ["/plugins/todo", "../todo"])
def test_a_plugin_outside_of_the_workspace(desk: Desk, path: str) -> None:
    desk.write("config/plugins-list.yaml", f"plugins/todo:\n{path}:\n")
    assert_refused(desk, f"plugins-list.yaml:2:1 ({path})", "expected  a path from the workspace")


def test_arguments_with_a_quote_that_is_not_closed(desk: Desk) -> None:
    desk.write("config/plugins-list.yaml", "plugins/todo: --embed-package 'a\n")
    assert_refused(desk, "plugins-list.yaml:1:1", "No closing quotation")


def test_a_bad_line_in_the_env_file(desk: Desk) -> None:
    desk.write("config/.env", "A=b\nthese are words\n")
    assert_refused(desk, f"{desk.config}/.env:2", "expected  NAME=value")


def test_a_backstage_json_without_a_version(desk: Desk) -> None:
    desk.write("config/backstage.json", '{"version": 1}')
    assert_refused(desk, "backstage.json:1:2 (version)", '{"version": "1.42.0"}')


def test_a_file_that_is_not_utf8(desk: Desk) -> None:
    desk.write("config/plugins-list.yaml", b"plugins/caf\xe9:\n")
    assert_refused(desk, "plugins-list.yaml is not UTF-8 text", "save it as UTF-8")


def test_options_that_exclude_each_other(desk: Desk) -> None:
    assert_refused(desk, "--source-ref needs --source-repo", options=("--source-ref", "v1"), code=2)
