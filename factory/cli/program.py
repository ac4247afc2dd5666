"""The console script. The program's own help and version are shown before anything is loaded.

All else is the command line's (``factory/cli/app.py``), which needs typer: that takes three times
as long to load as these two take in all.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from factory import __version__
from factory.cli.command_table import PROGRAM
from factory.cli.program_help import program_help
from factory.config.own_variables import OWN_PREFIXES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_SELDOM = (50_000, 20, 50)


def main() -> NoReturn:
    """Run the command line of this process, and end with the command's exit code."""
    # Where no session deals with Ctrl-C, nothing has begun or all is done: end without a word.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    # What is loaded stays: to look through all of it for cycles, again and again, takes long.
    gc.set_threshold(*_SELDOM)
    said = text_without_command(sys.argv[1:], os.environ)
    if said is None:
        importlib.import_module("factory.cli.app").main()
        raise AssertionError("the command line ends the process")
    try:
        sys.stdout.write(said)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)


def text_without_command(arguments: Sequence[str], process: Mapping[str, str]) -> str | None:
    """Return what is shown where only help or the version is asked for, else None.

    With a variable of the program's own there may be something to say of it, which is not for here;
    a shell's completion, whose variable begins with "_", asks in its own way.
    """
    if len(arguments) != 1 or any(name.lstrip("_").startswith(OWN_PREFIXES) for name in process):
        return None
    if arguments[0] == "--version":
        return f"{PROGRAM} {__version__}\n"
    return program_help(_columns(process)) if arguments[0] in ("--help", "-h") else None


def _columns(process: Mapping[str, str]) -> int:
    """The width of the screen, as ``shutil.get_terminal_size`` finds it, or else 80."""
    told = process.get("COLUMNS", "")
    if told.isascii() and told.isdigit() and int(told):
        return int(told)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        return 80
