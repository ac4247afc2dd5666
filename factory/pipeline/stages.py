"""A stage of the run: told to the screen, timed, and given a log file of its own."""

from __future__ import annotations

import contextlib
import threading
import time
from itertools import chain, count
from types import MappingProxyType
from typing import TYPE_CHECKING

from factory.errors import FactoryError
from factory.events import Outcome, StageFinished, StageOutput, StageStarted
from factory.patterns import lazy_pattern
from factory.scheduling.budget import (
    claim_of,
    rank_of,
)
from factory.toolchain.runner import LoggedRunner
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from factory.events import Emit
    from factory.scheduling.budget import Budget
    from factory.toolchain.runner import Runner

LOGS = "logs"
_NOT_IN_FILE_NAMES = lazy_pattern(r"[^A-Za-z0-9._-]+")


@dataclass(slots=True)
class Stage:
    """A running stage: where its children's output goes, and a ``note`` for its end."""

    name: str
    plugin: str
    log: Path
    emit: Emit
    note: str = ""
    outcome: Outcome = "done"

    def on_line(self, line: str) -> None:
        """Pass on a line that a child printed."""
        self.emit(StageOutput(stage=self.name, plugin=self.plugin, line=line))

    def bind(self, runner: Runner) -> LoggedRunner:
        """Return a runner whose children fill this stage's log, and are heard line by line."""
        return LoggedRunner(runner, log=self.log, on_line=self.on_line)


class Stages:
    """Opens the stages of one workspace, and knows how long each took. Safe in many threads.

    A stage begins when what it takes of the machine fits into the ``budget``; without one, at once.
    """

    def __init__(self, output_dir: Path, emit: Emit, budget: Budget | None = None) -> None:
        self.logs = output_dir / LOGS
        self._emit = emit
        self._budget = budget
        self._seconds: dict[str, dict[str, float]] = {}
        self._plugins_by_name: dict[str, str] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def stage(self, name: str, plugin: str = "", *, takes: str = "") -> Iterator[Stage]:
        """Run a stage; whatever is raised in it ends it as failed and is passed on.

        A stage that is run again adds to its log and to its time. Stages of one thread follow each
        other: one inside the other could wait for the cores that its own thread holds.

        Args:
            name: the stage's.
            plugin: the path of the plugin; "" for a stage of the workspace.
            takes: whose claim it has, where that is not its own.
        """
        stage = Stage(name=name, plugin=plugin, log=self._log_file(name, plugin), emit=self._emit)
        with self._turn(takes or name):
            self._emit(StageStarted(stage=name, plugin=plugin))
            started = time.monotonic()
            try:
                yield stage
            except BaseException as error:
                stage.outcome = "failed"
                stage.note = error.problem if isinstance(error, FactoryError) else ""
                raise
            finally:
                seconds = time.monotonic() - started
                with self._lock:
                    known = self._seconds.setdefault(plugin, {})
                    known[name] = round(known.get(name, 0.0) + seconds, 3)
                self._emit(
                    StageFinished(
                        stage=name,
                        plugin=plugin,
                        seconds=seconds,
                        outcome=stage.outcome,
                        note=stage.note,
                    )
                )

    def seconds(self, plugin: str = "") -> Mapping[str, float]:
        """Return the wall time of each ended stage of a plugin, or of the workspace itself."""
        with self._lock:
            return MappingProxyType(dict(self._seconds.get(plugin, {})))

    def _turn(self, name: str) -> contextlib.AbstractContextManager[None]:
        if self._budget is None:
            return contextlib.nullcontext()
        return self._budget.use(claim_of(name), rank=rank_of(name))

    def _log_file(self, name: str, plugin: str) -> Path:
        """The stage's log, without what an earlier run has left in it."""
        file = self.logs / (f"{self._file_name(plugin)}.{name}.log" if plugin else f"{name}.log")
        if name not in self.seconds(plugin):
            file.unlink(missing_ok=True)
        return file

    def _file_name(self, plugin: str) -> str:
        """A plugin's path as part of a file's name: plugins/todo is plugins-todo, "." is root.

        Where another plugin has that name already, as plugins/a-b and plugins/a/b would, a number
        follows.
        """
        plain = _NOT_IN_FILE_NAMES.sub("-", plugin).strip("-.") or "root"
        with self._lock:
            for name in chain([plain], (f"{plain}-{number}" for number in count(2))):
                if self._plugins_by_name.setdefault(name, plugin) == plugin:
                    return name
        raise AssertionError("there is always another number")
