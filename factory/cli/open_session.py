"""What every command that does work has: a screen, a runner, and errors that are shown."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from factory.cli.log_level import LogLevel
from factory.config.environment import read_env_file, refuse_empty
from factory.errors import FactoryError
from factory.redaction import redactor_for
from factory.toolchain.descendants import DESCENDANTS
from factory.toolchain.hidden_environment import is_process_taken
from factory.toolchain.runner import Runner
from factory.toolchain.signals import ending_on_signals
from factory.ui.printing import Printer
from factory.ui.screen import screen_for
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from factory.ui.screen import Screen


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
def open_session(
    process: Mapping[str, str],
    *,
    protecting: Iterable[str] = (),
    env_files: tuple[Path, ...] = (),
    log_level: LogLevel = LogLevel.INFO,
    verbose: bool = False,
    secrets: tuple[str, ...] = (),
) -> Iterator[Session]:
    """Open a session; an error of the factory's ends it with the error shown and its exit code.

    Args:
        process: the environment, as it was at the start.
        protecting: variables of options that protect something; one that is empty is refused.
        env_files: `.env` files whose secrets are masked from the first line on.
        log_level: the least urgent notices to show.
        verbose: show child processes' output, and which line of the program a notice is from.
        secrets: further texts to mask.
    """
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
            refuse_empty(process, protecting)
            yield Session(process=process, screen=screen, runner=runner)
        except FactoryError as error:
            screen.show_error(error)
            raise SystemExit(error.exit_code) from error
        finally:
            DESCENDANTS.end_all()
