"""A workspace up to what its plugins are called in the cache; nothing is installed yet."""

from __future__ import annotations

import logging
import shlex
from functools import partial
from typing import TYPE_CHECKING

from factory.analysis.discovery import FRONTEND_ROLES, project_folder
from factory.analysis.lockfile_parser import (
    LOCKFILE,
    find_lockfile,
    generation_of,
    read_lockfile,
)
from factory.analysis.manifest import MANIFEST_FILE, Manifest, read_manifest
from factory.analysis.workspace_backstage import find_workspace_backstage
from factory.cache.inputs import NamedTools, PluginToName, workspace_inputs
from factory.cache.key import digest_of_value
from factory.config.selection import PluginName
from factory.engines import Engine
from factory.errors import FactoryError, Interrupted
from factory.export.known_options import asset_options
from factory.pipeline.arguments import settle_plugins
from factory.pipeline.checkout import (
    CheckedOutWorkspace,
    check_out_source,
)
from factory.pipeline.plugin_cache import NamedPlugin, name_plugin
from factory.pipeline.published_source import settle_package, warn_of_scripts
from factory.quantities import pluralize
from factory.toolchain.backstage_bundler import PACKAGE as BUNDLER
from factory.toolchain.backstage_bundler import find_locked_bundler, name_bundler
from factory.toolchain.cache_folder import ToolCache
from factory.toolchain.choice import Chooser
from factory.toolchain.linking import refuse_other_linker
from factory.toolchain.rhdh_cli import with_pins
from factory.toolchain.yarn import find_wanted_yarn
from factory.values import dataclass

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from factory.analysis.inventory import HostInventory
    from factory.analysis.workspace_backstage import WorkspaceBackstage
    from factory.cache.key import PluginInputs
    from factory.config.build_plan import BuildPlan
    from factory.pipeline.checkout import ResolvedSource
    from factory.pipeline.chosen_plugins import ChosenPlugin
    from factory.pipeline.run_context import RunContext
    from factory.pipeline.workspace_context import WorkspaceContext
    from factory.toolchain.wanted_tools import WantedTools


log = logging.getLogger(__name__)

# A workspace's own script counts by its bytes, which are among the workspace's files.
_OWN_YARN = "yarnPath"


def chooser_for(build: WorkspaceContext) -> Chooser:
    """Return how a workspace's tools are chosen."""
    plan = build.plan
    cache = ToolCache(
        folder=plan.cache_dir, environment=plan.environment, runner=build.run_context.runner
    )
    return Chooser(cache=cache, temporary=build.temporary, wanted=build.wanted)


def engines_of(plugins: Iterable[ChosenPlugin], wanted: WantedTools) -> frozenset[Engine]:
    """Return the engines that export some of these plugins: no other is looked for."""
    return frozenset(wanted.engines.of_role(plugin.manifest.role) for plugin in plugins)


def own_bundler(workspace: Path) -> str | None:
    """Return the version of the workspace's own bundler that its yarn.lock has, if it bundles.

    Raises:
        DependenciesError: there is no yarn.lock, or it cannot be used.
    """
    return find_locked_bundler(read_lockfile(find_lockfile(workspace)).versions.get(BUNDLER, ()))


def tools_for(
    chooser: Chooser,
    checked_out: CheckedOutWorkspace,
    engines_node: str | None,
    engines: Collection[Engine],
) -> NamedTools:
    """Return the versions of the tools that would build a workspace: of ``engines``, no others.

    Raises:
        ConfigurationError: the workspace, or a variable, asks for something that is not a version.
        ToolchainError: a tool's version cannot be found out.
    """
    yarn = find_wanted_yarn(checked_out.workspace, checked_out.root)
    node = chooser.node(engines_node)
    rhdh_cli = chooser.rhdh_cli() if Engine.RHDH in engines else None
    bundler = own_bundler(checked_out.workspace) if Engine.BACKSTAGE in engines else None
    return NamedTools(
        node=node.version,
        yarn=yarn.version or _OWN_YARN,
        rhdh_cli=with_pins(rhdh_cli.version) if rhdh_cli else "",
        bundler=name_bundler(bundler) if Engine.BACKSTAGE in engines else "",
        engine=str(chooser.wanted.engines),
        why={
            "engine": chooser.wanted.engine_why,
            **({"rhdh-cli": rhdh_cli.why} if rhdh_cli else {}),
            "node": node.why,
        },
    )


def name_plugins(
    plugins: Sequence[ChosenPlugin],
    *,
    checked_out: CheckedOutWorkspace,
    plan: BuildPlan,
    tools: NamedTools,
    wanted: WantedTools,
    host: HostInventory,
    backstage: str,
) -> Mapping[str, NamedPlugin]:
    """Return the plugins' names in the cache, by their paths; none where they cannot be told.

    What is wrong with the workspace is left to the stage that it stops, which says it better.
    """
    try:
        inputs = workspace_inputs(checked_out.workspace, checked_out.root)

        def made_of(plugin: ChosenPlugin, arguments: str) -> PluginInputs:
            named_plugin = PluginToName(
                path=plugin.path,
                arguments=arguments,
                scalprum_config=plugin.scalprum_config,
                app_config=plugin.app_config,
                supported_versions=plan.supported_versions,
                computed_backstage=backstage,
                engine=engine_inputs(plugin, wanted, host),
            )
            return inputs.of(named_plugin, tools=tools, environment=plan.environment)

        return {
            plugin.path: name_plugin(
                plugin.arguments,
                partial(made_of, plugin),
                host_digest=host_digest(host),
                identity=identity_of(checked_out.report.repo, plan.workspace_path, plugin.path),
            )
            for plugin in plugins
        }
    except Interrupted:
        raise
    except FactoryError as error:
        log.debug("the cache is not used: %s", error.problem)
    except OSError as error:
        log.warning("the cache is not used, since the source cannot be read: %s", error)
    return {}


def engine_inputs(
    plugin: ChosenPlugin, wanted: WantedTools, host: HostInventory
) -> Mapping[str, str]:
    """Return what exports a plugin, as a part of its key.

    With rhdh-cli a portal acts on backends by the arguments alone, and on frontends by the systems
    that it loads them by.
    """
    engine = wanted.engines.of_role(plugin.manifest.role)
    is_frontend = plugin.manifest.role in FRONTEND_ROLES
    if is_frontend and engine is Engine.RHDH:
        words = shlex.split(plugin.arguments)
        unwanted = asset_options(words, host.profile.stated_systems)
        return {"engine": engine, **({"assets": " ".join(unwanted)} if unwanted else {})}
    if is_frontend or engine is Engine.RHDH:
        return {"engine": engine}
    if wanted.self_contained:
        return {"engine": engine, "self-contained": "true"}
    return {"engine": engine, "portal": host_digest(host)}


def identity_of(repo: str, workspace_path: str, plugin_path: str) -> str:
    """Return what tells a plugin from all others, whatever it is made from.

    Args:
        repo: the repository's address, or the folder of a tree that is built in place.
        workspace_path: the workspace's path in it.
        plugin_path: the plugin's path in the workspace.
    """
    return f"{repo} {workspace_path} {plugin_path}"


def host_digest(host: HostInventory) -> str:
    """Return a digest of what a host brings along, whatever it is called."""
    return digest_of_value(
        {
            "backstage": host.backstage,
            "packages": dict(host.packages),
            "frontend-systems": sorted(host.profile.stated_systems),
        }
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A workspace whose source is here and whose plugins are settled.

    ``settled`` are all plugins, ``plugins`` those that the run wants. ``names`` are theirs in the
    cache, by path, and ``tools`` what would build them: there are none without a cache.
    ``backstage`` is the release of Backstage that the workspace is on.
    """

    checked_out: CheckedOutWorkspace
    manifest: Manifest
    settled: tuple[ChosenPlugin, ...]
    plugins: tuple[ChosenPlugin, ...]
    names: Mapping[str, NamedPlugin]
    tools: NamedTools | None
    backstage: WorkspaceBackstage


def bring_workspace(
    build: WorkspaceContext, resolved: ResolvedSource | None, stack: contextlib.ExitStack
) -> CheckedOutWorkspace:
    """Bring a workspace's source, patched; of a published package, with its dependencies locked.

    Args:
        build: the workspace's.
        resolved: where its source is; None for ``--use-local``.
        stack: closed when the build is done with the source.

    Raises:
        FactoryError: it cannot be brought, or is not what can be built.
    """
    checked_out = check_out_source(
        build.plan, resolved, stages=build.stages, run_context=build.run_context, stack=stack
    )
    if checked_out.package:
        settle_package(
            build, checked_out.root, checked_out.package, checked_out.report.integrity or ""
        )
    return checked_out


def prepare_workspace(
    build: WorkspaceContext,
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
    checked_out = bring_workspace(build, resolved, stack)
    with stages.stage("analyse") as stage:
        _refuse_other_linker(checked_out.workspace, plan)
        settled = settle_plugins(checked_out.workspace, plan, build.host)
        warn_of_scripts(plan, settled)
        manifest = read_manifest(checked_out.workspace / MANIFEST_FILE)
        plugins = select_plugins(settled, plan, build.run_context)
        engines = engines_of(settled, build.wanted)
        tools = (
            tools_for(chooser, checked_out, manifest.engines_node or None, engines)
            if chooser
            else None
        )
        backstage = find_workspace_backstage(checked_out.workspace)
        names = (
            name_plugins(
                settled,
                checked_out=checked_out,
                plan=plan,
                tools=tools,
                wanted=build.wanted,
                host=build.host,
                backstage=backstage.computed,
            )
            if tools
            else {}
        )
        stage.note = pluralize(len(plugins), "plugin")
    return Prepared(
        checked_out=checked_out,
        manifest=manifest,
        settled=settled,
        plugins=plugins,
        names=names,
        tools=tools,
        backstage=backstage,
    )


def _refuse_other_linker(workspace: Path, plan: BuildPlan) -> None:
    """Yarn 1 knows no other place than ``node_modules``; of later yarns the settings decide."""
    project = project_folder(workspace) or workspace
    lockfile = project / LOCKFILE
    if lockfile.is_file() and generation_of(lockfile) == "berry":
        refuse_other_linker(workspace, plan.environment)


def select_plugins(
    plugins: Sequence[ChosenPlugin], plan: BuildPlan, run_context: RunContext
) -> tuple[ChosenPlugin, ...]:
    """Return the plugins that ``--only`` and ``--exclude`` want, in their order."""
    return tuple(each for each in plugins if run_context.selection.wants(plugin_name(each, plan)))


def plugin_name(plugin: ChosenPlugin, plan: BuildPlan) -> PluginName:
    """Return what a plugin can be selected by."""
    return PluginName(workspace=plan.name, path=plugin.path, package=plugin.manifest.name)
