"""Files that appear whole, and what a process that is killed leaves beside them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factory.files import (
    remove_unfinished,
    replace_file,
    replace_folder,
    write_new,
    write_whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

# Stands still between the writing and the moving, until its input ends.
STANDING_STILL = """
import sys
from pathlib import Path
from factory.files import write_whole
move = Path.replace
def replace(self, target):
    print("written", flush=True)
    sys.stdin.read()
    return move(self, target)
Path.replace = replace
write_whole(Path(sys.argv[1]), "new")
"""


@contextlib.contextmanager
def another_process(file: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        (sys.executable, "-c", STANDING_STILL, os.fspath(file)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == "written\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_and_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / ("x" * 240)
    file.write_text("old")
    file.chmod(0o600)
    write_whole(file, "new\n")
    assert file.read_text() == "new\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(names(tmp_path)) == 1


def test_a_new_file_replaces_none(tmp_path: Path) -> None:
    write_new(tmp_path / "a", "one")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "a", "two")
    assert (tmp_path / "a").read_text() == "one"
    assert names(tmp_path) == ["a"]


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    with another_process(tmp_path / "report.json") as process:
        process.kill()
        process.wait()
    assert len(names(tmp_path)) == 1
    remove_unfinished(tmp_path)
    assert names(tmp_path) == []


def test_what_is_just_being_written_stays(tmp_path: Path) -> None:
    with another_process(tmp_path / "report.json") as process:
        remove_unfinished(tmp_path)
        process.communicate("")
        assert process.returncode == 0
    assert names(tmp_path) == ["report.json"]
    assert (tmp_path / "report.json").read_text() == "new"


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    for name in (".report.json.backup12", ".hidden", "a.plugin-factory-abcdefgh"):
        (tmp_path / name).write_text("mine")
    (tmp_path / ".folder.plugin-factory-abcdefgh").mkdir()
    before = names(tmp_path)
    remove_unfinished(tmp_path)
    remove_unfinished(tmp_path / "nowhere")
    assert names(tmp_path) == before


def test_many_at_once_with_somebody_who_tidies_up(tmp_path: Path) -> None:
    tidying = (
        "import sys; from pathlib import Path; from factory.whole_file import remove_unfinished\n"
        "print(flush=True)\nwhile True: remove_unfinished(Path(sys.argv[1]))"
    )
    tidier = subprocess.Popen(
        (sys.executable, "-c", tidying, os.fspath(tmp_path)), stdout=subprocess.PIPE
    )
    try:
        assert tidier.stdout
        tidier.stdout.readline()
        for number in range(500):
            write_whole(tmp_path / "file", str(number))
            assert (tmp_path / "file").read_text() == str(number)
    finally:
        tidier.kill()
        tidier.communicate()


def test_a_file_that_is_replaced_stays_as_it_was_until_the_end(tmp_path: Path) -> None:
    file = tmp_path / "layer"
    file.write_bytes(b"old")
    with replace_file(file) as opened:
        opened.write(b"new")
        opened.flush()
        assert file.read_bytes() == b"old"
    assert file.read_bytes() == b"new"
    assert names(tmp_path) == ["layer"]


def test_a_file_whose_writing_fails_stays_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "layer"
    file.write_bytes(b"old")
    with pytest.raises(TypeError), replace_file(file) as opened:
        opened.writelines((b"ne", None))  # type: ignore[arg-type]
    assert file.read_bytes() == b"old"
    assert names(tmp_path) == ["layer"]


def test_what_a_killed_process_was_writing_is_removed_later(tmp_path: Path) -> None:
    with replace_file(tmp_path / "layer"):
        (unfinished,) = tmp_path.iterdir()
        remove_unfinished(tmp_path)
        assert unfinished.exists()  # it is being written
        unfinished.rename(tmp_path / "kept")
        (tmp_path / unfinished.name).write_bytes(b"of a killed process")
        remove_unfinished(tmp_path)
        assert names(tmp_path) == ["kept"]
        (tmp_path / "kept").rename(unfinished)
    assert names(tmp_path) == ["layer"]


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    folder = tmp_path / "layout"
    folder.mkdir()
    (folder / "former").touch()
    with replace_folder(folder) as fresh:
        (fresh / "new").touch()
        assert names(folder) == ["former"]
    assert names(folder) == ["new"]
    assert names(tmp_path) == ["layout"]


def test_a_folder_that_cannot_be_filled_stays_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "layout"
    folder.mkdir()
    (folder / "former").touch()
    with pytest.raises(OSError, match="full"), replace_folder(folder):
        raise OSError("the disk is full")
    assert names(folder) == ["former"]
    assert names(tmp_path) == ["layout"]


def test_a_folder_that_cannot_be_moved_into_place_leaves_the_former(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "layout"
    folder.mkdir()
    (folder / "former").touch()
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError("refused")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OSError, match="refused"), replace_folder(folder):
        pass
    assert names(folder) == ["former"]
