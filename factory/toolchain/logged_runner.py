"""A runner whose processes all leave their output in one log: those of a stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.toolchain.runner import Completed, Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from factory.errors import Interrupted


class LoggedRunner(Runner):
    """Another runner, whose children it starts, with a log and a listener for those without."""

    def __init__(self, runner: Runner, *, log: Path, on_line: Callable[[str], None]) -> None:
        super().__init__(runner.redact)
        self._runner = runner
        self._log = log
        self._on_line = on_line

    def cancel(self, reason: Interrupted) -> None:
        """End every child of the runner, also those that were not started here."""
        self._runner.cancel(reason)

    def raise_if_cancelled(self) -> None:
        """Raise the reason if the run has been cancelled."""
        self._runner.raise_if_cancelled()

    def run(
        self,
        command: Sequence[str | Path],
        *,
        cwd: Path,
        env: Mapping[str, str],
        log: Path | None = None,
        on_line: Callable[[str], None] | None = None,
        timeout: float | None = None,
        silence: float | None = None,
        stdin: str | None = None,
    ) -> Completed:
        """Run a command as :meth:`Runner.run` does."""
        return self._runner.run(
            command,
            cwd=cwd,
            env=env,
            log=log or self._log,
            on_line=on_line or self._on_line,
            timeout=timeout,
            silence=silence,
            stdin=stdin,
        )
