"""The command line: which command is meant, its defaults from the environment, its errors shown.

Only the command that is called is loaded (``factory/cli/commands.py``).
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.main import get_command

from factory import __version__
from factory.cli.command_table import PROGRAM
from factory.cli.commands import CommandGroup
from factory.cli.option_variables import defaults_from, find_unknown
from factory.cli.program_help import ABOUT, EPILOG, VERSION_HELP
from factory.config.options import CONFIG_DIR
from factory.config.own_variables import OWN_PREFIXES, PREFIX
from factory.toolchain.hidden_environment import hide_environment, take_process

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType


# What click raises for a command line that it cannot read, whichever click typer brings.
_BAD_COMMAND_LINE: Any = typer.BadParameter.__mro__[2]
_COMPLETION = f"_{PREFIX}COMPLETE"
_QUOTES = ("'", '"')
_ROOT_OPTIONS = ("--help", "-h", "--version", "--install-completion", "--show-completion")


def _messages() -> ModuleType:
    """What is said outside of a session, loaded once there is something to say."""
    from factory.cli import messages  # noqa: PLC0415

    return messages


def _show_version(wanted: bool) -> None:
    if wanted:
        _messages().say(f"{PROGRAM} {__version__}", sys.stdout)
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


def with_command(arguments: Sequence[str], process: Mapping[str, str]) -> list[str]:
    """Return the arguments with ``build`` in front where no command is named.

    So that an image whose entry point is ``plugin-factory`` takes build's options directly. Without
    any argument it is ``build`` where there is a configuration directory to build, and else help.
    """
    if not arguments:
        named = process.get(f"{PREFIX}CONFIG_DIR", "").strip("'\" ") or CONFIG_DIR
        return ["build"] if Path(named).is_dir() else []
    is_option = arguments[0].startswith("-") and not arguments[0].startswith(_ROOT_OPTIONS)
    return ["build", *arguments] if is_option else list(arguments)


def main() -> NoReturn:
    """Run the command line of this process, and end with the command's exit code.

    ``factory/cli/program.py`` calls it, the console script.
    """
    process = dict(os.environ)
    take_process()
    # Before a command and its libraries are loaded, whatever these start. A shell's completion is
    # asked for in variables, which typer looks up by itself.
    if _COMPLETION not in process:
        hide_environment()
    code = run(sys.argv[1:], process)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # one more could only spoil the exit code
    sys.exit(code)


def run(arguments: Sequence[str], process: Mapping[str, str]) -> int:
    """Run a command line and return its exit code; every error is shown, none is raised.

    Args:
        arguments: the words after the program's name.
        process: the environment; it is read here, once, and never changed.
    """
    group: Any = get_command(application())
    try:
        free, given = process, process.items()
        if any(name.startswith(OWN_PREFIXES) and value[:1] in _QUOTES for name, value in given):
            free = _messages().remove_quotes(process)
        words = with_command(arguments, free)
        called = group.commands.get(words[0]) if words else None
        if unknown := find_unknown(free):
            _messages().warn_of_unknown_variables(unknown)
        ended = group.main(
            args=words,
            prog_name=PROGRAM,
            default_map={words[0]: defaults_from(called, free)} if called else {},
            obj=MappingProxyType(dict(free)),
            standalone_mode=False,
        )
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except (_BAD_COMMAND_LINE, typer.Abort) as error:
        return int(_messages().show_usage(error, process))
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does: nothing is wrong, nothing can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - the edge: never a traceback
        return int(_messages().show_error(error, process))
    return ended if isinstance(ended, int) else 0
