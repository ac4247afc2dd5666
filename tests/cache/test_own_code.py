"""The factory's own code is part of every key: an upgrade restores nothing of before."""

from __future__ import annotations

import shutil
from pathlib import Path

import grimp
import pytest

import factory
from factory.cache.key import (
    BUILD_NOTHING,
    code_digest,
)

PACKAGE = Path(factory.__file__).parent
# What makes a plugin's files, or decides what they hold, and what must hold of them.
MAKERS = (
    *("export", "attestation", "analysis", "sources", "toolchain", "verification", "archives"),
    *("config", "pipeline.workspace_build", "pipeline.plugin_builds", "pipeline.finishing"),
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    copied = tmp_path / "factory"
    shutil.copytree(PACKAGE, copied, ignore=shutil.ignore_patterns("__pycache__"))
    return copied


@pytest.mark.parametrize(
    "name",
    [
        "export/normal_archive.py",
        "export/dynamic.py",
        "toolchain/node_environment.py",
        "attestation/sbom.py",
        "pipeline/built_check.py",
        "npm_range.py",
    ],
)
def test_code_that_builds_counts(copy: Path, name: str) -> None:
    before = code_digest(copy)
    with (copy / name).open("a") as file:
        file.write("# changed\n")
    code_digest.cache_clear()
    assert code_digest(copy) != before


def test_the_script_that_bundles_counts(copy: Path) -> None:
    before = code_digest(copy)
    scripts = sorted((copy / "export").glob("*.cjs"))
    assert scripts
    scripts[0].write_text("// other\n")
    code_digest.cache_clear()
    assert code_digest(copy) != before


def test_a_new_module_counts(copy: Path) -> None:
    before = code_digest(copy)
    (copy / "brand_new.py").write_text("")
    code_digest.cache_clear()
    assert code_digest(copy) != before


def test_what_builds_nothing_does_not_count(copy: Path) -> None:
    before = code_digest(copy)
    for room in BUILD_NOTHING:
        (copy / room / "__init__.py").write_text('"""Other words."""\n')
    (copy / "export/__pycache__").mkdir()
    (copy / "export/__pycache__/dynamic.pyc").write_bytes(b"compiled")
    code_digest.cache_clear()
    assert code_digest(copy) == before


def test_nothing_that_builds_knows_a_room_that_does_not_count() -> None:
    graph = grimp.build_graph("factory")
    data = {"factory.hosts", "factory.schemas"}
    apart = {f"factory.{room}" for room in BUILD_NOTHING} - data
    for maker in MAKERS:
        root = f"factory.{maker}"
        reached = {root, *graph.find_descendants(root)}
        for module in tuple(reached):
            reached |= graph.find_upstream_modules(module)
        known = {each for each in reached for room in apart if f"{each}.".startswith(f"{room}.")}
        assert not known, f"{maker} knows {sorted(known)}"


def test_rooms_of_data_hold_no_code_but_their_reader() -> None:
    assert [file.name for file in (PACKAGE / "hosts").glob("*.py")] == ["__init__.py"]
    assert [file.name for file in (PACKAGE / "schemas").glob("*.py")] == ["__init__.py"]
