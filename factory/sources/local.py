"""Building the user's own tree in place (``--use-local``): what is going to be changed in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.quantities import join_names, pluralize
from factory.sources.source import Checkout
from factory.sources.worktree import worktree_state
from factory.values import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from factory.sources.git_process import GitSession
    from factory.sources.overlay import Overlay
    from factory.sources.worktree import WorktreeState


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
            said.append(
                f"{self.root} is not in a git repository: only a copy of it can undo changes"
            )
        elif self.state.uncommitted:
            changes = pluralize(len(self.state.uncommitted), "uncommitted change")
            said.append(
                f"{self.root} has {changes}, built too: {join_names(self.state.uncommitted)}"
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
