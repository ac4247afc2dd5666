"""Which packages a workspace folder holds: its plugins, and the members of its yarn workspace."""

from __future__ import annotations

import os
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from factory.analysis.lockfile_parser import LOCKFILE, generation_of
from factory.analysis.manifest import MANIFEST_FILE, Manifest, read_manifest
from factory.analysis.read_once import once
from factory.analysis.workspace_globs import folders_named
from factory.errors import Place, SourceError
from factory.folders import may_be_read
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from factory.analysis.lockfile import Generation

BACKEND_ROLES = ("backend-plugin", "backend-plugin-module")
FRONTEND_ROLES = ("frontend-plugin", "frontend-plugin-module")
PLUGIN_ROLES = (*FRONTEND_ROLES, *BACKEND_ROLES)
"""The values of ``backstage.role`` that rhdh-cli exports."""

# Packages in here are made for tests, made by builds, or somebody else's.
_FIXTURES = frozenset({"fixtures", "test-fixtures", "testdata", "node_modules"})
_DUNDER = lazy_pattern(r"__.+__")
_HIDDEN_OR_BUILT = lazy_pattern(r"\..*|dist([-._].*)?")
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


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """What is not a plugin of the workspace although it looks like one, or hides what is there.

    ``path`` is relative to the workspace; ``name`` is a package's, empty for a mere folder.
    """

    path: str
    name: str = ""
    why: str

    def __str__(self) -> str:
        """A sentence with the path and the reason."""
        return f"{self.path} is left out: {self.why}"


@dataclass(frozen=True, kw_only=True, slots=True)
class PluginSearch:
    """The plugins of a workspace folder in path order, and what was left out in the search."""

    plugins: tuple[DiscoveredPlugin, ...]
    left_out: tuple[LeftOut, ...] = ()


def discover_plugins(workspace: Path) -> tuple[DiscoveredPlugin, ...]:
    """Return the plugins that :func:`search_plugins` finds.

    Raises:
        SourceError: there is no such folder, or a package.json cannot be used.
    """
    return search_plugins(workspace).plugins


def search_plugins(workspace: Path) -> PluginSearch:
    """Return every package of the folder whose ``backstage.role`` is a plugin's, in path order.

    Never entered: ``node_modules``, ``dist`` and ``dist-*``, hidden folders, folders of test
    fixtures, links to folders, and the ``src`` folder of a package that has a role. A package.json
    with placeholders instead of values is a template and left out. So is, with a word, what yarn
    does not count to the workspace: a folder with a yarn.lock of its own, and a package that is not
    a member.

    Raises:
        SourceError: there is no such folder, or a package.json cannot be used.
    """
    if not workspace.is_dir():
        raise SourceError(
            "there is no such workspace folder",
            place=Place(file=workspace),
            hint="name the folder that contains the workspace's package.json",
        )
    walk = _PackageWalk(workspace)
    members = membership(workspace)
    plugins: list[DiscoveredPlugin] = []
    for folder, manifest in walk.packages():
        if manifest.role not in PLUGIN_ROLES or not manifest.name:
            continue
        path = folder.relative_to(workspace).as_posix()
        why = members.why_not(folder) if members else ""
        if why:
            walk.left_out.append(LeftOut(path=path, name=manifest.name, why=why))
        else:
            plugins.append(DiscoveredPlugin(path=path, manifest=manifest))
    return PluginSearch(
        plugins=tuple(sorted(plugins, key=lambda plugin: plugin.path.split("/"))),
        left_out=tuple(sorted(walk.left_out, key=lambda each: each.path.split("/"))),
    )


def project_folder(workspace: Path) -> Path | None:
    """Return the root of the yarn workspace that a folder is in, or None where none is.

    It is the folder itself if it has a yarn.lock, or ``workspaces`` in its package.json, else the
    nearest folder above it whose package.json has ``workspaces``.

    Raises:
        SourceError: a package.json cannot be used.
    """
    if (workspace / LOCKFILE).is_file() and (workspace / MANIFEST_FILE).is_file():
        return workspace
    for folder in (workspace, *workspace.absolute().parents):
        manifest = folder / MANIFEST_FILE
        if manifest.is_file() and read_manifest(manifest).workspaces:
            return folder
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Membership:
    """What yarn counts to the project that a workspace folder is in; folders have no links."""

    project: Path
    folders: frozenset[Path]

    def why_not(self, folder: Path) -> str:
        """Return why the package in ``folder`` does not belong to the project, or "" if it does."""
        around = project_folder(folder)
        if around is not None and around.resolve() != self.project.resolve():
            return f"it belongs to another workspace, whose root is {around}"
        if folder.resolve() in self.folders:
            return ""
        file = self.project / MANIFEST_FILE
        return f"it is not among the 'workspaces' of {file}, so that yarn installs nothing for it"


def membership(workspace: Path) -> Membership | None:
    """Return what belongs to the yarn project around a folder, or None where there is none.

    Raises:
        SourceError: as for :func:`workspace_packages`.
    """
    project = project_folder(workspace)
    if project is None:
        return None
    folders = frozenset(folder.resolve() for folder, _ in _members(project))
    return Membership(project=project, folders=folders)


def workspace_packages(workspace: Path) -> Mapping[str, WorkspacePackage]:
    """Return the members of the yarn workspace whose root is ``workspace``, by package name.

    Members are the folders with a package.json that the root's ``workspaces`` globs name, those
    that members with ``workspaces`` of their own name (not for yarn 1), and the root itself if it
    has a name. A folder without a package.json at its root has no members.

    Raises:
        SourceError: a package.json or a glob cannot be used, or two members have the same name.
    """
    members: dict[str, WorkspacePackage] = {}
    for folder, manifest in _members(workspace):
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


def member_manifests(project: Path) -> tuple[Path, ...]:
    """Return the package.json of every member of a yarn workspace, the root's first.

    Raises:
        SourceError: as for :func:`workspace_packages`.
    """
    return tuple(manifest.file for _, manifest in _members(project))


def _members(project: Path) -> tuple[tuple[Path, Manifest], ...]:
    """Every member of the workspace with its package.json, the root first."""
    return once((WorkspacePackage, project), lambda: tuple(_look_for_members(project)))


def _look_for_members(project: Path) -> Iterator[tuple[Path, Manifest]]:
    if not (project / MANIFEST_FILE).is_file():
        return
    generation = generation_of(project / LOCKFILE)
    seen: set[Path] = set()
    pending = [project]
    while pending:
        folder = pending.pop(0)
        if folder in seen:
            continue
        seen.add(folder)
        manifest = _manifest_unless_template(folder / MANIFEST_FILE)
        if manifest is None:
            continue
        yield folder, manifest
        if folder == project or generation == "berry":
            pending.extend(
                each
                for each in _find_named(manifest, generation)
                if each.is_relative_to(project) and _has_manifest(each)
            )


def _has_manifest(folder: Path) -> bool:
    """Whether a folder has a package.json; that a folder may not be read is said."""
    is_folder = os.path.isdir(folder)  # noqa: PTH112 - never raises
    return is_folder and may_be_read(folder) and (folder / MANIFEST_FILE).is_file()


def _find_named(manifest: Manifest, generation: Generation) -> tuple[Path, ...]:
    if not manifest.workspaces:
        return ()
    try:
        return folders_named(manifest.file.parent, manifest.workspaces, generation)
    except ValueError as error:
        raise SourceError(
            "a glob of 'workspaces' cannot be used",
            place=Place(file=manifest.file, field="workspaces"),
            found=str(error),
            expected="globs such as plugins/*",
        ) from error


class _PackageWalk:
    """A look into every folder that may hold packages; what cannot be entered is left out."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.left_out: list[LeftOut] = []

    def packages(self) -> Iterator[tuple[Path, Manifest]]:
        pending = [os.fspath(self.root)]
        while pending:
            folder = pending.pop()
            manifest, subfolders = self._look(folder)
            if manifest:
                yield Path(folder), manifest
            sources_only = manifest is not None and bool(manifest.role)
            pending.extend(s.path for s in subfolders if not (sources_only and s.name == "src"))

    def _look(self, folder: str) -> tuple[Manifest | None, list[os.DirEntry[str]]]:
        """The package.json of a folder, and the folders in it to look into."""
        try:
            with os.scandir(folder) as found:
                entries = list(found)
        except OSError as error:
            self._leave_out(folder, f"it cannot be read ({error.strerror})")
            return None, []
        names = {entry.name for entry in entries}
        if Path(folder) != self.root and {LOCKFILE, MANIFEST_FILE} <= names:
            own = _manifest_unless_template(Path(folder) / MANIFEST_FILE)
            if own and (own.role in PLUGIN_ROLES or own.workspaces):
                self._leave_out(
                    folder, f"it has a {LOCKFILE} of its own, so it is a separate workspace"
                )
            return None, []
        manifest = None
        subfolders = []
        for entry in entries:
            if entry.name == MANIFEST_FILE and entry.is_file():
                manifest = _manifest_unless_template(Path(entry.path))
            elif entry.is_dir(follow_symlinks=False) and _may_hold_packages(entry.name):
                subfolders.append(entry)
        return manifest, subfolders

    def _leave_out(self, folder: str, why: str) -> None:
        path = Path(folder).relative_to(self.root).as_posix()
        self.left_out.append(LeftOut(path=path, why=why))


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
