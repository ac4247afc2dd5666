"""Packed plugins as `npm pack` makes them, and as nobody should."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

from factory.oci.packed_plugin import (
    PluginArchive,
    read_plugin_archive,
)

if TYPE_CHECKING:
    from pathlib import Path

TODO: dict[str, Any] = {
    "name": "@backstage-community/plugin-todo-backend-dynamic",
    "version": "0.15.0",
    "description": "A plugin für Aufgaben",
    "main": "dist/index.cjs.js",
    "license": "Apache-2.0",
    "backstage": {"role": "backend-plugin", "supported-versions": "1.42.0"},
    "repository": {
        "type": "git",
        "url": "git+https://github.com/backstage/community-plugins",
        "directory": "workspaces/todo/plugins/todo-backend",
    },
    "keywords": ["backstage", "plugin"],
    "dependencies": {"express": "^4.17.1"},
}
FRONTEND: dict[str, Any] = {
    "name": "@backstage-community/plugin-todo-dynamic",
    "version": "0.14.0",
    "license": "MIT",
    "backstage": {"role": "frontend-plugin", "supported-versions": "1.42.0"},
}
FILES = {
    "dist/index.cjs.js": b"exports.default = {};\n",
    "dist/chunks/one.js": b"1;\n",
    "node_modules/express/index.js": b"module.exports = 1;\n",
    "README.md": b"# todo\n",
}


def member(name: str, size: int = 0, **fields: Any) -> tarfile.TarInfo:
    """One header of an archive."""
    info = tarfile.TarInfo(name)
    info.size = size
    info.mtime = 499162500  # what npm pack writes
    info.mode = 0o644
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def write_tgz(path: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    """Write an archive of exactly these members."""
    with (
        gzip.GzipFile(path, "wb", compresslevel=1) as gz,
        tarfile.open(fileobj=gz, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return path


def pack(
    path: Path,
    package: dict[str, Any] | None = None,
    files: dict[str, bytes] | None = None,
    extra: list[tuple[tarfile.TarInfo, bytes]] | None = None,
) -> Path:
    """Write a plugin: its package.json, its files, and whatever else is asked for."""
    contents = {"package.json": json.dumps(package or TODO).encode()} | (
        FILES if files is None else files
    )
    members = [
        (member(f"package/{name}", len(content)), content) for name, content in contents.items()
    ]
    return write_tgz(path, members + (extra or []))


def plugin(path: Path, **keywords: Any) -> PluginArchive:
    """Pack a plugin and read it."""
    return read_plugin_archive(pack(path, **keywords))
