"""Published packages as values, unpacked into a folder."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

from factory.analysis.inventory import HostInventory
from factory.published.dependencies import settle_dependencies
from factory.published.imports import find_imports
from factory.published.normal_package import normalise_package, remove_untaken
from factory.published.published_manifest import read_published_manifest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME, VERSION = "@acme/plugin-x", "1.2.3"
HOST = HostInventory(
    name="test",
    release="1",
    backstage="1.42.0",
    packages={"@backstage/backend-plugin-api": "1.4.0 1.4.1", "express": "4.21.0"},
)
FEATURE = (
    "exports.default = xPlugin;\n"
    "const xPlugin = backendPluginApi.createBackendPlugin({ pluginId: 'x' });\n"
)


def unpacked(folder: Path, files: Mapping[str, str], /, **fields: Any) -> Path:
    """A package with these files and these fields of package.json; a backend plugin unless said."""
    document = {
        "name": NAME,
        "version": VERSION,
        "backstage": {"role": "backend-plugin"},
        "main": "dist/index.cjs.js",
        **fields,
    }
    for name, text in {**files, "package.json": json.dumps(document)}.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def normalised(folder: Path, *, feature: str | None = None) -> dict[str, Any]:
    """What the package.json of an unpacked package is made; its files are changed with it."""
    remove_untaken(folder)
    manifest = read_published_manifest(folder, name=NAME, version=VERSION)
    needed = settle_dependencies(manifest, find_imports(folder), HOST)
    normalise_package(folder, manifest, needed, feature=feature)
    return dict(json.loads((folder / "package.json").read_text(encoding="utf-8")))


def packed(tgz: Path, files: Mapping[str, str], *, root: str = "package") -> Path:
    """An archive as 'npm publish' makes it."""
    with tarfile.open(tgz, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"{root}/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return tgz
