"""What yarn has installed already is not installed again, unless yarn would change something."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from factory.cache.present_installation import is_present, note_present, present_key
from factory.config.environment import layer_environment
from factory.toolchain.assembled import Toolchain

from .npm_registry import NpmRegistry
from .real_installs import Install
from .test_shared_installation import MEMBER, files, locked, new_monorepo

__all__ = ["locked", "new_monorepo"]

NOTE = "node_modules/.plugin-factory/installed.json"
Present = Callable[[], bool]


@pytest.fixture
def workspace(locked: Callable[[str], Path], install: Install, toolchain: Toolchain) -> Path:
    """A workspace that yarn has installed, which is noted."""
    workspace = locked("w")
    install(workspace)
    key = present_key(workspace, toolchain)
    assert key
    note_present(workspace, [key])
    return workspace


@pytest.fixture
def present(workspace: Path, toolchain: Toolchain) -> Present:
    """Whether the factory leaves yarn out."""

    def ask() -> bool:
        key = present_key(workspace, toolchain)
        return key is not None and is_present(workspace, key)

    return ask


def test_yarn_itself_finds_nothing_to_do_either(
    workspace: Path, present: Present, install: Install, registry: NpmRegistry
) -> None:
    assert present()
    before, asked = files(workspace), len(registry.seen)
    install(workspace)
    assert files(workspace) == before
    assert len(registry.seen) == asked


def test_what_tools_make_does_not_matter(workspace: Path, present: Present) -> None:
    for name in ("node_modules/.cache", f"{MEMBER}/dist", f"{MEMBER}/dist-dynamic/node_modules/x"):
        (workspace / name).mkdir(parents=True)
        (workspace / name / "made").touch()
    exported = workspace / MEMBER / "dist-dynamic"
    (exported / "package.json").write_text('{"name": "member-dynamic"}')
    (workspace / MEMBER / "index.js").write_text("exports.source = 'changed';\n")
    assert present()


@pytest.mark.parametrize(
    "gone",
    [
        "node_modules/part-a",
        "node_modules/part-a/index.js",
        f"{MEMBER}/node_modules/part-a",
        f"{MEMBER}/node_modules",
        "node_modules/.yarn-state.yml",
        "node_modules",
        ".yarn/install-state.gz",
        NOTE,
    ],
)
def test_what_is_gone_is_for_yarn_to_mend(
    workspace: Path, present: Present, install: Install, gone: str
) -> None:
    before = files(workspace)
    note = before.pop(NOTE)
    path = workspace / gone
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
    assert not present()
    if "part-a/" not in gone:  # of a package's files, yarn does not know
        install(workspace)
        assert {NOTE: note, **files(workspace)} == {NOTE: note, **before}


def test_a_package_below_another_counts(
    workspace: Path, present: Present, toolchain: Toolchain
) -> None:
    nested = workspace / "node_modules/part-a/node_modules/part-b"
    nested.mkdir(parents=True)
    key = present_key(workspace, toolchain)
    assert key
    note_present(workspace, [key])
    assert present()
    nested.rmdir()
    assert not present()


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("package.json", "\n"),
        (f"{MEMBER}/package.json", "\n"),
        ("yarn.lock", "\n"),
        (".yarnrc.yml", "nmHoistingLimits: dependencies\n"),
        (".npmrc", "fund=false\n"),
    ],
)
def test_what_yarn_reads_counts(workspace: Path, present: Present, file: str, text: str) -> None:
    with (workspace / file).open("a") as opened:
        opened.write(text)
    assert not present()


def test_a_variable_counts(workspace: Path, toolchain: Toolchain) -> None:
    more = {**toolchain.environment.variables, "YARN_ENABLE_SCRIPTS": "false"}
    key = present_key(workspace, replace(toolchain, environment=layer_environment(more)))
    assert key
    assert not is_present(workspace, key)


def test_several_that_need_the_same_are_known(
    workspace: Path, present: Present, toolchain: Toolchain
) -> None:
    manifest = workspace / "package.json"
    one = manifest.read_text()
    other = json.dumps({**json.loads(one), "scripts": {"build": "true"}})
    manifest.write_text(other)
    key = present_key(workspace, toolchain)
    assert key
    note_present(workspace, [key])
    for text in (one, other):
        manifest.write_text(text)
        assert present()
    # Of another state, what was noted before means nothing.
    (workspace / "node_modules/part-a/more").touch()
    note_present(workspace, [key])
    assert present()
    manifest.write_text(one)
    assert not present()


def test_a_note_that_came_with_the_files_is_none(workspace: Path, toolchain: Toolchain) -> None:
    """As in a repository in which somebody has put what is installed, with the note."""
    copy = workspace.with_name("copy")
    shutil.copytree(workspace, copy, symlinks=True)
    key = present_key(copy, toolchain)
    assert key
    assert key == present_key(workspace, toolchain)
    assert (copy / NOTE).read_bytes() == (workspace / NOTE).read_bytes()
    assert not is_present(copy, key)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 1, "keys": 1, "state": ""}', '{"format": 1}', "[" * 9999]
)
def test_a_note_that_says_nothing_is_none(workspace: Path, present: Present, text: str) -> None:
    (workspace / NOTE).write_text(text)
    assert not present()


@pytest.mark.parametrize("name", [NOTE, "node_modules/.plugin-factory", "node_modules"])
def test_nothing_is_written_by_way_of_a_link(
    workspace: Path, toolchain: Toolchain, tmp_path: Path, name: str
) -> None:
    key = present_key(workspace, toolchain)
    assert key
    link, target = workspace / name, tmp_path / "target"
    link.rename(target)
    link.symlink_to(target)
    note = next(target.rglob("installed.json"), target)
    note.write_text("somebody's")
    note_present(workspace, [key])
    assert note.read_text() == "somebody's"


def test_where_nothing_can_be_noted_yarn_is_asked_again(
    workspace: Path, present: Present, toolchain: Toolchain
) -> None:
    folder = workspace / "node_modules/.plugin-factory"
    shutil.rmtree(folder)
    folder.write_text("no folder")
    key = present_key(workspace, toolchain)
    assert key
    note_present(workspace, [key])
    assert not present()


@pytest.mark.parametrize("script", ["preinstall", "postinstall"])
def test_where_a_script_runs_yarn_is_always_asked(
    workspace: Path, toolchain: Toolchain, script: str
) -> None:
    manifest = workspace / "package.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "scripts": {script: ":"}}))
    assert present_key(workspace, toolchain) is None
