"""Servers of git and npm that fail, break off or fall silent, as the whole command meets them."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.made_once import made_once
from tests.sources.servers import ServerLog, smart_http
from tests.toolchain.npm_registry import Fault

from .conftest import QuietRun
from .registry import ARCHIVE, Mirror, mirroring, published_package
from .tiny_workspace import Desk

NewMirror: TypeAlias = Callable[..., AbstractContextManager[Mirror]]

# git's and yarn's own settings for how long to wait for an answer: a second.
IMPATIENT_GIT = {"GIT_HTTP_LOW_SPEED_LIMIT": "1000", "GIT_HTTP_LOW_SPEED_TIME": "1"}
IMPATIENT_YARN = {"YARN_HTTP_TIMEOUT": "1000"}


@pytest.fixture
def git(desk: Desk) -> Iterator[ServerLog]:
    """A server that the desk's repository comes from."""
    log = ServerLog()
    with smart_http(desk.root, log) as url:
        source = {"repo": f"{url}/repository", "workspace-path": "."}
        (desk.config / "source.json").write_text(json.dumps(source))
        yield log
        log.silent.set()


@pytest.fixture(scope="session")
def published(process: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return made_once(
        tmp_path_factory, "published-archive", lambda folder: published_package(process, folder)
    )


@pytest.fixture
def mirror(published: bytes, tmp_path: Path) -> NewMirror:
    return functools.partial(mirroring, published, tmp_path)


def assert_failed(desk: Desk, said: str) -> None:
    assert "Traceback" not in said
    assert desk.artifacts() == {}
    assert desk.left_over() == []


class TestGit:
    @pytest.fixture
    def desk(self, desk: Desk, quiet_run: QuietRun) -> Desk:
        """One that has finished plugins: once the source is there, nothing else is to be done."""
        desk.take_plugins(quiet_run.desk)
        return desk

    def test_that_fails_then_breaks_off_then_works(
        self, desk: Desk, git: ServerLog, undisturbed: dict[str, bytes]
    ) -> None:
        git.failures_left = 1
        git.breaks_left = 1
        ended = desk.build()
        assert ended.code == 0, ended.said
        assert git.failures_left == git.breaks_left == 0
        assert ended.said.count("trying again") == 2
        assert desk.artifacts() == undisturbed

    def test_that_never_stops_to_break_off_is_given_up(self, desk: Desk, git: ServerLog) -> None:
        git.breaks_left = 1000
        ended = desk.build()
        assert ended.code == 4, ended.said
        assert "cannot be reached, or closed the connection" in ended.said
        assert 1000 - git.breaks_left < 20
        assert_failed(desk, ended.said)
        assert not desk.source.exists() or not list(desk.source.iterdir())

    def test_that_falls_silent_is_given_up(self, desk: Desk, git: ServerLog) -> None:
        git.silences_left = 1000
        ended = desk.build(variables=IMPATIENT_GIT)
        assert ended.code == 4, ended.said
        assert "cannot be reached, or closed the connection" in ended.said
        assert 1000 - git.silences_left < 20
        assert_failed(desk, ended.said)


class TestNpm:
    def test_that_fails_then_breaks_off_then_works(
        self, half_built: Desk, mirror: NewMirror, undisturbed: dict[str, bytes]
    ) -> None:
        desk = half_built
        # More often than yarn asks by itself.
        fails, breaks_off = (
            Fault(path=ARCHIVE, does="fails", times=1),
            Fault(path=ARCHIVE, does="breaks off", times=1),
        )
        with mirror(fails, breaks_off) as npm:
            ended = desk.build(variables=npm.variables)
            assert ended.code == 0, f"{ended.said}\n{npm.log.read_text()}"
            assert npm.count(ARCHIVE) == 3
        assert "trying again" in ended.said
        assert desk.artifacts() == undisturbed

    def test_that_never_stops_to_fail_is_given_up(self, desk: Desk, mirror: NewMirror) -> None:
        with mirror(Fault(path=ARCHIVE, does="fails", times=1000)) as npm:
            ended = desk.build(variables=npm.variables)
            assert ended.code == 7, ended.said
            assert "500" in ended.said
            assert npm.count(ARCHIVE) < 10
        assert_failed(desk, ended.said)

    def test_that_never_answers_is_given_up(self, desk: Desk, mirror: NewMirror) -> None:
        with mirror(Fault(path=ARCHIVE, does="says nothing", times=1000)) as npm:
            ended = desk.build(variables=npm.variables | IMPATIENT_YARN)
            assert ended.code == 7, ended.said
            assert npm.count(ARCHIVE) < 10
        assert_failed(desk, ended.said)
