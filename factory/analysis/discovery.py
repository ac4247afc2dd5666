"""Which packages a workspace folder holds: its plugins, and the members of its yarn workspace."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from factory.analysis.manifest import MANIFEST_FILE, Manifest, read_manifest
from factory.errors import Place, SourceError
from factory.unreadable import scanned

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BACKEND_ROLES = ("backend-plugin", "backend-plugin-module")
FRONTEND_ROLES = ("frontend-plugin", "frontend-plugin-module")
PLUGIN_ROLES = (*FRONTEND_ROLES, *BACKEND_ROLES)
"""The values of ``backstage.role`` that rhdh-cli exports."""

# Packages in here are made for tests, made by builds, or somebody else's.
_FIXTURES = frozenset({"fixtures", "test-fixtures", "testdata", "node_modules"})
_DUNDER = re.compile(r"__.+__")
_HIDDEN_OR_BUILT = re.compile(r"\..*|dist([-._].*)?")
# A scaffolder template's package.json: its fields hold placeholders.
_PLACEHOLDER = "{{"


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscoveredPlugin:
    """A plugin of a workspace; ``path`` is relative to the workspace, ``"."`` for its root."""

    path: str
    manifest: Manifest

    @property
    def role(self) -> str:
        """One of :data:`PLUGIN_ROLES`."""
        return self.manifest.role


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkspacePackage:
    """A member of a yarn workspace; ``path`` is relative to the workspace's root."""

    path: str
    folder: Path
    manifest: Manifest


def discover_plugins(workspace: Path) -> tuple[DiscoveredPlugin, ...]:
    """Return every package of the folder whose ``backstage.role`` is a plugin's, in path order.

    Never entered: ``node_modules``, ``dist`` and ``dist-*``, hidden folders, folders of test
    fixtures, links to folders, and the ``src`` folder of a package that has a role. A package.json
    with placeholders instead of values is a template and left out.

    Raises:
        SourceError: there is no such folder, or a package.json cannot be used.
    """
    if not workspace.is_dir():
        raise SourceError(
            "there is no such workspace folder",
            place=Place(file=workspace),
            hint="give the folder that holds the workspace's package.json",
        )
    found = []
    for folder, manifest in _packages_below(workspace):
        if manifest.role in PLUGIN_ROLES and manifest.name:
            path = folder.relative_to(workspace).as_posix()
            found.append(DiscoveredPlugin(path=path, manifest=manifest))
    return tuple(sorted(found, key=lambda plugin: plugin.path.split("/")))


def workspace_packages(workspace: Path) -> Mapping[str, WorkspacePackage]:
    """Return the members of the yarn workspace whose root is ``workspace``, by package name.

    Members are the folders with a package.json that the root's ``workspaces`` globs name, those
    that members with ``workspaces`` of their own name, and the root itself if it has a name. A
    folder without a package.json at its root has no members.

    Raises:
        SourceError: a package.json cannot be used, or two members have the same name.
    """
    if not (workspace / MANIFEST_FILE).is_file():
        return MappingProxyType({})
    members: dict[str, WorkspacePackage] = {}
    seen: set[Path] = set()
    pending = [workspace]
    while pending:
        folder = pending.pop(0)
        if folder in seen:
            continue
        seen.add(folder)
        manifest = _manifest_unless_template(folder / MANIFEST_FILE)
        if manifest is None:
            continue
        pending.extend(_matching(folder, manifest.workspaces))
        if not manifest.name:
            continue
        twin = members.get(manifest.name)
        if twin:
            raise SourceError(
                f"two packages of the workspace are called {manifest.name}",
                place=Place(file=manifest.file, field="name"),
                found=f"the same name in {twin.manifest.file}",
                hint="rename one of them, or narrow the root's 'workspaces' globs",
            )
        path = folder.relative_to(workspace).as_posix()
        members[manifest.name] = WorkspacePackage(path=path, folder=folder, manifest=manifest)
    return MappingProxyType(members)


def _packages_below(root: Path) -> Iterator[tuple[Path, Manifest]]:
    pending = [os.fspath(root)]
    while pending:
        folder = pending.pop()
        subfolders = []
        manifest = None
        for entry in scanned(folder):
            if entry.name == MANIFEST_FILE and entry.is_file():
                manifest = _manifest_unless_template(Path(entry.path))
            elif entry.is_dir(follow_symlinks=False) and _may_hold_packages(entry.name):
                subfolders.append(entry)
        if manifest:
            yield Path(folder), manifest
        sources_only = manifest is not None and bool(manifest.role)
        pending.extend(s.path for s in subfolders if not (sources_only and s.name == "src"))


def _manifest_unless_template(file: Path) -> Manifest | None:
    try:
        manifest = read_manifest(file)
    except SourceError:
        if _has_placeholders(file):
            return None
        raise
    return None if _PLACEHOLDER in manifest.name else manifest


def _has_placeholders(file: Path) -> bool:
    try:
        return _PLACEHOLDER in file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _may_hold_packages(folder: str) -> bool:
    return not (
        folder in _FIXTURES or _HIDDEN_OR_BUILT.fullmatch(folder) or _DUNDER.fullmatch(folder)
    )


def _matching(root: Path, globs: tuple[str, ...]) -> list[Path]:
    """The folders with a package.json that the globs name, in order, less those after a ``!``."""
    wanted: dict[Path, None] = {}
    refused: set[Path] = set()
    for glob in globs:
        for pattern in _without_braces(glob.removeprefix("!")):
            segments = [part for part in pattern.split("/") if part not in {"", "."}]
            folders = [
                folder
                for folder in _expanded(root, segments)
                if os.path.isfile(folder / MANIFEST_FILE)  # noqa: PTH113 - False for whatever reason
            ]
            if glob.startswith("!"):
                refused.update(folders)
            else:
                wanted.update(dict.fromkeys(folders))
    return [folder for folder in wanted if folder not in refused]


def _without_braces(glob: str) -> list[str]:
    """Each reading of a glob with alternatives: ``{a,b}/*`` is ``a/*`` and ``b/*``."""
    found = re.search(r"\{([^{}]*)\}", glob)
    if not found:
        return [glob]
    before, after = glob[: found.start()], glob[found.end() :]
    return [
        reading
        for choice in found[1].split(",")
        for reading in _without_braces(before + choice + after)
    ]


def _expanded(root: Path, segments: list[str]) -> list[Path]:
    """Folders below ``root`` that the segments of one glob match, sorted; each once."""
    found: dict[Path, None] = {}
    pending = [(root, 0)]
    seen = set(pending)
    while pending:
        folder, depth = pending.pop(0)
        if depth == len(segments):
            if folder != root:
                found[folder] = None
            continue
        segment = segments[depth]
        following: list[tuple[Path, int]] = []
        if segment == "**":
            following.append((folder, depth + 1))
            following.extend((child, depth) for child in _children(folder))
        elif set(segment) & set("*?["):
            following.extend(
                (child, depth + 1)
                for child in _children(folder)
                if fnmatchcase(child.name, segment)
            )
        elif (folder / segment).is_dir():
            following.append((folder / segment, depth + 1))
        fresh = [step for step in following if step not in seen]
        seen.update(fresh)
        pending.extend(fresh)
    return sorted(found)


def _children(folder: Path) -> list[Path]:
    names = [each.name for each in scanned(folder) if each.is_dir(follow_symlinks=False)]
    return sorted(
        folder / name
        for name in names
        if name != "node_modules" and not _HIDDEN_OR_BUILT.fullmatch(name)
    )
