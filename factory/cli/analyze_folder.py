"""What ``plugin-factory analyze`` does with the folder of a workspace: find out, show, compare.

It is loaded without typer (``factory/cli/plain_commands.py``), and loads what reads
plugins-list.yaml and the scripts of frontends only where there are any.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from factory.analysis.discovery import FRONTEND_ROLES
from factory.analysis.inventory import find_host
from factory.analysis.workspace_analysis import analyze_workspace
from factory.cli.analyze_view import show_analysis
from factory.config.list_names import MISNAMED_LIST, PLUGINS_LIST
from factory.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from factory.analysis.workspace_analysis import WorkspaceAnalysis
    from factory.frontend.verdict import FrontendVerdict


def analyze_folder(
    workspace: Path = Path(),
    *,
    host: str | None = None,
    plugins_list: Path | None = None,
    check: bool = False,
    write: bool = False,
    verbose: bool = False,
    as_json: bool = False,
) -> None:
    """Show the analysis of a workspace; the parameters are the options of ``analyze``.

    Raises:
        FactoryError: as the command's page says.
    """
    if check and write:
        raise UsageError("--check and --write exclude each other", expected="one of them")
    file = _list_file(workspace, plugins_list)
    names_list = plugins_list is not None or check or write
    if not names_list and not any(file.with_name(n).exists() for n in (file.name, MISNAMED_LIST)):
        found = analyze_workspace(workspace, find_host(host))
        show_analysis(found, _judge(found, workspace), as_json=as_json, verbose=verbose)
        return
    from factory.cli.analyzed_list import (  # noqa: PLC0415 - YAML and schemas load slowly
        check_list,
        read_list,
        write_list,
    )

    listed = read_list(file, required=check or (plugins_list is not None and not write))
    wanted = None if listed is None else {each.path: each.arguments for each in listed.entries}
    found = analyze_workspace(workspace, find_host(host), wanted)
    show_analysis(found, _judge(found, workspace), as_json=as_json, verbose=verbose)
    if check:
        check_list(found, file)
    if write:
        write_list(found, file, listed is not None, quiet=as_json)


def _list_file(workspace: Path, given: Path | None) -> Path:
    if given is None:
        return workspace / PLUGINS_LIST
    return given / PLUGINS_LIST if given.is_dir() else given


def _judge(found: WorkspaceAnalysis, workspace: Path) -> Mapping[str, FrontendVerdict]:
    """In which frontend systems the workspace's frontends will show, by their paths."""
    if all(plugin.role not in FRONTEND_ROLES for plugin in found.plugins):
        return {}
    from factory.cli.judged_frontends import judge_frontends  # noqa: PLC0415 - many have none

    return judge_frontends(found, workspace)
