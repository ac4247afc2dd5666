"""Repositories are somebody else's: nothing in one, in its name or of its server, runs."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from factory.errors import SourceError
from factory.sources.git import check_out_git
from factory.sources.git_refs import is_ref_name
from factory.sources.source import GitRemote, Source, locate
from factory.sources.workspace import workspaces_in
from factory.sources.worktree import worktree_state

from .servers import smart_http

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from factory.sources.git_process import GitSession
    from factory.sources.source import Checkout

    from .conftest import History

# git(1), gitremote-helpers(7), git-clone(1) "GIT URLS": each would run a program or an option.
ADDRESSES = (
    "ext::sh -c true",
    "foo-bar::x",
    "foo.bar::x",
    "foo+bar::x",
    "9p::x",
    "fd::17",
    "9p://host/x",
    "foo-bar://host/x",
    "ext://sh",
    "-x",
    "--upload-pack=touch x",
    "-oProxyCommand=x:path",
    "host:-path",
    "host:--upload-pack=x",
    "ssh://-oProxyCommand=x/path",
    "ssh://-l@host/path",
    "ssh://host/-path",
    "git://-x/path",
    "git+ssh://-x/path",
    "https://-x/path",
    "https://user:a%0apassword=b@host/x",
    "https://a%0dhost:pw@host/x",
    "https://host/x\nurl=y",
    "git://host:9418/x\r\nhost=y",
    "host:pa\0th",
    "file://host/etc",
    "~nobody-of-that-name/x",
    "dav://host/x",
    "ftp://host/x",
    "rsync://host/x",
)


@pytest.mark.parametrize("repo", ADDRESSES, ids=ascii)
def test_an_address_that_would_run_something_is_refused(
    repo: str, tmp_path: Path, bring: Callable[..., Checkout]
) -> None:
    with pytest.raises(SourceError) as caught:
        bring(repo)
    assert str(caught.value).isprintable() or "\n" in str(caught.value)


@pytest.mark.parametrize(
    ("repo", "host"),
    [
        ("https://github.com/a/b-c.git", "github.com"),
        ("git@github.com:a/-b.git", "github.com"),
        ("ssh://git@host:2222/~user/x.git", "host"),
        ("git+ssh://host/x", "host"),
        ("[::1]:x", "[::1]"),
    ],
)
def test_ordinary_addresses_are_taken(repo: str, host: str, tmp_path: Path) -> None:
    remote = locate(Source(repo=repo, relative_to=tmp_path))
    assert isinstance(remote, GitRemote)
    assert remote.host == host


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("HEAD", True),
        ("refs/heads/main", True),
        ("refs/tags/v1.0.0-rc.1", True),
        ("--upload-pack=touch x", False),
        ("-x", False),
        ("refs/heads/a:refs/heads/b", False),
        ("refs/../x", False),
        ("refs/heads/.x", False),
        ("refs/heads/x.lock/y", False),
        ("refs/heads/a b", False),
        ("main", False),
    ],
)
def test_names_that_a_server_tells_are_checked(name: str, *, good: bool) -> None:
    assert is_ref_name(name) == good


class TestConfigurationInAFolder:
    """A folder that came as an archive brings a .git/config of somebody's."""

    @pytest.mark.parametrize(
        "settings",
        [
            {"core.fsmonitor": "{run}"},
            {"core.sshCommand": "{run}", "core.pager": "{run}", "pager.log": "{run}"},
            {"filter.x.clean": "{run}", "filter.x.process": "{run}", "filter.x.required": "true"},
            {"include.path": "{include}"},
            {"core.hooksPath": "{hooks}"},
            {"log.showSignature": "true", "gpg.program": "{run}"},
        ],
        ids=str,
    )
    def test_runs_nothing(
        self, history: History, session: GitSession, tmp_path: Path, settings: dict[str, str]
    ) -> None:
        program = tmp_path / "program"
        program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\ncat\n")
        program.chmod(0o755)
        hooks = tmp_path / "hooks"
        hooks.mkdir()
        for name in ("post-index-change", "post-checkout", "reference-transaction"):
            (hooks / name).symlink_to(program)
        include = tmp_path / "include"
        include.write_text(f'[filter "x"]\n\tclean = {program}\n')
        repository = history.repository
        repository.commit({".gitattributes": "* filter=x\n"})
        for name, value in settings.items():
            filled = value.format(run=program, include=include, hooks=hooks)
            repository.git("config", name, filled)
        (repository.path / "new.txt").write_text("changed")
        os.utime(repository.path / "new.txt", (1, 1))
        state = worktree_state(repository.path, session)
        assert state.in_git
        assert state.commit
        assert not (tmp_path / "ran").exists()

    def test_the_users_own_filters_stay(
        self, history: History, home: Path, bring: Callable[..., Checkout]
    ) -> None:
        (home / ".gitconfig").write_text('[filter "x"]\n\tsmudge = sed s/new/smudged/\n')
        history.repository.commit({".gitattributes": "new.txt filter=x\n"})
        checkout = bring("served/plugins")
        assert (checkout.root / "new.txt").read_text() == "smudged"

    def test_a_promise_of_objects_is_not_fetched_in_passing(
        self, history: History, session: GitSession, tmp_path: Path
    ) -> None:
        repository = history.repository
        commit = repository.git("rev-parse", "HEAD")
        (repository.path / ".git/objects" / commit[:2] / commit[2:]).unlink()
        program = tmp_path / "program"
        program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        program.chmod(0o755)
        for name, value in {
            "core.repositoryFormatVersion": "1",
            "extensions.partialClone": "origin",
            "remote.origin.promisor": "true",
            "remote.origin.url": "ssh://host/x",
            "core.sshCommand": str(program),
        }.items():
            repository.git("config", name, value)
        assert worktree_state(repository.path, session).commit is None
        assert not (tmp_path / "ran").exists()


class TestLfs:
    """A filter called lfs stands for git-lfs: it says whether it was told to fetch nothing."""

    @pytest.fixture(autouse=True)
    def lfs(self, home: Path) -> None:
        (home / ".gitconfig").write_text(
            '[filter "lfs"]\n'
            '\tsmudge = "printf %s \\"skip=$GIT_LFS_SKIP_SMUDGE\\"; cat >/dev/null"\n'
        )

    @pytest.mark.parametrize(
        ("written", "content"),
        [
            ("[lfs]\n\turl = https://elsewhere.example.com/x\n", "skip=1"),
            ('[remote "origin"]\n\tlfsurl = https://elsewhere.example.com/x\n', "skip=1"),
            ("[lfs]\n\turl = file:///etc\n", "skip=1"),
            ("[lfs]\n\tconcurrenttransfers = 3\n", "skip="),
            ("not a configuration", "skip="),
        ],
    )
    def test_goes_nowhere_that_the_source_says(
        self,
        history: History,
        bring: Callable[..., Checkout],
        written: str,
        content: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        history.repository.commit(
            {".lfsconfig": written, ".gitattributes": "a.bin filter=lfs\n", "a.bin": "x"}
        )
        caplog.set_level(logging.WARNING)
        checkout = bring("served/plugins")
        assert (checkout.root / "a.bin").read_text() == content
        assert ("sends git-lfs to another server" in caplog.text) == (content == "skip=1")

    def test_goes_where_the_user_says(
        self, history: History, bring: Callable[..., Checkout], home: Path
    ) -> None:
        with (home / ".gitconfig").open("a") as file:
            file.write("[lfs]\n\turl = https://elsewhere.example.com/x\n")
        history.repository.commit(
            {
                ".lfsconfig": "[lfs]\n\turl = https://elsewhere.example.com/x\n",
                ".gitattributes": "a.bin filter=lfs\n",
                "a.bin": "x",
            }
        )
        assert (bring("served/plugins").root / "a.bin").read_text() == "skip="


def test_submodules_are_not_fetched_though_the_user_does_so_elsewhere(
    history: History, bring: Callable[..., Checkout], home: Path
) -> None:
    (home / ".gitconfig").write_text("[submodule]\n\trecurse = true\n")
    history.repository.commit(
        {".gitmodules": '[submodule "x"]\n\tpath = x\n\turl = ext::sh -c "touch ran"\n'}
    )
    assert bring("served/plugins").commit


class TestDamaged:
    """A server whose repository lacks an object breaks off: that is no trouble of the network."""

    @pytest.fixture(autouse=True)
    def damaged(self, history: History) -> History:
        blob = history.repository.git("rev-parse", "HEAD:new.txt")
        (history.repository.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
        return history

    def test_over_http(self, tmp_path: Path, bring: Callable[..., Checkout]) -> None:
        with smart_http(tmp_path / "served") as url, pytest.raises(SourceError) as caught:
            bring(f"{url}/plugins/.git")
        self.assert_told(caught.value)

    def test_in_a_folder(self, bring: Callable[..., Checkout]) -> None:
        with pytest.raises(SourceError) as caught:
            bring("served/plugins")
        self.assert_told(caught.value)

    def test_with_progress(self, session: GitSession, tmp_path: Path) -> None:
        """Somebody watches: git then repaints its progress a hundred times."""
        (tmp_path / "into").mkdir()
        watched = replace(session, on_line=lambda _: None)
        remote = locate(Source(repo="served/plugins", relative_to=tmp_path))
        assert isinstance(remote, GitRemote)
        with pytest.raises(SourceError) as caught:
            check_out_git(remote, None, tmp_path / "into", watched)
        self.assert_told(caught.value)

    def assert_told(self, error: SourceError) -> None:
        assert "is damaged" in error.problem
        assert "proxy" not in str(error)
        details = (error.details or "").splitlines()
        assert details
        assert details[0].removeprefix("remote: ").startswith(("fatal:", "error:"))
        assert not [line for line in details if "%" in line or "done." in line]


def test_json_that_is_nested_too_deep_is_no_workspace(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text("[" * 100_000)
    assert workspaces_in(tmp_path) == ()


def test_names_that_are_no_text_are_copied_as_they_are(
    tmp_path: Path, bring: Callable[..., Checkout], caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "plain"
    name = os.fsdecode(b"caf\xe9")
    (folder / name).mkdir(parents=True)
    (folder / name / os.fsdecode(b"\xff.txt")).write_text("x")
    (folder / os.fsdecode(b"\xfe-link")).symlink_to("/etc")
    os.mkfifo(folder / os.fsdecode(b"\xfd-pipe"))
    checkout = bring("plain")
    assert (checkout.root / name / os.fsdecode(b"\xff.txt")).read_text() == "x"
    # What is said of them can be written to any log.
    for record in caplog.records:
        record.getMessage().encode()
