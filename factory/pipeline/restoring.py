"""A finished plugin taken from the cache, as the last of its stages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from factory.cache.entry import Entry
    from factory.pipeline.chosen_plugins import ChosenPlugin
    from factory.pipeline.plugin_cache import NamedPlugin, PluginCache
    from factory.pipeline.report import PluginReport
    from factory.pipeline.stages import Stages

# The stage by whose end an artifact is in the output directory, built or not.
_STAGE = "pack"


@dataclass(frozen=True, kw_only=True, slots=True)
class Restorer:
    """Takes plugins of one workspace from the cache."""

    cache: PluginCache
    output_dir: Path
    stages: Stages

    def found(
        self, plugin: ChosenPlugin, name: NamedPlugin, *, repair: bool
    ) -> PluginReport | None:
        """Return the report of a plugin that the cache has, its files in place; None for a miss.

        Args:
            plugin: the plugin.
            name: what it is called in the cache.
            repair: whether a plugin serves whose arguments had to be mended.

        Raises:
            OSError: the output directory cannot be written.
        """
        entry = self.cache.find(plugin, *found_under(name, repair=repair))
        return self.restored(entry, plugin, identity=name.identity) if entry else None

    def restored(
        self, entry: Entry, plugin: ChosenPlugin, *, identity: str = ""
    ) -> PluginReport | None:
        """Place an entry's files and return the plugin's report; None if the entry is gone.

        Raises:
            OSError: the output directory cannot be written.
        """
        with self.stages.stage(_STAGE, plugin.path) as stage:
            report = self.cache.restore(entry, plugin, self.output_dir, identity=identity)
            if report is None:
                stage.outcome = "skipped"
                return None
            stage.note = f"{report.files[0].name}, from the cache"
        return replace(report, seconds=self.stages.seconds(plugin.path))


def found_under(name: NamedPlugin, *, repair: bool) -> tuple[str, ...]:
    """Return the keys of the entries that a build restores for a plugin, the first one first.

    Args:
        name: what the plugin is called in the cache.
        repair: whether one serves whose arguments had to be mended.
    """
    return (name.key, name.repaired_key) if repair else (name.key,)
