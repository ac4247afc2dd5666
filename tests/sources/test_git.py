"""Git sources: every transport, every kind of ref, as little traffic as serves, no questions."""

from __future__ import annotations

import logging
import os
import random
import socket
import stat
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from factory.config.environment import layer_environment
from factory.errors import SourceError, StorageError, Terminated
from factory.sources import git, git_process
from factory.sources.checkout import check_out
from factory.sources.source import Checkout, Source
from factory.toolchain.child_environment import git_environment

from .repositories import new_repository, tree
from .servers import ServerLog, Stalls, dumb_http, git_daemon, smart_http, stalling

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from factory.toolchain.runner import Runner

    from .conftest import History

    Bring = Callable[..., Checkout]


def commits_in(checkout: Checkout) -> int:
    """How many commits have been fetched."""
    done = subprocess.run(
        ["git", "rev-list", "--all", "--count", "HEAD"],
        cwd=checkout.root,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


class TestWhichCommit:
    def test_without_a_ref_the_default_branch(self, bring: Bring, history: History) -> None:
        checkout = bring("served/plugins")
        assert (checkout.commit, checkout.ref) == (history.second, "main")
        assert checkout.committed_at == 1700000000
        assert tree(checkout.root) == {"package.json": "{}", "old.txt": "old", "new.txt": "new"}

    def test_a_branch_with_a_slash(self, bring: Bring, history: History) -> None:
        checkout = bring("served/plugins", "release/1.x")
        assert (checkout.commit, checkout.ref) == (history.other, "release/1.x")

    def test_an_annotated_tag_is_its_commit(self, bring: Bring, history: History) -> None:
        assert bring("served/plugins", "v1.0.0").commit == history.first

    def test_a_full_ref_name(self, bring: Bring, history: History) -> None:
        assert bring("served/plugins", "refs/tags/v1.0.0").commit == history.first

    def test_a_commit_id(self, bring: Bring, history: History) -> None:
        checkout = bring("served/plugins", history.first)
        assert (checkout.commit, checkout.ref) == (history.first, history.first)

    def test_an_abbreviated_commit_id(
        self, bring: Bring, history: History, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        assert bring("served/plugins", history.first[:8]).commit == history.first
        assert "an abbreviated id can only be looked up here" in caplog.text

    def test_a_branch_goes_before_a_tag_of_the_same_name(
        self, bring: Bring, history: History, caplog: pytest.LogCaptureFixture
    ) -> None:
        history.repository.git("tag", "both", history.first)
        history.repository.git("branch", "both", history.second)
        assert bring("served/plugins", "both").commit == history.second
        assert "refs/tags/both" in caplog.text

    @pytest.mark.usefixtures("history")
    def test_an_unknown_ref_is_an_error_with_near_names(self, bring: Bring, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match=r"no branch, tag or commit 'mian'") as caught:
            bring("served/plugins", "mian")
        assert caught.value.hint == "did you mean main?"
        assert list((tmp_path / "out" / "1").iterdir()) == []

    @pytest.mark.usefixtures("history")
    @pytest.mark.parametrize("commit", ["0" * 40, "abcdef1"])
    def test_an_unknown_commit_is_an_error(self, bring: Bring, commit: str) -> None:
        with pytest.raises(SourceError, match=f"no commit '{commit}'"):
            bring("served/plugins", commit)

    @pytest.mark.usefixtures("history")
    @pytest.mark.parametrize("ref", ["--upload-pack=evil", "main~1", "a b", "", "a..b"])
    def test_a_ref_that_is_none_is_refused(self, bring: Bring, ref: str) -> None:
        with pytest.raises(SourceError, match="not a valid name of a branch"):
            bring("served/plugins", ref)

    def test_an_empty_repository_is_an_error(self, bring: Bring, tmp_path: Path) -> None:
        new_repository(tmp_path / "nothing")
        with pytest.raises(SourceError, match="is empty"):
            bring("nothing")

    def test_a_tag_of_a_file_is_an_error(self, bring: Bring, history: History) -> None:
        blob = history.repository.git("rev-parse", "HEAD:new.txt")
        history.repository.git("tag", "a-file", blob)
        with pytest.raises(SourceError, match=r"'a-file' of .* is not a commit"):
            bring("served/plugins", "a-file")


class TestLocalRepositories:
    def test_a_bare_one(self, bring: Bring, history: History, tmp_path: Path) -> None:
        bare = tmp_path / "bare.git"
        history.repository.git("clone", "--quiet", "--bare", ".", str(bare))
        assert bring("bare.git").commit == history.second

    def test_a_worktree(self, bring: Bring, history: History, tmp_path: Path) -> None:
        history.repository.git("worktree", "add", "--quiet", str(tmp_path / "tree"), "release/1.x")
        assert bring(str(tmp_path / "tree")).commit == history.other

    def test_a_shallow_one(self, bring: Bring, history: History, tmp_path: Path) -> None:
        url = history.repository.path.as_uri()
        history.repository.git("clone", "--quiet", "--depth=1", url, str(tmp_path / "shallow"))
        assert bring("shallow").commit == history.second

    def test_a_detached_one(self, bring: Bring, history: History) -> None:
        history.repository.git("checkout", "--quiet", "--detach", history.first)
        assert bring("served/plugins").commit == history.first

    def test_uncommitted_changes_are_not_built_and_said(
        self, bring: Bring, history: History, caplog: pytest.LogCaptureFixture
    ) -> None:
        history.repository.write({"new.txt": "changed", "fresh.txt": ""})
        checkout = bring("served/plugins")
        assert tree(checkout.root)["new.txt"] == "new"
        assert "2 uncommitted changes, not built (new.txt, fresh.txt)" in caplog.text

    def test_the_repository_itself_stays_as_it_is(self, bring: Bring, history: History) -> None:
        index = history.repository.path / ".git" / "index"
        before = (index.stat().st_mtime_ns, tree(history.repository.path))
        bring("served/plugins", history.first[:8])
        assert (index.stat().st_mtime_ns, tree(history.repository.path)) == before

    @pytest.mark.usefixtures("history")
    def test_hooks_are_not_run(self, bring: Bring, home: Path, tmp_path: Path) -> None:
        hooks = tmp_path / "hooks"
        hooks.mkdir()
        (hooks / "post-checkout").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        (hooks / "post-checkout").chmod(0o755)
        (home / ".gitconfig").write_text(f"[core]\n\thooksPath = {hooks}\n")
        bring("served/plugins")
        assert not (tmp_path / "ran").exists()

    def test_submodules_are_not_fetched_and_said(
        self, bring: Bring, history: History, caplog: pytest.LogCaptureFixture
    ) -> None:
        history.repository.commit({".gitmodules": '[submodule "x"]\n\tpath = x\n'})
        bring("served/plugins")
        assert "submodules, which are not fetched" in caplog.text

    def test_an_lfs_pointer_is_said(
        self, bring: Bring, history: History, caplog: pytest.LogCaptureFixture
    ) -> None:
        history.repository.commit(
            {
                ".gitattributes": "*.bin filter=lfs\n",
                "a.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
            }
        )
        bring("served/plugins")
        assert "a.bin is a Git LFS pointer" in caplog.text


class TestTransports:
    def test_file(self, bring: Bring, history: History) -> None:
        assert bring(history.repository.path.as_uri()).commit == history.second

    def test_git(self, bring: Bring, history: History) -> None:
        with git_daemon(history.repository.path.parent) as url:
            checkout = bring(f"{url}/plugins", "release/1.x")
            assert (checkout.commit, commits_in(checkout)) == (history.other, 1)
            assert bring(f"{url}/plugins", history.first).commit == history.first
            with pytest.raises(SourceError, match="there is no such repository"):
                bring(f"{url}/plugin")

    def test_smart_http(self, bring: Bring, history: History) -> None:
        with smart_http(history.repository.path.parent) as url:
            checkout = bring(f"{url}/plugins", "v1.0.0")
            assert (checkout.commit, commits_in(checkout)) == (history.first, 1)
            with pytest.raises(SourceError, match="there is no such repository"):
                bring(f"{url}/plugin")

    @pytest.mark.parametrize("form", ["git@host.example:{path}", "ssh://git@host.example{path}"])
    def test_ssh(
        self,
        bring: Bring,
        history: History,
        process: dict[str, str],
        tmp_path: Path,
        form: str,
    ) -> None:
        # A pack protocol over pipes, with the user's own command in ssh's place.
        script = tmp_path / "connect"
        script.write_text(
            f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\nfor last; do :; done\neval "exec $last"\n'
        )
        script.chmod(0o755)
        process["GIT_SSH_COMMAND"] = str(script)
        url = form.format(path=history.repository.path)
        checkout = bring(url, history.first)
        assert (checkout.commit, checkout.url) == (history.first, url)
        assert commits_in(checkout) == 1
        assert "BatchMode" not in (tmp_path / "asked").read_text()

    @pytest.mark.usefixtures("history")
    def test_ssh_itself_is_told_never_to_ask(
        self, bring: Bring, process: dict[str, str], tmp_path: Path
    ) -> None:
        programs = tmp_path / "programs"
        programs.mkdir()
        (programs / "ssh").write_text(
            f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n'
            "echo 'git@host.example: Permission denied (publickey).' >&2\nexit 255\n"
        )
        (programs / "ssh").chmod(0o755)
        process["PATH"] = f"{programs}:{process['PATH']}"
        with pytest.raises(SourceError, match="refuses every key") as caught:
            bring("git@host.example:org/plugins")
        assert "-o BatchMode=yes" in (tmp_path / "asked").read_text()
        assert "ssh-add" in str(caught.value)

    def test_nobody_listens(self, bring: Bring) -> None:
        with pytest.raises(SourceError, match="cannot be reached"):
            bring("http://127.0.0.1:9/plugins")

    def test_a_server_that_never_answers_is_given_up(
        self, bring: Bring, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(git_process, "ANSWER_SECONDS", 0.5)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            with pytest.raises(SourceError, match="cannot be reached") as caught:
                bring(f"git://127.0.0.1:{port}/plugins")
        assert caught.value.found == "ran out of time"

    @pytest.mark.parametrize(
        "repo", ["ext::sh -c true", "-x", "", "ftp://host/x", "https://", "http://h:x/y"]
    )
    def test_what_git_is_not_to_be_given_is_refused(self, bring: Bring, repo: str) -> None:
        with pytest.raises(SourceError, match="repository"):
            bring(repo)


class TestAsLittleAsServes:
    @pytest.mark.usefixtures("history")
    def test_a_branch_comes_alone_at_depth_1(
        self, bring: Bring, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        assert commits_in(bring("served/plugins", "main")) == 1
        assert "only this commit (depth 1)" in caplog.text

    def test_a_commit_id_comes_alone_at_depth_1(self, bring: Bring, history: History) -> None:
        assert commits_in(bring("served/plugins", history.first)) == 1

    def test_dumb_http_gives_a_branch_with_its_history(
        self, bring: Bring, history: History, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        with dumb_http(history.repository.path.parent) as url:
            checkout = bring(f"{url}/plugins/.git", "main")
            assert (checkout.commit, commits_in(checkout)) == (history.second, 2)
            assert "its whole history, since the server cannot give less" in caplog.text
            assert bring(f"{url}/plugins/.git", history.first).commit == history.first
            assert bring(f"{url}/plugins/.git").ref == "main"

    def test_a_server_that_gives_only_what_it_advertises(
        self,
        bring: Bring,
        history: History,
        home: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.INFO)
        history.repository.commit({"newer.txt": "newer"})
        (home / ".gitconfig").write_text("[protocol]\n\tversion = 0\n")
        with smart_http(history.repository.path.parent) as url:
            tip = bring(f"{url}/plugins", history.other)
            assert (tip.commit, commits_in(tip)) == (history.other, 1)
            older = bring(f"{url}/plugins", history.second)
            assert older.commit == history.second
            assert "the server gives no commit by its id alone" in caplog.text

    def test_a_server_that_fails_for_a_moment_is_asked_again(
        self, bring: Bring, history: History
    ) -> None:
        log = ServerLog()
        log.failures_left = 1
        with smart_http(history.repository.path.parent, log) as url:
            assert bring(f"{url}/plugins").commit == history.second

    def test_a_server_that_breaks_off_in_the_middle_is_asked_again(
        self, bring: Bring, history: History, caplog: pytest.LogCaptureFixture
    ) -> None:
        log = ServerLog()
        log.breaks_left = 2
        with smart_http(history.repository.path.parent, log) as url:
            assert bring(f"{url}/plugins").commit == history.second
        assert log.breaks_left == 0
        assert "trying again" in caplog.text

    def test_a_server_that_always_breaks_off_is_given_up(
        self, bring: Bring, history: History, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(git, "_RETRY_AFTER_SECONDS", (0.1, 0.1))
        log = ServerLog()
        log.breaks_left = 1000
        with (
            smart_http(history.repository.path.parent, log) as url,
            pytest.raises(SourceError, match="closed the connection"),
        ):
            bring(f"{url}/plugins")
        assert 1000 - log.breaks_left < 20

    def test_a_server_that_falls_silent_in_the_middle_is_given_up_and_asked_again(
        self, bring: Bring, history: History, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limits = [pair for pair in git_process._ALWAYS if not pair[0].startswith("http.low")]
        limits += [("http.lowSpeedLimit", "1000"), ("http.lowSpeedTime", "1")]
        monkeypatch.setattr(git_process, "_ALWAYS", tuple(limits))
        log = ServerLog()
        log.silences_left = 1
        try:
            with smart_http(history.repository.path.parent, log) as url:
                assert bring(f"{url}/plugins").commit == history.second
                log.silent.set()
        finally:
            log.silent.set()
        assert log.silences_left == 0

    @pytest.mark.parametrize("stalls", [1, 1000])
    def test_a_git_server_that_falls_silent_in_the_middle_is_given_up_and_asked_again(
        self, bring: Bring, history: History, monkeypatch: pytest.MonkeyPatch, stalls: int
    ) -> None:
        # Longer than a busy machine takes to send what comes before the silence.
        monkeypatch.setattr(git_process, "SILENCE_SECONDS", 4.0)
        monkeypatch.setattr(git, "_RETRY_AFTER_SECONDS", (0.1, 0.1))
        chance = random.Random(1)
        files = {f"files/{number}": chance.randbytes(2000).hex() for number in range(100)}
        commit = history.repository.commit(files)
        silent = Stalls(stalls)
        with (
            git_daemon(history.repository.path.parent) as url,
            stalling(urlsplit(url).port or 0, silent, after=50_000) as port,
        ):
            repo = f"git://127.0.0.1:{port}/plugins"
            if stalls == 1:
                assert bring(repo).commit == commit
            else:
                with pytest.raises(SourceError, match="closed the connection") as caught:
                    bring(repo)
                assert caught.value.found == "said nothing more"
                assert stalls - silent.left == 3
        assert silent.left < stalls


class TestCredentials:
    @pytest.fixture
    def guarded(self) -> ServerLog:
        log = ServerLog()
        log.password = "jo:s3cr3t/pass"
        return log

    def test_a_repository_that_needs_a_password_is_an_error(
        self, bring: Bring, history: History, guarded: ServerLog
    ) -> None:
        with (
            smart_http(history.repository.path.parent, guarded) as url,
            pytest.raises(SourceError, match="requires a user name and password") as caught,
        ):
            bring(f"{url}/plugins")
        assert "credential.helper" in str(caught.value)

    def test_askpass_programs_are_not_asked(
        self,
        bring: Bring,
        history: History,
        guarded: ServerLog,
        process: dict[str, str],
        tmp_path: Path,
    ) -> None:
        program = tmp_path / "ask"
        program.write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\n")
        program.chmod(0o755)
        process |= {"GIT_ASKPASS": str(program), "SSH_ASKPASS": str(program)}
        with (
            smart_http(history.repository.path.parent, guarded) as url,
            pytest.raises(SourceError),
        ):
            bring(f"{url}/plugins")
        assert not (tmp_path / "asked").exists()

    def test_the_users_credential_helper_is(
        self, bring: Bring, history: History, guarded: ServerLog, home: Path
    ) -> None:
        (home / ".gitconfig").write_text(
            '[credential]\n\thelper = "!echo username=jo; echo password=s3cr3t/pass #"\n'
        )
        with smart_http(history.repository.path.parent, guarded) as url:
            assert bring(f"{url}/plugins").commit == history.second

    def test_credentials_in_the_url_serve_and_are_written_nowhere(
        self,
        bring: Bring,
        history: History,
        guarded: ServerLog,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.DEBUG)
        lines: list[str] = []
        log = tmp_path / "git.log"
        with smart_http(history.repository.path.parent, guarded) as url:
            with_password = url.replace("//", "//jo:s3cr3t%2Fpass@") + "/plugins"
            checkout = bring(with_password, on_line=lines.append, log=log)
        assert checkout.commit == history.second
        assert checkout.url == f"{url}/plugins"
        config = (checkout.root / ".git" / "config").read_text()
        for text in (config, "\n".join(lines), log.read_text(), caplog.text, repr(checkout)):
            assert "s3cr3t" not in text

    def test_wrong_credentials_in_the_url_are_not_in_the_error(
        self, bring: Bring, history: History, guarded: ServerLog
    ) -> None:
        with smart_http(history.repository.path.parent, guarded) as url:
            wrong = url.replace("//", "//jo:wr0ngpass@") + "/plugins"
            with pytest.raises(SourceError, match="requires a user name") as caught:
                bring(wrong)
        assert "wr0ngpass" not in str(caught.value)

    @pytest.mark.parametrize(
        "repo", ["https://jo:hunter/22@host.example/x", "jo:hunter22@host.example/org/x"]
    )
    def test_credentials_that_cannot_be_read_are_not_shown(self, bring: Bring, repo: str) -> None:
        with pytest.raises(SourceError, match="the repository") as caught:
            bring(repo)
        assert "hunter" not in str(caught.value)

    def test_git_does_not_see_the_factorys_secrets(
        self, bring: Bring, history: History, process: dict[str, str], tmp_path: Path
    ) -> None:
        programs = tmp_path / "programs"
        programs.mkdir()
        real = subprocess.run(
            ["sh", "-c", "command -v git"], capture_output=True, text=True, check=True
        ).stdout.strip()
        (programs / "git").write_text(f'#!/bin/sh\nenv >> {tmp_path}/seen\nexec {real} "$@"\n')
        (programs / "git").chmod(0o755)
        process |= {
            "PATH": f"{programs}:{process['PATH']}",
            "REGISTRY_PASSWORD": "hunter22",
            "NPM_TOKEN": "npm_12345",
            "GIT_DIR": "/nowhere",
            "HTTPS_PROXY": "http://proxy.example:3128",
        }
        bring("served/plugins", history.first[:7])
        seen = (tmp_path / "seen").read_text()
        assert "HTTPS_PROXY=" in seen
        for secret in ("hunter22", "npm_12345", "/nowhere"):
            assert secret not in seen


class TestWhenItFails:
    def test_without_git_it_is_said_what_to_install(self, tmp_path: Path) -> None:
        (tmp_path / "bin").mkdir()
        script = (
            "from factory.sources.checkout import git_session\n"
            "from factory.toolchain.runner import Runner\n"
            "git_session(runner=Runner(), env={})\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={"PATH": str(tmp_path / "bin"), "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "ToolchainError: git cannot be started" in done.stderr

    def test_the_folder_is_empty_again(
        self, bring: Bring, history: History, home: Path, tmp_path: Path
    ) -> None:
        (home / ".gitconfig").write_text('[filter "broken"]\n\tsmudge = false\n\trequired = true\n')
        history.repository.commit({".gitattributes": "*.x filter=broken\n", "a.x": "a"})
        with pytest.raises(SourceError, match="could not fetch"):
            bring("served/plugins")
        assert list((tmp_path / "out" / "1").iterdir()) == []

    def test_a_full_disk_is_said(
        self,
        history: History,
        runner: Runner,
        process: dict[str, str],
        small_disk: Path,
    ) -> None:
        history.repository.commit({"big.bin": "0123456789abcdef" * 200_000})
        with pytest.raises(StorageError, match="the disk is full"):
            check_out(
                Source(repo=str(history.repository.path), relative_to=small_disk),
                small_disk,
                runner=runner,
                env=git_environment(layer_environment(process)),
            )
        assert list(small_disk.iterdir()) == []

    @pytest.mark.usefixtures("history")
    def test_a_cancelled_run_leaves_nothing(
        self, bring: Bring, runner: Runner, tmp_path: Path
    ) -> None:
        runner.cancel(Terminated("ended"))
        with pytest.raises(Terminated):
            bring("served/plugins")
        assert list((tmp_path / "out" / "1").iterdir()) == []

    def test_a_run_that_is_ended_while_git_waits_ends_git_and_leaves_nothing(
        self, bring: Bring, runner: Runner, tmp_path: Path
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            timer = threading.Timer(0.5, runner.cancel, args=(Terminated("ended"),))
            timer.start()
            started = time.monotonic()
            with pytest.raises(Terminated):
                bring(f"git://127.0.0.1:{silent.getsockname()[1]}/plugins")
            timer.join()
        assert time.monotonic() - started < 60
        assert list((tmp_path / "out" / "1").iterdir()) == []

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
    def test_a_repository_of_another_user_is_explained(
        self, bring: Bring, history: History
    ) -> None:
        for path in [history.repository.path, *history.repository.path.rglob("*")]:
            os.chown(path, 12345, 12345)
        with pytest.raises(SourceError, match="belongs to another user") as caught:
            bring("served/plugins")
        assert "safe.directory" in str(caught.value.hint)

    def test_modes_and_links_come_as_committed(self, bring: Bring, history: History) -> None:
        script = history.repository.path / "run.sh"
        script.write_text("#!/bin/sh\n")
        script.chmod(0o755)
        (history.repository.path / "link").symlink_to("run.sh")
        history.repository.commit({})
        checkout = bring("served/plugins")
        assert (checkout.root / "run.sh").stat().st_mode & stat.S_IXUSR
        assert (checkout.root / "link").is_symlink()
