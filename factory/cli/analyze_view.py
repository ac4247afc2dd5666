"""What ``plugin-factory analyze`` has found: lines and tables for people, JSON for machines."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from factory.analysis.host_warnings import in_short

if TYPE_CHECKING:
    from factory.analysis.reasons import AnalysisWarning
    from factory.analysis.workspace_analysis import PluginAnalysis, WorkspaceAnalysis


def document_of(found: WorkspaceAnalysis) -> dict[str, Any]:
    """Return the analysis as JSON has it."""
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


def _warnings(plugin: PluginAnalysis, *, verbose: bool) -> tuple[AnalysisWarning, ...]:
    return plugin.warnings if verbose else in_short(plugin.warnings)


def show_lines(found: WorkspaceAnalysis, *, verbose: bool = False) -> None:
    """Print a block a plugin, each argument with its reason; ``verbose`` tells every warning."""
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
        for warning in _warnings(plugin, verbose=verbose):
            print(f"  warning: {warning}")


def show_tables(found: WorkspaceAnalysis, *, verbose: bool = False) -> None:
    """Print a table a plugin, for a terminal; ``verbose`` tells every warning."""
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
        for warning in _warnings(plugin, verbose=verbose):
            console.print(Text(f"! {warning}", style="yellow"))
