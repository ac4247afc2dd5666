"""A plain folder as the source: copied, never modified."""

from __future__ import annotations

import logging
import os
import stat
from typing import TYPE_CHECKING

import pytest

from factory.errors import SourceError, StorageError
from factory.sources.checkout import check_out
from factory.sources.source import Checkout, Source

from .repositories import tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from factory.toolchain.runner import Runner

    Bring = Callable[..., Checkout]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    source = tmp_path / "mine"
    for name in (".yarnrc.yml", "src/index.ts", "node_modules/x/index.js", "p/dist-dynamic/a.js"):
        file = source / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return source


def test_everything_is_copied_but_what_builds_leave(bring: Bring, folder: Path) -> None:
    (folder / "p" / "node_modules").mkdir()
    checkout = bring("mine")
    assert tree(checkout.root) == {".yarnrc.yml": ".yarnrc.yml", "src/index.ts": "src/index.ts"}
    assert sorted(entry.name for entry in checkout.root.iterdir()) == [".yarnrc.yml", "p", "src"]
    assert (checkout.commit, checkout.ref, checkout.committed_at) == (None, None, None)
    assert checkout.url == str(folder)


def test_a_file_url_is_that_folder(bring: Bring, folder: Path) -> None:
    assert bring(folder.as_uri()).url == str(folder)


def test_links_modes_and_times_are_kept(bring: Bring, folder: Path) -> None:
    (folder / "src" / "index.ts").chmod(0o755)
    os.utime(folder / "src" / "index.ts", (1000, 1000))
    (folder / "link").symlink_to("src/index.ts")
    (folder / "dangling").symlink_to("nowhere")
    copy = bring("mine").root
    assert (copy / "link").readlink() == (folder / "link").readlink()
    assert (copy / "dangling").is_symlink()
    copied = (copy / "src" / "index.ts").stat()
    assert (stat.S_IMODE(copied.st_mode), copied.st_mtime) == (0o755, 1000)


def test_an_absolute_link_into_the_source_leads_into_the_copy(bring: Bring, folder: Path) -> None:
    (folder / "src" / "link").symlink_to(folder / ".yarnrc.yml")
    copy = bring("mine").root
    (copy / "src" / "link").write_text("changed")
    assert (folder / ".yarnrc.yml").read_text() == ".yarnrc.yml"
    assert (copy / ".yarnrc.yml").read_text() == "changed"


def test_a_link_out_of_the_source_is_said(
    bring: Bring, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "out").symlink_to("../elsewhere")
    bring("mine")
    assert "leads out of the source folder" in caplog.text


def test_what_is_no_file_is_left_out_and_said(
    bring: Bring, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    os.mkfifo(folder / "pipe")
    assert not (bring("mine").root / "pipe").exists()
    assert "not copied" in caplog.text


def test_read_only_folders_are_copied(bring: Bring, folder: Path) -> None:
    (folder / "src").chmod(0o555)
    copy = bring("mine").root
    assert stat.S_IMODE((copy / "src").stat().st_mode) == 0o555


@pytest.mark.usefixtures("folder")
def test_a_ref_on_a_plain_folder_is_an_error(bring: Bring) -> None:
    with pytest.raises(SourceError, match="not a git repository, so it has no ref"):
        bring("mine", "main")


def test_a_folder_that_does_not_exist_is_an_error(bring: Bring) -> None:
    with pytest.raises(SourceError, match="does not exist") as caught:
        bring("github.com/backstage/community-plugins")
    assert caught.value.hint is not None
    assert "https://github.com/backstage/community-plugins" in caught.value.hint


def test_a_file_is_no_source(bring: Bring, folder: Path) -> None:
    with pytest.raises(SourceError, match="is not a folder"):
        bring("mine/.yarnrc.yml")


def test_a_copy_into_the_source_itself_is_refused(
    folder: Path, runner: Runner, env: dict[str, str]
) -> None:
    into = folder / "out"
    into.mkdir()
    with pytest.raises(SourceError, match="contain one another"):
        check_out(Source(repo=".", relative_to=folder), into, runner=runner, env=env)


def test_a_full_disk_leaves_nothing_half_made(
    folder: Path, runner: Runner, env: dict[str, str], small_disk: Path
) -> None:
    (folder / "big.bin").write_bytes(b"0" * 3_000_000)
    with pytest.raises(StorageError, match="the disk is full"):
        check_out(Source(repo=str(folder), relative_to=folder), small_disk, runner=runner, env=env)
    assert list(small_disk.iterdir()) == []


def test_a_target_with_something_in_it_is_refused(
    folder: Path, tmp_path: Path, runner: Runner, env: dict[str, str]
) -> None:
    into = tmp_path / "into"
    into.mkdir()
    (into / "work.txt").write_text("mine")
    with pytest.raises(SourceError, match="is not empty"):
        check_out(Source(repo="mine", relative_to=tmp_path), into, runner=runner, env=env)
    assert (into / "work.txt").read_text() == "mine"
