"""Folders that cannot be written, are full, or are somebody else's at the moment."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from factory.locking import exclusive

from .desk import Desk, new_desk

# Mounts a small filesystem that only the run sees, and says what is in it at the end.
ON_SMALL_DISK = """
mount -t tmpfs -o size="$1" none "$2" || exit 99
shift
disk=$1
shift
fill=$1
shift
[ "$fill" = full ] && dd if=/dev/zero of="$disk/filler" bs=4k 2>/dev/null
"$@"
code=$?
echo "left on the disk: $(ls -A "$disk" | grep -v filler | tr '\\n' ' ')."
exit $code
"""
UNSHARE = ("unshare", "--map-root-user", "--mount")


def can_mount() -> bool:
    command = (*UNSHARE, "sh", "-c", "mount -t tmpfs -o size=4k none /mnt")
    return bool(shutil.which("unshare")) and not subprocess.call(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


needs_mount = pytest.mark.skipif(not can_mount(), reason="this machine lets nobody mount")


@pytest.fixture
def desk(tmp_path: Path, process: dict[str, str]) -> Desk:
    return new_desk(tmp_path, process)


def small_disk(folder: Path, size: str, *, full: bool = False) -> tuple[str, ...]:
    folder.mkdir(parents=True, exist_ok=True)
    shell = ("sh", "-c", ON_SMALL_DISK, "sh", size, str(folder))
    return (*UNSHARE, *shell, "full" if full else "empty")


def test_an_output_directory_below_a_file(desk: Desk) -> None:
    file = desk.write("in-the-way", "a file")
    before = desk.tree()
    ended = desk.build("--output-dir", str(file / "outputs"))
    assert ended.code == 12
    ended.assert_says("the output directory cannot be written", file / "outputs", "--output-dir")
    assert desk.tree() == before


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that is nobody's")
def test_an_output_directory_that_not_even_root_may_make(desk: Desk) -> None:
    ended = desk.build("--output-dir", "/proc/outputs")
    assert ended.code == 12
    ended.assert_says("the output directory cannot be written", "in     /proc/outputs")
    assert not desk.source.exists()


def test_a_repo_path_below_a_file(desk: Desk) -> None:
    file = desk.write("in-the-way", "a file")
    before = desk.tree()
    ended = desk.build("--repo-path", str(file / "source"))
    assert ended.code == 12
    ended.assert_says("the folder for the source cannot be created", file / "source", "--repo-path")
    assert desk.tree() == before


def test_a_cache_below_a_file(desk: Desk) -> None:
    file = desk.write("in-the-way", "a file")
    ended = desk.build("--cache-dir", str(file / "cache"))
    assert ended.code == 12
    ended.assert_says("cannot be put into the cache", "PLUGIN_FACTORY_CACHE_DIR")


@needs_mount
def test_a_disk_that_fills_up_while_a_folder_is_copied(desk: Desk) -> None:
    desk.write("repository/large.bin", bytes(400_000))
    before = desk.tree()
    ended = desk.build(inside=small_disk(desk.source, "200k"))
    assert ended.code == 12
    ended.assert_says("the disk is full", "df -h", "left on the disk: .")
    assert before.items() <= desk.tree().items()
    report = json.loads((desk.outputs / "build-report.json").read_text())
    assert report["error"]["kind"] == "storage"


@needs_mount
def test_a_disk_that_fills_up_while_git_clones(desk: Desk) -> None:
    desk.write("repository/large.bin", bytes(range(256)) * 4000)
    desk.commit()
    repo = f"file://{desk.repository}"
    ended = desk.build("--source-repo", repo, inside=small_disk(desk.source, "200k"))
    assert ended.code == 12
    ended.assert_says("the disk is full", "left on the disk: .")


@needs_mount
@pytest.mark.parametrize("size", ["4k", "8k"])
def test_an_output_directory_on_a_full_disk(desk: Desk, size: str) -> None:
    desk.commit()
    before = desk.tree()
    repo = f"file://{desk.repository}"
    ended = desk.build("--source-repo", repo, inside=small_disk(desk.outputs, size, full=True))
    assert ended.code == 12
    ended.assert_says("No space left on device", "df -h")
    assert before.items() <= desk.tree().items()


@needs_mount
def test_a_cache_on_a_full_disk(desk: Desk) -> None:
    ended = desk.build(inside=small_disk(desk.cache, "100k"))
    assert ended.code == 12
    ended.assert_says("the disk is full")
    assert list(desk.outputs.glob("*.tgz*")) == []


def test_a_repo_path_that_another_run_uses(desk: Desk) -> None:
    desk.source.mkdir()
    with exclusive(desk.source, wait=False):
        ended = desk.build()
    assert ended.code == 13
    ended.assert_says(f"another run uses {desk.source}", "another --repo-path")
    assert list(desk.source.iterdir()) == []


def test_an_output_directory_that_another_run_uses(desk: Desk) -> None:
    desk.outputs.mkdir()
    with exclusive(desk.outputs, wait=False):
        ended = desk.build()
    assert ended.code == 13
    ended.assert_says(f"another run uses {desk.outputs}", "another --output-dir")
    assert not desk.source.exists()
