"""``plugin-factory build``: the main command."""

from __future__ import annotations

from typing import Annotated

import typer

from factory.cache.pruning import (
    DEFAULT_AGE,
    DEFAULT_SIZE,
)
from factory.cli.build_options import (
    SOURCE,
    ConfigDir,
    Exclude,
    FailFast,
    GenerateBuildArgs,
    Host,
    Jobs,
    Memory,
    Only,
    OutputDir,
    PassEnv,
    Repair,
    RepoPath,
    SourceRef,
    SourceRepo,
    UseLocal,
    WorkspacePath,
)
from factory.cli.cache_options import (
    CacheDir,
    CacheFrom,
    CacheKey,
    CacheMaxAge,
    CacheMaxSize,
    CacheTo,
    NoCache,
)
from factory.cli.display_options import LeastUrgent, LogLevel, Verbose
from factory.cli.image_options import IMAGES, Bundle, ImageOutputForm, SignKey, TagTemplate
from factory.cli.session import session
from factory.config.build_plan import (
    CONFIG_DIR,
    OUTPUT_DIR,
    REPO_PATH,
    BuildRequest,
)
from factory.config.run_plan import plan_run
from factory.config.workspaces import environment_files
from factory.pipeline.run import build_run
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


def build(
    ctx: typer.Context,
    *,
    config_dir: ConfigDir = CONFIG_DIR,
    repo_path: RepoPath = REPO_PATH,
    workspace_path: WorkspacePath = None,
    source_repo: SourceRepo = None,
    source_ref: SourceRef = None,
    use_local: UseLocal = False,
    only: Only = None,
    exclude: Exclude = None,
    clean: Annotated[
        bool,
        typer.Option(
            "--clean",
            help="Remove what is in --repo-path first, without asking. No effect with --use-local.",
            rich_help_panel=SOURCE,
        ),
    ] = False,
    output_dir: OutputDir = OUTPUT_DIR,
    push_images: Annotated[
        bool,
        typer.Option(
            "--push-images/--no-push-images",
            help="Push an OCI image of each plugin to REGISTRY_URL/REGISTRY_NAMESPACE.",
            rich_help_panel=IMAGES,
        ),
    ] = False,
    image_output: ImageOutputForm = None,
    bundle: Bundle = "",
    tag_template: TagTemplate = "{version}",
    sign_key: SignKey = None,
    generate_build_args: GenerateBuildArgs = False,
    host: Host = None,
    repair: Repair = True,
    pass_env: PassEnv = None,
    jobs: Jobs = None,
    memory: Memory = None,
    fail_fast: FailFast = False,
    cache_dir: CacheDir = None,
    no_cache: NoCache = False,
    cache_from: CacheFrom = None,
    cache_to: CacheTo = None,
    cache_key: CacheKey = None,
    cache_max_size: CacheMaxSize = DEFAULT_SIZE,
    cache_max_age: CacheMaxAge = DEFAULT_AGE,
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
        image_output=image_output,
        bundle=bundle,
        tag_template=tag_template,
        sign_key=sign_key,
        generate_build_args=generate_build_args,
        repair=repair,
        pass_env=tuple(pass_env or ()),
        host=host,
        jobs=jobs,
        cache_dir=cache_dir,
        memory=memory,
        only=tuple(only or ()),
        exclude=tuple(exclude or ()),
        fail_fast=fail_fast,
        no_cache=no_cache,
        cache_from=tuple(cache_from or ()),
        cache_to=cache_to,
        cache_key=cache_key,
        cache_max_size=cache_max_size,
        cache_max_age=cache_max_age,
    )
    with session(
        ctx, env_files=environment_files(config_dir), log_level=log_level, verbose=verbose
    ) as this:
        report = build_run(
            plan_run(request, this.process, default_jobs=default_jobs()),
            runner=this.runner,
            emit=this.screen.emit,
            confirm=this.screen.confirm if this.screen.interactive else None,
            warnings=this.screen.warnings,
        )
    raise typer.Exit(report.exit_code)
