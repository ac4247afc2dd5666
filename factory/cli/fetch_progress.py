"""How the fetching of a list's plugins looks on a screen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from factory.events import StageFinished, StageOutput, StageStarted
from factory.installation.fetching import InstallationListener
from factory.quantities import size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from factory.cli.open_session import Session
    from factory.events import Outcome
    from factory.installation.fetching import PluginEnd
    from factory.installation.plugin_list import ListedPlugin

STAGE = "fetch"
PROGRESS_SECONDS = 0.5
# Of one plugin: whether it is installed shows when all are there.
_NOTES = {
    "installed": "verified",
    "updated": "verified",
    "kept": "already there",
    "disabled": "disabled",
    "failed": "",
}


def listen_to_fetching(this: Session, names: Mapping[str, str]) -> InstallationListener:
    """Return what shows each plugin as it is fetched; ``names`` are by identity."""
    started: dict[str, float] = {}
    told: dict[str, float] = {}

    def on_start(entry: ListedPlugin) -> None:
        name = names[entry.package.identity]
        started[name] = time.monotonic()
        this.screen.emit(StageStarted(stage=STAGE, plugin=name))

    def on_progress(entry: ListedPlugin, there: int, total: int) -> None:
        name, now = names[entry.package.identity], time.monotonic()
        if now - told.get(name, 0.0) < PROGRESS_SECONDS:
            return
        told[name] = now
        line = f"{size(there)} of {size(total)}" if total else size(there)
        this.screen.emit(StageOutput(stage=STAGE, plugin=name, line=line))

    def on_end(end: PluginEnd) -> None:
        name = names[end.entry.package.identity]
        outcomes: dict[str, Outcome] = {"failed": "failed", "disabled": "skipped"}
        unasked = name not in started  # it was clear without a look at its source
        if unasked and end.outcome == "disabled":
            return
        this.screen.emit(
            StageFinished(
                stage=STAGE,
                plugin=name,
                seconds=0.0 if unasked else time.monotonic() - started[name],
                outcome=outcomes.get(end.outcome, "skipped" if unasked else "done"),
                note=f"{_NOTES[end.outcome]} {end.version}".strip(),
            )
        )

    return InstallationListener(on_start=on_start, on_progress=on_progress, on_end=on_end)
