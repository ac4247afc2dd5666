"""The yarn workspace around a published plugin: its only member, and what its peers need."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from factory.archives.npm_package import PACKAGE_JSON
from factory.config.allowed_scripts import NO_SCRIPTS
from factory.toolchain.yarn import DEFAULT_BERRY

if TYPE_CHECKING:
    from pathlib import Path

    from factory.config.allowed_scripts import AllowedScripts
    from factory.published.dependencies import PublishedDependencies
    from factory.published.published_manifest import PublishedManifest

PLUGIN_FOLDER = "plugin"
_SETTINGS = "nodeLinker: node-modules\n"
# What tells the bundler which entry points are features: their types. Nothing is compiled by it.
_TYPES = {
    "compilerOptions": {
        "allowJs": True,
        "jsx": "react-jsx",
        "module": "esnext",
        "moduleResolution": "bundler",
        "noEmit": True,
        "skipLibCheck": True,
        "target": "es2022",
    },
    "include": [f"{PLUGIN_FOLDER}/src"],
}


def write_workspace(
    root: Path,
    manifest: PublishedManifest,
    needed: PublishedDependencies,
    *,
    settings: str = "",
    scripts: AllowedScripts = NO_SCRIPTS,
) -> None:
    """Write the files of the workspace that are not the plugin's.

    Args:
        root: the workspace's folder.
        manifest: the plugin's.
        needed: what it and its peers need.
        settings: further lines of ``.yarnrc.yml``.
        scripts: whose install scripts yarn runs.

    Raises:
        OSError: they cannot be written.
    """
    root_manifest: dict[str, object] = {
        "name": "published-plugin",
        "private": True,
        "packageManager": f"yarn@{DEFAULT_BERRY}",
        "workspaces": [PLUGIN_FOLDER],
    }
    if needed.around:
        root_manifest["devDependencies"] = dict(needed.around)
    root_manifest |= allowances(scripts)
    _write(root / PACKAGE_JSON, json.dumps(root_manifest, indent=2))
    enabled = f"enableScripts: {json.dumps(scripts.of_every_package)}\n"
    _write(root / ".yarnrc.yml", f"{_SETTINGS}{enabled}{settings}".rstrip("\n"))
    if not manifest.is_backend:
        _write(root / "tsconfig.json", json.dumps(_TYPES, indent=2))


def allowances(scripts: AllowedScripts) -> dict[str, object]:
    """Return the field of a package.json by which yarn runs the scripts of named packages.

    It holds against ``enableScripts: false``, in the project's own package.json
    (https://yarnpkg.com/configuration/manifest#dependenciesMeta.built).
    """
    built = {name: {"built": True} for name in scripts.named}
    return {"dependenciesMeta": built} if built else {}


def _write(file: Path, text: str) -> None:
    file.write_text(f"{text}\n", encoding="utf-8")
