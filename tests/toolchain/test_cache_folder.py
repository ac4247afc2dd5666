"""Folders of the cache: made once, whole or not at all, whoever else is at it."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from factory.errors import Interrupted, StorageError, ToolchainError
from factory.locking import exclusive
from factory.toolchain.cache_folder import make_once
from tests.mounts import read_only

if TYPE_CHECKING:
    from pathlib import Path

# Makes an entry slowly, and leaves a note of having done so.
MAKER = """
import sys, time, uuid
from pathlib import Path
from factory.toolchain.cache_folder import make_once
entry, notes = map(Path, sys.argv[1:])
def make(folder):
    (notes / uuid.uuid4().hex).touch()
    (folder / "first").write_text("1")
    time.sleep(1)
    (folder / "second").write_text("2")
made = make_once(entry, make, what="a tool")
assert (made / "first").read_text() + (made / "second").read_text() == "12"
"""


def test_two_processes_at_once_make_an_entry_once(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    entry = tmp_path / "cache/tool/1.0"
    command = (sys.executable, "-c", MAKER, str(entry), str(notes))
    both = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    ends = [(process.communicate(timeout=300)[1], process.returncode) for process in both]
    assert ends == [(b"", 0), (b"", 0)]
    assert len(list(notes.iterdir())) == 1


def test_an_entry_that_is_there_is_not_made_again(tmp_path: Path) -> None:
    entry = tmp_path / "tool"
    entry.mkdir()

    def make(_: Path) -> None:
        raise AssertionError("made again")

    assert make_once(entry, make, what="a tool") == entry


def test_an_entry_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    entry = tmp_path / "cache/tool"

    def make(folder: Path) -> None:
        (folder / "half").touch()
        raise ToolchainError("no network")

    with pytest.raises(ToolchainError, match="no network"):
        make_once(entry, make, what="a tool")
    assert [item.name for item in entry.parent.iterdir()] == [".tool.lock"]


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    entry, notes = tmp_path / "cache/tool", tmp_path / "notes"
    notes.mkdir()
    killed = subprocess.Popen((sys.executable, "-c", MAKER, str(entry), str(notes)))
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob("cache/.tool.making-*/first")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    killed.kill()
    killed.wait()
    assert not entry.exists()
    make_once(entry, lambda folder: (folder / "whole").touch(), what="a tool")
    assert [item.name for item in entry.iterdir()] == ["whole"]
    assert sorted(item.name for item in entry.parent.iterdir()) == [".tool.lock", "tool"]


def test_a_cache_that_cannot_be_written_says_which_variable_names_another(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in the way")
    with pytest.raises(StorageError, match="a tool cannot be put into the cache") as caught:
        make_once(tmp_path / "cache/tool", lambda _: None, what="a tool")
    assert "PLUGIN_FACTORY_CACHE_DIR" in str(caught.value.hint)


READ_ONLY = """
import logging, sys
from pathlib import Path
from factory.toolchain.cache_folder import make_once
logging.basicConfig(format="%(message)s")
cache = Path(sys.argv[1])
for name in ("there", "missing", "another"):
    entry = make_once(cache / "tool" / name, lambda f: (f / "made").write_text("now"), what=name)
    print(name, (entry / "made").read_text(), entry.is_relative_to(cache))
"""


def test_a_cache_that_may_only_be_read_is_read(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    make_once(cache / "tool/there", lambda f: write(f / "made", "before"), what="there")
    before = sorted(cache.rglob("*"))
    words = (*read_only(cache), sys.executable, "-c", READ_ONLY, str(cache))
    ended = subprocess.run(words, capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines() == [
        "there before True",
        "missing now False",
        "another now False",
    ]
    assert len(ended.stderr.splitlines()) == 1, "it is said once"
    assert "is read-only (Read-only file system)" in ended.stderr
    assert sorted(cache.rglob("*")) == before


def write(file: Path, text: str) -> None:
    file.write_text(text)


def test_a_wait_for_another_run_ends_with_the_run(tmp_path: Path) -> None:
    def interrupted() -> None:
        raise Interrupted("Ctrl-C")

    (tmp_path / "cache").mkdir()
    with (
        exclusive(tmp_path / "cache/.tool.lock", wait=False),
        pytest.raises(Interrupted),
    ):
        make_once(
            tmp_path / "cache/tool",
            lambda _: None,
            what="a tool",
            checkpoint=interrupted,
        )
