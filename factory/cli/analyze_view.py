"""What ``plugin-factory analyze`` has found: lines and tables for people, JSON for machines."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from factory.analysis.host_warnings import in_short
from factory.ui.printing import OUT
from factory.ui.text import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TypeAlias

    from factory.analysis.reasons import AnalysisWarning
    from factory.analysis.workspace_analysis import PluginAnalysis, WorkspaceAnalysis
    from factory.frontend.verdict import FrontendVerdict

    Verdicts: TypeAlias = Mapping[str, FrontendVerdict]


def show_analysis(
    found: WorkspaceAnalysis, verdicts: Verdicts, *, as_json: bool = False, verbose: bool = False
) -> None:
    """Print an analysis: as JSON, as tables on a terminal, else as lines."""
    if as_json:
        OUT.document(document_of(found, verdicts))
    elif OUT.is_terminal:
        show_tables(found, verdicts, verbose=verbose)
    else:
        show_lines(found, verdicts, verbose=verbose)


def document_of(found: WorkspaceAnalysis, verdicts: Verdicts) -> dict[str, Any]:
    """Return the analysis as JSON has it; ``verdicts`` are the frontends', by their paths."""
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
                "frontend-systems": verdicts[plugin.path].as_json()
                if plugin.path in verdicts
                else None,
            }
            for plugin in found.plugins
        ],
    }


def _title(plugin: PluginAnalysis) -> str:
    return f"{plugin.path} ({plugin.name} {plugin.version}, {plugin.role})"


def _warnings(plugin: PluginAnalysis, *, verbose: bool) -> tuple[AnalysisWarning, ...]:
    return plugin.warnings if verbose else in_short(plugin.warnings)


def _systems(plugin: PluginAnalysis, verdicts: Verdicts) -> Iterator[tuple[str, bool]]:
    """What is said of a frontend, a line a system, and whether it is good news."""
    verdict = verdicts.get(plugin.path)
    for one in verdict.systems if verdict else ():
        yield str(one), one.shows is True


def show_lines(found: WorkspaceAnalysis, verdicts: Verdicts, *, verbose: bool = False) -> None:
    """Print a block a plugin, each argument with its reason; ``verbose`` tells every warning."""
    OUT.lines(f"host {found.host} (Backstage {found.host_backstage or 'unknown'})")
    OUT.lines(*(f"warning: {warning}" for warning in found.warnings))
    for plugin in found.plugins:
        OUT.lines("", _title(plugin), f"  {plugin.path}: {plugin.arguments}")
        OUT.tabs((f"  {argument}", str(argument.reason)) for argument in plugin.derived)
        OUT.lines(*(f"  {line}" for line, _ in _systems(plugin, verdicts)))
        OUT.lines(*(f"  dropped: {dropped}" for dropped in plugin.dropped))
        OUT.lines(*(f"  warning: {warning}" for warning in _warnings(plugin, verbose=verbose)))


def show_tables(found: WorkspaceAnalysis, verdicts: Verdicts, *, verbose: bool = False) -> None:
    """Print a table a plugin, for a terminal; ``verbose`` tells every warning."""
    OUT.styled_lines([(Span(f"Host {found.host}, Backstage {found.host_backstage or 'unknown'}"),)])
    OUT.styled_lines((Span(f"! {warning}", "warn"),) for warning in found.warnings)
    for plugin in found.plugins:
        OUT.styled_lines([(), (Span(_title(plugin), "strong"),)])
        if plugin.derived:
            OUT.table(
                [((Span(str(each)),), (Span(str(each.reason), "dim"),)) for each in plugin.derived],
                head=("argument", "reason"),
            )
        else:
            OUT.styled_lines([(Span("no build arguments needed", "dim"),)])
        OUT.styled_lines(
            (Span(line, "good" if shows else "dim"),) for line, shows in _systems(plugin, verdicts)
        )
        OUT.styled_lines((Span(f"- {dropped}", "bad"),) for dropped in plugin.dropped)
        warnings = _warnings(plugin, verbose=verbose)
        OUT.styled_lines((Span(f"! {warning}", "warn"),) for warning in warnings)
