"""``plugin-factory build``: the main command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from factory.cli.session import LogLevel, session

SOURCE = "Source"
WORK = "How to build"
RESULT = "Result"
OUTPUT = "What is shown"

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
  # The code that you have, in place.
  plugin-factory build --config-dir ./config --repo-path . --output-dir ./outputs --use-local
"""


def build(
    ctx: typer.Context,
    *,
    config_dir: Annotated[
        Path,
        typer.Option(
            help="Directory with source.json, plugins-list.yaml, .env, patches and overlays.",
            rich_help_panel=SOURCE,
        ),
    ] = Path("/config"),
    repo_path: Annotated[
        Path,
        typer.Option(
            help="Where the source is brought to, or, with --use-local, where it is.",
            rich_help_panel=SOURCE,
        ),
    ] = Path("/source"),
    workspace_path: Annotated[
        str | None,
        typer.Option(
            help="The workspace, from the repository's root, such as workspaces/todo. "
            "Wins over source.json; without either, the repository's root.",
            rich_help_panel=SOURCE,
        ),
    ] = None,
    source_repo: Annotated[
        str | None,
        typer.Option(
            help="Git repository to clone; source.json is then not used.",
            rich_help_panel=SOURCE,
        ),
    ] = None,
    source_ref: Annotated[
        str | None,
        typer.Option(
            help="Branch, tag or commit of --source-repo; without it, its default branch.",
            rich_help_panel=SOURCE,
        ),
    ] = None,
    use_local: Annotated[
        bool,
        typer.Option(
            "--use-local",
            help="Build the tree that is in --repo-path, in place. Patches and overlays change it.",
            rich_help_panel=SOURCE,
        ),
    ] = False,
    clean: Annotated[
        bool,
        typer.Option(
            "--clean",
            help="Remove what is in --repo-path first, without asking. No effect with --use-local.",
            rich_help_panel=SOURCE,
        ),
    ] = False,
    output_dir: Annotated[
        Path,
        typer.Option(
            help="Where the .tgz and .integrity files, logs and build-report.json go.",
            rich_help_panel=RESULT,
        ),
    ] = Path("/outputs"),
    push_images: Annotated[
        bool,
        typer.Option(
            "--push-images/--no-push-images",
            help="Push an OCI image of each plugin to REGISTRY_URL/REGISTRY_NAMESPACE.",
            rich_help_panel=RESULT,
        ),
    ] = False,
    generate_build_args: Annotated[
        bool,
        typer.Option(
            "--generate-build-args",
            help="Compute the build arguments of all listed plugins anew, and write them into "
            "plugins-list.yaml.",
            rich_help_panel=WORK,
        ),
    ] = False,
    host: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="The portal that build arguments are computed for: a release that "
            "'plugin-factory host list' shows, or your portal's yarn.lock. "
            "Without it, the newest release.",
            rich_help_panel=WORK,
        ),
    ] = None,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair/--no-repair",
            help="Try an export again with the build arguments that rhdh-cli's error asks for.",
            rich_help_panel=WORK,
        ),
    ] = True,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How many plugins to build at once. Without it, as cores and memory allow.",
            rich_help_panel=WORK,
        ),
    ] = None,
    cache_dir: Annotated[
        Path | None,
        typer.Option(
            help="Where node, yarn and rhdh-cli are kept between runs. "
            "Without it, your cache folder (~/.cache/plugin-factory).",
            rich_help_panel=WORK,
        ),
    ] = None,
    log_level: Annotated[
        LogLevel,
        typer.Option(
            case_sensitive=False,
            help="The least urgent messages to show.",
            rich_help_panel=OUTPUT,
        ),
    ] = LogLevel.INFO,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            help="Show what every tool prints, and the file and line a message comes from.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
) -> None:
    """Build the plugins of a workspace.

    Each becomes a .tgz with an .integrity file and, if asked, an OCI image.

    This is what runs when no command is named: options given to plugin-factory itself are build's.
    """
    from factory.config.build_plan import BuildRequest, plan_build  # noqa: PLC0415 - late
    from factory.config.environment import ENV_FILE  # noqa: PLC0415
    from factory.pipeline.capacity import default_jobs  # noqa: PLC0415
    from factory.pipeline.workspace_build import build_workspace  # noqa: PLC0415

    request = BuildRequest(
        config_dir=config_dir,
        repo_path=repo_path,
        output_dir=output_dir,
        workspace_path=workspace_path,
        source_repo=source_repo,
        source_ref=source_ref,
        use_local=use_local,
        clean=clean,
        push_images=push_images,
        generate_build_args=generate_build_args,
        repair=repair,
        host=host,
        jobs=jobs,
        cache_dir=cache_dir,
    )
    with session(
        ctx, env_files=(config_dir / ENV_FILE,), log_level=log_level, verbose=verbose
    ) as this:
        plan = plan_build(request, this.process, default_jobs=default_jobs())
        report = build_workspace(
            plan,
            runner=this.runner,
            emit=this.screen.emit,
            confirm=this.screen.confirm if this.screen.interactive else None,
            warnings=this.screen.warnings,
        )
    raise typer.Exit(report.exit_code)
