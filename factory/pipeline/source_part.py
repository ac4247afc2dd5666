"""The part of a repository that a workspace is built from: its own folder, and what that reaches.

Repositories that hold dozens of workspaces are hundreds of megabytes, of which one workspace is a
few. What is outside of it and yet wanted is found in the workspace itself: what its files refer to
by ``../``, where its links lead, what patches change, and yarn's own programs and patches above it.
"""

from __future__ import annotations

import logging
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from factory.analysis.lockfile_parser import LOCKFILE
from factory.analysis.manifest import MANIFEST_FILE
from factory.cache.tree import OF_YARN, Tree
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
    from pathlib import Path

    from factory.sources.git_process import GitSession

log = logging.getLogger(__name__)

_ROOT = PurePosixPath(".")


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
    wanted = [workspace, *(folder / name for folder in above for name in OF_YARN)]
    for name in names_in_patches(patches):
        # Names are the workspace's, or the repository's: what only one of them has costs nothing.
        wanted += [name.parent, (workspace / name).parent]
    return Part(folders=tuple(_usable(wanted)))


def _usable(folders: Iterable[PurePosixPath]) -> Iterator[str]:
    kept = {each for each in folders if ".." not in each.parts and not each.is_absolute()}
    return (str(each) for each in sorted(kept - {_ROOT}))


def bring_what_is_reached(root: Path, part: Part, workspace_path: str, session: GitSession) -> None:
    """Bring what a checked out part refers to outside of itself, and what that refers to.

    All of the repository is brought where the workspace has no lockfile of its own: then it belongs
    to a larger one, or is not there, which whoever looks for it can say only of the whole.

    Args:
        root: the checkout.
        part: what of it is here.
        workspace_path: the workspace, from the root.
        session: how git is run, with access to the repository.

    Raises:
        ProcessFailed: git cannot.
        OSError: something in the checkout cannot be read.
    """
    workspace = PurePosixPath(workspace_path.strip())
    if not (root / workspace / LOCKFILE).is_file() or _has_members_outside(root / workspace):
        log.info("all of the repository is fetched: %s is not a workspace by itself", workspace)
        bring_the_rest(root, session)
        return
    here = {PurePosixPath(folder) for folder in part.folders}
    looked_at: set[PurePosixPath] = set()
    while new := here - looked_at:
        looked_at |= new
        reached = {each for each in _reached_from(root, new) if not _is_here(root, each, here)}
        folders = folders_in_commit(root, map(str, reached), session)
        # Of a file, or a name that lacks its ending, the folder that it is in.
        around = {each if str(each) in folders else each.parent for each in reached}
        wanted = around - here - {_ROOT}
        if wanted:
            widen(root, _usable(wanted), session)
        here |= wanted


def _has_members_outside(workspace: Path) -> bool:
    """Whether the globs of a workspace's members lead out of it."""
    try:
        members = parse_object((workspace / MANIFEST_FILE).read_bytes()).get("workspaces")
    except (OSError, ValueError):
        return False  # said by whoever reads the manifest for its own sake
    globs = members.get("packages") if isinstance(members, dict) else members
    return any("../" in str(glob) for glob in (globs if isinstance(globs, list) else ()))


def _reached_from(root: Path, folders: Iterable[PurePosixPath]) -> set[PurePosixPath]:
    tree = Tree(root=root)
    outward = {path for folder in folders for path in tree.folder(str(folder)).outward}
    return {PurePosixPath(path) for path in outward} - {_ROOT}


def _is_here(root: Path, path: PurePosixPath, here: set[PurePosixPath]) -> bool:
    """Whether a path is checked out with a folder that is, or lies directly in one above it."""
    if here & {path, *path.parents}:
        return True
    above = {parent for each in here for parent in each.parents} | {_ROOT}
    return path.parent in above and (root / path).is_file()
