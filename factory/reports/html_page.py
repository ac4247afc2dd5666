"""The page of finished runs: one file of HTML that needs no network and no script.

Everything in it is escaped where it is put in (:mod:`factory.reports.markup`), and its own policy
(https://www.w3.org/TR/CSP3/) lets a browser load nothing: the one style sheet is known by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from importlib import resources
from pathlib import PurePath
from typing import TYPE_CHECKING
from urllib.parse import quote

from factory.patterns import lazy_pattern
from factory.quantities import duration, join_names, pluralize, size
from factory.reports.markup import Markup, element, join, raw
from factory.reports.page_facts import MOST_LOGS
from factory.reports.page_times import times_section
from factory.reports.summary import image_page
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from factory.reports.page_facts import PageFacts, SizeChange
    from factory.reports.reading import Report
    from factory.reports.summary import SummarisedPlugin, SummarisedWorkspace

_STYLE = "run_page.css"
_FACTS = ("place", "found", "expected", "hint", "details")
_SHORT_COMMIT = 10
_FILTERS = {"all": "All", "failed": "Failed", "built": "Built", "cached": "Cached"}
_MARKS = {"built": "✓", "cached": "↺", "failed": "✗", "skipped": "·"}
_MEANINGS = {
    "built": "built",
    "cached": "from the cache",
    "failed": "failed",
    "skipped": "skipped",
}
_WEB = lazy_pattern(r"https?://", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Numbered:
    """A plugin, and the name of its row on the page."""

    plugin: SummarisedPlugin
    anchor: str

    @property
    def state(self) -> str:
        """What became of it, in a word that the style sheet knows."""
        if self.plugin.outcome != "done":
            return self.plugin.outcome
        return "cached" if self.plugin.cached else "built"


def html_page(facts: PageFacts, *, link: Callable[[str], str] | None = None) -> str:
    """Return the page.

    Args:
        facts: what to tell.
        link: the URL of a path; without it, paths are links relative to where the page is.
    """
    url = link or quote
    plugins = [
        _Numbered(plugin=plugin, anchor=f"p{number}")
        for number, plugin in enumerate(facts.run.plugins, start=1)
    ]
    style = resources.files(__package__).joinpath(_STYLE).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"Dynamic plugins: {_verdict(facts)}"),
        element("style", raw(style)),
    )
    body = element(
        "body",
        _header(facts, plugins),
        element(
            "main",
            _failures(facts, plugins, url),
            _matrix(facts, plugins),
            times_section(facts.run),
            _table(facts, plugins, url),
            _warnings(facts),
        ),
        _footer(facts, url),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _verdict(facts: PageFacts) -> str:
    failed = len(facts.run.failed)
    if failed:
        return f"{failed} of {max(len(facts.run.plugins), failed)} failed"
    return "the run failed" if facts.run.outcome == "failed" else "all built"


def _header(facts: PageFacts, plugins: list[_Numbered]) -> Markup:
    run = facts.run
    states = [each.state for each in plugins]
    started = datetime.fromisoformat(run.started).astimezone(UTC) if run.started else None
    tiles = [
        _tile("built", str(states.count("built")), "Built"),
        _tile("cached", str(states.count("cached")), "From the cache"),
        _tile("failed", str(len(run.failed)), "Failed") if run.failed else None,
        _tile("skipped", str(states.count("skipped")), "Skipped") if "skipped" in states else None,
        _tile("", duration(run.seconds), "Wall time"),
        _tile("", size(facts.total.now), "All archives", _change(facts.total)),
    ]
    return element(
        "header",
        element("p", "Dynamic plugins", class_="over"),
        element("h1", _verdict(facts).capitalize(), class_=f"verdict {run.outcome}"),
        element(
            "p",
            f"{pluralize(len(plugins), 'plugin')} of {pluralize(len(run.workspaces), 'workspace')}",
            (
                ", begun ",
                element("time", f"{started:%Y-%m-%d %H:%M} UTC", datetime=started.isoformat()),
            )
            if started
            else None,
            class_="under",
        ),
        element("dl", *tiles, class_="tiles"),
    )


def _tile(kind: str, value: str, label: str, more: Markup | None = None) -> Markup:
    return element(
        "div", element("dt", label), element("dd", value, more), class_=f"tile {kind}".strip()
    )


def _failures(
    facts: PageFacts, plugins: list[_Numbered], url: Callable[[str], str]
) -> Markup | None:
    told = [_failure(name or "The run", error, None, None) for name, error in facts.run.errors]
    for each in plugins:
        plugin = each.plugin
        if plugin.error:
            log = _log(facts, plugin.log, url) if plugin.log else None
            told.append(_failure(plugin.label, plugin.error, log, each.anchor))
    if not told:
        return None
    return element(
        "section",
        element("h2", "What failed", id="failures"),
        *told,
        aria_labelledby="failures",
    )


def _failure(what: str, error: Report, log: Markup | None, anchor: str | None) -> Markup:
    facts = [
        (element("dt", name), element("dd", element("pre", error[name])))
        for name in _FACTS
        if error[name]
    ]
    return element(
        "details",
        element("summary", element("strong", what), " ", element("span", error["problem"])),
        element("dl", *facts, class_="facts") if facts else None,
        log,
        element("p", element("a", "its row in the table", href=f"#{anchor}")) if anchor else None,
        class_="failure",
        open=True,
    )


def _log(facts: PageFacts, path: str, url: Callable[[str], str]) -> Markup:
    tail = facts.logs.get(path)
    name = PurePath(path).name
    whole = element("a", name, href=_safe(url(path)))
    if tail is None:
        note = f" (a page holds {MOST_LOGS} logs)" if len(facts.logs) >= MOST_LOGS else ""
        return element("p", "Its log: ", whole, note)
    title = "The log " if tail.is_whole else "The end of the log "
    return element(
        "details",
        element("summary", title, name),
        element("pre", tail.text, class_="log", tabindex=0, role="region", aria_label=name),
        element("p", "All of it: ", whole),
    )


def _matrix(facts: PageFacts, plugins: list[_Numbered]) -> Markup | None:
    if not plugins:
        return None
    portals = facts.portals
    heads = [element("th", portal or "Plugins", scope="col") for portal in portals]
    rows = []
    by_name: dict[str, list[SummarisedWorkspace]] = {}
    for workspace in facts.run.workspaces:
        by_name.setdefault(workspace.name_in_any_portal, []).append(workspace)
    for of_portals in by_name.values():
        names = {workspace.name for workspace in of_portals}
        mine = [each for each in plugins if each.plugin.workspace in names]
        cells = [
            element(
                "td",
                *(_square(each) for each in mine if each.plugin.portal == portal),
                data_label=portal or None,
            )
            for portal in portals
        ]
        rows.append(
            element("tr", element("th", *_workspace_name(of_portals[0]), scope="row"), *cells)
        )
    key = [
        element("li", element("span", mark, class_=f"square {state}", aria_hidden="true"), word)
        for state, mark in _MARKS.items()
        if (word := _MEANINGS[state]) and any(each.state == state for each in plugins)
    ]
    return element(
        "section",
        element("h2", "At a glance", id="glance"),
        element("ul", *key, class_="legend"),
        element(
            "table",
            element("thead", element("tr", element("th", "Workspace", scope="col"), *heads)),
            element("tbody", *rows),
            class_="matrix",
        ),
        aria_labelledby="glance",
    )


def _workspace_name(workspace: SummarisedWorkspace) -> Iterable[Markup]:
    yield element("span", workspace.name_in_any_portal or "the workspace")
    short = workspace.commit[:_SHORT_COMMIT]
    ref = workspace.ref if workspace.ref != workspace.commit else ""
    if said := " ".join(part for part in (ref, short) if part):
        yield element("small", said)


def _square(each: _Numbered) -> Markup:
    plugin = each.plugin
    told = f"{plugin.path}: {_MEANINGS[each.state]}"
    if plugin.error:
        told += f", {plugin.error['problem']}"
    return element(
        "a",
        _MARKS[each.state],
        class_=f"square {each.state}",
        href=f"#{each.anchor}",
        title=told,
        aria_label=told,
    )


def _table(facts: PageFacts, plugins: list[_Numbered], url: Callable[[str], str]) -> Markup | None:
    if not plugins:
        return None
    heads = ("Plugin", "Result", "Time", "Size")
    choices = [
        join(
            element("input", type="radio", name="show", id=f"show-{name}", checked=name == "all"),
            element("label", label, for_=f"show-{name}"),
        )
        for name, label in _FILTERS.items()
    ]
    return element(
        "section",
        element("h2", "Plugins", id="plugins"),
        element(
            "fieldset",
            element("legend", "Show", class_="hidden"),
            *choices,
            class_="filter",
        ),
        element(
            "table",
            element(
                "thead",
                element(
                    "tr",
                    *(element("th", head, scope="col", role="columnheader") for head in heads),
                    role="row",
                ),
                role="rowgroup",
            ),
            element("tbody", *(_row(facts, each, url) for each in plugins), role="rowgroup"),
            class_="plugins",
            # Where rows are shown as cards, they stay rows to a screen reader.
            role="table",
        ),
        aria_labelledby="plugins",
    )


def _row(facts: PageFacts, each: _Numbered, url: Callable[[str], str]) -> Markup:
    plugin = each.plugin
    name = element("a", plugin.label, href=_safe(plugin.source)) if plugin.source else plugin.label
    links = []
    if plugin.image:
        page = image_page(plugin.image)
        links.append(element("a", plugin.image, href=page) if page else plugin.image)
    if plugin.artifact:
        archive = PurePath(plugin.artifact).name
        links.append(element("a", archive, href=_safe(url(plugin.artifact))))
    about = " · ".join(
        part for part in (plugin.name, plugin.version, plugin.role, plugin.portal) if part
    )
    is_timed = plugin.outcome != "skipped"
    measured = facts.size_of(plugin)
    return element(
        "tr",
        element(
            "td",
            element("span", name, class_="label"),
            element("small", about),
            *(element("small", one) for one in links),
            role="cell",
        ),
        element(
            "td",
            element("span", _MARKS[each.state], " ", _MEANINGS[each.state], class_="state"),
            element("small", _reason(plugin)) if _reason(plugin) else None,
            *(element("small", f"repaired: {one}") for one in plugin.repairs),
            *(element("small", str(one)) for one in (plugin.shows.systems if plugin.shows else ())),
            role="cell",
            data_label="Result",
        ),
        element(
            "td",
            duration(plugin.seconds) if is_timed else "",
            class_="number",
            role="cell",
            data_label="Time" if is_timed else None,
        ),
        element(
            "td",
            (size(measured.now), _change(measured, is_new=facts.earlier is not None))
            if measured
            else "",
            class_="number",
            role="cell",
            data_label="Size" if measured else None,
        ),
        id=each.anchor,
        class_=each.state,
        role="row",
    )


def _reason(plugin: SummarisedPlugin) -> str:
    if plugin.error:
        return str(plugin.error["problem"])
    return f"because {plugin.why}" if plugin.why and not plugin.cached else ""


def _change(measured: SizeChange, *, is_new: bool = False) -> Markup | None:
    grown = measured.difference
    if grown is None:
        return element("small", "new", class_="change") if is_new else None
    if grown == 0:
        return element("small", "as before", class_="change")
    sign = "+" if grown > 0 else "\N{MINUS SIGN}"
    part = f" ({sign}{abs(measured.percent):.1f} %)" if measured.percent is not None else ""
    kind = "more" if grown > 0 else "less"
    return element("small", f"{sign}{size(abs(grown))}{part}", class_=f"change {kind}")


def _warnings(facts: PageFacts) -> Markup | None:
    told = facts.run.warnings
    if not told:
        return None
    by: dict[str, list[str]] = {}
    for workspace in facts.run.workspaces:
        for warning in workspace.warnings:
            by.setdefault(warning, []).append(workspace.name)
    items = []
    for warning in told:
        names = [name for name in by.get(warning, ()) if name]
        where = element("small", join_names(names)) if names else None
        items.append(element("li", warning, where))
    return element(
        "section",
        element("h2", pluralize(len(told), "warning").capitalize(), id="warnings"),
        element("ul", *items, class_="warnings"),
        aria_labelledby="warnings",
    )


def _footer(facts: PageFacts, url: Callable[[str], str]) -> Markup:
    tools = " · ".join(f"{name} {version}" for name, version in facts.run.tools.items())
    report = facts.run.report
    return element(
        "footer",
        element("p", tools),
        element("p", element("a", PurePath(report).name, href=_safe(url(report))))
        if report
        else None,
    )


def _safe(address: str) -> str | None:
    """An address that leads to the web or to a file beside the page, and does nothing else."""
    is_other = ":" in address.partition("/")[0] and not _WEB.match(address)
    return None if is_other else address
