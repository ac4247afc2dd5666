"""The state of a plain folder: all that a build could copy of it, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from factory.cache.tree import folder_state


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "plugins/a/src").mkdir(parents=True)
    (folder / "package.json").write_text("{}")
    (folder / "plugins/a/src/index.ts").write_text("export {};")
    (folder / "plugins/a/run.sh").write_text("true")
    (folder / "plugins/a/dist").mkdir()
    (folder / "plugins/a/dist/index.js").write_text("made")
    (folder / "link").symlink_to("plugins/a")
    return folder


def written(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text("changed")


@pytest.mark.parametrize(
    "change",
    [
        written("plugins/a/src/index.ts"),
        written("plugins/a/dist/index.js"),
        written("new.txt"),
        lambda folder: (folder / "plugins/a/run.sh").chmod(0o755),
        lambda folder: (folder / "package.json").unlink(),
        lambda folder: (folder / "package.json").rename(folder / "Package.json"),
        lambda folder: (folder / "plugins/a/run.sh").replace(folder / "package.json"),
        lambda folder: (folder / "other").symlink_to("plugins/a"),
    ],
)
def test_what_a_build_would_see_is_another_state(
    folder: Path, change: Callable[[Path], object]
) -> None:
    before = folder_state(folder)
    change(folder)
    after = folder_state(folder)
    assert before
    assert after
    assert before != after


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: os.utime(folder / "package.json", (0, 0)),
        lambda folder: (folder / "node_modules").mkdir(),
        lambda folder: (folder / "plugins/a/empty").mkdir(),
    ],
)
def test_what_it_would_not_is_the_same(folder: Path, change: Callable[[Path], object]) -> None:
    before = folder_state(folder)
    change(folder)
    assert folder_state(folder) == before


def test_the_same_elsewhere_is_the_same(folder: Path, tmp_path: Path) -> None:
    before = folder_state(folder)
    folder.rename(tmp_path / "elsewhere")
    assert folder_state(tmp_path / "elsewhere") == before


@pytest.mark.parametrize("target", ["../../outside", "/etc/passwd", "../plugins/../../outside"])
def test_a_folder_that_a_link_leads_out_of_has_none(folder: Path, target: str) -> None:
    (folder / "plugins/out").symlink_to(target)
    assert folder_state(folder) is None
