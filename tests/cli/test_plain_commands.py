"""A command line of plain words calls what typer would call, with the same; all else is typer's."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

from factory.cli import analyze, analyze_folder, run_build
from factory.cli.application import application, call_command
from factory.cli.log_level import LogLevel
from factory.cli.plain_commands import PLAIN_COMMANDS, find_plain_call

if TYPE_CHECKING:
    from collections.abc import Mapping

WHOLE = inspect.signature(analyze_folder.analyze_folder)
PLAIN = [
    ["analyze"],
    ["analyze", "."],
    ["analyze", "nowhere/at all"],
    ["analyze", ".", "--json"],
    ["analyze", "--json", ".", "--verbose"],
    ["analyze", "--host", "rhdh-1.10", "--check"],
    ["analyze", "--host", ".", "--write", "--plugins-list", "here.yaml", "there"],
]
NOT_PLAIN = [
    [],
    ["host", "list"],
    ["build", "--help"],
    ["build", "here"],
    ["build", "--jobs", "2"],
    ["build", "--config-dir", "a", "--config-dir", "b"],
    ["analyze", "--help"],
    ["analyze", "-h"],
    ["analyze", "--package", "a"],
    ["analyze", "--host=rhdh-1.10"],
    ["analyze", "--host"],
    ["analyze", "--host", "--json"],
    ["analyze", "--host", ""],
    ["analyze", "--host", "a", "--host", "b"],
    ["analyze", "--json", "--json"],
    ["analyze", "--jso"],
    ["analyze", "a", "b"],
    ["analyze", ""],
    ["analyze", "--", "a"],
    ["analyze", "w\u00f6rk"],
    ["analyze", "--plugins-list"],
]


def called_with(monkeypatch: pytest.MonkeyPatch, call: Any) -> dict[str, Any]:
    """The arguments that the work of ``analyze`` is called with, defaults among them."""
    seen: dict[str, Any] = {}

    def note(*args: Any, **given: Any) -> None:
        bound = WHOLE.bind(*args, **given)
        bound.apply_defaults()
        seen.update(bound.arguments)

    monkeypatch.setattr(analyze_folder, "analyze_folder", note)
    monkeypatch.setattr(analyze, "analyze_folder", note)
    call()
    return {name: (type(value), value) for name, value in seen.items()}


@pytest.mark.parametrize("words", PLAIN, ids=" ".join)
def test_plain_words_mean_what_typer_makes_of_them(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def plainly() -> None:
        call = find_plain_call(words, {"PATH": ""})
        assert call is not None
        call()

    ours = called_with(monkeypatch, plainly)
    typers = called_with(monkeypatch, lambda: call_command(words, {}, {}))
    assert ours == typers
    assert ours


@pytest.mark.parametrize(
    "words",
    [
        ["build"],
        ["build", "--config-dir", "a"],
        ["build", "--verbose", "--repo-path", "a", "--output-dir", "b", "--cache-dir", "c"],
    ],
    ids=" ".join,
)
def test_a_plain_build_is_the_one_that_typer_calls(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []

    def note(process: Mapping[str, str], options: object, **given: Any) -> int:
        given.pop("protecting", None)
        seen.append((dict(process), options, {"log_level": LogLevel.INFO, **given}))
        return 7

    monkeypatch.setattr(run_build, "run_build", note)
    process = {"PATH": "", "REGISTRY_URL": "quay.io", "RHDH_CLI_VERSION": "1.9.1"}
    call = find_plain_call(words, process)
    assert call is not None
    assert [call(), call_command(words, process, process)] == [7, 7]
    assert seen[0] == seen[1]


@pytest.mark.parametrize("words", NOT_PLAIN, ids=" ".join)
def test_other_words_are_left_to_typer(words: list[str]) -> None:
    assert find_plain_call(words, {"PATH": ""}) is None


@pytest.mark.parametrize("variable", ["PLUGIN_FACTORY_HOST", "_PLUGIN_FACTORY_COMPLETE"])
def test_with_a_variable_of_ours_typer_looks_what_it_means(variable: str) -> None:
    assert find_plain_call(["analyze"], {"PATH": "", variable: "x"}) is None


def test_a_folder_that_may_not_be_read_is_left_to_typer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_plain_call(["analyze", str(tmp_path)], {}) is not None
    # As it is for everybody but root.
    monkeypatch.setattr(os, "access", lambda _, mode: not (mode & os.R_OK))
    assert find_plain_call(["analyze", str(tmp_path)], {}) is None


@pytest.mark.parametrize("name", PLAIN_COMMANDS)
def test_the_table_has_the_options_as_typer_has_them(name: str) -> None:
    plain = PLAIN_COMMANDS[name]
    group: Any = get_command(application())
    parameters = {each.name: each for each in group.commands[name].params}
    for flag, parameter in plain.flags.items():
        assert flag in parameters[parameter].opts
        assert parameters[parameter].is_flag
    for option, parameter in {**plain.texts, **plain.paths}.items():
        assert option in parameters[parameter].opts
        assert not parameters[parameter].multiple
    arguments = [each.name for each in parameters.values() if each.param_type_name == "argument"]
    assert arguments == ([plain.folder] if plain.folder else [])
    assert all(parameters[each].nargs == 1 for each in arguments)


def test_a_plain_command_loads_neither_typer_nor_what_it_does_not_need(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "a", "backstage": {"role": "backend-plugin"}}')
    (tmp_path / "yarn.lock").write_text(
        '__metadata:\n  version: 8\n\n"a@workspace:.":\n  version: 0.0.0-use.local\n'
        '  resolution: "a@workspace:."\n  languageName: unknown\n  linkType: soft\n'
    )
    code = (
        "import sys; from factory.cli.app import run\n"
        "code = run(['analyze', sys.argv[1], '--json'], {'PATH': ''})\n"
        "print(' '.join(sys.modules), file=sys.stderr)\n"
        "sys.exit(code)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    loaded = set(ended.stderr.split())
    assert '"path": "."' in ended.stdout
    slow = {"typer", "rich", "yaml", "fastjsonschema", "logging", "secrets", "shutil", "subprocess"}
    assert loaded.isdisjoint({*slow, "factory.frontend.source_verdict", "factory.config.options"})
