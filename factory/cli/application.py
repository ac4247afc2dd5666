"""The program as typer has it: its own options, and a command line that typer reads."""

from __future__ import annotations

import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.main import get_command

from factory import __version__
from factory.cli.app import load_messages
from factory.cli.command_table import PROGRAM
from factory.cli.commands import CommandGroup
from factory.cli.option_variables import defaults_from, find_unknown
from factory.cli.program_help import ABOUT, EPILOG, VERSION_HELP

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What click raises for a command line that it cannot read, whichever click typer brings.
_BAD_COMMAND_LINE: Any = typer.BadParameter.__mro__[2]


def _show_version(wanted: bool) -> None:
    if wanted:
        load_messages().say(f"{PROGRAM} {__version__}", sys.stdout)
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help=VERSION_HELP),
    ] = False,
) -> None:
    """The program itself, without a command; what it is stands in ``program_help``."""


def application() -> typer.Typer:
    """Return the application with all its commands."""
    app = typer.Typer(
        name=PROGRAM,
        cls=CommandGroup,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        context_settings={"help_option_names": ["--help", "-h"]},
        help="\n\n".join(ABOUT),
        epilog=EPILOG,
    )
    app.callback()(_root)
    return app


def call_command(
    words: Sequence[str], variables: Mapping[str, str], process: Mapping[str, str]
) -> int:
    """Have typer read a command line and call the command; return the exit code.

    A command line that cannot be read is shown; other errors are raised.

    Args:
        words: the command and what follows it; none for the program's help.
        variables: the environment without the quotes that ``podman --env-file`` leaves.
        process: the environment as it is.
    """
    group: Any = get_command(application())
    try:
        called = group.commands.get(words[0]) if words else None
        if unknown := find_unknown(variables):
            load_messages().warn_of_unknown_variables(unknown)
        ended = group.main(
            args=list(words),
            prog_name=PROGRAM,
            default_map={words[0]: defaults_from(called, variables)} if called else {},
            obj=MappingProxyType(dict(variables)),
            standalone_mode=False,
        )
    except (_BAD_COMMAND_LINE, typer.Abort) as error:
        return int(load_messages().show_usage(error, process))
    return ended if isinstance(ended, int) else 0
