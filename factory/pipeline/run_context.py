"""What the workspaces of a run share: processes, the machine, clones, and how the run ends."""

from __future__ import annotations

import threading
from dataclasses import field, replace
from typing import TYPE_CHECKING

from factory.errors import Interrupted
from factory.events import RunFinished, WorkspacesKnown
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from factory.config.selection import Selection
    from factory.events import Emit, Event
    from factory.pipeline.plugin_cache import PluginCache
    from factory.scheduling.budget import Budget
    from factory.scheduling.in_flight import InFlight, Installations
    from factory.sources.asked_remotes import AskedRemotes
    from factory.sources.clones import Clone
    from factory.toolchain.runner import Runner


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstFailure:
    """Told of every failure; where one ``ends_run``, whatever still runs is ended at the first."""

    runner: Runner
    ends_run: bool
    _reason: list[Interrupted] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, what: str) -> None:
        """Take note that ``what`` has failed."""
        with self._lock:
            if not self.ends_run or self._reason:
                return
            reason = Interrupted(f"not finished, because {what} failed and --fail-fast is given")
            self._reason.append(reason)
        self.runner.cancel(reason)

    def is_reason(self, error: BaseException | None) -> bool:
        """Whether an error only says that something else has ended the run."""
        return error is not None and any(error is reason for reason in self._reason)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunContext:
    """What a workspace is built with; all of it is safe to use from many threads.

    ``confirm`` asks a yes-or-no question, and is None where nobody can answer. ``clones`` are those
    of a run of several workspaces, by the normalised addresses of their repositories; ``remotes``
    tell what refs mean. Without a ``cache`` nothing is looked up, and nothing is kept.
    """

    runner: Runner
    emit: Emit
    budget: Budget
    confirm: Callable[[str], bool] | None
    clones: Mapping[str, Clone]
    remotes: AskedRemotes
    selection: Selection
    cache: PluginCache | None
    in_flight: InFlight
    installations: Installations
    first_failure: FirstFailure


def label_events(run_context: RunContext, workspace: str) -> RunContext:
    """Return means whose events carry the name of a workspace."""

    def emit(event: Event) -> None:
        if not isinstance(event, RunFinished | WorkspacesKnown):
            event = replace(event, workspace=workspace)
        run_context.emit(event)

    return replace(run_context, emit=emit)
