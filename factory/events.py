"""What happens during a run, as values: the only thing that the pipeline tells the screen.

Whoever does the work calls an ``Emit`` with an event; whoever shows it draws what it likes. Notices
for people (warnings, hints) go through :mod:`logging` under the logger ``factory``; which workspace
they are about is in ``WORKSPACE``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Literal, TypeAlias

from factory.values import dataclass

# The workspace that the running code works on; "" where a run has but one, or is between them.
WORKSPACE: ContextVar[str] = ContextVar("workspace", default="")

Outcome: TypeAlias = Literal["done", "failed", "skipped"]


def without_portal(name: str, portal: str) -> str:
    """Return a name without that of the portal before it, as runs for several portals have it.

    "" is what is left of the only workspace of a portal; without a ``portal`` the name stays.
    """
    return name.removeprefix(portal).removeprefix("/") if portal else name


@dataclass(frozen=True, kw_only=True, slots=True)
class StageStarted:
    """A stage begins for a plugin (its path), or for the whole workspace (no plugin)."""

    stage: str
    plugin: str = ""
    workspace: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class StageOutput:
    """One line that a child process printed, without its line ending, secrets masked."""

    stage: str
    line: str
    plugin: str = ""
    workspace: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class StageFinished:
    """A stage has ended after ``seconds`` of wall time; ``note`` says in a few words with what."""

    stage: str
    seconds: float
    outcome: Outcome = "done"
    note: str = ""
    plugin: str = ""
    workspace: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PluginsKnown:
    """The plugins that this run is going to build, by path, in order."""

    plugins: tuple[str, ...]
    workspace: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkspacesKnown:
    """The workspaces that this run is going to build, by name, in the order of the summary."""

    workspaces: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DurationsExpected:
    """How many seconds each stage of a workspace, and of each of its plugins, took last time."""

    stages: Mapping[str, float]
    plugins: Mapping[str, Mapping[str, float]]
    workspace: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PluginSummary:
    """One row of the table at the end: what was made of a plugin, or why it was not.

    A plugin that is ``cached`` was not built: its artifact came from the cache. Without ``plugin``
    the row is about the workspace as a whole. In a run for several portals the workspace's name
    begins with that of its ``portal``.
    """

    plugin: str
    outcome: Outcome
    cached: bool = False
    package: str = ""
    version: str = ""
    role: str = ""
    artifact: str = ""
    size: int | None = None
    seconds: float = 0.0
    error: str = ""
    log: str = ""
    workspace: str = ""
    portal: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFinished:
    """The run's end: a row for each plugin, where the artifacts and the report are, wall time.

    ``artifact`` of a row is a file name in ``output_dir``; ``size`` counts its bytes; ``error`` may
    have several lines, the first of which says it all.
    """

    summaries: tuple[PluginSummary, ...]
    output_dir: str
    report: str
    seconds: float


Event: TypeAlias = (
    StageStarted
    | StageOutput
    | StageFinished
    | PluginsKnown
    | WorkspacesKnown
    | DurationsExpected
    | RunFinished
)
Emit: TypeAlias = Callable[[Event], None]
