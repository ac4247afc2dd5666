"""The author's loop: build, try, and do both again as soon as something is saved."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from factory.errors import FactoryError, Interrupted
from factory.trial.watched_sources import find_change, see_files
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from factory.toolchain.runner import Runner
    from factory.trial.verdicts import TrialResult
    from factory.trial.watched_sources import FileState, SavedChange

POLL_SECONDS = 0.3


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthorRound:
    """A round that is done: what was saved before it, None at the start, and what was tried.

    ``building`` and ``trying`` are in seconds; ``since_saved`` is from the last file that was saved
    to the end, None at the start.
    """

    change: SavedChange | None
    building: float
    trying: float
    since_saved: float | None
    result: TrialResult


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthorLoop:
    """What the loop does.

    Attributes:
        folders: what is watched.
        build: builds the plugins, and returns whether they are there; it tells of failures itself.
        serve: starts Backstage with what was built, by a runner, and calls back when all is known;
            it goes on until the runner is cancelled.
        on_change: is told what was saved.
        on_round: is told of each round that is done.
        on_error: is told why Backstage ended by itself.
        checkpoint: called while something is waited for; it raises to end the loop.
    """

    folders: tuple[Path, ...]
    build: Callable[[], bool]
    serve: Callable[[Runner, Callable[[TrialResult], None]], object]
    on_change: Callable[[SavedChange], None]
    on_round: Callable[[AuthorRound], None]
    on_error: Callable[[FactoryError], None]
    checkpoint: Callable[[], None]

    def run(self, runner: Runner) -> None:
        """Go round until the runner is cancelled.

        Raises:
            Interrupted: it was.
        """
        seen = see_files(self.folders)
        change: SavedChange | None = None
        while True:
            began = time.monotonic()
            is_built = self.build()
            building = time.monotonic() - began
            if change is None:
                # Patches and overlays have just been laid over the tree.
                seen = see_files(self.folders, seen)
            if is_built:
                seen, change = self._serve_until_saved(runner, seen, change, building)
            else:
                seen, change = self._wait(seen)
            self.on_change(change)

    def _serve_until_saved(
        self,
        runner: Runner,
        seen: Mapping[str, FileState],
        change: SavedChange | None,
        building: float,
    ) -> tuple[dict[str, FileState], SavedChange]:
        began = time.monotonic()

        def tell(result: TrialResult) -> None:
            since = time.time() - change.saved if change and change.saved else None
            self.on_round(
                AuthorRound(
                    change=change,
                    building=building,
                    trying=time.monotonic() - began,
                    since_saved=since,
                    result=result,
                )
            )

        with runner.branch() as branch:

            def serve() -> None:
                try:
                    self.serve(branch, tell)
                except Interrupted:
                    return
                except FactoryError as error:
                    self.on_error(error)

            thread = threading.Thread(target=serve, name="backstage")
            thread.start()
            try:
                return self._wait(seen)
            finally:
                branch.cancel(Interrupted("something was saved"))
                thread.join()

    def _wait(self, seen: Mapping[str, FileState]) -> tuple[dict[str, FileState], SavedChange]:
        """Wait until something is saved, and nothing more for a moment: editors save twice."""
        last = dict(seen)
        while True:
            self.checkpoint()
            time.sleep(POLL_SECONDS)
            now = see_files(self.folders, last)
            change = find_change(seen, now)
            if change and find_change(last, now) is None:
                return now, change
            last = now
