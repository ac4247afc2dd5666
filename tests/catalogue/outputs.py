"""Output directories as builds and pushes leave them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from factory.oci.packed_plugin import read_plugin_archive
from factory.plugin_config.portal_files import PortalEntry, write_published
from tests.oci.plugin_archives import FRONTEND, TODO, pack

if TYPE_CHECKING:
    from pathlib import Path

REGISTRY = "registry.example.com/team"
TODO_SCHEMA = {
    "type": "object",
    "properties": {
        "todo": {
            "type": "object",
            "required": ["baseUrl"],
            "additionalProperties": False,
            "properties": {"baseUrl": {"type": "string"}, "most": {"type": "integer"}},
        }
    },
}
FRONTEND_CONFIG = "dynamicPlugins:\n  frontend:\n    backstage-community.plugin-todo: {}\n"


def fill_outputs(folder: Path, *, version: str = "0.15.0", published: bool = True) -> Path:
    """Pack a backend with a configuration schema and a frontend, as pushed by digest."""
    folder.mkdir(parents=True, exist_ok=True)
    for tgz in folder.glob("*.tgz*"):
        tgz.unlink()
    backend = pack(
        folder / "backend.tgz",
        TODO | {"version": version},
        {"dist/configSchema.json": json.dumps(TODO_SCHEMA).encode(), "dist/index.cjs.js": b"1\n"},
    )
    frontend = pack(
        folder / "frontend.tgz",
        FRONTEND | {"author": "The Todo Team <todo@example.com>", "description": "Shows to-dos"},
        {
            "dist-scalprum/plugin-manifest.json": b'{"name": "backstage-community.plugin-todo"}',
            "dist/index.js": b"1\n",
        },
    )
    (folder / "frontend.tgz.app-config.dynamic.yaml").write_text(FRONTEND_CONFIG)
    if published:
        publish(folder, backend, frontend)
    return folder


def publish(folder: Path, *archives: Path) -> None:
    """Leave the lists of a push; each image's digest is its number."""
    entries, pinned = [], []
    for number, tgz in enumerate(archives, 1):
        plugin = read_plugin_archive(tgz).folder
        name = f"{REGISTRY}/{plugin}@sha256:{number:064x}"
        entries.append(PortalEntry(package=f"oci://{name}!{plugin}", tgz=tgz))
        pinned.append(name)
    write_published(folder, entries, pinned)


def entity(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    """The value of an entity."""
    return {
        "apiVersion": "extensions.backstage.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }
