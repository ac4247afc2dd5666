"""``plugin-factory analyze``: what it prints, checks and writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from factory.cli.analyze import analyze
from factory.errors import CheckError, ConfigurationError, UsageError

from .tiny_workspace import PLUGIN, TinyWorkspace

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

ARGUMENTS = "--embed-package top --suppress-native-package addon"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    tiny = TinyWorkspace(
        plugin={"dependencies": {"top": "^1.0.0", "addon": "^1.0.0"}},
        members={"@acme/x": {"backstage": {"role": "frontend-plugin"}}},
        published={
            "top@1.2.0": {"dependencies": {"@backstage/catalog-model": "^1.7.0"}},
            "@backstage/catalog-model@1.7.0": {},
            "addon@1.0.0": {"dependencies": {"bindings": "^1.0.0"}},
        },
    )
    return tiny.write(tmp_path / "workspace", "protocols")


def run(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(analyze)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def printed(workspace: Path, *arguments: object) -> dict[str, Any]:
    result = run(workspace, "--json", *arguments)
    assert result.exception is None, result.output
    document: dict[str, Any] = json.loads(result.output)
    return document


def test_every_plugin_is_analysed_where_there_is_no_list(workspace: Path) -> None:
    document = printed(workspace)
    assert document["host"] == "rhdh-1.10"
    assert {plugin["path"]: plugin["arguments"] for plugin in document["plugins"]} == {
        "plugins/x": "",
        PLUGIN: ARGUMENTS,
    }


def test_json_has_the_reason_of_each_argument(workspace: Path) -> None:
    plugin = next(p for p in printed(workspace)["plugins"] if p["path"] == PLUGIN)
    assert plugin["reasons"][0] == {
        "option": "--embed-package",
        "value": "top",
        "rule": 3,
        "chain": ["@acme/x-backend 1.0.0", "top 1.2.0", "@backstage/catalog-model 1.7.0"],
        "fact": "in rhdh-1.10, shared",
    }
    assert [warning["kind"] for warning in plugin["warnings"]] == ["native-suppressed"]


def test_lines_show_arguments_with_their_reasons(workspace: Path) -> None:
    output = run(workspace).output
    assert f"  {PLUGIN}: {ARGUMENTS}\n" in output
    assert (
        "  --embed-package top\tplugin → top 1.2.0 → @backstage/catalog-model 1.7.0 "
        "(in rhdh-1.10, shared)\n"
    ) in output


def test_the_host_may_be_another(workspace: Path) -> None:
    assert printed(workspace, "--host", "rhdh-1.8")["host"] == "rhdh-1.8"
    assert printed(workspace, "--host", workspace / "yarn.lock")["host"] == "workspace"
    assert isinstance(run(workspace, "--host", "nothing").exception, UsageError)


def test_only_listed_plugins_are_analysed(workspace: Path) -> None:
    (workspace / "plugins-list.yaml").write_text(f"{PLUGIN}:\n")
    assert [plugin["path"] for plugin in printed(workspace)["plugins"]] == [PLUGIN]


def test_check_shows_the_difference(workspace: Path) -> None:
    (workspace / "plugins-list.yaml").write_text(f"plugins/x:\n{PLUGIN}: --embed-package gone\n")
    error = run(workspace, "--check").exception
    assert isinstance(error, CheckError)
    assert error.details == f"- {PLUGIN}: --embed-package gone\n+ {PLUGIN}: {ARGUMENTS}"


def test_check_holds_after_write(workspace: Path) -> None:
    listed = workspace / "plugins-list.yaml"
    listed.write_text(f"# why\nplugins/x:\n\n# plugins/off:\n{PLUGIN}: --embed-package gone # x\n")
    result = run(workspace, "--write")
    assert result.exception is None
    assert f"- {PLUGIN}: --embed-package gone\n+ {PLUGIN}: {ARGUMENTS}\n" in result.output
    assert "plugins-list.yaml.bak" in result.output
    assert listed.read_text() == (
        f"# why\nplugins/x:\n\n# plugins/off:\n{PLUGIN}: {ARGUMENTS} # x\n"
    )
    assert run(workspace, "--check").exception is None


def test_other_words_for_the_same_arguments_are_left_alone(workspace: Path) -> None:
    listed = workspace / "plugins-list.yaml"
    text = f"{PLUGIN}: --suppress-native-package=addon --embed-package top\n"
    listed.write_text(text)
    assert run(workspace, "--check").exception is None
    run(workspace, "--write")
    assert listed.read_text() == text


def test_write_makes_a_list_where_there_is_none(workspace: Path, tmp_path: Path) -> None:
    file = tmp_path / "plugins-list.yaml"
    result = run(workspace, "--plugins-list", file, "--write")
    assert result.exception is None
    assert run(workspace, "--plugins-list", tmp_path, "--check").exception is None
    assert f"{PLUGIN}: {ARGUMENTS}\n" in file.read_text()


@pytest.mark.parametrize(
    ("listed", "problem"),
    [
        ("plugins/nowhere:\n", "has no plugin plugins/nowhere"),
        (".:\n", "not a plugin that can be exported"),
        (f'{PLUGIN}: "--embed-package \'a"\n', "words"),
    ],
)
def test_an_unusable_list_is_named(listed: str, problem: str, workspace: Path) -> None:
    (workspace / "plugins-list.yaml").write_text(listed)
    error = run(workspace).exception
    assert isinstance(error, ConfigurationError)
    assert problem in error.problem


def test_check_needs_a_list(workspace: Path) -> None:
    assert isinstance(run(workspace, "--check").exception, ConfigurationError)
    assert isinstance(run(workspace, "--check", "--write").exception, UsageError)
