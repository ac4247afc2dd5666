"""What ``plugin-factory install`` did, or would do: as lines for people, as JSON for machines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from factory.installation.portal_config import CONFIG_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from factory.installation.decision import Decision
    from factory.installation.install import Installed
    from factory.installation.staged import Staged


def show(done: Installed, root: Path, names: Mapping[str, str]) -> None:
    """Print a line for each plugin, each folder that went, and where the configuration is."""
    rows: list[tuple[str, str, str, str]] = [
        (end.outcome, names[end.entry.package.identity], end.version, end.folder)
        for end in done.plugins
    ]
    rows += [("removed", "", "", folder) for folder in done.removed]
    _table(rows)
    typer.echo(str(root / CONFIG_FILE))


def show_plan(
    decisions: tuple[Decision, ...],
    removed: tuple[Staged, ...],
    root: Path,
    names: Mapping[str, str],
    *,
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
        typer.echo(json.dumps(plan, indent=2, ensure_ascii=False))
        return
    rows: list[tuple[str, str, str, str]] = [
        (one.action, names[one.entry.package.identity], "", str(one.entry.package))
        for one in decisions
    ]
    _table([*rows, *(("remove", "", "", one.folder) for one in removed)])


def _table(rows: list[tuple[str, str, str, str]]) -> None:
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for row in rows:
        cells = [f"{cell:{width}}" for cell, width in zip(row, widths, strict=False)]
        typer.echo("  ".join([*cells, row[-1]]).rstrip())


def as_document(done: Installed, root: Path, names: Mapping[str, str]) -> str:
    """Return what was done as JSON."""
    document = {
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
    return json.dumps(document, indent=2, ensure_ascii=False)
