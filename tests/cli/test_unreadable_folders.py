"""Folders that may not be read, below what a command looks at: named, and passed over.

The commands run without the right to read everything, which root has otherwise.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command_line import ROOT, Ended, run_factory

# Root without its rights over files is held to the modes of what it owns, as anybody is.
AS_ANYBODY = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()
WORKSPACE = ROOT / "examples/local-workspace/workspace"


@pytest.fixture
def closed() -> Iterator[list[Path]]:
    folders: list[Path] = []
    yield folders
    for folder in folders:
        folder.chmod(0o700)


@pytest.fixture
def workspace(tmp_path: Path, closed: list[Path]) -> Path:
    copied = tmp_path / "workspace"
    ignored = shutil.ignore_patterns("node_modules", "dist*")
    shutil.copytree(WORKSPACE, copied, ignore=ignored)
    for name in ("lost+found", "plugins/lost+found", "plugins/greetings/lost+found"):
        close(copied / name, closed)
    return copied


def close(folder: Path, closed: list[Path]) -> None:
    folder.mkdir(parents=True)
    closed.append(folder)
    folder.chmod(0)


def run(tmp_path: Path, *words: str | Path) -> Ended:
    process = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "COLUMNS": "200"}
    return run_factory(process, *words, inside=AS_ANYBODY)


def test_analyze(tmp_path: Path, workspace: Path) -> None:
    ended = run(tmp_path, "analyze", workspace)
    assert ended.code == 0, ended.said
    ended.assert_says("plugins/greetings-backend", "lost+found is not readable and is skipped")


def test_init(tmp_path: Path, workspace: Path) -> None:
    ended = run(tmp_path, "init", "--local", workspace, tmp_path / "config")
    assert ended.code == 0, ended.said
    ended.assert_says("lost+found is not readable and is skipped")


def test_plan(tmp_path: Path, workspace: Path, closed: list[Path]) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "source.json").write_text(f'{{"repo": "{workspace}"}}')
    folders = ("--repo-path", tmp_path / "source", "--output-dir", tmp_path / "outputs")
    close(workspace / "database", closed)
    options = ("--config-dir", config, *folders, "--no-cache")
    ended = run(tmp_path, "plan", *options)
    assert ended.code == 0, ended.said
    ended.assert_says("database is not readable and is skipped", "3 to build")
    close(workspace / "plugins/greetings/src/parts", closed)
    ended = run(tmp_path, "plan", *options)
    assert ended.code == 4
    ended.assert_says("a file of the source folder cannot be read", "plugins/greetings/src/parts")


@pytest.mark.parametrize("words", [("verify",), ("registry",)])
def test_staged_plugins(tmp_path: Path, closed: list[Path], words: tuple[str, ...]) -> None:
    close(tmp_path / "staged/lost+found", closed)
    ended = run(tmp_path, *words, tmp_path / "staged")
    ended.assert_says("lost+found is not readable and is skipped")
    assert "internal error in" not in ended.said


def test_a_cache_of_somebody_else_is_not_pruned(tmp_path: Path, closed: list[Path]) -> None:
    close(tmp_path / "cache/plugins", closed)
    ended = run(tmp_path, "cache", "prune", "--cache-dir", tmp_path / "cache")
    assert ended.code == 12, ended.said
    ended.assert_says("Permission denied", tmp_path / "cache/plugins")
    assert "internal error in" not in ended.said
