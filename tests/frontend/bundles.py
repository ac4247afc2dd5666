"""Built frontends of the shape that rhdh-cli and Backstage's own bundler leave, but small."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

EXPOSED = "static/__federation_expose_default_export.1234.chunk.js"
# What bundlers make of `export default x` and of `export const page`.
DEFAULT_EXPORT = 'd(t,{default:()=>a});const a={$$type:"@backstage/FrontendPlugin"};'
NAMED_EXPORT = "d(t,{TodoPage:()=>a});const a=1;"


def source_map(**sources: str) -> str:
    names = [f"webpack://team__todo/./src/{name.replace('_', '.')}" for name in sources]
    document = {"version": 3, "sources": names, "sourcesContent": list(sources.values())}
    return json.dumps(document)


def federated(
    *names: str, script: str = DEFAULT_EXPORT, shared: tuple[str, ...] = ()
) -> dict[str, str]:
    """The files of a module federation bundle that exposes these names."""
    exposes = [
        {"name": name, "assets": {"js": {"sync": [EXPOSED], "async": []}, "css": {}}}
        for name in names
    ]
    manifest = {
        "name": "team__todo",
        "metaData": {"remoteEntry": {"name": "remoteEntry.js", "path": ""}},
        "exposes": exposes,
        "shared": [
            {"name": name, "version": "1.0.0", "requiredVersion": "*", "singleton": True}
            for name in shared
        ],
    }
    return {
        "dist/mf-manifest.json": json.dumps(manifest),
        "dist/remoteEntry.js": "1;",
        f"dist/{EXPOSED}": script,
    }


def scalprum(name: str = "team.todo", **scripts: str) -> dict[str, str]:
    """The files of a Scalprum bundle, with a chunk for each exposed module."""
    manifest = {"name": name, "version": "1.0.0", "loadScripts": ["entry.js"]}
    chunks = {
        f"dist-scalprum/static/exposed-{module}.1234.chunk.js": text
        for module, text in scripts.items()
    }
    return {
        "dist-scalprum/plugin-manifest.json": json.dumps(manifest),
        "dist-scalprum/entry.js": "1;",
    } | chunks


def write_bundle(root: Path, files: dict[str, str], **package: Any) -> dict[str, Any]:
    """Write a built plugin, and return its package.json."""
    document = {
        "name": "@team/todo-dynamic",
        "version": "1.0.0",
        "main": "dist/index.esm.js",
        "backstage": {"role": "frontend-plugin"},
    } | package
    for name, text in {"package.json": json.dumps(document), **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return document
