"""rhdh-cli at a place in the workspace: links to the one installation, or copies."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from factory.errors import Interrupted, StorageError
from factory.export.bundling import (
    PLACE,
    place_rhdh_cli,
)
from factory.toolchain.rhdh_cli import RhdhCli


@pytest.fixture
def rhdh_cli(tmp_path: Path) -> RhdhCli:
    folder = tmp_path / "cache/rhdh-cli/1.9.1+abc/node_modules"
    (folder / "cli/bin").mkdir(parents=True)
    (folder / "cli/bin/rhdh-cli").write_text("#!/bin/sh\necho here\n")
    (folder / "cli/bin/rhdh-cli").chmod(0o755)
    (folder / ".bin").mkdir()
    (folder / ".bin/rhdh-cli").symlink_to("../cli/bin/rhdh-cli")
    (folder / "latest").symlink_to("cli")
    return RhdhCli(version="1.9.1", command=folder / ".bin/rhdh-cli")


def test_it_is_the_same_files_at_the_same_place_in_every_workspace(
    rhdh_cli: RhdhCli, tmp_path: Path
) -> None:
    commands = []
    for name in ("one", "two/deeper"):
        (tmp_path / name).mkdir(parents=True)
        commands.append(place_rhdh_cli(rhdh_cli, tmp_path / name).relative_to(tmp_path / name))
    assert commands[0] == commands[1]
    assert commands[0].is_relative_to(PLACE)
    placed = tmp_path / "one" / commands[0]
    assert placed.samefile(rhdh_cli.command)
    assert placed.resolve().is_relative_to(tmp_path / "one")
    assert (placed.parents[1] / "latest").is_symlink()


def test_it_is_put_there_once(rhdh_cli: RhdhCli, tmp_path: Path) -> None:
    placed = place_rhdh_cli(rhdh_cli, tmp_path / "w")
    placed.resolve().unlink()
    assert place_rhdh_cli(rhdh_cli, tmp_path / "w") == placed
    assert not placed.exists()


@pytest.mark.parametrize("reason", [errno.EXDEV, errno.EPERM, errno.EMLINK])
def test_where_links_are_impossible_it_is_a_copy(
    rhdh_cli: RhdhCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    def refuse(old: str, new: str) -> None:
        raise OSError(reason, os.strerror(reason), old)

    monkeypatch.setattr(os, "link", refuse)
    placed = place_rhdh_cli(rhdh_cli, tmp_path / "w")
    assert not placed.samefile(rhdh_cli.command)
    assert placed.read_text() == rhdh_cli.command.read_text()
    assert os.access(placed, os.X_OK)


def test_when_the_run_is_ended_nothing_is_left(rhdh_cli: RhdhCli, tmp_path: Path) -> None:
    def ended() -> None:
        raise Interrupted("Ctrl-C")

    with pytest.raises(Interrupted):
        place_rhdh_cli(rhdh_cli, tmp_path / "w", checkpoint=ended)
    assert not [path for path in (tmp_path / "w" / PLACE).iterdir() if path.is_dir()]


def test_a_workspace_that_cannot_be_written_is_an_error(rhdh_cli: RhdhCli, tmp_path: Path) -> None:
    (tmp_path / "w").write_text("a file in the way")
    with pytest.raises(StorageError, match="cannot be put into the workspace"):
        place_rhdh_cli(rhdh_cli, tmp_path / "w")
