"""What the plugins of a workspace are called in the cache, before anything is installed."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from factory.cache.inputs import NamedTools, PluginToName, workspace_inputs
from factory.cache.key import digest_of_value
from factory.errors import FactoryError, Interrupted
from factory.pipeline.plugin_cache import NamedPlugin, named
from factory.toolchain.choice import Chooser
from factory.toolchain.yarn import wanted_yarn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from factory.analysis.inventory import HostInventory
    from factory.cache.key import PluginInputs
    from factory.config.build_plan import BuildPlan
    from factory.pipeline.bring import Brought
    from factory.pipeline.chosen_plugins import ChosenPlugin
    from factory.toolchain.runner import Runner

log = logging.getLogger(__name__)

# A workspace's own script counts by its bytes, which are among the workspace's files.
_OWN_YARN = "yarnPath"


def chooser_for(plan: BuildPlan, *, temporary: Path, runner: Runner) -> Chooser:
    """Return how a workspace's tools are chosen."""
    return Chooser(
        environment=plan.environment,
        cache=plan.cache_dir,
        temporary=temporary,
        runner=runner,
    )


def tools_for(chooser: Chooser, brought: Brought, engines_node: str | None) -> NamedTools:
    """Return the versions of the tools that would build a workspace.

    Raises:
        ConfigurationError: the workspace, or a variable, asks for something that is no version.
        ToolchainError: a tool's version cannot be found out.
    """
    yarn = wanted_yarn(brought.workspace, brought.root)
    return NamedTools(
        node=chooser.node(engines_node),
        yarn=yarn.version or _OWN_YARN,
        rhdh_cli=chooser.rhdh_cli(),
    )


def named_plugins(
    plugins: Sequence[ChosenPlugin],
    *,
    brought: Brought,
    plan: BuildPlan,
    tools: NamedTools,
    host: HostInventory,
) -> Mapping[str, NamedPlugin]:
    """Return the plugins' names in the cache, by their paths; none where they cannot be told.

    What is wrong with the workspace is left to the stage that it stops, which says it better.
    """
    try:
        inputs = workspace_inputs(brought.workspace, brought.root)

        def made_of(plugin: ChosenPlugin, arguments: str) -> PluginInputs:
            named_plugin = PluginToName(
                path=plugin.path,
                arguments=arguments,
                scalprum_config=plugin.scalprum_config,
                app_config=plugin.app_config,
                supported_versions=plan.supported_versions,
            )
            return inputs.of(named_plugin, tools=tools, environment=plan.environment)

        return {
            plugin.path: named(
                plugin.arguments,
                partial(made_of, plugin),
                host_digest=host_digest(host),
                identity=identity_of(brought.report.repo, plan.workspace_path, plugin.path),
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
    return digest_of_value({"backstage": host.backstage, "packages": dict(host.packages)})
