"""Building the user's own tree in place (``--use-local``): what will be changed in it, beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from factory.sources.source import Checkout, is_git_repository
from factory.toolchain.runner import ProcessFailed

if TYPE_CHECKING:
    from pathlib import Path

    from factory.sources.git_process import GitSession
    from factory.sources.overlay import Overlay

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


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalChanges:
    """What a build is going to change in the user's tree."""

    root: Path
    workspace: Path
    patches: tuple[Path, ...]
    overlays: tuple[Overlay, ...]
    generated: tuple[str, ...]
    state: WorktreeState

    def lines(self) -> tuple[str, ...]:
        """Return the notice to show before anything happens, line by line."""
        said = [f"building {self.workspace} in place; this changes files there:"]
        said += [f"  patch    {patch.name}" for patch in self.patches]
        said += [f"  overlay  {overlay.folder} -> {overlay.plugin}" for overlay in self.overlays]
        said += [f"  made     {path}" for path in self.generated]
        if not self.state.in_git:
            said.append(f"{self.root} is not in a git repository: there is no way back but a copy")
        elif self.state.uncommitted:
            some = ", ".join(self.state.uncommitted[:5])
            more = len(self.state.uncommitted) - 5
            said.append(
                f"{self.root} has {len(self.state.uncommitted)} uncommitted change(s), which are "
                f"built too: {some}{f' and {more} more' if more > 0 else ''}"
            )
        return tuple(said)


def describe_changes(
    *,
    root: Path,
    workspace: Path,
    patches: tuple[Path, ...],
    overlays: tuple[Overlay, ...],
    generated: tuple[str, ...],
    session: GitSession,
) -> LocalChanges:
    """Return what a build in place is going to change; nothing is changed by asking.

    Args:
        root: the user's tree (``--repo-path``).
        workspace: the workspace's folder in it.
        patches: the patches that are going to be applied.
        overlays: the overlays that are going to be copied.
        generated: what the build itself makes, such as ``node_modules`` and ``dist-dynamic``.
        session: how git is run.
    """
    return LocalChanges(
        root=root,
        workspace=workspace,
        patches=patches,
        overlays=overlays,
        generated=generated,
        state=worktree_state(root, session),
    )


def local_checkout(root: Path, state: WorktreeState) -> Checkout:
    """Return the user's own tree as a checkout."""
    return Checkout(
        root=root,
        commit=state.commit,
        ref=state.branch,
        committed_at=state.committed_at,
        url=str(root),
    )


def worktree_state(folder: Path, session: GitSession) -> WorktreeState:
    """Return what git says of a folder's worktree, without writing to it.

    A folder that git cannot make sense of counts as being outside git.
    """
    from factory.sources.git_process import SessionGit  # noqa: PLC0415 - late: GitPython is slow

    asking = session.with_variables({"GIT_OPTIONAL_LOCKS": "0"}).silent()
    # The user named this folder; in a container it is often another user's.
    asking = asking.configured([("safe.directory", str(folder)), ("core.fsmonitor", "false")])
    git = SessionGit(folder, session=asking)
    try:
        inside = git.rev_parse("--is-inside-work-tree") == "true"
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
        uncommitted=_uncommitted(git.status("--porcelain=v1", "-z")) if inside else (),
    )


def _uncommitted(status: str) -> tuple[str, ...]:
    """Paths of ``git status --porcelain=v1 -z``: a rename is followed by its old name."""
    paths: list[str] = []
    entries = iter(status.split("\0"))
    for entry in entries:
        if entry:
            paths.append(entry[_STATUS_WIDTH:])
            if "R" in entry[:2] or "C" in entry[:2]:
                next(entries, None)
    return tuple(paths)
