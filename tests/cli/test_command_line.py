"""The command line as a user types it: commands, options, variables, help and completion."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from factory import __version__
from factory.cli.app import run
from factory.cli.application import application
from factory.cli.option_variables import find_variables
from tests.command_line import Ended, ran, run_here

# The option table of the documentation that this command line keeps to.
DOCUMENTED: dict[str, Any] = {
    "--config-dir": Path("/config"),
    "--repo-path": Path("/source"),
    "--workspace-path": None,
    "--source-repo": None,
    "--source-ref": None,
    "--output-dir": Path("/outputs"),
    "--push-images": False,
    "--no-push-images": False,
    "--use-local": False,
    "--log-level": "INFO",
    "--verbose": False,
    "--clean": False,
    "--generate-build-args": False,
}

MODULE = (sys.executable, "-m", "factory")


@pytest.fixture(autouse=True)
def _standing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def start(*arguments: str, program: tuple[str, ...] = (), **variables: str) -> Ended:
    """Type a command line; in a process of its own where the program is said."""
    env = {"PATH": os.environ["PATH"], "HOME": str(Path.cwd()), "COLUMNS": "200"} | variables
    if program:
        ended = ran((*program, *arguments), env, cwd=Path.cwd())
    else:
        ended = run_here(env, *arguments, cwd=Path.cwd())
    assert "Traceback" not in ended.said
    return ended


def build_options() -> dict[str, Any]:
    command: Any = get_command(application())
    parameters = command.commands["build"].params
    return {
        flag: parameter
        for parameter in parameters
        for flag in (*parameter.opts, *parameter.secondary_opts)
    }


def test_the_version_is_shown() -> None:
    ended = start("--version", program=MODULE)
    assert (ended.code, ended.stdout, ended.stderr) == (0, f"plugin-factory {__version__}\n", "")


def test_the_console_script_is_the_module() -> None:
    script = Path(sys.executable).with_name("plugin-factory")
    ended = start("--version", program=(str(script),))
    assert ended.stdout == f"plugin-factory {__version__}\n"


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_names_the_commands(flag: str) -> None:
    ended = start(flag, program=MODULE)
    assert ended.code == 0
    assert "Turn Backstage plugin sources into dynamic plugins." in ended.stdout
    assert re.search(r"^. build +Build the plugins of a workspace", ended.stdout, re.MULTILINE)


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_of_build_has_examples_and_every_option(flag: str) -> None:
    ended = start("build", flag, program=MODULE)
    assert ended.code == 0
    assert "plugin-factory build --config-dir ./config" in ended.stdout
    assert [option for option in DOCUMENTED if option not in ended.stdout] == []


@pytest.mark.parametrize("option", DOCUMENTED)
def test_every_documented_option_has_its_default(option: str) -> None:
    default = build_options()[option].default
    assert str(getattr(default, "value", default)) == str(DOCUMENTED[option])


def test_options_without_a_command_are_those_of_build() -> None:
    ended = start("--config-dir", "nowhere", program=MODULE)
    assert ended == start("build", "--config-dir", "nowhere")
    assert ended.code == 3


def test_without_arguments_there_is_help_where_nothing_is_to_be_built() -> None:
    if Path("/config").is_dir():
        pytest.skip("this machine has a /config")
    ended = start(program=MODULE)
    assert "Usage: plugin-factory" in ended.stdout + ended.stderr
    assert ended.code == 2


def test_without_arguments_a_configuration_that_is_mounted_is_built(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    ended = start(PLUGIN_FACTORY_CONFIG_DIR="config")
    assert ended.code == 3
    assert "the configuration directory is empty" in ended.stderr


def test_an_unknown_command_is_refused() -> None:
    ended = start("biuld")
    assert ended.code == 2
    assert "biuld" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--no-such-option",), "--no-such-option"),
        (("--jobs", "0"), "--jobs"),
        (("--jobs", "many"), "--jobs"),
        (("--log-level", "LOUD"), "--log-level"),
        (("--config-dir",), "--config-dir"),
        (("build", "stray"), "stray"),
        (("--source-ref", "main", "--config-dir", "."), "--source-ref needs --source-repo"),
        (("--source-repo", "r", "--use-local", "--config-dir", "."), "exclude each other"),
        (("--workspace-path", "../x", "--config-dir", "."), "--workspace-path points outside"),
    ],
)
def test_a_bad_option_or_value_ends_with_2_and_is_named(
    arguments: tuple[str, ...], named: str
) -> None:
    ended = start(*arguments)
    assert ended.code == 2
    assert named in ended.stderr


def test_an_odd_node_is_refused_before_a_server_is_asked(tmp_path: Path) -> None:
    folders = [f"--{name}={tmp_path / name}" for name in ("config-dir", "repo-path", "output-dir")]
    (tmp_path / "config-dir").mkdir()
    ended = start(*folders, "--source-repo", "http://127.0.0.1:9/x", "--node", "any one")
    assert ended.code == 2
    assert "--node is not a version" in ended.stderr


def test_every_option_has_a_variable_of_one_scheme() -> None:
    options = [name for name in build_options() if name.startswith("--")]
    positive = [name for name in options if not name.startswith("--no-")]
    expected = {"PLUGIN_FACTORY_" + name[2:].replace("-", "_").upper() for name in positive}
    assert expected - {"PLUGIN_FACTORY_HELP"} <= find_variables(get_command(application()))


def test_a_variable_sets_an_option() -> None:
    ended = start("build", program=MODULE, PLUGIN_FACTORY_CONFIG_DIR="from-variable")
    assert ended.code == 3
    assert "from-variable" in ended.stderr


def test_the_command_line_wins_over_a_variable() -> None:
    ended = start("--config-dir", "from-option", PLUGIN_FACTORY_CONFIG_DIR="from-variable")
    assert "from-option" in ended.stderr
    assert "from-variable" not in ended.stderr


def test_a_variable_switches_a_flag_on(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    ended = start("--config-dir", "config", "--source-repo", "r", PLUGIN_FACTORY_USE_LOCAL="true")
    assert "--source-repo and --use-local exclude each other" in ended.stderr


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_variable_sets_nothing(value: str) -> None:
    ended = start("--config-dir", "nowhere", PLUGIN_FACTORY_SOURCE_REF=value)
    assert ended.code == 3


@pytest.mark.parametrize("quote", ["'", '"'])
def test_literal_quotes_around_a_variable_are_dropped_with_a_warning(quote: str) -> None:
    ended = start("build", PLUGIN_FACTORY_CONFIG_DIR=f"{quote}nowhere{quote}")
    assert "PLUGIN_FACTORY_CONFIG_DIR is wrapped in literal quotes" in ended.stderr
    assert ended.stderr.count("literal quotes") == 1
    assert f"{Path.cwd()}/nowhere" in ended.stderr


def test_a_variable_that_no_option_has_is_warned_about() -> None:
    ended = start("--config-dir", "nowhere", PLUGIN_FACTORY_CONFIG="x", PLUGIN_FACTORY_JOBS="1")
    assert "warning: no option uses the variable PLUGIN_FACTORY_CONFIG\n" in ended.stderr


@pytest.mark.parametrize(
    ("option", "value"), [("jobs", "many"), ("use-local", "perhaps"), ("log-level", "LOUD")]
)
def test_a_bad_value_of_a_variable_ends_with_2(option: str, value: str) -> None:
    variable = f"PLUGIN_FACTORY_{option.replace('-', '_').upper()}"
    ended = start("--config-dir", "nowhere", program=(), **{variable: value})
    assert ended.code == 2
    assert f"--{option}" in ended.stderr


@pytest.mark.parametrize("level", ["error", "ERROR", "Error"])
def test_the_log_level_is_taken_in_any_case(level: str) -> None:
    assert start("--config-dir", "nowhere", "--log-level", level).code == 3


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_complete(shell: str) -> None:
    ended = start(program=(_script(),), _PLUGIN_FACTORY_COMPLETE=f"source_{shell}")
    assert ended.code == 0
    assert "_PLUGIN_FACTORY_COMPLETE" in ended.stdout


def test_completion_lists_the_options() -> None:
    ended = start(
        program=(_script(),),
        _PLUGIN_FACTORY_COMPLETE="complete_bash",
        COMP_WORDS="plugin-factory build --",
        COMP_CWORD="2",
    )
    options = {name for name in DOCUMENTED if not name.startswith("--no-")}
    assert options <= set(ended.stdout.split())


def _script() -> str:
    return str(Path(sys.executable).with_name("plugin-factory"))


def test_help_loads_nothing_that_it_does_not_need() -> None:
    """What makes --help answer at once: the libraries of the work are left alone."""
    heavy = {
        "fastjsonschema",
        "git",
        "nodesemver",
        "oras",
        "requests",
        "rich.live",
        "semver",
        "yaml",
    }
    code = (
        "import sys; from factory.cli.app import run\n"
        "run(['--version'], {'PATH': ''})\n"
        "print(sorted(sys.modules))"
    )
    ended = start(program=(sys.executable, "-c", code))
    # What Typer itself loads is not ours to leave out.
    typers = start(program=(sys.executable, "-c", "import sys, typer; print(sorted(sys.modules))"))
    loaded = set(re.findall(r"'([\w.]+)'", ended.stdout)) - set(
        re.findall(r"'([\w.]+)'", typers.stdout)
    )
    assert "factory.cli.app" in loaded
    assert loaded & heavy == set()


def test_help_of_build_loads_none_of_the_libraries_of_the_work() -> None:
    code = (
        "import sys; from factory.cli.app import run\n"
        "run(['build', '--help'], {'PATH': ''})\n"
        "print(sorted(sys.modules))"
    )
    ended = start(program=(sys.executable, "-c", code))
    loaded = set(re.findall(r"'([\w.]+)'", ended.stdout))
    heavy = {"fastjsonschema", "git", "nodesemver", "oras", "requests", "rich.live", "yaml"}
    assert "factory.cli.build" in loaded
    assert loaded & heavy == set()


def test_the_environment_of_the_process_is_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUGIN_FACTORY_CONFIG_DIR", '"nowhere"')
    before = dict(os.environ)
    assert run(["build"], dict(os.environ)) == 3
    assert dict(os.environ) == before


def test_an_option_that_commands_share_says_the_same_in_each() -> None:
    """One declaration each, in the ``…_options`` modules: what differs was written twice."""
    shared = {"--log-level", "--verbose", "--json", "--cache-dir", "--max-entry-size", "--only"}
    said: dict[str, set[tuple[str, str]]] = {flag: set() for flag in shared}
    for command in every_command(get_command(application())):
        for option in command.params:
            for flag in shared.intersection(option.opts):
                said[flag].add((option.help, option.rich_help_panel))
    assert {flag: len(words) for flag, words in said.items()} == dict.fromkeys(shared, 1)


def every_command(command: Any) -> list[Any]:
    below = getattr(command, "commands", {}).values()
    return [command, *(inner for each in below for inner in every_command(each))]
