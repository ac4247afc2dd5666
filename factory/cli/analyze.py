"""``plugin-factory analyze``: the build arguments that plugins need, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory.analysis.arguments import parse_arguments
from factory.analysis.discovery import FRONTEND_ROLES
from factory.analysis.inventory import find_host
from factory.analysis.manifest import MANIFEST_FILE
from factory.analysis.workspace_analysis import analyze_workspace
from factory.cli.analyze_view import document_of, show_lines, show_tables
from factory.cli.options import AsJson, Host, LogLevel, Verbose
from factory.config.options import build_options
from factory.config.plugins_list import (
    PLUGINS_LIST,
    PluginEntry,
    read_plugins_list,
    write_new_plugins_list,
)
from factory.config.plugins_list_edit import rewrite_plugins_list
from factory.errors import (
    CheckError,
    ConfigurationError,
    Place,
    SourceError,
    StorageError,
    UsageError,
    os_errors_as,
)
from factory.files import read_text
from factory.frontend.source_tree import ScriptFolder
from factory.frontend.source_verdict import judge_source
from factory.notation.json_text import parse_object
from factory.scratch_folder import scratch_folder
from factory.ui.printing import OUT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from factory.analysis.workspace_analysis import PluginAnalysis, WorkspaceAnalysis
    from factory.config.plugins_list import PluginsList
    from factory.frontend.verdict import FrontendVerdict


EXAMPLES = """Examples:

\b
  # Every plugin of the workspace in this folder, for the newest portal.
  plugin-factory analyze

\b
  # The plugins of a list, for a portal of your own.
  plugin-factory analyze ./source --plugins-list ./config --host ../portal/yarn.lock

\b
  # In CI: fail when the list is not what is computed.
  plugin-factory analyze ./source --plugins-list ./config --check

\b
  # A plugin as it is published on npm.
  plugin-factory analyze --package @backstage-community/plugin-todo-backend@^0.25.0
"""


def analyze(
    ctx: typer.Context,
    workspace: Annotated[
        Path, typer.Argument(help="The folder of a yarn workspace; nothing needs to be installed.")
    ] = Path(),
    *,
    host: Host = None,
    package: Annotated[
        str | None,
        typer.Option(
            "--package",
            metavar="NAME[@VERSION]",
            help="Analyse this plugin as it is published on npm; nothing of it is built.",
        ),
    ] = None,
    plugins_list: Annotated[
        Path | None,
        typer.Option(
            "--plugins-list",
            help="The plugins-list.yaml, or its folder. Default: the one in the workspace's "
            "folder; where there is none, every plugin of the workspace is analysed.",
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Fail if plugins-list.yaml differs from the computed arguments."
        ),
    ] = False,
    write: Annotated[
        bool,
        typer.Option(
            "--write",
            help="Write the arguments into plugins-list.yaml; all other lines stay unchanged.",
        ),
    ] = False,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Show the build arguments that plugins need, and why.

    Of each frontend plugin also, whether it will show in portals of the old frontend system
    (Scalprum; RHDH up to 2.0) and of the new one (module federation), as its source has it.
    """
    if check and write:
        raise UsageError("--check and --write exclude each other", expected="one of them")
    if package is not None:
        _refuse_with_package(workspace, plugins_list, check=check, write=write)
        _show(_analyze_package(ctx, package, host), {}, as_json=as_json, verbose=verbose)
        return
    file = _list_file(workspace, plugins_list)
    listed = _read_list(file, required=check or (plugins_list is not None and not write))
    found = analyze_workspace(
        workspace,
        find_host(host),
        None if listed is None else {entry.path: entry.arguments for entry in listed.entries},
    )
    _show(found, _judge_frontends(found, workspace), as_json=as_json, verbose=verbose)
    if check:
        _check(found, file)
    if write:
        _write(found, file, listed is not None, quiet=as_json)


def _show(
    found: WorkspaceAnalysis,
    verdicts: Mapping[str, FrontendVerdict],
    *,
    as_json: bool,
    verbose: bool,
) -> None:
    if as_json:
        OUT.document(document_of(found, verdicts))
    elif OUT.is_terminal:
        show_tables(found, verdicts, verbose=verbose)
    else:
        show_lines(found, verdicts, verbose=verbose)


def _refuse_with_package(
    workspace: Path, plugins_list: Path | None, *, check: bool, write: bool
) -> None:
    for option, given in (
        ("a workspace", workspace != Path()),
        ("--plugins-list", plugins_list is not None),
        ("--check", check),
        ("--write", write),
    ):
        if given:
            raise UsageError(
                f"--package and {option} exclude each other",
                expected="a package alone, perhaps with --host",
            )


def _analyze_package(ctx: typer.Context, package: str, host: str | None) -> WorkspaceAnalysis:
    """The analysis of a published plugin, brought to a scratch folder."""
    from factory.cli.session import session  # noqa: PLC0415 - analyze has to start fast
    from factory.config.package_configurations import (  # noqa: PLC0415 - the same
        write_package_configurations,
    )
    from factory.config.run_plan import plan_run  # noqa: PLC0415 - the same
    from factory.plan.online import workspace_to_look_at  # noqa: PLC0415 - loads all of a build

    with (
        session(ctx, log_level=LogLevel.ERROR) as this,
        scratch_folder("packages") as scratch,
    ):
        options = write_package_configurations(
            build_options(
                package=(package,), host=(host,) if host else (), output_dir=scratch / "outputs"
            ),
            scratch,
        )
        run = plan_run(options, this.process, default_jobs=1)
        with workspace_to_look_at(run, runner=this.runner) as workspace:
            return analyze_workspace(workspace, find_host(host), None)


def _judge_frontends(found: WorkspaceAnalysis, workspace: Path) -> dict[str, FrontendVerdict]:
    """In which frontend systems the workspace's frontends will show, by their paths."""
    return {
        plugin.path: judge_source(
            ScriptFolder(root=workspace / plugin.path),
            parse_object(read_text(workspace / plugin.path / MANIFEST_FILE)),
        )
        for plugin in found.plugins
        if plugin.role in FRONTEND_ROLES
    }


def _list_file(workspace: Path, given: Path | None) -> Path:
    if given is None:
        return workspace / PLUGINS_LIST
    return given / PLUGINS_LIST if given.is_dir() else given


def _read_list(file: Path, *, required: bool) -> PluginsList | None:
    listed = read_plugins_list(file)
    if listed is None and required:
        raise ConfigurationError(
            f"there is no {file.name}",
            place=Place(file=file),
            hint="name it with --plugins-list, or create one with --write",
        )
    for entry in listed.entries if listed else ():
        parse_arguments(entry.arguments, listed.place(entry) if listed else None)
    return listed


def _check(found: WorkspaceAnalysis, file: Path) -> None:
    changed = [plugin for plugin in found.plugins if plugin.changed]
    if changed:
        raise CheckError(
            f"{file.name} differs from the arguments computed for {found.host} "
            f"in {len(changed)} of {len(found.plugins)} plugins",
            place=Place(file=file),
            details="\n".join(_difference(changed)),
            hint="run the same command with --write instead of --check",
        )


def _write(found: WorkspaceAnalysis, file: Path, exists: bool, *, quiet: bool) -> None:
    changed = [plugin for plugin in found.plugins if plugin.changed]
    backup = None
    with os_errors_as(StorageError(f"{file.name} cannot be written", place=Place(file=file))):
        if exists:
            wanted = {plugin.path: plugin.arguments for plugin in changed}
            backup = rewrite_plugins_list(file, wanted).backup
        elif not found.plugins:
            raise SourceError("the workspace has no plugin", place=Place(file=file.parent))
        else:
            entries = (PluginEntry(path=p.path, arguments=p.arguments) for p in found.plugins)
            write_new_plugins_list(file, tuple(entries))
    if quiet:
        return
    OUT.lines(*_difference(changed))
    saved = f" (the former is kept as {backup.name})" if backup else ""
    OUT.lines(f"{file}: {len(changed)} of {len(found.plugins)} plugins changed{saved}")


def _difference(changed: list[PluginAnalysis]) -> list[str]:
    lines = []
    for plugin in changed:
        if plugin.written is not None:
            lines.append(f"- {plugin.path}: {plugin.written}".rstrip())
        lines.append(f"+ {plugin.path}: {plugin.arguments}".rstrip())
    return lines
