"""A cache that may only be read, is full of rubbish, or is deleted: a build takes no harm."""

from __future__ import annotations

import random
import shutil
import threading
import time

import pytest

from tests.mounts import read_only

from .conftest import QuietRun
from .tiny_workspace import Desk


def from_cache(desk: Desk) -> list[bool]:
    return [plugin["cached"] for plugin in desk.report["plugins"]]


@pytest.fixture
def built(desk: Desk, quiet_run: QuietRun) -> Desk:
    """A desk with everything in the cache, and what a run of its own remembers of it."""
    desk.take_plugins(quiet_run.desk)
    ended = desk.build()
    assert ended.code == 0, ended.said
    assert from_cache(desk) == [True, True], ended.said
    shutil.rmtree(desk.outputs)
    return desk


def assert_same(desk: Desk, undisturbed: dict[str, bytes], *, cached: bool, said: str) -> None:
    assert "Traceback" not in said
    assert "internal error in" not in said
    assert desk.artifacts() == undisturbed, said
    assert from_cache(desk) == [cached, cached], said


def test_that_may_only_be_read_when_it_has_everything(
    built: Desk, undisturbed: dict[str, bytes]
) -> None:
    ended = built.build(inside=read_only(built.cache))
    assert ended.code == 0, ended.said
    assert_same(built, undisturbed, cached=True, said=ended.said)


def test_that_may_only_be_read_when_it_has_nothing(
    desk: Desk, undisturbed: dict[str, bytes]
) -> None:
    ended = desk.build(inside=read_only(desk.cache))
    assert ended.code == 0, ended.said
    assert_same(desk, undisturbed, cached=False, said=ended.said)
    assert ended.said.count("Read-only file system") == 1
    assert f"the cache {desk.cache} is read-only" in ended.said


def test_that_is_full_of_rubbish(built: Desk, undisturbed: dict[str, bytes]) -> None:
    chance = random.Random(1)
    for path in sorted(built.plugin_cache.rglob("*")):
        if path.is_file():
            path.write_bytes(chance.randbytes(chance.randrange(3000)))
        elif path.is_dir():
            (path / "rubbish").write_bytes(chance.randbytes(100))
            (path / "rubbish-folder").mkdir()
    ended = built.build()
    assert ended.code == 0, ended.said
    assert_same(built, undisturbed, cached=False, said=ended.said)
    again = built.build()
    assert again.code == 0, again.said
    assert_same(built, undisturbed, cached=True, said=again.said)


def test_that_is_cut_short(built: Desk, undisturbed: dict[str, bytes]) -> None:
    for path in sorted(built.plugin_cache.rglob("*")):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    ended = built.build()
    assert ended.code == 0, ended.said
    assert_same(built, undisturbed, cached=False, said=ended.said)


def test_that_is_a_file(desk: Desk, undisturbed: dict[str, bytes]) -> None:
    desk.plugin_cache.write_text("mine")
    ended = desk.build()
    assert ended.code == 0, ended.said
    assert_same(desk, undisturbed, cached=False, said=ended.said)
    assert desk.plugin_cache.read_text() == "mine"
    assert str(desk.plugin_cache) in ended.said


def test_that_is_deleted_again_and_again_while_running(
    desk: Desk, undisturbed: dict[str, bytes]
) -> None:
    over = threading.Event()

    def delete() -> None:
        while not over.is_set():
            desk.forget_plugins()
            time.sleep(0.005)

    deleting = threading.Thread(target=delete)
    deleting.start()
    try:
        ended = desk.build()
    finally:
        over.set()
        deleting.join()
    assert ended.code == 0, ended.said
    assert_same(desk, undisturbed, cached=False, said=ended.said)
    again = desk.build()
    assert again.code == 0, again.said
    assert desk.artifacts() == undisturbed
