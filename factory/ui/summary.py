"""The result of a run: a table of what was made and what was not, and where everything is.

A name of an artifact is there to be copied, so it is never cut: where the columns do not fit the
width, each plugin takes two lines instead of one.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from factory.events import without_portal
from factory.quantities import duration, pluralize, size
from factory.ui.stages import WHOLE_WORKSPACE
from factory.ui.text import MARKS, Line, Span, Style, cells, pad, printable

if TYPE_CHECKING:
    from factory.events import PluginSummary, RunFinished

DEFAULT_WIDTH = 100
MOST_ERROR_LINES = 12

_GAP = "  "
_SIZE_WIDTH = 9
_TIME_WIDTH = 7
_LABEL_WIDTH = 11
_CELL_WIDTH = len("✓ skipped")


def summary(run: RunFinished, *, width: int = DEFAULT_WIDTH) -> list[Line]:
    """Return the lines of the result, starting with a blank one."""
    rows = run.summaries
    names = max((cells(_name(row)) for row in rows), default=0)
    results = max((cells(_result(row)) for row in rows if row.outcome != "failed"), default=0)
    fits = 2 + names + len(_GAP) + results + _SIZE_WIDTH + _TIME_WIDTH <= width
    columns = max(results, min(50, width - 2 - names - len(_GAP) - _SIZE_WIDTH - _TIME_WIDTH))
    workspaces = list(dict.fromkeys(row.workspace for row in rows))
    lines: list[Line] = []
    for workspace in workspaces:
        own = [row for row in rows if row.workspace == workspace]
        lines.append(())
        if len(workspaces) > 1:
            done = sum(row.outcome != "failed" for row in own if row.plugin)
            known = sum(bool(row.plugin) for row in own)
            count = f"  {done} of {known}" if known else ""
            lines.append((Span(workspace, "strong"), Span(count, "dim")))
        for row in own:
            lines += _wide(row, names, columns) if fits else _stack(row, width)
    return [*lines, *_matrix(run), (), _verdict(run), *_places(run)]


def _matrix(run: RunFinished) -> list[Line]:
    """Plugins by portals, where there are several; what is wrong with one stands above."""
    portals = list(dict.fromkeys(row.portal for row in run.summaries if row.portal))
    if len(portals) == 1 or not portals:
        return []
    rows: dict[str, dict[str, PluginSummary]] = {}
    for row in run.summaries:
        workspace = without_portal(row.workspace, row.portal)
        name = "/".join(part for part in (workspace, row.plugin) if part) or WHOLE_WORKSPACE
        rows.setdefault(name, {})[row.portal] = row
    names = max(map(cells, rows))
    widths = [max(cells(portal), _CELL_WIDTH) for portal in portals]
    head = _GAP.join(pad(portal, width) for portal, width in zip(portals, widths, strict=True))
    lines: list[Line] = [(), (Span(pad("", names) + _GAP + head.rstrip(), "dim"),)]
    for name, by_portal in rows.items():
        spans = [Span(pad(name, names), "strong")]
        for portal, width in zip(portals, widths, strict=True):
            spans.append(Span(_GAP))
            spans += _cell(by_portal.get(portal), width)
        lines.append(tuple(spans))
    return lines


def _cell(row: PluginSummary | None, width: int) -> Line:
    if row is None:
        return (Span(pad("", width)),)
    word = ("cached" if row.cached else "built") if row.outcome == "done" else row.outcome
    return (MARKS[row.outcome], Span(" " + pad(word, width - 2)))


def _wide(row: PluginSummary, names: int, results: int) -> list[Line]:
    start = (
        MARKS[row.outcome],
        Span(" "),
        Span(pad(_name(row), names) + _GAP, _name_style(row)),
    )
    if row.outcome == "failed":
        indent = " " * (2 + names + len(_GAP))
        first, *rest = _failure(row)
        return [(*start, *first), *((Span(indent), *line) for line in rest)]
    result = Span(pad(_result(row), results), "" if row.artifact else "dim")
    return [(*start, result, *_numbers(row))]


def _stack(row: PluginSummary, width: int) -> list[Line]:
    numbers = _numbers(row)
    name = pad(_name(row), width - 2 - sum(cells(span.text) for span in numbers))
    head = (MARKS[row.outcome], Span(" "), Span(name, _name_style(row)), *numbers)
    if row.outcome == "failed":
        return [head, *((Span("    "), *line) for line in _failure(row))]
    return [head, (Span("    "), Span(_result(row), "" if row.artifact else "dim"))]


def _name(row: PluginSummary) -> str:
    return row.plugin or WHOLE_WORKSPACE


def _name_style(row: PluginSummary) -> Style:
    return "dim" if row.outcome == "skipped" and not row.artifact else "strong"


def _result(row: PluginSummary) -> str:
    if row.artifact:
        return row.artifact
    reason = printable(row.error.partition("\n")[0])
    return f"skipped: {reason}" if reason else row.outcome


def _numbers(row: PluginSummary) -> Line:
    bytes_made = size(row.size) if row.size is not None else ""
    seconds = duration(row.seconds) if row.seconds else ""
    seconds = "cached" if row.cached else seconds
    return (Span(f"{bytes_made:>{_SIZE_WIDTH}}"), Span(f"{seconds:>{_TIME_WIDTH}}", "dim"))


def _failure(row: PluginSummary) -> list[Line]:
    first, *rest = row.error.splitlines() or ["failed"]
    lines: list[Line] = [(Span(printable(first), "bad"),)]
    lines += [(Span(printable(line), "dim"),) for line in rest[:MOST_ERROR_LINES]]
    if len(rest) > MOST_ERROR_LINES:
        lines.append((Span(f"… {pluralize(len(rest) - MOST_ERROR_LINES, 'more line')}", "dim"),))
    if row.log and row.log not in row.error:
        lines.append((Span("log  ", "dim"), Span(row.log)))
    return lines


def _verdict(run: RunFinished) -> Line:
    rows = [row for row in run.summaries if row.plugin]
    total, outcomes = len(rows), Counter(row.outcome for row in rows)
    done, failed, skipped = outcomes["done"], outcomes["failed"], outcomes["skipped"]
    cached = sum(row.cached for row in rows)
    unbuilt = sum(not row.plugin and row.outcome == "failed" for row in run.summaries)
    what = (
        pluralize(total, "plugin") if done == total else f"{done} of {pluralize(total, 'plugin')}"
    )
    how = "from the cache" if cached and cached == done else "built"
    return (
        Span(f"{what} {how}", "" if failed or unbuilt else "good"),
        Span(f", {cached} of them from the cache," if 0 < cached < done else ""),
        Span(f" in {duration(run.seconds)}", "dim"),
        Span(f", {skipped} skipped" if skipped else ""),
        Span(f", {failed} failed" if failed else "", "bad"),
        Span(f", {pluralize(unbuilt, 'workspace')} failed" if unbuilt else "", "bad"),
    )


def _places(run: RunFinished) -> list[Line]:
    places = (("artifacts", run.output_dir), ("report", run.report))
    return [
        (Span(f"  {pad(label, _LABEL_WIDTH)}", "dim"), Span(path, "accent"))
        for label, path in places
        if path
    ]
