"""What git says of a tree of the user's: its commit, and what is not committed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from factory.sources.git_process import open_git
from factory.sources.source import is_git_repository
from factory.toolchain.runner import ProcessFailed
from factory.values import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from factory.sources.git_process import GitSession
    from factory.sources.session_git import SessionGit

log = logging.getLogger(__name__)

_STATUS_WIDTH = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class WorktreeState:
    """Whether a folder is in a git repository, at which commit, and what is not committed.

    ``uncommitted`` holds paths relative to the repository's root, new files included. ``commit`` is
    ``None`` outside git and before the first commit.
    """

    in_git: bool
    commit: str | None = None
    committed_at: int | None = None
    branch: str | None = None
    uncommitted: tuple[str, ...] = ()


def worktree_state(folder: Path, session: GitSession) -> WorktreeState:
    """Return what git says of a folder's worktree, without writing to it.

    A folder that git cannot make sense of counts as being outside git.
    """
    asking = session.with_variables({"GIT_OPTIONAL_LOCKS": "0", "GIT_ALLOW_PROTOCOL": "none"})
    # The user named this folder; in a container it is often another user's.
    asking = asking.with_settings([("safe.directory", str(folder))])
    git = open_git(folder, asking)
    try:
        inside = git.rev_parse("--is-inside-work-tree") == "true"
        git = open_git(folder, asking.with_settings(_without_filters(git)))
    except ProcessFailed:
        return WorktreeState(in_git=is_git_repository(folder))
    commit = committed_at = branch = None
    try:
        commit, _, seconds = str(git.log("-1", "--format=%H %ct")).partition(" ")
        committed_at = int(seconds)
        name = git.rev_parse("--abbrev-ref", "HEAD")
        branch = None if name == "HEAD" else name
    except ProcessFailed:
        commit = None
    return WorktreeState(
        in_git=True,
        commit=commit,
        committed_at=committed_at,
        branch=branch,
        uncommitted=_list_uncommitted(git) if inside else (),
    )


def _without_filters(git: SessionGit) -> list[tuple[str, str]]:
    """Settings that switch off the filters of the repository's own configuration.

    ``git status`` runs them on files that have changed (gitattributes(5)), and a folder that
    came as an archive brings somebody's configuration. Filters of the user's own stay.
    """
    names: list[str] = []
    for scope in ("--local", "--worktree"):
        failed, listed, _ = git.config(
            scope,
            "--includes",
            "--name-only",
            "-z",
            "--get-regexp",
            r"^filter\..*\.(clean|smudge|process|required)$",
            with_extended_output=True,
            with_exceptions=False,
        )
        names += [] if failed else [name for name in str(listed).split("\0") if name.strip()]
    return [(name, "false" if name.endswith(".required") else "") for name in names]


def _list_uncommitted(git: SessionGit) -> tuple[str, ...]:
    """Paths of ``git status --porcelain=v1 -z``: a rename is followed by its old name."""
    try:
        status = str(git.status("--porcelain=v1", "-z"))
    except ProcessFailed as failure:
        log.warning(
            "whether %s has uncommitted changes is not known: git status fails (%s)",
            git.working_dir,
            failure.completed.tail.strip().rpartition("\n")[2],
        )
        return ()
    paths: list[str] = []
    entries = iter(status.split("\0"))
    for entry in entries:
        if entry:
            paths.append(entry[_STATUS_WIDTH:])
            if "R" in entry[:2] or "C" in entry[:2]:
                next(entries, None)
    return tuple(paths)
