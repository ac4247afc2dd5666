"""What every command that does work has: a screen, a runner, and errors that are shown."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

import typer

from factory.cli.option_variables import variable_of
from factory.cli.options import LogLevel
from factory.config.environment import read_env_file, refuse_empty
from factory.errors import FactoryError
from factory.patterns import lazy_pattern
from factory.redaction import redactor_for
from factory.toolchain.descendants import DESCENDANTS
from factory.toolchain.hidden_environment import is_process_taken
from factory.toolchain.runner import Runner
from factory.toolchain.signals import ending_on_signals
from factory.ui.printing import Printer
from factory.ui.screen import screen_for
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from factory.ui.screen import Screen


# Options that protect something: left empty, they would protect nothing, without a word.
_PROTECTS = lazy_pattern(
    r"(?:^|_)(?:keys?|certs?|certificates?|ca|identity|issuer|password|token|auth|signed|provenance)"
    r"(?:_|$)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One command's run: the process's environment as it was at the start, and its means."""

    process: Mapping[str, str]
    screen: Screen
    runner: Runner

    @property
    def out(self) -> Printer:
        """What prints the result, on the standard output."""
        return Printer(redact=self.runner.redact, environment=self.process)


@contextlib.contextmanager
def session(
    ctx: typer.Context,
    *,
    env_files: tuple[Path, ...] = (),
    log_level: LogLevel = LogLevel.INFO,
    verbose: bool = False,
    secrets: tuple[str, ...] = (),
) -> Iterator[Session]:
    """Open a session; an error of the factory's ends it with the error shown and its exit code.

    Args:
        ctx: the command's context, whose ``obj`` is the process's environment.
        env_files: `.env` files whose secrets are masked from the first line on.
        log_level: the least urgent notices to show.
        verbose: show child processes' output, and which line of the program a notice is from.
        secrets: further texts to mask.
    """
    process: Mapping[str, str] = ctx.obj
    further = {f"SECRET_{number}": secret for number, secret in enumerate(secrets)}
    redact = redactor_for(process, further, *(read_env_file(file) for file in env_files))
    runner = Runner(redact)
    if is_process_taken():
        DESCENDANTS.take_all()
    # Signals outermost: a second Ctrl-C must cut short neither the message nor the tidying.
    with (
        ending_on_signals(runner),
        screen_for(
            process,
            stdout=sys.stdout,
            stderr=sys.stderr,
            log_level=log_level.value,
            verbose=verbose,
            redact=redact,
        ) as screen,
    ):
        try:
            refuse_empty(process, _protecting_variables(ctx))
            yield Session(process=process, screen=screen, runner=runner)
        except FactoryError as error:
            screen.show_error(error)
            raise typer.Exit(error.exit_code) from error
        finally:
            DESCENDANTS.end_all()


def _protecting_variables(ctx: typer.Context) -> list[str]:
    """The variables of those of the command's options that protect something."""
    protecting = (param for param in ctx.command.params if _PROTECTS.search(param.name or ""))
    return [variable for param in protecting if (variable := variable_of(param))]
