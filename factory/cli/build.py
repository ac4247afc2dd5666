"""``plugin-factory build``: the main command."""

from __future__ import annotations

import typer

from factory.cli.option_groups import with_option_groups
from factory.cli.options import LeastUrgent, LogLevel, Verbose
from factory.config.options import BuildOptions
from factory.scheduling.capacity import default_jobs

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
    from factory.cli.configured_secrets import (  # noqa: PLC0415 - --help reads no files
        find_configured_secrets,
    )
    from factory.cli.session import session  # noqa: PLC0415 - --help starts nothing
    from factory.config.package_configurations import (  # noqa: PLC0415 - nor its packages
        write_package_configurations,
    )
    from factory.config.run_plan import plan_run  # noqa: PLC0415 - --help needs no YAML
    from factory.pipeline.run import build_run  # noqa: PLC0415 - nor the pipeline
    from factory.scratch_folder import scratch_folder  # noqa: PLC0415

    secrets = find_configured_secrets(options.source.config_dir, ctx.obj)
    with (
        session(
            ctx,
            env_files=secrets.env_files,
            secrets=secrets.texts,
            log_level=log_level,
            verbose=verbose,
        ) as this,
        scratch_folder("packages") as scratch,
    ):
        options = write_package_configurations(options, scratch)
        report = build_run(
            plan_run(options, this.process, default_jobs=default_jobs()),
            runner=this.runner,
            emit=this.screen.emit,
            confirm=this.screen.confirm if this.screen.interactive else None,
            warnings=this.screen.warnings,
        )
    raise typer.Exit(report.exit_code)
