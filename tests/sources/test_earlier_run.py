"""What an earlier run left: the next run may remove that, and nobody's work."""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from factory.sources.clones import add_worktree, clones_for, normalise
from factory.sources.earlier_run import EarlierRun, earlier_run
from factory.sources.source import GitRemote, Source, locate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from factory.sources.git_process import GitSession


def later(file: Path) -> bool:
    """Give a file a time of change that is later than everything before."""
    now = time.time_ns() + 1_000_000_000
    os.utime(file, ns=(now, now))
    return True


@pytest.fixture
def left(tmp_path: Path, session: GitSession, history: object) -> EarlierRun:
    """A worktree that a run has made, built in, and left."""
    remote = locate(Source(repo="served/plugins", relative_to=tmp_path))
    assert isinstance(remote, GitRemote)
    clone = clones_for([remote], tmp_path / "source")[normalise(remote)]
    run = earlier_run(tmp_path / "source/todo", tmp_path / "source/.clones")
    run.folder.mkdir(parents=True)
    run.begins()
    add_worktree(clone, remote, "main", run.folder, session)
    (run.folder / "node_modules/jose").mkdir(parents=True)
    (run.folder / "patched.txt").write_text("by a patch of ours")
    run.note_end()
    return run


def test_what_a_run_left_may_go(left: EarlierRun) -> None:
    assert left.changes() == ()
    left.empty()
    assert list(left.folder.iterdir()) == []


@pytest.mark.parametrize(
    "work",
    [
        lambda folder: later(folder / "new.txt"),
        lambda folder: (folder / "mine.txt").write_text("mine") and later(folder / "mine.txt"),
        lambda folder: (folder / "old.txt").unlink() or later(folder),
    ],
    ids=["a file is edited", "a file is added", "a file is removed"],
)
def test_what_the_user_has_done_since_is_seen(
    left: EarlierRun, work: Callable[[Path], object]
) -> None:
    work(left.folder)
    assert left.changes()


def test_what_tools_write_is_nobodys_work(left: EarlierRun) -> None:
    file = left.folder / "node_modules/jose/index.js"
    file.write_text("")
    later(file)
    assert left.changes() == ()


def test_after_a_run_that_was_killed_all_is_the_runs(left: EarlierRun) -> None:
    left.begins()
    (left.folder / "half-patched.txt").write_text("half")
    later(left.folder / "half-patched.txt")
    assert left.changes() == ()


def test_a_removal_that_was_killed_leaves_a_folder_that_is_still_the_runs(
    left: EarlierRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    left.begins()
    removed: list[str] = []

    def killed(self: Path, *, missing_ok: bool = False) -> None:
        if len(removed) == 2:
            raise KeyboardInterrupt
        removed.append(self.name)
        os.unlink(self)  # noqa: PTH108 - Path's own is replaced here

    monkeypatch.setattr("pathlib.Path.unlink", killed)
    with pytest.raises(KeyboardInterrupt):
        left.empty()
    monkeypatch.undo()
    assert (left.folder / ".git").is_file()
    assert left.changes() == ()


def test_a_folder_of_the_users_at_the_same_place_is_not_a_runs(left: EarlierRun) -> None:
    mine = left.folder.parent / "mine"
    (mine / ".git").mkdir(parents=True)
    for ended in (True, False):
        shutil.rmtree(left.folder, ignore_errors=True)
        shutil.copytree(mine, left.folder)
        assert left.changes() is None, ended


def test_without_a_mark_a_folder_is_somebody_elses(tmp_path: Path) -> None:
    folder = tmp_path / "source/todo"
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    assert earlier_run(folder, tmp_path / "source/.clones").changes() is None


def test_a_mark_that_cannot_be_read_is_none(left: EarlierRun) -> None:
    left.mark.write_text("{")
    assert left.changes() is None


class TestPlainFolders:
    """A source that is not in git is copied."""

    @pytest.fixture
    def copied(self, tmp_path: Path) -> EarlierRun:
        run = earlier_run(tmp_path / "source/todo", tmp_path / "source/.clones")
        run.folder.mkdir(parents=True)
        run.begins()
        (run.folder / "a.txt").write_text("a")
        run.note_end()
        return run

    def test_a_copy_may_go(self, copied: EarlierRun) -> None:
        assert copied.changes() == ()

    def test_a_copy_that_was_replaced_is_the_users(self, copied: EarlierRun) -> None:
        mine = copied.folder.parent / "mine"
        mine.mkdir()
        (mine / "b.txt").write_text("b")
        shutil.rmtree(copied.folder)
        mine.rename(copied.folder)
        assert copied.changes() is None

    def test_a_copy_that_was_edited_is_seen(self, copied: EarlierRun) -> None:
        later(copied.folder / "a.txt")
        assert copied.changes() == (copied.folder / "a.txt",)
