"""Which release of Backstage a workspace is on: its backstage.json says it, or its yarn.lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.analysis.discovery import workspace_packages
from factory.analysis.inventory import BACKSTAGE_FILE, backstage_version
from factory.analysis.lockfile_parser import find_lockfile, read_lockfile
from factory.analysis.manifest import MANIFEST_FILE
from factory.analysis.release_match import SCOPE, match_release
from factory.analysis.resolutions import parse_resolutions
from factory.errors import DependenciesError, SourceError
from factory.notation.json_text import parse_object
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from factory.analysis.discovery import WorkspacePackage
    from factory.analysis.lockfile import Lockfile

_ASKING = ("dependencies", "devDependencies")


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkspaceBackstage:
    """The Backstage version of a workspace, and why; empty if nothing tells.

    ``said`` is whether a backstage.json says it.
    """

    version: str = ""
    why: str = ""
    said: bool = False

    @property
    def computed(self) -> str:
        """The version where no backstage.json says it, otherwise empty."""
        return "" if self.said else self.version


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedMembers:
    """The yarn.lock of a workspace, and its members by name."""

    lockfile: Lockfile
    members: Mapping[str, WorkspacePackage]


def find_workspace_backstage(
    workspace: Path, locked: LockedMembers | None = None
) -> WorkspaceBackstage:
    """Return the Backstage version of a workspace: of its backstage.json, or of its yarn.lock.

    Computed are the packages that members of the workspace ask for themselves, as yarn.lock
    resolves them; what others bring along tells nothing. A workspace whose yarn.lock cannot be
    used has none: the stage that needs it says what is wrong.

    Args:
        workspace: the folder of the workspace, or one in it.
        locked: its yarn.lock and its members, where they have been read already.

    Raises:
        ConfigurationError: backstage.json cannot be used.
    """
    if said := backstage_version(workspace):
        return WorkspaceBackstage(version=said, why=BACKSTAGE_FILE, said=True)
    try:
        file = find_lockfile(workspace)
        if said := backstage_version(file.parent):
            return WorkspaceBackstage(version=said, why=BACKSTAGE_FILE, said=True)
        found = match_release(_directly_locked(locked or _read_locked(file)))
    except (DependenciesError, SourceError, OSError, ValueError):
        return WorkspaceBackstage()
    if found is None or found.version is None:
        return WorkspaceBackstage(why=str(found) if found else "")
    return WorkspaceBackstage(version=found.version, why=str(found))


def _read_locked(file: Path) -> LockedMembers:
    return LockedMembers(lockfile=read_lockfile(file), members=workspace_packages(file.parent))


def _directly_locked(locked: LockedMembers) -> Mapping[str, set[str]]:
    """The ``@backstage/`` packages that members ask for, with the versions that they get."""
    lockfile = locked.lockfile
    root = lockfile.file.parent
    folders = [root, *(member.folder for member in locked.members.values())]
    documents = [
        parse_object(file.read_bytes())
        for folder in folders
        if (file := folder / MANIFEST_FILE).is_file()
    ]
    replaced = documents[0].get("resolutions") if documents else None
    replacing = {str(k): str(v) for k, v in replaced.items()} if isinstance(replaced, dict) else {}
    resolutions = parse_resolutions(replacing)
    found: dict[str, set[str]] = {}
    for document in documents:
        for name, asked in _asked_packages(document):
            wanted = resolutions.replace_range(
                name, asked, str(document.get("name", "")), str(document.get("version", ""))
            )
            entry = lockfile.resolve(name, wanted)
            if entry and not entry.is_workspace:
                found.setdefault(name, set()).add(entry.version)
    return found


def _asked_packages(document: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for group in _ASKING:
        asked = document.get(group)
        for name, value in (asked if isinstance(asked, dict) else {}).items():
            if name.startswith(SCOPE) and isinstance(value, str):
                yield name, value
