"""A workspace up to what its plugins are called in the cache; nothing is installed yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from factory.analysis.discovery import project_folder
from factory.analysis.lockfile_parser import LOCKFILE, generation_of
from factory.analysis.manifest import MANIFEST_FILE, Manifest, read_manifest
from factory.config.selection import PluginName
from factory.pipeline.bring import Brought, bring_source
from factory.pipeline.cached_names import named_plugins, tools_for
from factory.pipeline.settled_plugins import settled_plugins
from factory.quantities import counted
from factory.toolchain.linking import refuse_other_linker

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from factory.cache.inputs import NamedTools
    from factory.config.build_plan import BuildPlan
    from factory.pipeline.chosen_plugins import ChosenPlugin
    from factory.pipeline.means import Means
    from factory.pipeline.ongoing_build import OngoingBuild
    from factory.pipeline.plugin_cache import NamedPlugin
    from factory.pipeline.resolve import ResolvedSource
    from factory.toolchain.choice import Chooser


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A workspace whose source is here and whose plugins are settled.

    ``settled`` are all plugins, ``plugins`` those that the run wants. ``names`` are theirs in the
    cache, by path, and ``tools`` what would build them: there are none without a cache.
    """

    brought: Brought
    manifest: Manifest
    settled: tuple[ChosenPlugin, ...]
    plugins: tuple[ChosenPlugin, ...]
    names: Mapping[str, NamedPlugin]
    tools: NamedTools | None


def prepare_workspace(
    build: OngoingBuild,
    resolved: ResolvedSource | None,
    chooser: Chooser | None,
    stack: contextlib.ExitStack,
) -> Prepared:
    """Bring a workspace's source and settle its plugins.

    Args:
        build: the workspace's.
        resolved: where its source is; None for ``--use-local``.
        chooser: says which tools would build it; None without a cache.
        stack: closed when the build is done with the source.

    Raises:
        FactoryError: the workspace cannot be built, for a reason that needs no tool to be found.
    """
    plan, stages = build.plan, build.stages
    brought = bring_source(plan, resolved, stages=stages, means=build.means, stack=stack)
    with stages.stage("analyse") as stage:
        _refuse_other_linker(brought.workspace, plan)
        settled = settled_plugins(brought.workspace, plan, build.host)
        manifest = read_manifest(brought.workspace / MANIFEST_FILE)
        plugins = wanted_plugins(settled, plan, build.means)
        tools = tools_for(chooser, brought, manifest.engines_node or None) if chooser else None
        names = (
            named_plugins(settled, brought=brought, plan=plan, tools=tools, host=build.host)
            if tools
            else {}
        )
        stage.note = counted(len(plugins), "plugin")
    return Prepared(
        brought=brought,
        manifest=manifest,
        settled=settled,
        plugins=plugins,
        names=names,
        tools=tools,
    )


def _refuse_other_linker(workspace: Path, plan: BuildPlan) -> None:
    """Yarn 1 knows no other place than ``node_modules``; of later yarns the settings decide."""
    project = project_folder(workspace) or workspace
    lockfile = project / LOCKFILE
    if lockfile.is_file() and generation_of(lockfile) == "berry":
        refuse_other_linker(workspace, plan.environment)


def wanted_plugins(
    plugins: Sequence[ChosenPlugin], plan: BuildPlan, means: Means
) -> tuple[ChosenPlugin, ...]:
    """Return the plugins that ``--only`` and ``--exclude`` want, in their order."""
    return tuple(each for each in plugins if means.selection.wants(plugin_name(each, plan)))


def plugin_name(plugin: ChosenPlugin, plan: BuildPlan) -> PluginName:
    """Return what a plugin can be selected by."""
    return PluginName(workspace=plan.name, path=plugin.path, package=plugin.manifest.name)
