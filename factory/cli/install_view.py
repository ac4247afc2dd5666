"""What ``plugin-factory install`` did, or would do: as lines for people, as JSON for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.installation.portal_config import CONFIG_FILE
from factory.ui.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from factory.installation.decisions import Decision
    from factory.installation.install import InstallResult
    from factory.installation.staged import Staged
    from factory.ui.printing import Printer


def show(done: InstallResult, root: Path, names: Mapping[str, str], *, out: Printer) -> None:
    """Print a line for each plugin, each folder that went, and where the configuration is."""
    rows: list[tuple[str, str, str, str]] = [
        (end.outcome, names[end.entry.package.identity], end.version, end.folder)
        for end in done.plugins
    ]
    rows += [("removed", "", "", folder) for folder in done.removed]
    _table(rows, out)
    out.lines(str(root / CONFIG_FILE))


def show_plan(
    decisions: tuple[Decision, ...],
    removed: tuple[Staged, ...],
    root: Path,
    names: Mapping[str, str],
    *,
    out: Printer,
    as_json: bool,
) -> None:
    """Print what a run would do."""
    if as_json:
        plugins = [
            {
                "package": str(one.entry.package),
                "name": names[one.entry.package.identity],
                "action": one.action,
                "folder": one.staged.folder if one.staged else None,
            }
            for one in decisions
        ]
        plan = {"root": str(root), "plugins": plugins, "remove": [one.folder for one in removed]}
        out.document(plan)
        return
    rows: list[tuple[str, str, str, str]] = [
        (one.action, names[one.entry.package.identity], "", str(one.entry.package))
        for one in decisions
    ]
    _table([*rows, *(("remove", "", "", one.folder) for one in removed)], out)


def _table(rows: list[tuple[str, str, str, str]], out: Printer) -> None:
    rows = [(printable(a), printable(b), printable(c), printable(d)) for a, b, c, d in rows]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for row in rows:
        cells = [f"{cell:{width}}" for cell, width in zip(row, widths, strict=False)]
        out.lines("  ".join([*cells, row[-1]]))


def as_document(done: InstallResult, root: Path, names: Mapping[str, str]) -> dict[str, object]:
    """Return what was done as JSON has it."""
    return {
        "root": str(root),
        "config": str(root / CONFIG_FILE),
        "plugins": [
            {
                "package": str(end.entry.package),
                "name": names[end.entry.package.identity],
                "outcome": end.outcome,
                "folder": end.folder or None,
                "version": end.version or None,
                "source": end.source or None,
                "error": str(end.error) if end.error else None,
            }
            for end in done.plugins
        ],
        "removed": list(done.removed),
    }
