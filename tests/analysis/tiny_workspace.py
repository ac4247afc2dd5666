"""Tiny yarn workspaces written as files, with a yarn.lock of any generation."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from factory.analysis.inventory import HostInventory
from factory.versions import (
    highest,
    satisfies,
)

if TYPE_CHECKING:
    from pathlib import Path

Shape: TypeAlias = Literal["bare", "protocols", "classic"]
SHAPES: tuple[Shape, ...] = ("bare", "protocols", "classic")
PLUGIN = "plugins/x-backend"


@dataclass(kw_only=True)
class TinyWorkspace:
    """A plugin, its siblings in the workspace, and the published packages that yarn has locked.

    ``published`` is keyed by ``name@version``. A package.json may be given in full; what is left
    out is filled in. ``key`` locks a package under another range than npm's.
    """

    plugin: dict[str, Any]
    members: dict[str, dict[str, Any]] = field(default_factory=dict)
    published: dict[str, dict[str, Any]] = field(default_factory=dict)
    resolutions: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path, shape: Shape) -> Path:
        """Write the workspace below ``folder`` and return it."""
        root = {"name": "root", "private": True, "workspaces": ["plugins/*"]}
        if self.resolutions:
            root["resolutions"] = self.resolutions
        _write_json(folder / "package.json", root)
        plugin = {"name": "@acme/x-backend", "backstage": {"role": "backend-plugin"}, **self.plugin}
        manifests = {PLUGIN: plugin}
        for name, member in self.members.items():
            manifests[f"plugins/{name.rpartition('/')[2]}"] = {"name": name, **member}
        versions = {m["name"]: m.get("version", "1.0.0") for m in manifests.values()}
        for path, manifest in manifests.items():
            manifest.setdefault("version", "1.0.0")
            if shape == "classic":
                manifest["dependencies"] = {
                    name: _classic_range(name, asked, versions)
                    for name, asked in manifest.get("dependencies", {}).items()
                }
            _write_json(folder / path / "package.json", manifest)
        (folder / "yarn.lock").write_text(self._lockfile(list(manifests.items()), shape))
        return folder

    def _lockfile(self, members: list[tuple[str, dict[str, Any]]], shape: Shape) -> str:
        asked = self._descriptors([manifest for _, manifest in members])
        entries = [
            _entry(identity, package, sorted(asked.get(identity, ())), shape)
            for identity, package in sorted(self.published.items())
        ]
        if shape == "classic":
            return "# yarn lockfile v1\n\n\n" + "\n".join(entries)
        head = f"__metadata:\n  version: {6 if shape == 'bare' else 8}\n  cacheKey: 8\n\n"
        workspaces = [
            f'"{manifest["name"]}@workspace:{path}":\n'
            "  version: 0.0.0-use.local\n"
            f'  resolution: "{manifest["name"]}@workspace:{path}"\n'
            "  languageName: unknown\n"
            "  linkType: soft\n"
            for path, manifest in sorted(members, key=lambda member: member[1]["name"])
        ]
        return head + "\n".join([*entries, *workspaces])

    def _descriptors(self, manifests: list[dict[str, Any]]) -> dict[str, set[str]]:
        """Which ranges lead to which published package: the highest version that fits."""
        found: dict[str, set[str]] = {}
        versions: dict[str, list[str]] = {}
        for identity in self.published:
            name, _, version = identity.rpartition("@")
            versions.setdefault(name, []).append(version)
        for manifest in [*manifests, *self.published.values()]:
            for section in ("dependencies", "optionalDependencies"):
                for name, asked in manifest.get(section, {}).items():
                    if ":" in asked:
                        continue
                    pinned = self.resolutions.get(name, asked)
                    best = highest(v for v in versions.get(name, ()) if satisfies(v, pinned))
                    if best:
                        found.setdefault(f"{name}@{best}", set()).add(pinned)
        return found


def host(packages: dict[str, str], *, backstage: str = "1.49.0") -> HostInventory:
    """A host called ``rhdh`` with these packages and versions."""
    return HostInventory(name="rhdh", release="1.0.0", backstage=backstage, packages=packages)


def _classic_range(name: str, asked: str, versions: dict[str, str]) -> str:
    return f"^{versions[name]}" if asked.startswith("workspace:") else asked


def _entry(identity: str, package: dict[str, Any], ranges: list[str], shape: Shape) -> str:
    name, _, version = identity.rpartition("@")
    ranges = [package["key"]] if "key" in package else ranges or [version]
    plain = dict(package.get("dependencies", {}))
    optional = package.get("optionalDependencies", {})
    if shape == "classic":
        plain.pop("node-gyp", None)  # which only berry adds
        keys = ", ".join(f'"{name}@{asked}"' for asked in ranges)
        text = f'{keys}:\n  version "{version}"\n  resolved "https://example.org/{identity}.tgz"\n'
        for section, dependencies in (("dependencies", plain), ("optionalDependencies", optional)):
            if dependencies:
                text += f"  {section}:\n"
                text += "".join(f'    "{n}" "{asked}"\n' for n, asked in dependencies.items())
        return text
    protocol = "npm:" if shape == "protocols" else ""
    keys = ", ".join(f"{name}@{asked if ':' in asked else f'npm:{asked}'}" for asked in ranges)
    text = f'"{keys}":\n  version: {version}\n  resolution: "{name}@npm:{version}"\n'
    if plain or optional:
        text += "  dependencies:\n"
        text += "".join(
            f'    "{n}": "{protocol}{asked}"\n'
            for n, asked in sorted({**plain, **optional}.items())
        )
    if package.get("peerDependencies"):
        text += "  peerDependencies:\n"
        text += "".join(f'    "{n}": "{a}"\n' for n, a in package["peerDependencies"].items())
    if optional:
        text += "  dependenciesMeta:\n"
        text += "".join(f'    "{n}":\n      optional: true\n' for n in sorted(optional))
    if package.get("conditions"):
        text += f"  conditions: {package['conditions']}\n"
    return f"{text}  checksum: 0123\n  languageName: node\n  linkType: hard\n"


def _write_json(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=2))
