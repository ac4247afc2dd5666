"""A workspace as its yarn.lock has it: the graph, the members, and the patches that are locked.

A patched dependency is asked for as ``patch:SOURCE#FILE&FILE``, where SOURCE is a descriptor with
its special characters escaped (https://yarnpkg.com/protocol/patch). A file is relative to whoever
asks, or, after ``~/``, to the folder of yarn.lock; ``builtin<NAME>`` is a patch of yarn's own, and
what follows ``optional!`` may fail to apply.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote

from factory.analysis.discovery import workspace_packages
from factory.analysis.lockfile import split_descriptor
from factory.analysis.manifest import MANIFEST_FILE, read_manifest
from factory.analysis.workspace_analysis import find_context
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from factory.analysis.discovery import WorkspacePackage
    from factory.analysis.graph import DependencyGraph
    from factory.analysis.inventory import HostInventory

PATCH = "patch:"
_OPTIONAL = "optional!"
_OF_PROJECT = "~/"
_MEMBER = "@workspace:"


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedWorkspace:
    """A workspace: the folder of its yarn.lock, and what that and the package.jsons say.

    ``resolutions`` are the root's, in their order.
    """

    root: Path
    graph: DependencyGraph
    members: Mapping[str, WorkspacePackage]
    resolutions: Mapping[str, str]

    @property
    def lockfile(self) -> Path:
        """The yarn.lock."""
        return self.graph.lockfile.file


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedPatch:
    """A patch that is applied to a package.

    ``path`` counts from the folder of yarn.lock, with ``/``; it is "" for yarn's own patches, and
    for a file that is not below that folder. ``optional``: yarn goes on if it does not apply.
    """

    path: str
    optional: bool = False


def read_locked_workspace(workspace: Path, host: HostInventory) -> LockedWorkspace:
    """Return what the lockfile of ``workspace``, or of the workspace around it, says.

    Raises:
        SourceError: a package.json cannot be used.
        DependenciesError: there is no yarn.lock, or it cannot be used.
    """
    graph = find_context(workspace, host, ()).graph
    root = graph.lockfile.file.parent
    manifest = root / MANIFEST_FILE
    return LockedWorkspace(
        root=root,
        graph=graph,
        members=workspace_packages(root),
        resolutions=read_manifest(manifest).resolutions if manifest.is_file() else {},
    )


def find_locked_patches(locator: str) -> tuple[LockedPatch, ...]:
    """Return the patches of a package by its locator in yarn.lock, in the order of application."""
    name, reference = split_descriptor(locator)
    if not name or not reference.startswith(PATCH):
        return ()
    return tuple(_patches(reference))


def _patches(reference: str) -> Iterator[LockedPatch]:
    source, files, binding = split_patch(reference)
    inner = split_descriptor(source)[1]
    if inner.startswith(PATCH):
        yield from _patches(inner)
    asker = parse_qs(binding).get("locator", [""])[0]
    folder = asker.partition(_MEMBER)[2] if _MEMBER in asker else ""
    for file in files:
        yield LockedPatch(path=patch_path(file, folder), optional=file.startswith(_OPTIONAL))


def split_patch(reference: str) -> tuple[str, tuple[str, ...], str]:
    """Return the descriptor that a ``patch:`` range is of, its patches as written, its binding."""
    written, _, binding = reference.removeprefix(PATCH).partition("::")
    source, _, selector = written.partition("#")
    return unquote(source), tuple(file for file in selector.split("&") if file), binding


def patch_path(file: str, folder: str) -> str:
    """Return where a patch is, from the folder of yarn.lock, or "" if it is not below that.

    Args:
        file: the patch as a range names it.
        folder: that of whoever asks for it, from the folder of yarn.lock.
    """
    bare = file.removeprefix(_OPTIONAL)
    if "builtin<" in bare:
        return ""
    of_project = bare.startswith(_OF_PROJECT)
    below = bare.removeprefix(_OF_PROJECT) if of_project else posixpath.join(folder, bare)
    path = posixpath.normpath(below)
    return "" if path.startswith(("/", "../")) or path in {".", ".."} else path
