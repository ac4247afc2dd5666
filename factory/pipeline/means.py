"""What the workspaces of a run share: processes, the machine, clones, and what is finished."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from factory.config.selection import Selection
    from factory.events import Emit
    from factory.pipeline.budget import Budget
    from factory.pipeline.first_failure import FirstFailure
    from factory.pipeline.in_flight import InFlight
    from factory.pipeline.installations import Installations
    from factory.pipeline.plugin_cache import PluginCache
    from factory.sources.clones import Clone
    from factory.toolchain.runner import Runner


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """What a workspace is built with; all of it is safe to use from many threads.

    ``confirm`` asks a yes-or-no question, and is None where nobody can answer. ``clones`` are those
    of a run of several workspaces, by the normalised addresses of their repositories. Without a
    ``cache`` nothing is looked up, and nothing is kept.
    """

    runner: Runner
    emit: Emit
    budget: Budget
    confirm: Callable[[str], bool] | None
    clones: Mapping[str, Clone]
    selection: Selection
    cache: PluginCache | None
    in_flight: InFlight
    installations: Installations
    first_failure: FirstFailure
