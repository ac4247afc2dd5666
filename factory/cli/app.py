"""The command line: which command is meant, its defaults from the environment, its errors shown.

Typer reads it (``factory/cli/application.py``) where not every word is plain, and loads only the
command that is called (``factory/cli/commands.py``).
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from factory.cli.plain_commands import find_plain_call
from factory.config.default_folders import CONFIG_DIR
from factory.config.own_variables import OWN_PREFIXES, PREFIX
from factory.toolchain.hidden_environment import hide_environment, take_process

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType


_APPLICATION = "factory.cli.application"
_COMPLETION = f"_{PREFIX}COMPLETE"
_QUOTES = ("'", '"')
_ROOT_OPTIONS = ("--help", "-h", "--version", "--install-completion", "--show-completion")


def load_messages() -> ModuleType:
    """Return what is said outside of a session, loaded once there is something to say."""
    from factory.cli import messages  # noqa: PLC0415

    return messages


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
    gc.freeze()  # nor is there anything to be found at the end
    sys.exit(code)


def run(arguments: Sequence[str], process: Mapping[str, str]) -> int:
    """Run a command line and return its exit code; every error is shown, none is raised.

    Args:
        arguments: the words after the program's name.
        process: the environment; it is read here, once, and never changed.
    """
    try:
        free, given = process, process.items()
        if any(name.startswith(OWN_PREFIXES) and value[:1] in _QUOTES for name, value in given):
            free = load_messages().remove_quotes(process)
        words = with_command(arguments, free)
        call = find_plain_call(words, free)
        if call is None:
            return int(importlib.import_module(_APPLICATION).call_command(words, free, process))
        return call() or 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does: nothing is wrong, nothing can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - the edge: never a traceback
        return int(load_messages().show_error(error, process))
