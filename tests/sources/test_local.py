"""Building in place: what is going to change is told beforehand, and nothing changes by telling."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from factory.sources.local import LocalChanges, describe_changes, local_checkout
from factory.sources.overlay import find_overlays
from factory.sources.patch import find_patches
from factory.sources.worktree import worktree_state

from .repositories import new_repository, tree

if TYPE_CHECKING:
    from pathlib import Path

    from factory.sources.git_process import GitSession

    from .conftest import History


def described(root: Path, config: Path, session: GitSession) -> LocalChanges:
    return describe_changes(
        root=root,
        workspace=root,
        patches=find_patches(config),
        overlays=find_overlays(config),
        generated=("node_modules", "dist-types"),
        session=session,
    )


def test_patches_overlays_and_made_files_are_listed(
    history: History, tmp_path: Path, session: GitSession
) -> None:
    for name in ("patches/1-fix.patch", "plugins/a/overlay/x.ts"):
        (tmp_path / "config" / name).parent.mkdir(parents=True)
        (tmp_path / "config" / name).write_text("x")
    root = history.repository.path
    before = tree(root)
    text = "\n".join(described(root, tmp_path / "config", session).lines())
    for word in ("1-fix.patch", "plugins/a", "node_modules", str(root)):
        assert word in text
    assert "uncommitted" not in text
    assert tree(root) == before


def test_uncommitted_changes_are_said(
    history: History, tmp_path: Path, session: GitSession
) -> None:
    repository = history.repository
    repository.write({"new.txt": "changed", "fresh/a.txt": ""})
    repository.git("mv", "old.txt", "renamed.txt")
    changes = described(repository.path, tmp_path / "config", session)
    assert set(changes.state.uncommitted) == {"new.txt", "fresh/", "renamed.txt"}
    assert "3 uncommitted changes, built too" in changes.lines()[-1]


def test_a_tree_without_git_is_said(tmp_path: Path, session: GitSession) -> None:
    (tmp_path / "plain").mkdir()
    changes = described(tmp_path / "plain", tmp_path / "config", session)
    assert not changes.state.in_git
    assert "not in a git repository" in changes.lines()[-1]


def test_the_tree_is_a_checkout_with_its_commit(history: History, session: GitSession) -> None:
    root = history.repository.path
    checkout = local_checkout(root, worktree_state(root, session))
    assert (checkout.commit, checkout.ref) == (history.second, "main")
    assert checkout.committed_at == 1700000000
    assert (checkout.root, checkout.url) == (root, str(root))


def test_a_folder_inside_a_repository_is_in_git(history: History, session: GitSession) -> None:
    history.repository.commit({"inner/file": "x"})
    assert worktree_state(history.repository.path / "inner", session).in_git


def test_a_repository_without_a_commit(tmp_path: Path, session: GitSession) -> None:
    repository = new_repository(tmp_path / "fresh")
    repository.write({"a": "a"})
    state = worktree_state(repository.path, session)
    assert (state.in_git, state.commit, state.uncommitted) == (True, None, ("a",))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_tree_of_another_user_as_in_a_container(history: History, session: GitSession) -> None:
    for path in [history.repository.path, *history.repository.path.rglob("*")]:
        os.chown(path, 12345, 12345)
    assert worktree_state(history.repository.path, session).commit == history.second
