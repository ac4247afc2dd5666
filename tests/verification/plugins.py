"""Plugins to verify: a whole backend and a whole frontend, and whatever is changed in them."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from factory.analysis.inventory import HostInventory
from factory.archives.integrity import integrity_of
from factory.toolchain.runner import Runner
from factory.verification.entry_point import Loader
from factory.verification.plugin_checks import Terms

if TYPE_CHECKING:
    from collections.abc import Mapping

BACKEND: dict[str, Any] = {
    "name": "@scope/plugin-todo-backend-dynamic",
    "version": "1.2.3",
    "main": "dist/index.cjs.js",
    "backstage": {"role": "backend-plugin", "supported-versions": "1.42.0"},
    "dependencies": {"once": "^1.0.0"},
    "peerDependencies": {"@backstage/backend-plugin-api": "^1.4.0"},
    "bundleDependencies": True,
}
BACKEND_FILES: dict[str, str | bytes] = {
    "dist/index.cjs.js": """'use strict';
Object.defineProperty(exports, '__esModule', { value: true });
var api = require('@backstage/backend-plugin-api');
var once = require('once');
exports.default = api.createBackendPlugin({ pluginId: 'todo', register: once(() => {}) });
""",
    "node_modules/once/package.json": '{"name": "once", "version": "1.4.0"}',
    "node_modules/once/index.js": "module.exports = f => f;\n",
}
FRONTEND: dict[str, Any] = {
    "name": "@scope/plugin-todo-dynamic",
    "version": "1.2.3",
    "main": "dist/index.esm.js",
    "backstage": {
        "role": "frontend-plugin",
        "supported-versions": "1.42.0",
        "features": {".": "@backstage/FrontendPlugin"},
    },
}
SCALPRUM = {
    "name": "scope.todo",
    "version": "1.2.3",
    "baseURL": "auto",
    "loadScripts": ["scope.todo.0123.js"],
}
FEDERATION = {
    "id": "scope__todo",
    "name": "scope__todo",
    "metaData": {"remoteEntry": {"name": "remoteEntry.js", "path": "", "type": "global"}},
    "shared": [{"name": "react", "assets": {"js": {"async": ["static/1.js"], "sync": []}}}],
    "exposes": [
        {
            "name": ".",
            "assets": {
                "js": {"async": [], "sync": ["static/2.js"]},
                "css": {"async": [], "sync": ["static/2.css"]},
            },
        }
    ],
}
FRONTEND_FILES: dict[str, str | bytes] = {
    "dist-scalprum/plugin-manifest.json": json.dumps(SCALPRUM),
    "dist-scalprum/scope.todo.0123.js": "1;",
    "dist/mf-manifest.json": json.dumps(FEDERATION),
    "dist/remoteEntry.js": "1;",
    "dist/static/1.js": "1;",
    "dist/static/2.js": "2;",
    "dist/static/2.css": "",
}
HOST = HostInventory(
    name="test-host",
    release="1.0",
    backstage="1.42.5",
    packages={
        "@backstage/backend-plugin-api": "1.4.2",
        "@backstage/errors": "1.2.7",
        "@backstage/types": "1.2.2",
        "express": "4.21.2",
    },
)


def node() -> Path:
    """The Node.js that these tests load plugins with."""
    program = shutil.which("node")
    assert program, "node is not installed"
    return Path(program)


def terms(*, loads: bool = True, host_modules: tuple[Path, ...] = (), **fields: Any) -> Terms:
    """What the plugins here are checked against."""
    loader = Loader(node=node(), runner=Runner(), host=HOST, host_modules=host_modules)
    usual: dict[str, Any] = {"host": HOST, "platform": "linux-x64"}
    return Terms(loader=loader if loads else None, **(usual | fields))


def backend(
    package: Mapping[str, Any] | None = None, files: Mapping[str, str | bytes | None] | None = None
) -> dict[str, bytes]:
    """The backend's files, some fields and files of it changed; None leaves a file out."""
    return _changed(BACKEND, BACKEND_FILES, package or {}, files or {})


def frontend(
    package: Mapping[str, Any] | None = None, files: Mapping[str, str | bytes | None] | None = None
) -> dict[str, bytes]:
    """The frontend's files, some changed."""
    return _changed(FRONTEND, FRONTEND_FILES, package or {}, files or {})


def _changed(
    package: Mapping[str, Any],
    files: Mapping[str, str | bytes],
    fields: Mapping[str, Any],
    others: Mapping[str, str | bytes | None],
) -> dict[str, bytes]:
    contents: dict[str, str | bytes | None] = {
        "package.json": json.dumps({**package, **fields}),
        **files,
        **others,
    }
    return {
        name: content.encode() if isinstance(content, str) else content
        for name, content in contents.items()
        if content is not None
    }


def write_folder(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files as a plugin's folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def write_tgz(tgz: Path, files: Mapping[str, bytes], *, integrity: bool = True) -> Path:
    """Write files as a packed plugin, with its ``.integrity``."""
    with (
        gzip.GzipFile(tgz, "wb", compresslevel=1) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, content in files.items():
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    if integrity:
        tgz.with_name(f"{tgz.name}.integrity").write_text(f"{integrity_of(tgz)}\n")
    return tgz
