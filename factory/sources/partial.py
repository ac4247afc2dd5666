"""A part of a commit in a folder: some folders of it, and no file of the others.

Where a server allows it (git-clone(1), ``--filter=blob:none``), commits and folders come without
the files, and of these only the ones that are checked out. What is checked out is said by
git-sparse-checkout(1), "cone mode": the wanted folders whole, and of those above them the files
that are directly there. A server that knows no filters sends all; the folder holds the same then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from factory.sources.git_process import SessionGit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from factory.sources.git_process import GitSession

WITHOUT_FILES = "--filter=blob:none"
# git-sparse-checkout(1) in worktrees of bare clones, as it is used here.
_OLDEST_GIT = (2, 37)


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """The folders of a repository that are wanted: paths from its root, with ``/``."""

    folders: tuple[str, ...]


def can_check_out_parts(session: GitSession) -> bool:
    """Whether this git knows how to."""
    return SessionGit(None, session=session).version_info >= _OLDEST_GIT


def with_files_on_demand(session: GitSession) -> GitSession:
    """Return a session whose git may fetch the files that a command needs, in passing.

    For our own clones alone: where files come from is said by the repository's configuration.
    """
    return session.with_variables({"GIT_NO_LAZY_FETCH": "0"})


def is_partial(git: SessionGit) -> bool:
    """Whether a repository may lack files of the commits that it has."""
    _, promisor, _ = git.config(
        "--get", "remote.origin.promisor", with_extended_output=True, with_exceptions=False
    )
    return str(promisor) == "true"


def narrow(root: Path, part: Part, session: GitSession) -> None:
    """Say which part of a worktree is wanted, before anything is in it.

    Raises:
        ProcessFailed: git cannot.
    """
    git = SessionGit(root, session=session)
    git.sparse_checkout("set", "--cone", "--skip-checks", "--", *part.folders)


def widen(root: Path, folders: Iterable[str], session: GitSession) -> None:
    """Bring further folders of the commit that is checked out.

    Raises:
        ProcessFailed: git cannot.
    """
    git = SessionGit(root, session=with_files_on_demand(session))
    git.sparse_checkout("add", "--skip-checks", "--", *folders)


def folders_in_commit(root: Path, paths: Iterable[str], session: GitSession) -> frozenset[str]:
    """Return those of some paths that are folders of the commit that is checked out."""
    wanted = sorted(set(paths))
    if not wanted:
        return frozenset()
    git = SessionGit(root, session=session.with_variables({"GIT_LITERAL_PATHSPECS": "1"}))
    listed = str(git.ls_tree("-z", "-d", "--name-only", "HEAD", "--", *wanted))
    return frozenset(filter(None, listed.split("\0")))


def bring_the_rest(root: Path, session: GitSession) -> None:
    """Bring all of the commit that is checked out.

    Raises:
        ProcessFailed: git cannot.
    """
    SessionGit(root, session=with_files_on_demand(session)).sparse_checkout("disable")
