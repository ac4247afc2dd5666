"""The table of commands says of each what the command itself says."""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest
import typer
from typer.main import get_command

from factory.cli.application import application
from factory.cli.command_table import COMMANDS
from factory.cli.option_variables import NAMES_FILE, find_unknown, find_variables
from factory.cli.program import text_without_command
from factory.cli.program_help import ABOUT, EPILOG, OPTIONS, program_help


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_help_is_the_commands_own(name: str) -> None:
    place = COMMANDS[name]
    command = getattr(import_module(place.module), place.name)
    own = command.info.help if isinstance(command, typer.Typer) else inspect.getdoc(command)
    assert place.summary == str(own).partition("\n")[0]


LOADED = "import sys\n{}\nprint(sorted(sys.modules), file=sys.stderr)"


def loaded_by(statement: str, *arguments: str, **variables: str) -> tuple[str, set[str]]:
    """What Python code prints, and the modules that are loaded in the end."""
    command = [sys.executable, "-c", LOADED.format(statement), *arguments]
    env = {"PATH": os.environ["PATH"], "COLUMNS": "80", **variables}
    ended = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    return ended.stdout, set(ast.literal_eval(ended.stderr.splitlines()[-1]))


RUN = "from factory.cli.app import run; run({}, {{'PATH': '', **{}}})"


def test_help_lists_every_command_and_loads_none() -> None:
    said, modules = loaded_by(RUN.format("['--help']", {}))
    for name in COMMANDS:
        assert f"\n  {name} " in said
    assert modules.isdisjoint(place.module for place in COMMANDS.values())


@pytest.mark.parametrize("flag", ["--help", "-h", "--version"])
def test_what_the_program_says_of_itself_needs_no_library(flag: str) -> None:
    said, modules = loaded_by(
        "from factory.cli.program import text_without_command;"
        "import os; sys.stdout.write(text_without_command(sys.argv[1:], os.environ))",
        flag,
    )
    assert said == loaded_by(RUN.format([flag], {}))[0]
    packages = {name.partition(".")[0] for name in modules}
    assert packages.isdisjoint({"typer", "click", "rich", "logging", "dataclasses", "inspect"})
    assert {name for name in modules if name.startswith("factory")} == {
        "factory",
        "factory.cli",
        *(f"factory.cli.{name}" for name in ("command_table", "program", "program_help")),
        "factory.config",
        "factory.config.own_variables",
    }


def test_typer_has_the_options_that_the_help_of_the_program_lists() -> None:
    group: Any = get_command(application())
    context: Any = typer.Context(group, **group.context_settings)
    taken = [set(each.opts) for each in group.get_params(context)]
    assert taken == [set(flags.split(", ")) for flags, _ in OPTIONS]
    assert all(each.isascii() for each in (*ABOUT, EPILOG))


@pytest.mark.parametrize("columns", [1, 50, 61, 80, 200])
def test_no_line_of_help_is_wider_than_the_screen(columns: int) -> None:
    widest = max(map(len, program_help(columns).splitlines()))
    assert widest <= max(min(columns, 80) - 2, 50)


def test_help_of_a_variable_of_ours_still_warns() -> None:
    assert text_without_command(["--help"], {"PLUGIN_FACTORY_X": "1"}) is None
    assert text_without_command(["--help"], {"_PLUGIN_FACTORY_COMPLETE": "complete_bash"}) is None
    assert text_without_command(["build", "--help"], {}) is None
    assert text_without_command(["--help"], {"COLUMNS": "0"}) == program_help(80)


def test_an_unknown_variable_loads_no_other_command() -> None:
    variable = {"PLUGIN_FACTORY_NONE": "1"}
    _, modules = loaded_by(RUN.format("['host', 'list']", variable))
    others = {place.module for name, place in COMMANDS.items() if name != "host"}
    assert modules.isdisjoint(others)
    assert find_unknown({**variable, "PLUGIN_FACTORY_JOBS": "1", "PATH": ""}) == set(variable)


def test_the_variables_that_ship_are_those_of_all_options() -> None:
    names = NAMES_FILE.read_text().split()
    assert names == sorted(find_variables(get_command(application())))


def test_completion_needs_no_click_besides_typer_and_loads_no_command() -> None:
    said, modules = loaded_by(
        "sys.modules['click'] = None\n"
        "from factory.cli.app import run\n"
        "sys.argv[0] = 'plugin-factory'\n"
        "import contextlib\n"
        "with contextlib.suppress(SystemExit): run([], {})\n",
        _PLUGIN_FACTORY_COMPLETE="complete_bash",
        COMP_WORDS="plugin-factory pl",
        COMP_CWORD="1",
    )
    assert said.split() == ["plan"]
    assert modules.isdisjoint(place.module for place in COMMANDS.values())
