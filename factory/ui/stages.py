"""The stages of a run in their order, and how a stage's subject is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

WORKSPACE_STAGES = ("source", "override", "analyse", "toolchain", "install", "tsc")
PLUGIN_STAGES = ("compile", "export", "pack")
LATER_PLUGIN_STAGES = ("verify", "push")
WHOLE_WORKSPACE = "workspace"

# Where the source is in no git repository there is nothing to resolve, and no place for it.
EARLIER_WORKSPACE_STAGES = ("resolve",)

_ORDER = {
    stage: place
    for place, stage in enumerate(
        (*EARLIER_WORKSPACE_STAGES, *WORKSPACE_STAGES, *PLUGIN_STAGES, *LATER_PLUGIN_STAGES)
    )
}

STAGE_WIDTH = max(map(len, _ORDER))
"""The width of a column of stages, in letters."""


class AboutSomething(Protocol):
    """What every event of a stage has."""

    @property
    def plugin(self) -> str:
        """The plugin's path, or nothing."""

    @property
    def workspace(self) -> str:
        """The workspace's name, or nothing."""


def subject(event: AboutSomething) -> str:
    """Return ``workspace/plugin``, or the one of both that is given."""
    return "/".join(part for part in (event.workspace, event.plugin) if part) or WHOLE_WORKSPACE


def in_order(stages: Iterable[str]) -> tuple[str, ...]:
    """Return each stage once, in the order of a run; unknown ones last, as they came."""
    return tuple(sorted(dict.fromkeys(stages), key=lambda stage: _ORDER.get(stage, len(_ORDER))))
