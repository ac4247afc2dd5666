"""The shipped example, built once by the real command, for all tests that look at what came out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from factory.toolchain.link_tree import link_tree
from tests.made_once import made_once

from .example_builds import EXAMPLE, Built, Tree, build_example


@pytest.fixture(scope="session")
def built(process: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The example, built from a copy of its configuration; nobody may change what is in it."""
    return made_once(tmp_path_factory, "example", lambda folder: build_example(process, folder))


@pytest.fixture
def tree(built: Built, process: dict[str, str], tmp_path: Path) -> Tree:
    """A copy of the built tree that a test may do with as it likes."""
    source = _copied_sources(built, tmp_path / "source")
    _link_modules(built, source)
    return _configured(source, tmp_path, process)


@pytest.fixture
def sources(built: Built, process: dict[str, str], tmp_path: Path) -> Tree:
    """The same without what is installed, for runs that end before anything is."""
    return _configured(_copied_sources(built, tmp_path / "source"), tmp_path, process)


@pytest.fixture(scope="session")
def _worn_source(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = _copied_sources(built, tmp_path_factory.mktemp("worn") / "source")
    _link_modules(built, source)
    return source


@pytest.fixture
def worn_tree(_worn_source: Path, process: dict[str, str], tmp_path: Path) -> Tree:
    """A copy that other tests have built in, too, and that stays as a run leaves it.

    What is installed is 150,000 files: a copy of one's own takes longer than many a test.
    """
    return _configured(_worn_source, tmp_path, process)


def _copied_sources(built: Built, source: Path) -> Path:
    ignored = shutil.ignore_patterns("node_modules")
    return shutil.copytree(built.source, source, symlinks=True, ignore=ignored)


def _link_modules(built: Built, source: Path) -> None:
    # Files of node_modules are never written in place, so links serve.
    for modules in _node_modules(built.source):
        target = source / modules.relative_to(built.source)
        target.mkdir()
        link_tree(modules, target)


def _configured(source: Path, folder: Path, process: dict[str, str]) -> Tree:
    config = folder / "config"
    shutil.copytree(EXAMPLE, config, ignore=shutil.ignore_patterns("workspace"))
    (config / "source.json").unlink()
    return Tree(config=config, source=source, outputs=folder / "outputs", process=process)


def _node_modules(root: Path) -> Iterator[Path]:
    for parent, folders, _ in os.walk(root):
        if "node_modules" in folders:
            folders.remove("node_modules")
            yield Path(parent) / "node_modules"
        if "dist-dynamic" in folders:
            folders.remove("dist-dynamic")
