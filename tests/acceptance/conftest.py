"""The shipped example, built once by the real command, for all tests that look at what came out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .example_builds import EXAMPLE, Built, Tree, build_example


@pytest.fixture(scope="session")
def built(process: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The example, built from a copy of its configuration; nobody may change what is in it."""
    return build_example(process, tmp_path_factory.mktemp("built"))


@pytest.fixture
def tree(built: Built, process: dict[str, str], tmp_path: Path) -> Tree:
    """A copy of the built tree that a test may do with as it likes."""
    source = tmp_path / "source"
    # Files of node_modules are never written in place, so links serve; sources are copied.
    shutil.copytree(
        built.source, source, symlinks=True, ignore=shutil.ignore_patterns("node_modules")
    )
    for modules in _node_modules(built.source):
        target = source / modules.relative_to(built.source)
        shutil.copytree(modules, target, symlinks=True, copy_function=_linked)
    config = tmp_path / "config"
    shutil.copytree(EXAMPLE, config, ignore=shutil.ignore_patterns("workspace"))
    (config / "source.json").unlink()
    return Tree(config=config, source=source, outputs=tmp_path / "outputs", process=process)


def _linked(old: str, new: str) -> None:
    try:
        os.link(old, new)
    except OSError:  # a file can only have so many links
        shutil.copy2(old, new)


def _node_modules(root: Path) -> Iterator[Path]:
    for parent, folders, _ in os.walk(root):
        if "node_modules" in folders:
            folders.remove("node_modules")
            yield Path(parent) / "node_modules"
        if "dist-dynamic" in folders:
            folders.remove("dist-dynamic")
