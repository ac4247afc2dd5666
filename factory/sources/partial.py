"""A part of a commit in a folder: some folders of it, and no file of the others.

Where a server allows it (git-clone(1), ``--filter=blob:none``), commits and folders come without
the files, and of these only the ones that are checked out. What is checked out is said by
git-sparse-checkout(1), "cone mode": the wanted folders whole, and of those above them the files
that are directly there. A server that knows no filters sends all; the folder holds the same then.

Files are fetched before they are checked out, by their ids, and never by git in passing (git(1),
GIT_NO_LAZY_FETCH): so it tells of its progress, a server that falls silent is given up, and what
some repository's configuration promises is asked of nobody. Of a repository on this machine all is
taken, since the git that reads it would have to be one that may ask.
"""

from __future__ import annotations

import re
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from factory.patterns import lazy_pattern
from factory.sources.git_process import open_git
from factory.toolchain.runner import ProcessFailed
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from factory.sources.git_process import GitSession
    from factory.sources.session_git import SessionGit
    from factory.sources.source import GitRemote

WITHOUT_FILES = "--filter=blob:none"
# git-sparse-checkout(1) in worktrees of bare clones, as it is used here.
_OLDEST_GIT = (2, 37)
_AT_ONCE = 200
_UNNAMED = lazy_pattern("unadvertised object|not our ref")


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """The folders of a repository that are wanted: paths from its root, with ``/``."""

    folders: tuple[str, ...]


def can_check_out_parts(session: GitSession) -> bool:
    """Whether this git knows how to."""
    return open_git(None, session).version_info >= _OLDEST_GIT


def can_leave_files_out(remote: GitRemote) -> bool:
    """Whether a remote may be asked for commits without their files."""
    return remote.folder is None


def is_partial(git: SessionGit) -> bool:
    """Whether a repository may lack files of the commits that it has."""
    _, promisor, _ = git.config(
        "--get", "remote.origin.promisor", with_extended_output=True, with_exceptions=False
    )
    return str(promisor) == "true"


def bring_files(
    git: SessionGit, commit: str, folders: Sequence[str] | None, options: Sequence[str]
) -> None:
    """Fetch the files that are checked out with some folders of a commit, and are not here yet.

    Args:
        git: runs in a repository that :func:`is_partial`.
        commit: the full id; the commit and its folders are here.
        folders: the wanted ones, from the root; None for all of the commit.
        options: of git-fetch(1), for what it tells.

    Raises:
        ProcessFailed: git cannot.
    """
    asked: Iterable[list[str]] = [[]] if folders is None else _portions(_pathspecs(folders))
    missing: set[str] = set()
    for some in asked:
        words = ("--objects", "--no-object-names", "--no-walk", "--missing=print")
        listed = str(git.rev_list(*words, commit, "--", *some))
        missing.update(line[1:] for line in listed.splitlines() if line.startswith("?"))
    if not missing:
        return
    lean = (*options, "--no-tags", "--no-write-fetch-head")
    try:
        git.feed(
            "".join(f"{each}\n" for each in sorted(missing)),
            *("-c", "fetch.negotiationAlgorithm=noop"),
            *("fetch", *lean, WITHOUT_FILES, "--stdin", "--", "origin"),
        )
    except ProcessFailed as failure:
        # Servers that speak no gitprotocol-v2(5) may give nothing that has no name.
        if not _UNNAMED.search(failure.completed.tail):
            raise
        git.fetch("--refetch", "--no-filter", "--depth=1", *lean, "--", "origin", commit)


def _pathspecs(folders: Iterable[str]) -> Iterator[str]:
    """The folders, and the files directly in those above them (gitglossary(7), "pathspec")."""
    yield from (f":(top,literal){folder}" for folder in folders)
    above = {parent for folder in folders for parent in PurePosixPath(folder).parents}
    for parent in sorted(above | {PurePosixPath(".")}):
        escaped = re.sub(r"([*?\[\\])", r"\\\1", f"{parent}/".removeprefix("./"))
        yield f":(top,glob){escaped}*"


def narrow(root: Path, part: Part, session: GitSession) -> None:
    """Say which part of a worktree is wanted, before anything is in it.

    Raises:
        ProcessFailed: git cannot.
    """
    git = open_git(root, session)
    first, *more = list(_portions(part.folders)) or [[]]
    git.sparse_checkout("set", "--cone", "--skip-checks", "--", *first)
    for folders in more:
        git.sparse_checkout("add", "--skip-checks", "--", *folders)


def widen(root: Path, folders: Sequence[str], session: GitSession) -> None:
    """Check out further folders of the commit that is checked out.

    Args:
        root: the checkout.
        folders: from there; what is not in the commit does no harm.
        session: how git is run, with access to the remote.

    Raises:
        ProcessFailed: git cannot.
    """
    git = open_git(root, session)
    if is_partial(git):
        bring_files(git, _head(git), folders, ("--quiet",))
    for some in _portions(folders):
        git.sparse_checkout("add", "--skip-checks", "--", *some)


def bring_the_rest(root: Path, session: GitSession) -> None:
    """Check out all of the commit that is checked out; the arguments are as for :func:`widen`.

    Raises:
        ProcessFailed: git cannot.
    """
    git = open_git(root, session)
    if is_partial(git):
        bring_files(git, _head(git), None, ("--quiet",))
    git.sparse_checkout("disable")


def _head(git: SessionGit) -> str:
    return str(git.rev_parse("--verify", "HEAD"))


def folders_in_commit(root: Path, paths: Iterable[str], session: GitSession) -> frozenset[str]:
    """Return those of some paths that are folders of the commit that is checked out.

    Raises:
        ProcessFailed: git cannot.
    """
    literally = session.with_variables({"GIT_LITERAL_PATHSPECS": "1"})
    git = open_git(root, literally)
    found: set[str] = set()
    for some in _portions(sorted(set(paths))):
        listed = str(git.ls_tree("-z", "-d", "--name-only", "HEAD", "--", *some))
        found.update(filter(None, listed.split("\0")))
    return frozenset(found)


def _portions(paths: Iterable[str]) -> Iterator[list[str]]:
    """Paths in lists that fit on a command line."""
    left = iter(paths)
    while some := list(islice(left, _AT_ONCE)):
        yield some
