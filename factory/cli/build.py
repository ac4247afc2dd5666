"""``plugin-factory build``: the main command."""

from __future__ import annotations

import typer

from factory.cli.log_level import LogLevel
from factory.cli.option_groups import with_option_groups
from factory.cli.options import LeastUrgent, Verbose
from factory.cli.session import protecting_variables
from factory.config.options import BuildOptions

EXAMPLES = """Examples:

\b
  # Build what ./config describes.
  plugin-factory build --config-dir ./config --repo-path ./source --output-dir ./outputs

\b
  # Straight from a repository, without a source.json.
  plugin-factory build --config-dir ./config --repo-path ./source --output-dir ./outputs \\
    --source-repo https://github.com/backstage/community-plugins \\
    --workspace-path workspaces/todo

\b
  # Many workspaces: ./config/todo/source.json, ./config/ecs/source.json and so on.
  plugin-factory build --config-dir ./config --repo-path ./source --output-dir ./outputs \\
    --only 'todo' --only 'ecs/plugins/*'

\b
  # The code that you have, in place.
  plugin-factory build --config-dir ./config --repo-path . --output-dir ./outputs --use-local
"""


@with_option_groups
def build(
    ctx: typer.Context,
    *,
    options: BuildOptions,
    log_level: LeastUrgent = LogLevel.INFO,
    verbose: Verbose = False,
) -> None:
    """Build the plugins of a workspace, or of several.

    Each becomes a .tgz with an .integrity file and, if requested, an OCI image.

    A plugin that was built before, from the same source, with the same arguments and tools, comes
    from the cache. A configuration directory whose folders hold a source.json each is several
    workspaces: they are built side by side, and one that fails does not stop the others.

    This runs when no command is named: the options of plugin-factory itself are those of build.
    """
    from factory.cli.run_build import run_build  # noqa: PLC0415 - --help needs nothing of it

    protecting = protecting_variables(ctx)
    code = run_build(ctx.obj, options, protecting=protecting, log_level=log_level, verbose=verbose)
    raise typer.Exit(code)
