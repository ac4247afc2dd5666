"""Events that say which workspace of several they are about."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from factory.events import RunFinished, WorkspacesKnown

if TYPE_CHECKING:
    from factory.events import Event
    from factory.pipeline.means import Means


def labelled(means: Means, workspace: str) -> Means:
    """Return means whose events carry the name of a workspace."""

    def emit(event: Event) -> None:
        if not isinstance(event, RunFinished | WorkspacesKnown):
            event = replace(event, workspace=workspace)
        means.emit(event)

    return replace(means, emit=emit)
