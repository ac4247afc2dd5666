"""The remotes of module federation, held beside what the portal's own router does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from factory.errors import ConfigurationError
from factory.plugin_registry.remotes import find_remotes
from tests.command_line import run_factory, run_here

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST: dict[str, Any] = {
    "name": "team__todo",
    "metaData": {"remoteEntry": {"name": "remoteEntry.js", "path": "", "type": "global"}},
    "exposes": [{"name": "."}, {"name": "alpha"}],
}


def stage(root: Path, folder: str, manifest: Any = MANIFEST, *, name: str = "") -> Path:
    dist = root / folder / "dist"
    dist.mkdir(parents=True)
    package = {"name": name or f"@team/{folder}-dynamic", "version": "1.0.0"}
    (root / folder / "package.json").write_text(json.dumps(package))
    text = manifest if isinstance(manifest, str) else json.dumps(manifest)
    (dist / "mf-manifest.json").write_text(text)
    (dist / "remoteEntry.js").write_text("1;")
    return dist


def test_a_remote_is_told_as_the_router_tells_it(tmp_path: Path) -> None:
    # The expectation of upstream's own test, features.test.ts, with another plugin's names.
    stage(tmp_path, "todo")
    assert find_remotes(tmp_path, base="http://localhost:7007") == [
        {
            "packageName": "@team/todo-dynamic",
            "remoteInfo": {
                "name": "team__todo",
                "entry": "http://localhost:7007/.backstage/dynamic-features/remotes/"
                "@team/todo-dynamic/mf-manifest.json",
            },
            "exposedModules": [".", "alpha"],
        }
    ]


def test_what_has_no_bundle_is_left_out(tmp_path: Path) -> None:
    stage(tmp_path, "todo")
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend/package.json").write_text('{"name": "backend"}')
    stage(tmp_path, ".staging", MANIFEST | {"name": "other"})
    assert len(find_remotes(tmp_path)) == 1


# What router.ts drops with a line in its log, each rule once.
DROPPED = {
    "not JSON": "{",
    "no object": "[]",
    "no name": {**MANIFEST, "name": None},
    "an empty name": {**MANIFEST, "name": ""},
    "no metaData": {**MANIFEST, "metaData": None},
    "no remoteEntry": {**MANIFEST, "metaData": {}},
    "no name of it": {**MANIFEST, "metaData": {"remoteEntry": {}}},
    "no exposes": {**MANIFEST, "exposes": None},
    "exposes no list": {**MANIFEST, "exposes": {"name": "."}},
    "exposes nothing": {**MANIFEST, "exposes": [None]},
    "exposes no name": {**MANIFEST, "exposes": [{}]},
}


@pytest.mark.parametrize("case", DROPPED)
def test_what_the_router_would_leave_out_is_an_error(case: str, tmp_path: Path) -> None:
    stage(tmp_path, "todo", DROPPED[case])
    with pytest.raises(ConfigurationError, match=r"mf-manifest\.json"):
        find_remotes(tmp_path)


def test_a_manifest_and_an_entry_that_are_not_there_are_errors(tmp_path: Path) -> None:
    dist = stage(tmp_path, "todo")
    (dist / "mf-manifest.json").rename(dist / "elsewhere.json")
    with pytest.raises(ConfigurationError, match="no manifest"):
        find_remotes(tmp_path)
    (dist / "elsewhere.json").rename(dist / "mf-manifest.json")
    (dist / "remoteEntry.js").unlink()
    with pytest.raises(ConfigurationError, match="not there"):
        find_remotes(tmp_path)


def test_two_remotes_of_one_name_are_an_error(tmp_path: Path) -> None:
    stage(tmp_path, "todo")
    stage(tmp_path, "todo-fork")
    with pytest.raises(ConfigurationError, match="two remotes are called team__todo") as refused:
        find_remotes(tmp_path)
    assert refused.value.found == "todo and todo-fork"


def test_a_package_without_a_name_cannot_be_served(tmp_path: Path) -> None:
    stage(tmp_path, "todo")
    (tmp_path / "todo/package.json").write_text("{}")
    with pytest.raises(ConfigurationError, match="has no name"):
        find_remotes(tmp_path)


def test_the_command_prints_or_writes_them(tmp_path: Path) -> None:
    root = tmp_path / "root"
    stage(root, "todo")
    words = ("registry", root, "--form", "remotes", "--asset-host", "https://p.example.com/")
    printed = run_factory({}, *words)
    assert printed.code == 0, printed.said
    (remote,) = json.loads(printed.stdout)
    assert remote["remoteInfo"]["entry"].startswith("https://p.example.com/.backstage/")
    written = run_here({}, *words, "--output", tmp_path / "remotes.json")
    assert written.code == 0, written.said
    assert json.loads((tmp_path / "remotes.json").read_text()) == [remote]
    assert run_here({}, *words, "--embed").code == 2
