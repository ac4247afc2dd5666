"""A disk that is full in each stage: it is said where, nothing half-made, and later all works."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from tests.command_line import Ended

from .conftest import NewDesk, QuietRun
from .small_disk import build_on_disk, build_until_full
from .tiny_workspace import PING, Desk, source_files

PING_LOG = "plugins-ping-backend"


def assert_says_so(ended: Ended, disk: Path) -> None:
    assert ended.code == 12, ended.said
    assert "No space left on device" in ended.said or "disk is full" in ended.said
    assert str(disk) in ended.said
    assert "Traceback" not in ended.said
    assert "internal error in" not in ended.said


@pytest.mark.parametrize(
    ("stage", "opens"),
    [
        ("source", "source.log"),
        ("install", "install.log"),
        ("compile", f"{PING_LOG}.compile.log"),
        ("export", f"{PING_LOG}.export.log"),
    ],
)
def test_of_the_source(
    half_built: Desk, undisturbed: dict[str, bytes], stage: str, opens: str
) -> None:
    desk = half_built
    ended = build_until_full(desk, desk.source, opens, "--only", PING)
    assert_says_so(ended, desk.source)
    assert desk.artifacts() == {}
    assert_works_again(desk, undisturbed)


def test_of_the_users_tree_while_it_is_patched(
    new: NewDesk, quiet_run: QuietRun, undisturbed: dict[str, bytes]
) -> None:
    desk = new("local", "local")
    desk.take_plugins(quiet_run.desk, but=PING)
    before = source_files(desk.source)
    ended = build_until_full(desk, desk.source, "1-words.patch")
    assert_says_so(ended, desk.source)
    assert source_files(desk.source) == before
    assert_works_again(desk, undisturbed)


@pytest.mark.parametrize(
    ("stage", "opens"),
    [
        ("pack", f"{PING_LOG}.pack.log"),
        ("the SBOM", "acme-ping-backend-dynamic-1.0.0.tgz.cdx.json"),
        ("report", ".build-report.json"),
    ],
)
def test_of_the_outputs(
    half_built: Desk, undisturbed: dict[str, bytes], stage: str, opens: str
) -> None:
    desk = half_built
    ended = build_until_full(desk, desk.outputs, opens, "--only", PING)
    assert_says_so(ended, desk.outputs)
    # What is there under its final name is whole.
    assert desk.artifacts().items() <= undisturbed.items()
    assert desk.left_over() == []
    assert_works_again(desk, undisturbed)


@pytest.fixture
def large(new: NewDesk) -> Desk:
    """A user's tree with a plugin of a megabyte, of which no more than that is left by packing."""
    desk = new("local", "local")
    (desk.source / PING / "src/large.bin").write_bytes(random.Random(1).randbytes(1 << 20))
    return desk


def test_of_the_outputs_while_an_archive_is_written(large: Desk) -> None:
    ended = build_on_disk(large, large.outputs, "600k", "--only", PING)
    assert_says_so(ended, large.outputs)
    assert large.artifacts() == {}
    assert large.left_over() == []
    assert_is_built(large)


def test_of_the_source_while_files_are_exported(large: Desk) -> None:
    project = large.source / PING
    ended = build_on_disk(large, project, "2560k", "--only", PING)  # its source, and compiled
    assert_says_so(ended, project)
    assert large.artifacts() == {}
    shutil.rmtree(project / "dist-dynamic")
    assert_is_built(large)


def assert_is_built(desk: Desk) -> None:
    ended = desk.build("--only", PING)
    assert ended.code == 0, ended.said
    (tgz,) = desk.outputs.glob("*.tgz")
    assert tgz.stat().st_size > 1 << 20


def test_of_the_cache_of_plugins_is_no_reason_to_fail(
    desk: Desk, undisturbed: dict[str, bytes]
) -> None:
    desk.plugin_cache.mkdir()
    ended = build_until_full(desk, desk.plugin_cache, f"{PING_LOG}.pack.log")
    assert ended.code == 0, ended.said
    assert ended.said.count("No space left on device") == 1
    assert str(desk.plugin_cache) in ended.said
    assert desk.artifacts() == undisturbed
    assert_works_again(desk, undisturbed)


def assert_works_again(desk: Desk, undisturbed: dict[str, bytes]) -> None:
    ended = desk.build()
    assert ended.code == 0, ended.said
    assert desk.artifacts() == undisturbed
    assert desk.left_over() == []
