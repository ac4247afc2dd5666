"""The page of finished runs: a table of plugins with links, and each error folded away.

It is GitHub Flavored Markdown (https://github.github.com/gfm/), which GitHub's job summaries and
GitLab show.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING
from urllib.parse import quote

from factory.patterns import lazy_pattern
from factory.quantities import pluralize
from factory.reports.summary import image_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from factory.reports.reading import Report
    from factory.reports.summary import (
        RunSummary,
        SummarisedPlugin,
    )

_PUNCTUATION = lazy_pattern(r"([\\`*_{}\[\]<>()#|&~!])")
_SIGNS = {"done": "✅", "failed": "❌", "skipped": "⏭️"}
_MINUTE = 60


def markdown(summary: RunSummary, *, link: Callable[[str], str] | None = None) -> str:
    """Return the page: one line of result, a table with links, and each error folded away.

    Args:
        summary: what to tell.
        link: the URL of a path; without it, paths are links relative to the working directory.
    """
    url = link or _relative
    lines = ["## Dynamic plugins", "", _result(summary), ""]
    if summary.plugins:
        lines += ["| | plugin | version | time | result |", "| --- | --- | --- | --: | --- |"]
        lines += [_row(plugin, url) for plugin in summary.plugins]
        lines.append("")
    lines += _matrix(summary)
    for name, error in summary.errors:
        lines += _error(name or "The run", error, None, url)
    for plugin in summary.plugins:
        if plugin.error:
            lines += _error(plugin.label, plugin.error, plugin.log, url)
    if summary.warnings:
        number = len(summary.warnings)
        lines += ["<details>", f"<summary>{pluralize(number, 'warning')}</summary>", ""]
        lines += [f"- {_text(warning)}" for warning in summary.warnings]
        lines += ["", "</details>", ""]
    return "\n".join(lines)


def _matrix(summary: RunSummary) -> list[str]:
    """A table of plugins by portals, where there are several; a cell that is not green says why."""
    portals = list(dict.fromkeys(each.portal for each in summary.plugins if each.portal))
    if len(portals) <= 1:
        return []
    rows: dict[str, dict[str, str]] = {}
    for plugin in summary.plugins:
        why = "" if plugin.outcome == "done" else plugin.outcome
        if plugin.error:
            why = _text(plugin.error["problem"])
        cell = f"{_SIGNS[plugin.outcome]} {why or ('cached' if plugin.cached else '')}".rstrip()
        rows.setdefault(plugin.label_in_any_portal, {})[plugin.portal] = cell
    return [
        f"| plugin | {' | '.join(map(_text, portals))} |",
        f"| --- |{' --- |' * len(portals)}",
        *(
            f"| {_text(name)} | {' | '.join(cells.get(portal, '') for portal in portals)} |"
            for name, cells in rows.items()
        ),
        "",
    ]


def _result(summary: RunSummary) -> str:
    built = [each for each in summary.plugins if each.outcome == "done"]
    cached = sum(each.cached for each in built)
    skipped = sum(each.outcome == "skipped" for each in summary.plugins)
    said = [f"{pluralize(len(built), 'plugin')} built{f' ({cached} cached)' if cached else ''}"]
    said += [f"**{len(summary.failed)} failed**"] if summary.failed else []
    said += [f"{skipped} skipped"] if skipped else []
    said += ["**the run failed**"] if summary.outcome == "failed" and not summary.failed else []
    return f"{', '.join(said)}, in {_time(summary.seconds)}."


def _row(plugin: SummarisedPlugin, url: Callable[[str], str]) -> str:
    name = _link(plugin.label, plugin.source)
    result = []
    if plugin.image:
        result.append(_link(plugin.image, image_page(plugin.image)))
    if plugin.artifact:
        result.append(_link(PurePath(plugin.artifact).name, url(plugin.artifact)))
    if plugin.shows:
        words = ", ".join(f"{one.system}: {one.word}" for one in plugin.shows.systems)
        result.append(f"frontend systems: {words}")
    if plugin.error:
        result.append(_text(plugin.error["problem"]))
    if plugin.log:
        result.append(_link("log", url(plugin.log)))
    time = "cached" if plugin.cached else _time(plugin.seconds)
    cells = [
        _SIGNS[plugin.outcome],
        f"{name}<br>{_text(plugin.name)}",
        _text(plugin.version),
        time if plugin.outcome != "skipped" else "",
        "<br>".join(result) if result else plugin.outcome if plugin.outcome == "skipped" else "",
    ]
    return f"| {' | '.join(cells)} |"


def _error(what: str, error: Report, log: str | None, url: Callable[[str], str]) -> list[str]:
    told = [
        f"{name}: {error[name]}"
        for name in ("place", "found", "expected", "hint", "details")
        if error[name]
    ]
    text = "\n".join([error["problem"], *told])
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    lines = ["<details>", f"<summary>{_html(what)}: {_html(error['problem'])}</summary>", ""]
    lines += [f"{fence}text", text, fence, ""]
    if log:
        lines += [_link(PurePath(log).name, url(log)), ""]
    return [*lines, "</details>", ""]


def _link(text: str, url: str | None) -> str:
    return f"[{_text(text)}]({url})" if url else _text(text)


def _relative(path: str) -> str:
    return quote(path)


def _text(text: str) -> str:
    """Text as it is, on one line, whatever Markdown would make of it."""
    return _PUNCTUATION.sub(r"\\\1", _plain(text))


def _html(text: str) -> str:
    escaped = _plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("`", "&#96;")


def _plain(text: str) -> str:
    return " ".join(text.split())


def _time(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // _MINUTE}:{whole % _MINUTE:02}" if whole >= _MINUTE else f"{seconds:.1f}s"
