"""The part of a repository that a workspace is built from: its own folder, and what that reaches.

Repositories that hold dozens of workspaces are hundreds of megabytes, of which one workspace is a
few. What is outside of it and yet wanted is found in the workspace itself: what its files refer to
by ``../``, where its links lead, what patches change, what the files in the folders above it that
tools read of their own accord refer to, and yarn's own programs and patches there.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from factory.analysis.lockfile_parser import LOCKFILE
from factory.analysis.manifest import MANIFEST_FILE
from factory.cache.tree import OF_YARN, Tree, references_above
from factory.notation.json_text import parse_object
from factory.sources.partial import (
    Part,
    bring_the_rest,
    can_check_out_parts,
    folders_in_commit,
    widen,
)
from factory.sources.patch import names_in_patches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from factory.sources.git_process import GitSession

log = logging.getLogger(__name__)

_ROOT = PurePosixPath(".")
# Where a workspace refers to more folders than that, all of the repository costs little more.
_MOST_FOLDERS = 500
_LONGEST_PATH = 4096


def wanted_part(workspace_path: str, patches: tuple[Path, ...], session: GitSession) -> Part | None:
    """Return what is wanted of a commit before anything of it is here; None for all of it.

    Args:
        workspace_path: the workspace, from the repository's root.
        patches: what will be applied to it.
        session: how git is run.

    Raises:
        PatchError: a patch cannot be read, or is not valid.
    """
    workspace = PurePosixPath(workspace_path.strip())
    is_inside = not workspace.is_absolute() and ".." not in workspace.parts
    if workspace == _ROOT or not is_inside or not can_check_out_parts(session):
        return None
    above = (workspace, *workspace.parents)
    wanted = {workspace, *(folder / name for folder in above for name in OF_YARN)} - {_ROOT}
    for name in names_in_patches(patches):
        # Names are the workspace's, or the repository's: what only one of them has costs nothing.
        wanted |= {name.parent, (workspace / name).parent} - {_ROOT}
    folders = tuple(_usable(wanted))
    return Part(folders=folders) if len(folders) == len(wanted) else None


def _usable(folders: Iterable[PurePosixPath]) -> Iterator[str]:
    """The folders that git can be told, sorted: its list has one in a line."""
    for folder in sorted({*folders} - {_ROOT}):
        name = str(folder)
        is_inside = ".." not in folder.parts and not folder.is_absolute()
        if is_inside and name.isprintable() and len(name) < _LONGEST_PATH:
            yield name


def is_by_itself(root: Path, workspace_path: str) -> bool:
    """Whether a workspace that has been checked out needs no folder around it to be one.

    Without a lockfile of its own it belongs to a larger one, or is not there, which whoever looks
    for it can say only of the whole repository.
    """
    workspace = root / workspace_path.strip()
    return (workspace / LOCKFILE).is_file() and not _has_members_outside(workspace)


def bring_what_is_reached(root: Path, part: Part, workspace_path: str, session: GitSession) -> None:
    """Bring what a checked out part refers to outside of itself, and what that refers to.

    A reference to a folder around the workspace means the place, and brings nothing of it.

    Args:
        root: the checkout.
        part: what of it is here.
        workspace_path: the workspace, from the root.
        session: how git is run, with access to the remote.

    Raises:
        ProcessFailed: git cannot.
        OSError: something in the checkout cannot be read.
    """
    above = frozenset(PurePosixPath(workspace_path.strip()).parents)
    here = {PurePosixPath(folder) for folder in part.folders}
    reached = _reached_from_above(root, above, session)
    looked_at: set[PurePosixPath] = set()
    while True:
        new = here - looked_at
        looked_at |= new
        reached |= _reached_from(root, new)
        reached |= {end for each in reached if (end := _end_of_links(root, each))}
        away = {each for each in reached if not here & {each, *each.parents}} - above
        folders = folders_in_commit(root, _usable(away), session)
        # Of a file, or a name that lacks its ending, the folder that it is in.
        wanted = {each if str(each) in folders else each.parent for each in away} - here - above
        if not wanted:
            return
        here |= wanted
        if len(here) > _MOST_FOLDERS:
            log.info("all of the repository is fetched: %s refers to many folders", workspace_path)
            bring_the_rest(root, session)
            return
        widen(root, tuple(_usable(wanted)), session)
        reached = set()


def _reached_from_above(
    root: Path, above: AbstractSet[PurePosixPath], session: GitSession
) -> set[PurePosixPath]:
    """What the files in the folders above a workspace refer to, less the folders: other projects.

    Some of those files are read: tsconfig.json and babel.config.js by who extends them or finds
    none nearer, .yarnrc.yml by yarn.
    """
    found = {PurePosixPath(path) for each in above for path in references_above(root, str(each))}
    folders = folders_in_commit(root, _usable(found), session)
    return {each for each in found if str(each) not in folders}


def _reached_from(root: Path, folders: Iterable[PurePosixPath]) -> set[PurePosixPath]:
    tree = Tree(root=root)
    found: set[PurePosixPath] = set()
    for folder in folders:
        if end := _end_of_links(root, folder):
            found.add(end)  # what is by way of a link is elsewhere, or is not the repository's
        elif _is_real(root, folder):
            found.update(map(PurePosixPath, tree.folder(str(folder)).outward))
    return found


def _end_of_links(root: Path, path: PurePosixPath) -> PurePosixPath | None:
    """Where a path leads by way of links in the checkout, if that is another place in it."""
    real = _real_path(root)
    leads_to = _real_path(root / path)
    inside = leads_to != real / path and leads_to.is_relative_to(real)
    return PurePosixPath(leads_to.relative_to(real)) if inside else None


def _is_real(root: Path, path: PurePosixPath) -> bool:
    return _real_path(root / path) == _real_path(root) / path


def _real_path(path: Path) -> Path:
    # Unlike Path.resolve, without an error where links lead to each other.
    return Path(os.path.realpath(path))


def _has_members_outside(workspace: Path) -> bool:
    """Whether the globs of a workspace's members lead out of it."""
    try:
        members = parse_object((workspace / MANIFEST_FILE).read_bytes()).get("workspaces")
    except (OSError, ValueError):
        return False  # said by whoever reads the manifest for its own sake
    globs = members.get("packages") if isinstance(members, dict) else members
    return any("../" in str(glob) for glob in (globs if isinstance(globs, list) else ()))
