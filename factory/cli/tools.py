"""``plugin-factory tools``: node, yarn and rhdh-cli, before a build needs them."""

from __future__ import annotations

import typer

from factory.analysis.inventory import find_host
from factory.cli.help_text import GroupedCommand
from factory.cli.options import AsJson, CacheDir, Engines, Host, NodeRange
from factory.cli.session import session
from factory.config.environment import cache_dir_of, layer_environment
from factory.config.options import ArgumentOptions
from factory.export.tool_choice import wanted_tools
from factory.toolchain.cache_folder import ToolCache
from factory.toolchain.prefetched import prefetch

INSTALL_EXAMPLES = """Examples:

\b
  # For an image, or for a machine that will have no network.
  plugin-factory tools install --cache-dir ./tools

\b
  # For another portal than the default one.
  plugin-factory tools install --host rhdh-1.9

\b
  # For builds by Backstage's own bundler, without rhdh-cli.
  plugin-factory tools install --engine backstage

\b
  # Another rhdh-cli than the portal's.
  RHDH_CLI_VERSION=1.9.1 plugin-factory tools install
"""

tools_app = typer.Typer(
    name="tools",
    help="Node, yarn and rhdh-cli, which builds install by themselves.",
    no_args_is_help=True,
)


@tools_app.callback()
def _tools() -> None:
    """Node, yarn and rhdh-cli, which builds install by themselves."""


@tools_app.command("install", cls=GroupedCommand, epilog=INSTALL_EXAMPLES)
def install_tools(
    ctx: typer.Context,
    *,
    host: Host = None,
    engine: Engines = None,
    node: NodeRange = None,
    cache_dir: CacheDir = None,
    as_json: AsJson = False,
) -> None:
    """Install into the cache folder what a first build would install there.

    These are rhdh-cli in the version of RHDH_CLI_VERSION (otherwise the one of the portal), or
    Backstage's own bundler where the engine asks for it; the yarn of workspaces that name none; and
    Node.js where the machine has none that serves. What is there already stays.
    """
    environment = layer_environment(ctx.obj)
    cache = cache_dir_of(cache_dir, environment)
    with session(ctx) as this:
        arguments = ArgumentOptions(
            host=(host,) if host else (), engine=tuple(engine or ()), node=node
        )
        wanted = wanted_tools(arguments, environment, find_host(host))
        tool_cache = ToolCache(folder=cache, environment=environment, runner=this.runner)
        tools = prefetch(tool_cache, wanted)
    versions = {"node": tools.node.version, "yarn": tools.yarn.version}
    if tools.rhdh_cli:
        versions["rhdh-cli"] = tools.rhdh_cli.version
    if tools.bundler:
        versions["cli-module-build"] = tools.bundler.version
    if as_json:
        this.out.document({"cache": str(cache), **versions})
        return
    this.out.lines(*(f"{name:<9} {version}" for name, version in versions.items()))
