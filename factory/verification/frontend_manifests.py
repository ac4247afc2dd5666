"""The manifests by which a portal finds a frontend's files: Scalprum's and module federation's.

Scalprum: ``dist-scalprum/plugin-manifest.json`` of @openshift/dynamic-plugin-sdk, whose
``loadScripts`` are loaded in order. Module federation: ``dist/mf-manifest.json``
(https://module-federation.io/configure/manifest), whose ``remoteEntry`` is loaded first.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from factory.quantities import join_names
from factory.verification.findings import MANIFESTS, CheckFinding, failed_finding, passed_finding
from factory.verification.plugin_folder import json_object

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from factory.verification.plugin_folder import PluginFolder

SCALPRUM = "dist-scalprum/plugin-manifest.json"
FEDERATION = "dist/mf-manifest.json"
REMOTE_ENTRY = "dist/remoteEntry.js"
_LARGEST = 64 * 1024 * 1024


class _Broken(Exception):  # noqa: N818 - a fact about a manifest, turned into a finding
    def __init__(self, problem: str, found: str, expected: str) -> None:
        super().__init__(problem)
        self.finding = failed_finding(
            MANIFESTS,
            problem,
            found=found,
            expected=expected,
            hint="build the plugin again; nothing may be left out of dist and dist-scalprum",
        )


def check_manifests(plugin: PluginFolder) -> CheckFinding:
    """Return whether the frontend has a manifest, and every file that its manifests name."""
    counts = []
    try:
        if (plugin.root / SCALPRUM).exists():
            counts.append(f"Scalprum ({_scalprum(plugin.root)} files)")
        if (plugin.root / FEDERATION).exists():
            counts.append(f"module federation ({_federation(plugin.root)} files)")
        elif (plugin.root / REMOTE_ENTRY).exists():
            counts.append("module federation (remoteEntry.js)")
    except _Broken as broken:
        return broken.finding
    if not counts:
        return failed_finding(
            MANIFESTS,
            "the frontend has no manifest that a portal could find it by",
            found=f"neither {SCALPRUM} nor {FEDERATION}",
            expected="at least one of them",
            hint="export it without --no-generate-scalprum-assets",
        )
    return passed_finding(MANIFESTS, ", ".join(counts))


def _scalprum(root: Path) -> int:
    manifest = _document(root, SCALPRUM)
    for field in ("name", "version"):
        if not isinstance(manifest.get(field), str) or not manifest[field]:
            raise _Broken(f"{SCALPRUM} has no {field}", json.dumps(manifest.get(field)), "text")
    scripts = manifest.get("loadScripts")
    if not isinstance(scripts, list) or not scripts:
        found = json.dumps(scripts)[:200]
        raise _Broken(
            f"{SCALPRUM} does not name a script to load", found, "loadScripts: a list of files"
        )
    return _all_exist(root, SCALPRUM, {str(script) for script in scripts})


def _federation(root: Path) -> int:
    manifest = _document(root, FEDERATION)
    data = manifest.get("metaData")
    entry = data.get("remoteEntry") if isinstance(data, dict) else None
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not entry["name"]:
        found = json.dumps(entry)[:200]
        raise _Broken(
            f"{FEDERATION} does not name a remote entry", found, "metaData.remoteEntry.name"
        )
    names = {"/".join(part for part in (str(entry.get("path") or ""), entry["name"]) if part)}
    for field in ("shared", "exposes"):
        for one in manifest.get(field) or ():
            if isinstance(one, dict):
                names.update(_assets(one.get("assets")))
    return _all_exist(root, FEDERATION, names)


def _assets(assets: Any) -> Iterator[str]:
    """The files under ``js`` and ``css``, each ``sync`` and ``async``."""
    for kind in assets.values() if isinstance(assets, dict) else ():
        for files in kind.values() if isinstance(kind, dict) else ():
            yield from (str(file) for file in files if isinstance(files, list))


def _all_exist(root: Path, manifest: str, names: set[str]) -> int:
    folder = (root / manifest).parent.resolve()
    missing = []
    for name in sorted(names):
        file = (folder / name).resolve()
        if not file.is_relative_to(folder) or not file.is_file():
            missing.append(name)
    if missing:
        problem = f"{manifest} names files that are not there"
        raise _Broken(problem, join_names(missing), f"each of them in {folder.name}/")
    return len(names)


def _document(root: Path, name: str) -> dict[str, Any]:
    try:
        return json_object(root / name, limit=_LARGEST)
    except ValueError as error:
        raise _Broken(f"{name} cannot be read", str(error), "a JSON object") from error
