"""``plugin-factory analyze``: the build arguments that plugins need, and why."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from factory.cli.build_options import Host
from factory.cli.display_options import AsJson

if TYPE_CHECKING:
    from factory.analysis.workspace_analysis import PluginAnalysis, WorkspaceAnalysis
    from factory.config.plugins_list import PluginsList


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
"""


def analyze(
    workspace: Annotated[
        Path, typer.Argument(help="The folder of a yarn workspace; nothing needs to be installed.")
    ] = Path(),
    *,
    host: Host = None,
    plugins_list: Annotated[
        Path | None,
        typer.Option(
            "--plugins-list",
            help="The plugins-list.yaml, or its folder. Otherwise the one in the workspace's "
            "folder; where there is none, every plugin of the workspace is analysed.",
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Fail if plugins-list.yaml differs from what is computed."),
    ] = False,
    write: Annotated[
        bool,
        typer.Option(
            "--write",
            help="Write the arguments into plugins-list.yaml; all else in it stays as it is.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the build arguments that plugins need, and why."""
    from factory.analysis.inventory import find_host  # noqa: PLC0415 - late: --help is quick
    from factory.analysis.workspace_analysis import analyze_workspace  # noqa: PLC0415 - late
    from factory.errors import UsageError  # noqa: PLC0415 - late

    if check and write:
        raise UsageError("--check and --write exclude each other", expected="one of them")
    file = _list_file(workspace, plugins_list)
    listed = _listed(file, required=check or (plugins_list is not None and not write))
    found = analyze_workspace(
        workspace,
        find_host(host),
        None if listed is None else {entry.path: entry.arguments for entry in listed.entries},
    )
    if as_json:
        print(json.dumps(_as_json(found), indent=2, ensure_ascii=False))
    elif sys.stdout.isatty():
        _show_tables(found)
    else:
        _show_lines(found)
    if check:
        _check(found, file)
    if write:
        _write(found, file, listed is not None, quiet=as_json)


def _list_file(workspace: Path, given: Path | None) -> Path:
    from factory.config.plugins_list import PLUGINS_LIST  # noqa: PLC0415 - late: --help is quick

    if given is None:
        return workspace / PLUGINS_LIST
    return given / PLUGINS_LIST if given.is_dir() else given


def _listed(file: Path, *, required: bool) -> PluginsList | None:
    from factory.analysis.arguments import parse_arguments  # noqa: PLC0415 - late
    from factory.config.plugins_list import read_plugins_list  # noqa: PLC0415 - late
    from factory.errors import ConfigurationError, Place  # noqa: PLC0415 - late

    listed = read_plugins_list(file)
    if listed is None and required:
        raise ConfigurationError(
            f"there is no {file.name}",
            place=Place(file=file),
            hint="name it with --plugins-list, or let --write make one",
        )
    for entry in listed.entries if listed else ():
        parse_arguments(entry.arguments, listed.place(entry) if listed else None)
    return listed


def _check(found: WorkspaceAnalysis, file: Path) -> None:
    from factory.errors import CheckError, Place  # noqa: PLC0415 - late

    changed = [plugin for plugin in found.plugins if plugin.changed]
    if changed:
        raise CheckError(
            f"{file.name} differs from what is computed for {found.host} "
            f"in {len(changed)} of {len(found.plugins)} plugins",
            place=Place(file=file),
            details="\n".join(_difference(changed)),
            hint="run the same command with --write instead of --check",
        )


def _write(found: WorkspaceAnalysis, file: Path, exists: bool, *, quiet: bool) -> None:
    from factory.config.plugins_list import (  # noqa: PLC0415 - late
        PluginEntry,
        write_new_plugins_list,
    )
    from factory.config.plugins_list_edit import (  # noqa: PLC0415 - late
        edit_plugins_list,
        write_plugins_list,
    )
    from factory.errors import Place, SourceError, StorageError  # noqa: PLC0415 - late

    changed = [plugin for plugin in found.plugins if plugin.changed]
    backup = None
    try:
        if exists:
            with file.open(encoding="utf-8", newline="") as stream:
                text = stream.read()
            wanted = {plugin.path: plugin.arguments for plugin in changed}
            text, changes = edit_plugins_list(text, wanted, file)
            if changes:
                backup = write_plugins_list(file, text, changes)
        elif not found.plugins:
            raise SourceError("the workspace holds no plugin", place=Place(file=file.parent))
        else:
            entries = (PluginEntry(path=p.path, arguments=p.arguments) for p in found.plugins)
            write_new_plugins_list(file, tuple(entries))
    except OSError as error:
        raise StorageError(
            f"{file.name} cannot be written",
            place=Place(file=file),
            found=error.strerror or str(error),
        ) from error
    if quiet:
        return
    for line in _difference(changed):
        print(line)
    saved = f" (the former is kept as {backup.name})" if backup else ""
    print(f"{file}: {len(changed)} of {len(found.plugins)} plugins changed{saved}")


def _difference(changed: list[PluginAnalysis]) -> list[str]:
    lines = []
    for plugin in changed:
        if plugin.written is not None:
            lines.append(f"- {plugin.path}: {plugin.written}".rstrip())
        lines.append(f"+ {plugin.path}: {plugin.arguments}".rstrip())
    return lines


def _as_json(found: WorkspaceAnalysis) -> dict[str, Any]:
    from dataclasses import asdict  # noqa: PLC0415 - late: --help is quick

    return {
        "host": found.host,
        "host_backstage": found.host_backstage,
        "workspace_backstage": found.workspace_backstage,
        "warnings": [asdict(warning) for warning in found.warnings],
        "plugins": [
            {
                "path": plugin.path,
                "name": plugin.name,
                "version": plugin.version,
                "role": plugin.role,
                "written": plugin.written,
                "arguments": plugin.arguments,
                "changed": plugin.changed,
                "reasons": [
                    {
                        "option": argument.option,
                        "value": argument.value,
                        "rule": argument.reason.rule,
                        "chain": list(argument.reason.chain),
                        "fact": argument.reason.fact,
                    }
                    for argument in plugin.derived
                ],
                "dropped": [asdict(dropped) for dropped in plugin.dropped],
                "warnings": [asdict(warning) for warning in plugin.warnings],
            }
            for plugin in found.plugins
        ],
    }


def _title(plugin: PluginAnalysis) -> str:
    return f"{plugin.path} ({plugin.name} {plugin.version}, {plugin.role})"


def _show_lines(found: WorkspaceAnalysis) -> None:
    print(f"host {found.host} (Backstage {found.host_backstage or 'unknown'})")
    for warning in found.warnings:
        print(f"warning: {warning}")
    for plugin in found.plugins:
        print(f"\n{_title(plugin)}")
        print(f"  {plugin.path}: {plugin.arguments}".rstrip())
        for argument in plugin.derived:
            print(f"  {argument}\t{argument.reason}")
        for dropped in plugin.dropped:
            print(f"  dropped: {dropped}")
        for warning in plugin.warnings:
            print(f"  warning: {warning}")


def _show_tables(found: WorkspaceAnalysis) -> None:
    from rich.console import Console  # noqa: PLC0415 - late: only a terminal needs it
    from rich.table import Table  # noqa: PLC0415 - late: only a terminal needs it
    from rich.text import Text  # noqa: PLC0415 - late: only a terminal needs it

    console = Console()
    console.print(Text(f"Host {found.host}, Backstage {found.host_backstage or 'unknown'}"))
    for warning in found.warnings:
        console.print(Text(f"! {warning}", style="yellow"))
    for plugin in found.plugins:
        console.print()
        console.print(Text(_title(plugin), style="bold"))
        if plugin.derived:
            table = Table("argument", "reason", box=None, pad_edge=False, padding=(0, 2, 0, 0))
            for argument in plugin.derived:
                table.add_row(Text(str(argument)), Text(str(argument.reason), style="dim"))
            console.print(table)
        else:
            console.print(Text("no build arguments needed", style="dim"))
        for dropped in plugin.dropped:
            console.print(Text(f"- {dropped}", style="red"))
        for warning in plugin.warnings:
            console.print(Text(f"! {warning}", style="yellow"))
