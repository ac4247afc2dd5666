"""The plugins of a workspace with the arguments that they are built with, settled and recorded."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from factory.analysis.manifest import MANIFEST_FILE
from factory.errors import ConfigurationError, Place
from factory.pipeline.arguments import computed, record, warn_of_mismatches
from factory.pipeline.chosen_plugins import (
    ChosenPlugin,
    found_plugins,
    listed_plugins,
    record_found,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from factory.analysis.inventory import HostInventory
    from factory.config.build_plan import BuildPlan
    from factory.pipeline.report import PluginReport

log = logging.getLogger(__name__)


def settled_plugins(
    workspace: Path, plan: BuildPlan, host: HostInventory
) -> tuple[ChosenPlugin, ...]:
    """Return the listed plugins, or those that are found, checked and with their arguments.

    What is found is recorded in a new ``plugins-list.yaml``; what ``--generate-build-args``
    computes, in the one that is there.

    Raises:
        ConfigurationError: the workspace is none, or a listed plugin cannot be built.
        SourceError: there is no plugin.
        DependenciesError: arguments are to be computed, and yarn.lock cannot be used.
        StorageError: the list cannot be written.
    """
    if not (workspace / MANIFEST_FILE).is_file():
        raise ConfigurationError(
            "the workspace has no package.json",
            place=Place(file=workspace),
            expected="the folder whose package.json defines the yarn workspace",
            hint="correct --workspace-path, or workspace-path in source.json",
        )
    if plan.plugins is None:
        plugins = computed(workspace, found_plugins(workspace, plan), host)
        record_found(plugins, plan.plugins_list_file)
        return plugins
    plugins = listed_plugins(workspace, plan.plugins, plan)
    if not plan.generate_build_args:
        warn_of_mismatches(workspace, plugins, host)
        return plugins
    plugins = computed(workspace, plugins, host)
    record({plugin.path: plugin.arguments for plugin in plugins}, plan.plugins_list_file)
    return plugins


def record_repairs(reports: Iterable[PluginReport], plan: BuildPlan) -> None:
    """Tell, or with ``--generate-build-args`` write, the arguments that repairs have found."""
    repaired = {r.path: r.arguments for r in reports if r.repairs and r.outcome == "done"}
    if not repaired:
        return
    written = plan.plugins is None and plan.plugins_list_file.is_file()
    if plan.generate_build_args or written:
        record(repaired, plan.plugins_list_file, backup=not written)
        return
    lines = "\n".join(f"  {path}: {arguments}" for path, arguments in repaired.items())
    log.warning(
        "these build arguments worked; write them into %s, or let --generate-build-args do it:\n%s",
        plan.plugins_list_file.name,
        lines,
    )
