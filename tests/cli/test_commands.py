"""The table of commands says of each what the command itself says."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib import import_module

import pytest
import typer

from factory.cli.commands import COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_help_is_the_commands_own(name: str) -> None:
    place = COMMANDS[name]
    command = getattr(import_module(place.module), place.name)
    own = command.info.help if isinstance(command, typer.Typer) else inspect.getdoc(command)
    assert place.summary == str(own).partition("\n")[0]


def test_help_lists_every_command_and_loads_none() -> None:
    code = (
        "import sys; from factory.cli.app import run; run(['--help'], {'PATH': ''});"
        "print([name for name in sys.modules if name.startswith('factory.cli.')])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for name in COMMANDS:
        assert f"\n  {name} " in said.stdout
    loaded = {place.module for place in COMMANDS.values()}
    assert not [module for module in loaded if f"'{module}'" in said.stdout]
