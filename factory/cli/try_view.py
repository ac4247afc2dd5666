"""What became of plugins that were tried, as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.quantities import pluralize
from factory.ui.text import Span, Style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory.trial.host_report import OpenedPage
    from factory.trial.verdicts import TrialResult, TriedPlugin
    from factory.ui.printing import Printer

_WIDTH = 12
_SUCCESSES = 300
_TEXT = 160
_STYLES: dict[str, Style] = {
    "initialised": "good",
    "shown": "good",
    "served": "good",
    "failed": "problem",
    "pending": "problem",
    "not tried": "dim",
}


def show(result: TrialResult, out: Printer) -> None:
    """Print a block a plugin, the routes that were asked, and the sum of it."""
    lines: list[tuple[Style, str]] = []
    for plugin in result.plugins:
        lines += [*_plugin_lines(plugin), ("", "")]
    if result.report.routes:
        lines += [*_route_lines(result), ("", "")]
    out.styled_lines([(Span(text, style),) for style, text in (*lines, _summary(result))])


def _plugin_lines(plugin: TriedPlugin) -> Iterator[tuple[Style, str]]:
    yield "strong", f"{plugin.name} {plugin.version} ({plugin.role or 'no role'})"
    if not plugin.features:
        yield _STYLES[plugin.state], f"  {plugin.state:{_WIDTH}} {plugin.why}".rstrip()
    for one in plugin.features:
        text = f"{one.feature}: {one.why}" if one.why else str(one.feature)
        yield _STYLES[one.state], f"  {one.state:{_WIDTH}} {text}"
    if plugin.features and plugin.state == "failed" and not _is_said(plugin):
        yield _STYLES["failed"], f"  {'failed':{_WIDTH}} {plugin.why}"
    if plugin.modules:
        yield "", f"  {'exposes':{_WIDTH}} {', '.join(plugin.modules)}"
    if plugin.extensions:
        yield "", f"  {'extensions':{_WIDTH}} {', '.join(plugin.extensions)}"
    for page in plugin.pages:
        yield from _page_lines(page)
    for message in plugin.left:
        yield "dim", f"  {'left out':{_WIDTH}} {message}"
    if plugin.frontend:
        for verdict in plugin.frontend.systems:
            yield "", f"  {'':{_WIDTH}} {verdict}"


def _page_lines(page: OpenedPage) -> Iterator[tuple[Style, str]]:
    picture = f" ({page.screenshot})" if page.screenshot else ""
    yield ("good" if page.holds else "problem"), f"  {'page':{_WIDTH}} {page.path}{picture}"
    for name, text in page.mounts:
        yield "dim", f"  {'':{_WIDTH}} {name}: {text[:_TEXT] or 'no text'}"
    if page.text and not page.mounts:
        yield "dim", f"  {'':{_WIDTH}} {page.text[:_TEXT]}"
    for message in (*page.uncaught, *page.errors):
        yield "problem", f"  {'':{_WIDTH}} console: {message}"


def _is_said(plugin: TriedPlugin) -> bool:
    return any(one.state == "failed" for one in plugin.features)


def _route_lines(result: TrialResult) -> Iterator[tuple[Style, str]]:
    yield "strong", "routes"
    for route in result.report.routes:
        style: Style = "problem" if not route.holds else "good" if _answers(route.status) else ""
        answer = str(route.status) if route.status else f"no answer: {route.problem}"
        yield style, f"  {answer:{_WIDTH}} GET {route.path}"


def _answers(status: int) -> bool:
    return 0 < status < _SUCCESSES


def _summary(result: TrialResult) -> tuple[Style, str]:
    plugins = pluralize(len(result.plugins), "plugin")
    bad = sum(not one.holds for one in result.plugins)
    silent = sum(not one.holds for one in result.report.routes)
    told = [f"{plugins} tried in {result.seconds:.1f} s with {result.report.backend}"]
    if result.report.error:
        told.append(f"Backstage did not start: {result.report.error}")
    if bad:
        told.append(f"{bad} failed")
    if silent:
        told.append(f"{pluralize(silent, 'route')} without the answer that was wanted")
    return ("good" if result.holds else "problem"), "; ".join(told)
