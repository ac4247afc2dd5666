"""How long a catalogue of 65 workspaces and 264 plugins takes: planned, checked, indexed.

Run it with ``python benchmarks/catalogue.py``. Each command is a process of its own, as a user
would start it. The catalogue is made up, in the shape of the public ones: a folder a workspace with
``source.json``, ``plugins-list.yaml`` and an entity a plugin; a ``Plugin`` with its icon and its
description a workspace.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

from factory.notation.yaml_text import yaml_text
from factory.oci.packed_plugin import read_plugin_archive
from factory.plugin_config.portal_files import PortalEntry, write_published

WORKSPACES = 65
PLUGINS = 264
PLAN_SECONDS = 1.0
CHECK_SECONDS = 10.0
API_VERSION = "extensions.backstage.io/v1alpha1"
ICON = "data:image/svg+xml;base64," + "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcv" * 130
SCHEMA = {"type": "object", "properties": {"todo": {"properties": {"url": {"type": "string"}}}}}


def main() -> int:
    """Print the times, and return 1 if a limit does not hold."""
    with tempfile.TemporaryDirectory() as folder:
        catalogue, outputs = Path(folder, "catalogue"), Path(folder, "outputs")
        write_catalogue(catalogue, outputs)
        where = ("--config-dir", str(catalogue))
        # The first of each byte-compiles what is not yet, as an installation does.
        planned = ("plan", *where, "--offline", "--json")
        timed(*planned)
        plan = min(timed(*planned) for _ in range(3))
        metadata = timed("catalogue", "metadata", str(outputs), *where)
        check = timed("catalogue", "check", *where)
        built = timed("catalogue", "check", str(outputs), *where)
        index = timed("catalogue", "build", str(outputs), *where, "--files", f"{folder}/index")
    print(f"catalogue     {WORKSPACES} workspaces, {PLUGINS} plugins")
    print(f"plan          {plan:.2f} s (limit: {PLAN_SECONDS:.0f} s)")
    print(f"metadata      {metadata:.2f} s")
    print(f"check         {check:.2f} s (limit: {CHECK_SECONDS:.0f} s)")
    print(f"              {built:.2f} s with what was built")
    print(f"build         {index:.2f} s for the index's files")
    return 0 if plan < PLAN_SECONDS and max(check, built) < CHECK_SECONDS else 1


def timed(*words: str) -> float:
    """Return the wall time of a command, in seconds."""
    environment = {
        name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
    }
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "factory", *words],
        check=True,
        stdout=subprocess.DEVNULL,
        env=environment,
    )
    return time.perf_counter() - started


def write_catalogue(catalogue: Path, outputs: Path) -> None:
    """Write the catalogue, and what builds of all of its workspaces have left."""
    for number in range(WORKSPACES):
        name = f"tool-{number}"
        count = PLUGINS // WORKSPACES + (number < PLUGINS % WORKSPACES)
        plugins = [f"{name}-{each}" if each else name for each in range(count)]
        write_workspace(catalogue / "workspaces" / name, plugins)
        write_entities(catalogue, name, plugins)
        write_outputs(outputs / name, name, plugins)


def write_workspace(folder: Path, plugins: list[str]) -> None:
    """Write what configures a workspace."""
    folder.mkdir(parents=True)
    source = {
        "repo": "https://github.com/backstage/community-plugins",
        "repo-ref": "3fadf6b0595d1d1804f5c7f2690f4db7b81275f1",
        "repo-flat": False,
        "repo-backstage-version": "1.49.4",
    }
    (folder / "source.json").write_text(json.dumps(source))
    lines = [f"# {plugin}\nplugins/{plugin}: --embed-package @acme/{plugin}" for plugin in plugins]
    (folder / "plugins-list.yaml").write_text("\n".join(lines) + "\n")


def write_entities(catalogue: Path, name: str, plugins: list[str]) -> None:
    """Write a ``Package`` a plugin, and a ``Plugin``."""
    metadata = catalogue / "workspaces" / name / "metadata"
    metadata.mkdir()
    for plugin in plugins:
        spec = {
            "packageName": f"@acme/plugin-{plugin}",
            "version": "1.0.0",
            "backstage": {"role": "backend-plugin", "supportedVersions": "1.49.4"},
            "partOf": [name],
            "appConfigExamples": [
                {"title": "Default", "content": {"todo": {"url": "${URL}", "items": [1, 2, 3]}}}
            ],
        }
        write_entity(metadata / f"{plugin}.yaml", "Package", f"acme-plugin-{plugin}", spec)
    spec = {
        "author": "Acme",
        "description": "A paragraph of what it does.\n\n" * 30,
        "icon": ICON,
        "packages": [f"acme-plugin-{plugin}" for plugin in plugins],
    }
    folder = catalogue / "catalog-entities/extensions/plugins"
    folder.mkdir(parents=True, exist_ok=True)
    write_entity(folder / f"{name}.yaml", "Plugin", name, spec)


def write_entity(file: Path, kind: str, name: str, spec: dict[str, Any]) -> None:
    """Write an entity with links, as people do."""
    links = [{"url": f"https://example.com/{name}/{n}", "title": f"Link {n}"} for n in range(3)]
    metadata = {"name": name, "title": name, "links": links, "tags": ["acme", "tools"]}
    value = {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}
    file.write_text(yaml_text(value))


def write_outputs(folder: Path, name: str, plugins: list[str]) -> None:
    """Pack a small plugin each, and list them as pushed."""
    folder.mkdir(parents=True)
    entries: list[PortalEntry] = []
    for plugin in plugins:
        package = {
            "name": f"@acme/plugin-{plugin}-dynamic",
            "version": "1.0.0",
            "backstage": {
                "role": "backend-plugin",
                "pluginId": name,
                "supported-versions": "1.49.4",
            },
        }
        content = {"package.json": package, "dist/configSchema.json": SCHEMA}
        tgz = pack(folder / f"{plugin}.tgz", content)
        plugin_folder = read_plugin_archive(tgz).folder
        image = f"oci://quay.io/acme/{plugin_folder}@sha256:{len(entries):064x}!{plugin_folder}"
        entries.append(PortalEntry(package=image, tgz=tgz))
    write_published(folder, entries, [])


def pack(tgz: Path, content: dict[str, dict[str, Any]]) -> Path:
    """Write an archive as npm packs it, of JSON files."""
    with tarfile.open(tgz, "w:gz") as tar:
        for name, value in content.items():
            text = json.dumps(value).encode()
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    return tgz


if __name__ == "__main__":
    sys.exit(main())
