"""Many workspaces from few repositories."""

from __future__ import annotations

import logging
import random
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from factory.errors import SourceError
from factory.sources.clones import add_worktree, clones_for, normalise
from factory.sources.git import find_commit
from factory.sources.source import GitRemote, Source, locate

from .repositories import Repository, new_repository, tree
from .servers import ServerLog, smart_http

if TYPE_CHECKING:
    from pathlib import Path

    from factory.sources.git_process import GitSession

    from .conftest import History


def remote(repo: str, relative_to: Path) -> GitRemote:
    found = locate(Source(repo=repo, relative_to=relative_to))
    assert isinstance(found, GitRemote)
    return found


class TestNames:
    @pytest.mark.parametrize(
        "other",
        [
            "https://host.example/org/plugins.git",
            "https://host.example/org/plugins/",
            "https://host.example/org/plugins.git/",
            "https://HOST.example:443/org/plugins",
            "https://jo:token@host.example/org/plugins",
        ],
    )
    def test_spellings_of_one_repository_are_one_clone(self, tmp_path: Path, other: str) -> None:
        one = remote("https://host.example/org/plugins", tmp_path)
        clones = clones_for([one, remote(other, tmp_path)], tmp_path)
        assert [clone.path for clone in clones.values()] == [tmp_path / ".clones" / "plugins"]

    def test_two_repositories_with_the_same_last_part_do_not_collide(self, tmp_path: Path) -> None:
        remotes = [
            remote("https://host.example/a/plugins", tmp_path),
            remote("https://host.example/b/Plugins", tmp_path),
            remote("git@host.example:c/plugins.git", tmp_path),
            remote("https://host.example/d/others", tmp_path),
        ]
        clones = clones_for(remotes, tmp_path)
        names = [clone.path.name for clone in clones.values()]
        assert len({name.casefold() for name in names}) == 4
        assert names[3] == "others"
        assert clones_for(reversed(remotes), tmp_path) == clones

    def test_the_path_keeps_its_case(self, tmp_path: Path) -> None:
        one, other = (remote(f"https://h.example/{name}", tmp_path) for name in ("a/X", "a/x"))
        assert normalise(one) != normalise(other)


@pytest.mark.usefixtures("history")
class TestWorktrees:
    def test_two_workspaces_at_two_refs_share_a_clone(
        self, history: History, tmp_path: Path, session: GitSession
    ) -> None:
        origin = remote("served/plugins", tmp_path)
        clones = clones_for([origin], tmp_path / "source")
        clone = clones[normalise(origin)]
        one = add_worktree(clone, origin, "v1.0.0", tmp_path / "source/one", session)
        two = add_worktree(clone, origin, "release/1.x", tmp_path / "source/two", session)
        assert (one.commit, two.commit) == (history.first, history.other)
        assert tree(one.root) == {"package.json": "{}", "old.txt": "old"}
        assert "other.txt" in tree(two.root)
        assert sorted(p.name for p in (tmp_path / "source" / ".clones").iterdir()) == ["plugins"]

    def test_the_same_commit_twice(self, tmp_path: Path, session: GitSession) -> None:
        origin = remote("served/plugins", tmp_path)
        clone = clones_for([origin], tmp_path)[normalise(origin)]
        for name in ("one", "two"):
            assert add_worktree(clone, origin, None, tmp_path / name, session).ref == "main"
        assert tree(tmp_path / "one") == tree(tmp_path / "two")

    def test_what_a_clone_has_is_not_fetched_again(
        self,
        history: History,
        tmp_path: Path,
        session: GitSession,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.INFO)
        log = ServerLog()
        with smart_http(history.repository.path.parent, log) as url:
            origin = remote(f"{url}/plugins", tmp_path)
            clone = clones_for([origin], tmp_path)[normalise(origin)]
            add_worktree(clone, origin, "main", tmp_path / "one", session)
            log.requests.clear()
            add_worktree(clone, origin, history.second, tmp_path / "two", session)
            assert log.requests == []
            add_worktree(clone, origin, "main", tmp_path / "three", session)
        assert "main of " in caplog.text
        assert "here already" in caplog.text

    def test_of_another_commit_only_what_is_new_is_fetched(
        self, history: History, tmp_path: Path, session: GitSession
    ) -> None:
        chance = random.Random(1)
        large = {f"files/{number}": chance.randbytes(2000).hex() for number in range(100)}
        before = history.repository.commit(large)
        after = history.repository.commit({"files/7": "x"})
        log = ServerLog()
        with smart_http(history.repository.path.parent, log) as url:
            origin = remote(f"{url}/plugins", tmp_path)
            clone = clones_for([origin], tmp_path)[normalise(origin)]
            add_worktree(clone, origin, before, tmp_path / "one", session)
            whole, log.bytes_sent = log.bytes_sent, 0
            shutil.rmtree(tmp_path / "one")
            found = add_worktree(clone, origin, after, tmp_path / "two", session)
            assert found.commit == after
            assert whole > 200_000
            assert log.bytes_sent < whole / 10

    def test_a_pinned_commit_outlives_its_worktree_and_gits_housekeeping(
        self, history: History, tmp_path: Path, session: GitSession
    ) -> None:
        log = ServerLog()
        with smart_http(history.repository.path.parent, log) as url:
            origin = remote(f"{url}/plugins", tmp_path)
            clone = clones_for([origin], tmp_path)[normalise(origin)]
            add_worktree(clone, origin, history.first, tmp_path / "one", session)
            shutil.rmtree(tmp_path / "one")
            Repository(path=clone.path).git("worktree", "prune")
            Repository(path=clone.path).git("gc", "--quiet", "--prune=now")
            log.requests.clear()
            add_worktree(clone, origin, history.first, tmp_path / "two", session)
            assert log.requests == []
        assert tree(tmp_path / "two") == {"package.json": "{}", "old.txt": "old"}

    def test_a_commit_whose_files_are_not_all_here_is_fetched_again(
        self, history: History, tmp_path: Path, session: GitSession
    ) -> None:
        origin = remote("served/plugins", tmp_path)
        clone = clones_for([origin], tmp_path)[normalise(origin)]
        add_worktree(clone, origin, history.other, tmp_path / "one", session)
        # As after kill -9 amid a fetch: git writes a commit before its files.
        half = history.repository.git("cat-file", "commit", history.second) + "\n"
        written = subprocess.run(
            ["git", "hash-object", "-t", "commit", "-w", "--stdin"],
            cwd=clone.path,
            input=half,
            text=True,
            capture_output=True,
            check=True,
        )
        assert written.stdout.strip() == history.second
        found = add_worktree(clone, origin, history.second, tmp_path / "two", session)
        assert found.commit == history.second
        assert "new.txt" in tree(tmp_path / "two")

    def test_a_branch_that_has_moved_is_fetched(
        self, history: History, tmp_path: Path, session: GitSession
    ) -> None:
        origin = remote("served/plugins", tmp_path)
        clone = clones_for([origin], tmp_path)[normalise(origin)]
        add_worktree(clone, origin, "main", tmp_path / "one", session)
        moved = history.repository.commit({"moved.txt": "x"})
        assert add_worktree(clone, origin, "main", tmp_path / "two", session).commit == moved

    def test_an_abbreviated_id_is_found_behind_earlier_shallow_fetches(
        self, history: History, tmp_path: Path, session: GitSession
    ) -> None:
        middle = history.repository.commit({"middle.txt": "x"})
        history.repository.commit({"last.txt": "x"})
        origin = remote("served/plugins", tmp_path)
        clone = clones_for([origin], tmp_path)[normalise(origin)]
        add_worktree(clone, origin, "main", tmp_path / "one", session)
        found = add_worktree(clone, origin, middle[:9], tmp_path / "two", session)
        assert found.commit == middle

    def test_many_at_once(self, history: History, tmp_path: Path, session: GitSession) -> None:
        origin = remote("served/plugins", tmp_path)
        clone = clones_for([origin], tmp_path)[normalise(origin)]
        refs = ["main", "v1.0.0", "release/1.x", history.first] * 2
        with ThreadPoolExecutor(8) as pool:
            done = list(
                pool.map(
                    lambda numbered: add_worktree(
                        clone, origin, numbered[1], tmp_path / f"w{numbered[0]}", session
                    ),
                    enumerate(refs),
                )
            )
        wanted = [history.second, history.first, history.other, history.first] * 2
        assert [checkout.commit for checkout in done] == wanted

    def test_a_worktree_that_was_removed_by_hand_is_made_again(
        self, tmp_path: Path, session: GitSession
    ) -> None:
        origin = remote("served/plugins", tmp_path)
        clone = clones_for([origin], tmp_path)[normalise(origin)]
        add_worktree(clone, origin, "main", tmp_path / "one", session)
        shutil.rmtree(tmp_path / "one")
        assert add_worktree(clone, origin, "main", tmp_path / "one", session).ref == "main"

    def test_a_half_made_clone_or_one_of_another_repository_is_made_anew(
        self, tmp_path: Path, session: GitSession
    ) -> None:
        other = new_repository(tmp_path / "elsewhere" / "plugins")
        commit = other.commit({"a": "a"})
        first, second = remote("served/plugins", tmp_path), remote("elsewhere/plugins", tmp_path)
        clone = clones_for([first], tmp_path)[normalise(first)]
        add_worktree(clone, first, None, tmp_path / "one", session)
        again = clones_for([second], tmp_path)[normalise(second)]
        assert again.path == clone.path
        assert add_worktree(again, second, None, tmp_path / "two", session).commit == commit
        shutil.rmtree(clone.path / "objects")
        (clone.path / "plugin-factory-url").unlink()
        assert add_worktree(again, second, None, tmp_path / "three", session).commit == commit

    def test_a_folder_with_content_is_refused(self, tmp_path: Path, session: GitSession) -> None:
        origin = remote("served/plugins", tmp_path)
        clone = clones_for([origin], tmp_path)[normalise(origin)]
        (tmp_path / "one").mkdir()
        (tmp_path / "one" / "work.txt").write_text("mine")
        with pytest.raises(SourceError, match="is not empty"):
            add_worktree(clone, origin, None, tmp_path / "one", session)

    def test_an_unknown_ref_leaves_no_worktree(self, tmp_path: Path, session: GitSession) -> None:
        origin = remote("served/plugins", tmp_path)
        clone = clones_for([origin], tmp_path)[normalise(origin)]
        with pytest.raises(SourceError, match="no branch, tag or commit"):
            add_worktree(clone, origin, "nope", tmp_path / "one", session)
        assert not (tmp_path / "one").exists()

    def test_what_a_killed_git_has_left_is_no_hindrance(
        self, history: History, tmp_path: Path, session: GitSession
    ) -> None:
        origin = remote("served/plugins", tmp_path)
        clone = clones_for([origin], tmp_path)[normalise(origin)]
        add_worktree(clone, origin, "v1.0.0", tmp_path / "one", session)
        # As after kill -9 while git fetched, and while it made the worktree, which it locks.
        for name in ("shallow.lock", "packed-refs.lock", "refs/remotes/origin/main.lock"):
            lock = clone.path / name
            lock.parent.mkdir(parents=True, exist_ok=True)
            lock.touch()
        (clone.path / "worktrees/one/locked").write_text("initializing")
        shutil.rmtree(tmp_path / "one")
        again = add_worktree(clone, origin, "main", tmp_path / "one", session)
        assert again.commit == history.second
        assert "new.txt" in tree(tmp_path / "one")

    def test_a_ref_that_was_resolved_is_not_asked_about_again(
        self, history: History, tmp_path: Path, session: GitSession
    ) -> None:
        log = ServerLog()
        with smart_http(history.repository.path.parent, log) as url:
            origin = remote(f"{url}/plugins", tmp_path)
            clone = clones_for([origin], tmp_path)[normalise(origin)]
            wanted = find_commit(origin, "v1.0.0", session, tmp_path)
            # The tag is an object of its own: the commit is what it is of.
            assert wanted.commit == history.first != wanted.tip
            add_worktree(clone, origin, "v1.0.0", tmp_path / "one", session, wanted=wanted)
            log.requests.clear()
            found = add_worktree(clone, origin, "v1.0.0", tmp_path / "two", session, wanted=wanted)
            assert log.requests == []
        assert found.commit == history.first


@pytest.mark.parametrize(
    ("ref", "which"),
    [("main", "second"), ("v1.0.0", "first"), ("release/1.x", "other"), (None, "second")],
)
def test_a_ref_is_resolved_without_fetching(
    history: History, tmp_path: Path, session: GitSession, ref: str | None, which: str
) -> None:
    origin = remote("served/plugins", tmp_path)
    assert find_commit(origin, ref, session, tmp_path).commit == getattr(history, which)


def test_an_abbreviated_id_is_resolved_by_the_history_only(
    history: History, tmp_path: Path, session: GitSession
) -> None:
    origin = remote("served/plugins", tmp_path)
    assert find_commit(origin, history.first[:9], session, tmp_path).commit is None
    assert find_commit(origin, history.first, session, tmp_path).commit == history.first
