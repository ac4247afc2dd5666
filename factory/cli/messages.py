"""What the command line says outside of a session: bad command lines, variables, stray errors."""

from __future__ import annotations

import io
import logging
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from factory import __version__
from factory.cli.command_table import PROGRAM
from factory.config.environment import unquote
from factory.errors import FactoryError
from factory.redaction import redactor_for
from factory.ui.notices import Notice, notices
from factory.ui.printing import Printer
from factory.ui.screen import screen_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TextIO


def say(line: str, stream: TextIO) -> None:
    """Print a line."""
    Printer(stream=stream).lines(line)


def show_usage(error: Any, process: Mapping[str, str]) -> int:
    """Show that a command line cannot be read, in click's words, and return the exit code."""
    said = io.StringIO("Aborted!\n")
    code = 1
    if hasattr(error, "show"):
        said = io.StringIO()
        error.show(file=said)
        code = error.exit_code
    Printer(stream=sys.stderr, redact=redactor_for(process)).lines(*said.getvalue().splitlines())
    return code


def remove_quotes(process: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment without the literal quotes that ``podman --env-file`` leaves."""

    def warn(notice: Notice) -> None:
        say(f"warning: {notice.message}", sys.stderr)

    with notices(warn, level=logging.WARNING, redact=redactor_for(process)):
        return unquote(process)


def warn_of_unknown_variables(names: Iterable[str]) -> None:
    """Tell of variables that no option has."""
    say(f"warning: no option uses the variable {', '.join(sorted(names))}", sys.stderr)


def show_error(error: Exception, process: Mapping[str, str]) -> int:
    """Show an error that no command has dealt with, and return the exit code."""
    redact = redactor_for(process)
    shown = error if isinstance(error, FactoryError) else _internal(error, redact)
    with screen_for(process, stdout=sys.stdout, stderr=sys.stderr, redact=redact) as screen:
        screen.show_error(shown)
    return shown.exit_code


def _internal(error: Exception, redact: Callable[[str], str]) -> FactoryError:
    """A mistake of ours: said as such, with the traceback in a file that can be sent to us."""
    handle, name = tempfile.mkstemp(prefix="plugin-factory-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(redact("".join(traceback.format_exception(error))))
    return FactoryError(
        f"internal error in {PROGRAM} {__version__}: {type(error).__name__}: {error}",
        hint="please report it, with the log",
        log=Path(name),
    )
