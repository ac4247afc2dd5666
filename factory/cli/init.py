"""``plugin-factory init``: a configuration directory for a repository, or for code that is here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import unquote, urlsplit

import typer

from factory.cli.configured_secrets import find_configured_secrets
from factory.cli.log_level import LogLevel
from factory.cli.options import DISPLAY, AsJson, Exclude, Host, LeastUrgent, Only
from factory.cli.session import session
from factory.config.ci_system import CiSystem
from factory.config.environment import layer_environment
from factory.config.options import SOURCE
from factory.scaffolding.configuration import new_configuration
from factory.scaffolding.init_options import InitOptions

if TYPE_CHECKING:
    from factory.scaffolding.configuration import NewConfiguration

CI = "For CI"
FORMAT = 1

EXAMPLES = """Examples:

\b
  # On a terminal: asks what it has to know.
  plugin-factory init

\b
  # Two workspaces of a repository, each at the commit that its default branch has now.
  plugin-factory init ./config --source-repo https://github.com/backstage/community-plugins \\
    --workspace-path workspaces/todo --workspace-path workspaces/tech-radar

\b
  # The code that you have here, and a workflow that builds it.
  plugin-factory init ./config --local . --ci github

\b
  # Two plugins as they are published on npm, a workspace each.
  plugin-factory init ./config --package @backstage-community/plugin-todo-backend@^0.25.0 \\
    --package @backstage-community/plugin-quay

\b
  # What would be written, for a script.
  plugin-factory init ./config --local . --dry-run --json
"""


def init(
    ctx: typer.Context,
    config_dir: Annotated[
        Path | None,
        typer.Argument(
            metavar="CONFIG_DIR",
            help="The directory to create; ./config by default.",
            show_default=False,
        ),
    ] = None,
    *,
    source_repo: Annotated[
        str | None,
        typer.Option(
            help="The repository that holds the plugins: a git URL. Credentials in it are used, "
            "and never written.",
            rich_help_panel=SOURCE,
        ),
    ] = None,
    source_ref: Annotated[
        str | None,
        typer.Option(
            help="Branch, tag or commit of --source-repo; without it, its default branch. Its "
            "commit is pinned.",
            rich_help_panel=SOURCE,
        ),
    ] = None,
    local: Annotated[
        Path | None,
        typer.Option(
            help="Instead of --source-repo: the folder of a workspace on this machine, or one that "
            "holds several. It is not pinned.",
            rich_help_panel=SOURCE,
        ),
    ] = None,
    package: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[@VERSION]",
            help="Instead of --source-repo: a plugin that is published on npm, with a version, a "
            "range or a tag; a name alone becomes a range from its latest version on. May be "
            "repeated; several get a folder each.",
            rich_help_panel=SOURCE,
        ),
    ] = None,
    workspace_path: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="A workspace, from the repository's root, such as workspaces/todo; may be "
            "repeated. Several get a folder each.",
            rich_help_panel=SOURCE,
        ),
    ] = None,
    all_workspaces: Annotated[
        bool,
        typer.Option(
            "--all-workspaces",
            help="Every workspace of the repository that holds a plugin.",
            rich_help_panel=SOURCE,
        ),
    ] = False,
    only: Only = None,
    exclude: Exclude = None,
    host: Host = None,
    ci: Annotated[
        CiSystem | None,
        typer.Option("--ci", help="Also write a file for a CI system.", rich_help_panel=CI),
    ] = None,
    ci_file: Annotated[
        Path | None,
        typer.Option(
            help="Where to write that file, instead of where the system looks for it.",
            rich_help_panel=CI,
        ),
    ] = None,
    ci_from: Annotated[
        str,
        typer.Option(
            metavar="OWNER/NAME@REF",
            help="The repository that the factory's own action, template or task is taken from, "
            "such as a mirror of yours.",
            rich_help_panel=CI,
        ),
    ] = "",
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Replace existing files, and name each of them.",
            rich_help_panel=DISPLAY,
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Write nothing: show what would be written.", rich_help_panel=DISPLAY
        ),
    ] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", "-y", help="Ask nothing: take the defaults.", rich_help_panel=DISPLAY
        ),
    ] = False,
    as_json: AsJson = False,
    log_level: LeastUrgent = LogLevel.WARNING,
) -> None:
    """Start a configuration: source.json, plugins-list.yaml and an example of .env.

    Looks at the source, finds workspaces and plugins, pins the commit, and computes each plugin's
    build arguments. On a terminal it asks for what no option sets; elsewhere, and with --yes, it
    uses the defaults, and fails where there is none.

    Writes all files or none, and replaces no existing file. Ends with the next command to type.
    """
    init_options = InitOptions(
        here=Path.cwd(),
        config_dir=config_dir.expanduser() if config_dir else None,
        repo=source_repo,
        ref=source_ref,
        local=local,
        packages=tuple(package or ()),
        workspace_paths=tuple(workspace_path or ()),
        all_workspaces=all_workspaces,
        only=tuple(only or ()),
        exclude=tuple(exclude or ()),
        host=host or "",
        ci=ci,
        ci_from=ci_from,
        ci_file=ci_file,
        force=force,
        dry_run=dry_run,
    )
    logins = find_configured_secrets(init_options.config_dir or init_options.here, ctx.obj)
    secrets = (*_secrets(source_repo), *logins.texts)
    with session(ctx, log_level=log_level, env_files=logins.env_files, secrets=secrets) as this:
        made = new_configuration(
            init_options,
            environment=layer_environment(this.process),
            process=this.process,
            runner=this.runner,
            ask=this.screen.ask if this.screen.interactive and not yes else None,
        )
    if as_json:
        this.out.document(_as_json(made, dry_run=dry_run))
    else:
        this.out.lines(*_lines(made, init_options))


def _secrets(repo: str | None) -> tuple[str, ...]:
    """What of a URL no message may show."""
    try:
        password = urlsplit(repo or "").password or ""
    except ValueError:
        return ()
    return tuple({password, unquote(password)} - {""})


def _lines(made: NewConfiguration, init_options: InitOptions) -> list[str]:
    at = f" at {made.ref} = {made.commit}" if made.ref else f" at {made.commit}"
    lines = [f"{made.repo}{at if made.commit else ''}"] if made.repo else []
    for workspace in made.workspaces:
        lines.append(f"  {workspace.package or workspace.path}")
        lines += [
            f"    {plugin.path}  {plugin.name} {plugin.version}  {plugin.arguments}"
            for plugin in workspace.plugins
        ]
    would = "would be " if init_options.dry_run else ""
    for file in made.files:
        shown = file.path
        if shown.is_relative_to(init_options.here):
            shown = shown.relative_to(init_options.here)
        lines.append(f"{would}{'replaced' if file.replaced else 'written'}  {shown}")
    return [*lines, "", "next:", f"  {made.next_command}"]


def _as_json(made: NewConfiguration, *, dry_run: bool) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "dry-run": dry_run,
        "config-dir": str(made.config_dir),
        "source": {"repo": made.repo or None, "ref": made.ref, "commit": made.commit},
        "host": made.host,
        "workspaces": [
            {
                "name": workspace.name,
                "workspace-path": workspace.path,
                "package": workspace.package or None,
                "config-dir": str(workspace.folder),
                "plugins": [
                    {
                        "path": plugin.path,
                        "name": plugin.name,
                        "version": plugin.version,
                        "role": plugin.role,
                        "arguments": plugin.arguments,
                    }
                    for plugin in workspace.plugins
                ],
            }
            for workspace in made.workspaces
        ],
        "files": [{"path": str(file.path), "replaced": file.replaced} for file in made.files],
        "next": made.next_command,
    }
