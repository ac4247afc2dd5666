"""Folders for the time of a command: removed at its end, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factory.scratch_folder import _swept, scratch_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

# Fills a folder as packages do, tells that it has, and stays until its input ends.
HOLDING = """
import os, sys
from factory.scratch_folder import scratch_folder
with scratch_folder("verify") as folder:
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "file").write_text("x")
    os.chmod(folder / "a" / "b", 0o555)
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    _swept.cache_clear()
    return tmp_path


@contextlib.contextmanager
def another_process(temporary: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        (sys.executable, "-c", HOLDING),
        env={**os.environ, "TMPDIR": str(temporary)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        assert process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_folder_is_there_and_then_gone(temporary: Path) -> None:
    with scratch_folder("images") as folder:
        assert folder.parent == temporary.resolve()
        (folder / "file").write_text("x")
    assert list(temporary.iterdir()) == []


def test_what_a_killed_process_left_is_removed(temporary: Path) -> None:
    with another_process(temporary) as process:
        process.kill()
        process.wait()
    (left,) = temporary.iterdir()
    assert (left / "a/b/file").is_file()
    with scratch_folder() as folder:
        assert list(temporary.iterdir()) == [folder]


def test_what_a_living_process_holds_stays(temporary: Path) -> None:
    with another_process(temporary) as process:
        (held,) = temporary.iterdir()
        with scratch_folder():
            assert (held / "a/b/file").is_file()
        process.communicate("")
        assert process.returncode == 0
    assert list(temporary.iterdir()) == []


def test_what_is_not_ours_stays(temporary: Path) -> None:
    (temporary / "plugin-factory-somebody").mkdir()
    (temporary / "plugin-factory-abcdefgh").mkdir()
    (temporary / "plugin-factory-mine.log").write_text("x")
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".plugin-factory-scratch").touch()
    (temporary / "plugin-factory-12345678").symlink_to(elsewhere)
    before = sorted(temporary.rglob("*"))
    with scratch_folder():
        pass
    assert sorted(temporary.rglob("*")) == before


def test_what_was_left_before_it_could_be_marked_is_removed(temporary: Path) -> None:
    tempfile.mkdtemp(prefix="plugin-factory-patches-", dir=temporary)
    with scratch_folder() as folder:
        assert list(temporary.iterdir()) == [folder]


def test_one_that_another_process_takes_for_left_is_made_anew(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, made = tempfile.mkdtemp, []

    def make_and_lose(**named: str) -> str:
        made.append(make(**named))
        if len(made) == 1:
            Path(made[0]).rmdir()
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", make_and_lose)
    with scratch_folder("images") as folder:
        assert len(made) == 2
        (folder / "file").write_text("x")
    assert list(temporary.iterdir()) == []


def test_one_that_is_taken_while_it_is_being_locked_is_made_anew(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, locked = fcntl.flock, []

    def lose_and_lock(descriptor: int, operation: int) -> None:
        locked.append(operation)
        if len(locked) == 1:
            (only,) = temporary.iterdir()
            only.rmdir()
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", lose_and_lock)
    with scratch_folder() as folder:
        assert len(locked) == 2
        assert folder.is_dir()
    assert list(temporary.iterdir()) == []
