"""What a user should know of a repository because git does not bring it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from factory.quantities import join_names, pluralize
from factory.sources.git_process import open_git
from factory.sources.worktree import worktree_state

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from factory.sources.git_process import GitSession

log = logging.getLogger(__name__)

_LFS_POINTER = b"version https://git-lfs"


def warn_of_uncommitted(folder: Path, session: GitSession) -> None:
    """Say so if a local repository has changes that are not committed: git does not bring them."""
    state = worktree_state(folder, session)
    if state.uncommitted:
        log.warning(
            "%s has %s, not built (%s). "
            "Commit them, or build the folder in place with --use-local.",
            folder,
            pluralize(len(state.uncommitted), "uncommitted change"),
            join_names(state.uncommitted, 3),
        )


def warn_of_missing(root: Path, folders: Sequence[str], session: GitSession) -> None:
    """Say so if a tree that git has checked out lacks its submodules, or its LFS files.

    Args:
        root: the tree.
        folders: those that were checked out, from the root; all of them if there are none.
        session: how git is run.
    """
    _warn_of_submodules(root)
    _warn_of_pointers(root, folders, session)


def _warn_of_submodules(root: Path) -> None:
    if (root / ".gitmodules").is_file():
        log.warning(
            "the repository has submodules, which are not fetched. If a plugin needs them, clone "
            "it with --recurse-submodules yourself and build it with --use-local."
        )


def _warn_of_pointers(root: Path, folders: Sequence[str], session: GitSession) -> None:
    where = [f":(top,literal,attr:filter=lfs){folder}" for folder in folders]
    asked = where or [":(attr:filter=lfs)"]
    listed = str(open_git(root, session).ls_files("-z", "--", *asked))
    for name in filter(None, listed.split("\0")):
        path = root / name
        if path.is_file() and path.read_bytes()[: len(_LFS_POINTER)] == _LFS_POINTER:
            log.warning(
                "%s is a Git LFS pointer and not the file itself: "
                "run 'git lfs install' once to have the files fetched.",
                name,
            )
            return
