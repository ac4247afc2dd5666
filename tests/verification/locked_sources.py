"""The workspace that the backend of these tests was built in, with its yarn.lock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PLUGIN = "@scope/plugin-todo-backend"
HEAD = "__metadata:\n  version: 8\n  cacheKey: 10c0\n"


def entry(
    key: str, version: str, resolution: str, dependencies: Mapping[str, str] | None = None
) -> str:
    """An entry of a yarn.lock, as berry writes it."""
    lines = [f'"{key}":', f"  version: {version}", f'  resolution: "{resolution}"']
    if dependencies:
        lines.append("  dependencies:")
        lines += [f'    "{name}": "{asked}"' for name, asked in dependencies.items()]
    return "\n".join([*lines, "  languageName: node", "  linkType: hard", ""])


ONCE = entry("once@npm:^1.0.0", "1.4.0", "once@npm:1.4.0")


def locked_source(
    folder: Path,
    *entries: str,
    dependencies: Mapping[str, str] | None = None,
    resolutions: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
) -> Path:
    """Write a workspace with one plugin, and return its folder."""
    root: dict[str, Any] = {"name": "root", "private": True, "workspaces": ["plugins/*"]}
    plugin = {
        "name": PLUGIN,
        "version": "1.2.3",
        "backstage": {"role": "backend-plugin"},
        "dependencies": dict(dependencies or {"once": "^1.0.0"}),
    }
    written = {
        "package.json": json.dumps({**root, "resolutions": dict(resolutions or {})}),
        "plugins/todo-backend/package.json": json.dumps(plugin),
        "yarn.lock": "\n".join([HEAD, *(entries or (ONCE,))]),
        **(files or {}),
    }
    for name, text in written.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder
