"""Every option from an environment variable too: ``--config-dir`` is PLUGIN_FACTORY_CONFIG_DIR.

The command line wins over the variable, the variable over the default. The naming scheme is the
whole rule, so no option declares its variable: they are read off the commands themselves.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from factory.config.own_variables import PREFIX, WITHOUT_OPTION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAMES_FILE = Path(__file__).with_name("option_variables.txt")
"""The variables of all options of all commands, a line each; ``docs/generate.py`` writes it."""

_NOT_FROM_VARIABLES = {"help", "version", "install_completion", "show_completion"}


def variable_of(parameter: Any) -> str | None:
    """Return the variable of an option, or None for arguments and options like ``--help``."""
    flags = [flag for flag in getattr(parameter, "opts", ()) if flag.startswith("--")]
    if not flags or parameter.name in _NOT_FROM_VARIABLES:
        return None
    flag: str = flags[0]
    return PREFIX + flag.removeprefix("--").replace("-", "_").upper()


def defaults_from(command: Any, process: Mapping[str, str]) -> dict[str, Any]:
    """Return the defaults of a command and all below it that the environment sets.

    The form is Click's ``default_map``: options by name, and a map for each command below.
    """
    found: dict[str, Any] = {}
    for parameter in command.params:
        variable = variable_of(parameter)
        if variable and process.get(variable, "").strip():
            value = process[variable].strip()
            several = getattr(parameter, "multiple", False)
            found[parameter.name] = shlex.split(value) if several else value
    for name, below in getattr(command, "commands", {}).items():
        inner = defaults_from(below, process)
        if inner:
            found[name] = inner
    return found


def find_unknown(process: Mapping[str, str]) -> frozenset[str]:
    """Return the variables that begin as options' do, but are those of no option.

    The options' are read off a list that ships, so that no other command is loaded to tell.
    """
    own = {name for name in process if name.startswith(PREFIX)} - WITHOUT_OPTION
    return frozenset(own.difference(NAMES_FILE.read_text("ascii").split()) if own else ())


def find_variables(command: Any) -> frozenset[str]:
    """Return the variables of a command and of all below it."""
    return frozenset(_variables(command))


def _variables(command: Any) -> Iterator[str]:
    for parameter in command.params:
        variable = variable_of(parameter)
        if variable:
            yield variable
    for below in getattr(command, "commands", {}).values():
        yield from _variables(below)
