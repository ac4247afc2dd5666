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

MODULES = "node_modules"


@pytest.fixture(scope="session")
def built(process: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The example, built from a copy of its configuration; nobody may change what is in it.

    All its plugins at once, however many cores there are: others compare with one at a time.
    """

    def make(folder: Path) -> Built:
        return build_example(process, folder, "--jobs", "4")

    return made_once(tmp_path_factory, "example", make)


@pytest.fixture
def sources(built: Built, process: dict[str, str], tmp_path: Path) -> Tree:
    """The same without what is installed, for runs that end before anything is."""
    return _configured(_copied_sources(built, tmp_path / "source"), tmp_path, process)


@pytest.fixture(scope="session")
def _worn_source(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied_tree(built, tmp_path_factory.mktemp("worn") / "source")


@pytest.fixture
def worn_tree(_worn_source: Path, process: dict[str, str], tmp_path: Path) -> Tree:
    """A copy that other tests have built in, too, and that stays as a run leaves it.

    What is installed is 150,000 files: a copy of one's own takes longer than many a test.
    """
    return _configured(_worn_source, tmp_path, process)


@pytest.fixture(scope="module")
def module_tree(
    _worn_source: Path, process: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Tree:
    """The same for all tests of a module, with one folder of outputs."""
    return _configured(_worn_source, tmp_path_factory.mktemp("module"), process)


@pytest.fixture
def tree(built: Built, worn_tree: Tree) -> Iterator[Tree]:
    """The same for a test that changes sources: they are as they were afterwards."""
    yield worn_tree
    _remove_sources(worn_tree.source)
    _copied_sources(built, worn_tree.source)


def copied_tree(built: Built, source: Path) -> Path:
    """Copy a built tree with what is installed, and return the copy's folder."""
    _copied_sources(built, source)
    _link_modules(built, source)
    return source


def _copied_sources(built: Built, source: Path) -> Path:
    ignored = shutil.ignore_patterns(MODULES)
    return shutil.copytree(built.source, source, symlinks=True, ignore=ignored, dirs_exist_ok=True)


def _remove_sources(folder: Path) -> None:
    """Remove all but what is installed, and the folders that it is in."""
    for entry in folder.iterdir():
        if not entry.is_dir() or entry.is_symlink():
            entry.unlink()
        elif entry.name == "dist-dynamic":
            shutil.rmtree(entry)
        elif entry.name != MODULES:
            _remove_sources(entry)
            if not any(entry.iterdir()):
                entry.rmdir()


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
    tree = Tree(config=config, source=source, outputs=folder / "outputs", process=process)
    # What the example's own build has compiled serves, where a test is not about compiling.
    tree.reuse_compiled()
    return tree


def _node_modules(root: Path) -> Iterator[Path]:
    for parent, folders, _ in os.walk(root):
        if MODULES in folders:
            folders.remove(MODULES)
            yield Path(parent) / MODULES
        if "dist-dynamic" in folders:
            folders.remove("dist-dynamic")
