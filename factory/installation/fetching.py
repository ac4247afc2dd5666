"""The plugins of a run, brought several at once; what became of each."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from factory.errors import FactoryError, Interrupted
from factory.installation.connections import Connections
from factory.installation.obtain import ObtainedPlugin, obtain, source_now
from factory.installation.package_reference import LocalFolder
from factory.installation.swap import refuse_foreign
from factory.threads import InheritingPool
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from factory.installation.connections import ConnectionOptions
    from factory.installation.decisions import Decision
    from factory.installation.plugin_list import ListedPlugin
    from factory.installation.staged import Staged

Outcome: TypeAlias = Literal["installed", "updated", "kept", "disabled", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PluginEnd:
    """What became of an entry. ``folder`` is in the portal's folder; of a failure ``error`` is set.

    ``source`` is what was verified: an image's digest, an archive's integrity.
    """

    entry: ListedPlugin
    outcome: Outcome
    folder: str = ""
    version: str = ""
    source: str = ""
    error: FactoryError | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class InstallationListener:
    """Who is told what happens; all three are called from several threads."""

    on_start: Callable[[ListedPlugin], None]
    on_progress: Callable[[ListedPlugin, int, int], None]
    on_end: Callable[[PluginEnd], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchedPlugin:
    """An entry's end, and what is to be swapped in for it, if anything."""

    end: PluginEnd
    obtained: ObtainedPlugin | None = None
    before: Staged | None = None


class _Stopped(Exception):  # noqa: N818 - no error: another plugin's is shown
    """Another plugin has failed: there is no use in going on."""


class Fetching:
    """One run's plugins, brought by several threads into ``staging``, a folder within ``root``."""

    def __init__(
        self,
        options: ConnectionOptions,
        listener: InstallationListener,
        *,
        root: Path,
        staging: Path,
        keep_going: bool,
    ) -> None:
        self._options = options
        self._listener = listener
        self._root = root
        self._staging = staging
        self._keep_going = keep_going
        self._stop = threading.Event()

    def all(self, decisions: Sequence[Decision], *, jobs: int) -> tuple[FetchedPlugin, ...]:
        """Return what became of each plugin, in their order.

        Raises:
            FactoryError: one has failed, and the others are not to be brought without it.
            Interrupted: the run was ended.
        """
        scratch = self._staging / "downloads"
        scratch.mkdir()
        options = replace(self._options, checkpoint=self._checkpoint)
        with (
            Connections(options, scratch) as connections,
            InheritingPool(max_workers=jobs) as pool,
        ):
            try:
                futures = [
                    pool.submit(self._bring, number, decision, connections)
                    for number, decision in enumerate(decisions)
                ]
                ends = [future.result() for future in futures]
            except BaseException:
                self._stop.set()
                raise
        failed = [one.end.error for one in ends if one and one.end.error]
        if failed and not self._keep_going:
            raise failed[0]
        return tuple(one for one in ends if one)

    def _checkpoint(self) -> None:
        self._options.checkpoint()
        if self._stop.is_set():
            raise _Stopped

    def _bring(
        self, number: int, decision: Decision, connections: Connections
    ) -> FetchedPlugin | None:
        """None if another plugin's failure has ended the run."""
        entry, before = decision.entry, decision.staged
        if decision.action in ("disabled", "keep", "in place"):
            return self._end(_end_unchanged(decision), before)
        try:
            self._checkpoint()
            self._listener.on_start(entry)
            known = before.source if before and decision.action == "check" else ""
            if known and known == source_now(entry, connections):
                return self._end(_end_unchanged(decision), before)
            obtained = obtain(
                entry,
                self._staging / f"plugin-{number}",
                connections,
                lambda there, total: self._listener.on_progress(entry, there, total),
            )
            refuse_foreign(self._root, [obtained.folder])
        except _Stopped:
            return None
        except Interrupted:
            self._stop.set()
            raise
        except FactoryError as error:
            error.place = error.place or entry.place
            if not self._keep_going:
                self._stop.set()
            end = PluginEnd(
                entry=entry,
                outcome="failed",
                folder=before.folder if before else "",
                version=before.version if before else "",
                error=error,
            )
            return self._end(end, before)
        end = PluginEnd(
            entry=entry,
            outcome="updated" if before else "installed",
            folder=obtained.folder,
            version=obtained.version,
            source=obtained.source,
        )
        return self._end(end, before, obtained)

    def _end(
        self, end: PluginEnd, before: Staged | None, obtained: ObtainedPlugin | None = None
    ) -> FetchedPlugin:
        self._listener.on_end(end)
        return FetchedPlugin(end=end, obtained=obtained, before=before)


def _end_unchanged(decision: Decision) -> PluginEnd:
    entry, staged = decision.entry, decision.staged
    if decision.action == "disabled":
        return PluginEnd(entry=entry, outcome="disabled")
    if isinstance(entry.package, LocalFolder) and staged is None:
        return PluginEnd(entry=entry, outcome="kept", folder=entry.package.path.name)
    return PluginEnd(
        entry=entry,
        outcome="kept",
        folder=staged.folder if staged else "",
        version=staged.version if staged else "",
        source=staged.source if staged else "",
    )
