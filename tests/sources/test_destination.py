"""The folder that code is brought into: whose it is, and what may go."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from factory.errors import BusyError, SourceError, StorageError
from factory.sources.destination import hold, prepare

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "file").write_text("x")
    (folder / ".hidden").write_text("x")
    return folder


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    with hold(tmp_path / "a" / "b") as path:
        prepare(path, clean=False, confirm=None)
        assert names(path) == []


def test_a_folder_with_content_is_an_error_where_nobody_can_be_asked(source: Path) -> None:
    with pytest.raises(SourceError, match="is not empty") as caught:
        prepare(source, clean=False, confirm=None)
    assert "--clean" in str(caught.value)
    assert "--use-local" in str(caught.value)
    assert names(source) == [".hidden", "deep"]


def test_on_a_terminal_the_user_is_asked_and_may_say_no(source: Path) -> None:
    asked: list[str] = []

    def no(question: str) -> bool:
        asked.append(question)
        return False

    with pytest.raises(SourceError, match="left as it is"):
        prepare(source, clean=False, confirm=no)
    assert names(source) == [".hidden", "deep"]
    assert "not empty (.hidden, deep)" in asked[0]


def test_on_a_terminal_the_user_may_say_yes(source: Path) -> None:
    prepare(source, clean=False, confirm=lambda _: True)
    assert names(source) == []


def test_clean_empties_the_folder_and_keeps_it(source: Path) -> None:
    inode = source.stat().st_ino
    prepare(source, clean=True, confirm=None)
    assert names(source) == []
    assert source.stat().st_ino == inode


def test_clean_removes_folders_without_write_permission(source: Path) -> None:
    (source / "deep" / "er").chmod(0o555)
    (source / "deep").chmod(0o555)
    prepare(source, clean=True, confirm=None)
    assert names(source) == []


def test_clean_follows_no_link_out(source: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("x")
    (source / "link").symlink_to(tmp_path / "precious")
    (source / "deep" / "link").symlink_to(tmp_path / "precious")
    prepare(source, clean=True, confirm=None)
    assert names(tmp_path / "precious") == ["file"]


def test_a_folder_reached_by_a_link_is_emptied_where_it_is(source: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(source)
    with hold(tmp_path / "link") as path:
        prepare(path, clean=True, confirm=None)
    assert names(source) == []
    assert (tmp_path / "link").is_symlink()


class TestNeverEmptied:
    @pytest.mark.parametrize("inside", ["config", "deep/config", "."])
    def test_a_folder_that_holds_the_configuration(self, source: Path, inside: str) -> None:
        (source / inside).mkdir(parents=True, exist_ok=True)
        with pytest.raises(SourceError, match="which this run needs"):
            prepare(source, clean=True, confirm=None, keep=(source / inside,))
        assert ".hidden" in names(source)

    def test_a_folder_that_holds_the_home(self, source: Path) -> None:
        with pytest.raises(SourceError, match="home folder"):
            prepare(source, clean=True, confirm=None, home=source / "deep")
        assert ".hidden" in names(source)

    @pytest.mark.parametrize("path", ["/", "/usr", "/etc"])
    def test_a_folder_of_the_system(self, tmp_path: Path, path: str) -> None:
        root = type(tmp_path)(path)
        with pytest.raises(SourceError, match="a system folder"):
            prepare(root, clean=True, confirm=None)

    def test_a_volume_mounted_inside(self, source: Path, small_disk: Path) -> None:
        with pytest.raises(SourceError, match="is a mounted volume"):
            prepare(small_disk.parent, clean=True, confirm=None)
        assert ".hidden" in names(source)

    def test_also_not_when_the_user_says_yes(self, source: Path) -> None:
        with pytest.raises(SourceError, match="which this run needs"):
            prepare(source, clean=False, confirm=lambda _: True, keep=(source,))


class TestHeld:
    def test_a_second_run_on_the_same_folder_is_refused(self, source: Path) -> None:
        with (
            hold(source),
            pytest.raises(BusyError, match="another run uses") as caught,
            hold(source),
        ):
            pass
        assert f"process {os.getpid()} holds it" in str(caught.value)

    def test_holding_leaves_no_file_behind(self, source: Path) -> None:
        with hold(source):
            assert names(source) == [".hidden", "deep"]

    def test_the_next_run_may_have_it(self, source: Path) -> None:
        with hold(source):
            pass
        with hold(source):
            pass

    def test_a_file_is_no_folder(self, source: Path) -> None:
        with pytest.raises(StorageError, match="cannot be created"), hold(source / ".hidden"):
            pass

    def test_a_folder_that_cannot_be_written(self, small_disk: Path) -> None:
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
        with pytest.raises(StorageError, match="cannot be written"), hold(small_disk):
            pass
