"""``plugin-factory analyze``: the build arguments that plugins need, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from factory.cli.analyze_folder import analyze_folder
from factory.cli.analyze_view import show_analysis
from factory.cli.options import AsJson, Host, Verbose
from factory.errors import UsageError

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
    if package is None:
        analyze_folder(
            workspace,
            host=host,
            plugins_list=plugins_list,
            check=check,
            write=write,
            verbose=verbose,
            as_json=as_json,
        )
        return
    if check and write:
        raise UsageError("--check and --write exclude each other", expected="one of them")
    _refuse_with_package(workspace, plugins_list, check=check, write=write)
    from factory.cli.analyze_package import (  # noqa: PLC0415 - loads all of a build
        analyze_package,
    )

    show_analysis(analyze_package(ctx, package, host), {}, as_json=as_json, verbose=verbose)


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
