"""What ``plugin-factory plan`` tells of a run, as lines for people."""

from __future__ import annotations

from textwrap import shorten
from typing import TYPE_CHECKING

from factory.events import without_portal
from factory.quantities import duration, pluralize

if TYPE_CHECKING:
    from factory.plan.plan_result import Outlook, PlannedTools
    from factory.plan.run_costs import RunCosts

_LONGEST = 60


def lines(outlook: Outlook) -> list[str]:
    """Return a block a workspace, some lines a plugin, and the total."""
    said: list[str] = []
    for workspace in outlook.workspaces:
        source = workspace.source
        head = [workspace.name] if workspace.name else []
        if source:
            ref = f"{source.ref} = " if source.ref and source.ref != source.commit else ""
            what = f"{ref}{source.commit}" if source.commit else source.ref or ""
            head += [source.repo, what, workspace.workspace_path, source.note]
        said.append("  ".join(part for part in head if part))
        said += _describe_tools(workspace.tools) if workspace.tools else []
        if workspace.error:
            said.append(f"  would fail: {workspace.error.problem}")
        elif workspace.plugins is None:
            said.append("  its plugins are found when the source is there: no plugins-list.yaml")
        for plugin in workspace.plugins or ():
            package = f"  {plugin.name} {plugin.version}" if plugin.name else ""
            said.append(f"  {plugin.path}{package}")
            if plugin.verdict != "unknown":
                said.append(f"    {plugin.verdict}: {plugin.why}")
            if plugin.arguments is None:
                said.append(f"    arguments: {plugin.arguments_from}")
            elif plugin.arguments:
                said.append(f"    arguments: {plugin.arguments}  ({plugin.arguments_from})")
    if outlook.left_out:
        said.append(f"left out by --only and --exclude: {', '.join(outlook.left_out)}")
    return [*said, *_matrix(outlook), _total(outlook)]


def _matrix(outlook: Outlook) -> list[str]:
    """Plugins by portals, where there are several: what would become of each, or why not."""
    portals = list(dict.fromkeys(each.portal for each in outlook.workspaces if each.portal))
    if len(portals) <= 1:
        return []
    rows: dict[str, dict[str, str]] = {}
    for workspace in outlook.workspaces:
        own = without_portal(workspace.name, workspace.portal)
        if workspace.error or not workspace.plugins:
            said = "not checked"
            if workspace.error:
                said = shorten(f"fails: {workspace.error.problem}", _LONGEST, placeholder="…")
            rows.setdefault(own or "the workspace", {})[workspace.portal] = said
        for plugin in workspace.plugins or ():
            name = "/".join(part for part in (own, plugin.path) if part)
            rows.setdefault(name, {})[workspace.portal] = plugin.verdict
    names = max(map(len, rows))
    widths = [
        max(len(portal), *(len(cells.get(portal, "")) for cells in rows.values()))
        for portal in portals
    ]
    lines = [("", portals), *((n, [c.get(p, "") for p in portals]) for n, c in rows.items())]
    return [
        "  ".join(
            [name.ljust(names), *(c.ljust(w) for c, w in zip(cells, widths, strict=True))]
        ).rstrip()
        for name, cells in lines
    ]


def describe_costs(costs: RunCosts) -> list[str]:
    """Return what a run costs, a line for each kind of run."""
    on = pluralize(costs.machines, "machine")
    unchanged = "not known: no earlier run had a workspace of which nothing had changed"
    if costs.unchanged is not None:
        unchanged = duration(costs.unchanged)
    change = f"{duration(costs.one_change)} on the average, {duration(costs.worst_change)} at most"
    return [
        "",
        f"{pluralize(costs.workspaces, 'workspace')} on {on}, by the durations of earlier runs:",
        f"  cold              {duration(costs.cold)} ({duration(costs.work)} of stages)",
        f"  nothing changed   {unchanged}",
        f"  one change        {change}",
    ]


def _describe_tools(tools: PlannedTools) -> list[str]:
    said = [f"  for {tools.host}, exported by engine {tools.engine} ({tools.why['engine']})"]
    if tools.rhdh_cli:
        said.append(f"    rhdh-cli {tools.rhdh_cli}: {tools.why['rhdh-cli']}")
    if tools.node:
        said.append(f"    node {tools.node}: {tools.why['node']}")
    return said


def _total(outlook: Outlook) -> str:
    plugins = sum(len(each.plugins or ()) for each in outlook.workspaces)
    counts = [
        f"{outlook.count('build')} to build",
        f"{outlook.count('cached')} cached",
        f"{outlook.count('unknown')} not checked",
    ]
    said = ", ".join(text for text in counts if not text.startswith("0 "))
    number = len(outlook.workspaces)
    total = f"{pluralize(number, 'workspace')}, {pluralize(plugins, 'plugin')}"
    return f"{total}: {said}" if said else total
