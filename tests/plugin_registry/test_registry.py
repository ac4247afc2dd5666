"""``plugin-factory registry``, on staged folders as rhdh-cli's exports fill them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from factory.errors import ConfigurationError
from factory.plugin_registry.entries import registry
from factory.plugin_registry.frontend_plugins import find_staged_plugins
from factory.plugin_registry.retention import is_hashed, publish_assets
from factory.plugin_registry.singletons import find_mismatches
from tests.command_line import Ended, run_here

SHARED = [
    {"name": "react", "version": "18.3.1", "requiredVersion": "*", "singleton": True},
    {"name": "@material-ui/core/styles", "version": "4.12.4", "singleton": True},
    {"name": "lodash", "version": "4.17.21", "singleton": False},
]


def stage(
    root: Path,
    folder: str,
    *,
    name: str = "",
    shared: list[dict[str, Any]] | None = None,
    script: str = "",
    **package: Any,
) -> Path:
    """Stage a frontend plugin."""
    plugin = root / folder
    name = name or f"team.{folder}"
    script = script or f"{name}.14b5b58786276f96ec70.js"
    files: dict[str, Any] = {
        "package.json": {"name": f"@team/{folder}-dynamic", "version": "1.0.0"} | package,
        "dist-scalprum/plugin-manifest.json": {
            "name": name,
            "version": "1.0.0",
            "registrationMethod": "callback",
            "baseURL": "auto",
            "loadScripts": [script],
        },
        "dist/mf-manifest.json": {"shared": SHARED if shared is None else shared},
    }
    for path, content in files.items():
        file = plugin / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content), encoding="utf-8")
    (plugin / "dist-scalprum" / script).write_text(f"// {script}\n", encoding="utf-8")
    (plugin / "dist/remoteEntry.js").write_text(f"// of {script}\n", encoding="utf-8")
    return plugin


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "dynamic-plugins-root"
    stage(folder, "todo", peerDependencies={"react": "^17.0.0 || ^18.0.0"})
    stage(folder, "ecs")
    backend = folder / "todo-backend"
    backend.mkdir()
    (backend / "package.json").write_text('{"name": "todo-backend"}', encoding="utf-8")
    return folder


def run(*words: str | Path) -> Ended:
    return run_here({"PATH": os.environ["PATH"], "HOME": "/nonexistent"}, "registry", *words)


def test_the_registry_refers_to_each_manifest_by_name(root: Path) -> None:
    ended = run(root)
    assert ended.code == 0, ended.stderr
    assert json.loads(ended.stdout) == {
        "team.ecs": {
            "name": "team.ecs",
            "manifestLocation": "/dynamic-plugins/assets/ecs/dist-scalprum/plugin-manifest.json",
        },
        "team.todo": {
            "name": "team.todo",
            "manifestLocation": "/dynamic-plugins/assets/todo/dist-scalprum/plugin-manifest.json",
        },
    }


def test_an_array_has_the_same_entries_with_the_asset_host(root: Path) -> None:
    ended = run(
        root, "--form", "array", "--asset-host", "https://a.example.com/", "--assets-path",
        "/api/scalprum/{name}",
    )  # fmt: skip
    assert json.loads(ended.stdout)[0] == {
        "name": "team.ecs",
        "manifestLocation": "https://a.example.com/api/scalprum/team.ecs/plugin-manifest.json",
        "assetHost": "https://a.example.com",
    }


def test_embedded_manifests_have_what_no_build_can_know(root: Path) -> None:
    entries: Any = registry(
        find_staged_plugins(root), asset_host="https://a.example.com", embed=True, form="array"
    )
    manifest = entries[0]["pluginManifest"]
    assert manifest["baseURL"] == (
        "https://a.example.com/dynamic-plugins/assets/ecs/dist-scalprum/"
    )
    assert manifest["loadScripts"] == ["team.ecs.14b5b58786276f96ec70.js"]
    assert manifest["customProperties"]["assetHost"] == "https://a.example.com"
    assert manifest["customProperties"]["singletonPackages"]["react"] == {
        "singleton": True,
        "version": "18.3.1",
        "packageName": "react",
    }
    assert "lodash" not in manifest["customProperties"]["singletonPackages"]


def test_a_singleton_that_the_host_does_not_fit_is_named(root: Path) -> None:
    stage(
        root,
        "new",
        shared=[{"name": "react", "version": "19.1.0", "singleton": True}],
        peerDependencies={"react": "^19.0.0"},
    )
    ended = run(root, "--host", "rhdh-1.9")
    assert ended.code == 14
    assert not ended.stdout
    assert "react: team.new accepts ^19.0.0, but rhdh-1.9 has 18" in ended.stderr
    assert "react: team.todo accepts ^17.0.0 || ^18.0.0, but team.new has 19.1.0" in ended.stderr

    allowed = run(root, "--host", "rhdh-1.9", "--allow-mismatches")
    assert allowed.code == 0
    assert "warning: react: team.new" in allowed.stderr
    assert "team.new" in json.loads(allowed.stdout)


def test_a_part_of_a_package_is_compared_as_the_package(root: Path) -> None:
    stage(
        root,
        "old",
        shared=[{"name": "@material-ui/core/styles", "version": "3.9.4", "singleton": True}],
        dependencies={"@material-ui/core": "^3.9.0"},
    )
    found = find_mismatches(find_staged_plugins(root))
    assert {(one.plugin, one.provider) for one in found} == {
        ("team.old", "team.todo"),
        ("team.old", "team.ecs"),
        ("team.todo", "team.old"),
        ("team.ecs", "team.old"),
    }
    assert {one.module for one in found} == {"@material-ui/core/styles"}


def test_singletons_may_be_stated_in_the_manifest_itself(tmp_path: Path) -> None:
    plugin = stage(tmp_path / "root", "todo", shared=[])
    file = plugin / "dist-scalprum/plugin-manifest.json"
    manifest = json.loads(file.read_text(encoding="utf-8"))
    manifest["customProperties"] = {
        "singletonPackages": {"react": {"singleton": True, "version": "18.2.0"}}
    }
    file.write_text(json.dumps(manifest), encoding="utf-8")
    (found,) = find_staged_plugins(tmp_path / "root")
    assert [(one.module, one.version) for one in found.singletons] == [("react", "18.2.0")]


def test_two_plugins_of_one_name_are_refused(root: Path) -> None:
    stage(root, "todo-again", name="team.todo")
    with pytest.raises(ConfigurationError) as caught:
        find_staged_plugins(root)
    assert caught.value.found == "todo and todo-again"


@pytest.mark.parametrize("content", ["", "[]", '{"name": "x"}', '{"version": "1.0.0"}', "\0"])
def test_a_manifest_that_is_none_is_named(root: Path, content: str) -> None:
    file = root / "todo/dist-scalprum/plugin-manifest.json"
    file.write_text(content, encoding="utf-8")
    ended = run(root)
    assert ended.code == 3
    assert str(file) in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--asset-host", "portal.example.com", "not a web address"),
        ("--assets-path", "/assets/{plugin}", "unknown field"),
        ("--assets-path", "assets/{folder}", "not absolute"),
        ("--retain", "forever", "not a time span"),
    ],
)
def test_a_bad_option_is_said_before_anything_is_written(
    root: Path, tmp_path: Path, option: str, value: str, said: str
) -> None:
    output = tmp_path / "registry.json"
    ended = run(root, "--output", output, option, value)
    assert ended.code == 2
    assert said in ended.stderr
    assert not output.exists()


def test_there_is_no_registry_of_nothing(tmp_path: Path) -> None:
    ended = run(tmp_path / "missing")
    assert ended.code == 3
    assert str(tmp_path / "missing") in ended.stderr


def test_old_chunks_stay_for_the_given_time_and_other_files_do_not(
    root: Path, tmp_path: Path
) -> None:
    assets, day = tmp_path / "assets", 86_400.0
    publish_assets(find_staged_plugins(root), assets, retain=day, now=0)
    old = assets / "todo/dist-scalprum/team.todo.14b5b58786276f96ec70.js"
    assert old.is_file()
    (root / "todo/dist-scalprum" / old.name).unlink()
    stage(root, "todo", script="team.todo.aaaaaaaabbbbbbbbcccc.js")

    upgraded = publish_assets(find_staged_plugins(root), assets, retain=day, now=100)
    assert upgraded.retained == ("todo/dist-scalprum/team.todo.14b5b58786276f96ec70.js",)
    assert old.is_file()
    manifest = json.loads((old.parent / "plugin-manifest.json").read_text(encoding="utf-8"))
    assert manifest["loadScripts"] == ["team.todo.aaaaaaaabbbbbbbbcccc.js"]
    assert (assets / "todo/dist/remoteEntry.js").read_text(encoding="utf-8").endswith("cccc.js\n")

    publish_assets(find_staged_plugins(root), assets, retain=day, now=100 + day - 1)
    assert old.is_file()
    last = publish_assets(find_staged_plugins(root), assets, retain=day, now=100 + day)
    assert last.removed == ("todo/dist-scalprum/team.todo.14b5b58786276f96ec70.js",)
    assert not old.exists()


def test_of_a_plugin_that_is_gone_only_its_chunks_stay(root: Path, tmp_path: Path) -> None:
    assets = tmp_path / "assets"
    publish_assets(find_staged_plugins(root), assets, retain=10, now=0)
    (root / "ecs/dist-scalprum/plugin-manifest.json").unlink()
    publish_assets(find_staged_plugins(root), assets, retain=10, now=1)
    left = [file.name for file in (assets / "ecs").rglob("*") if file.is_file()]
    assert left == ["team.ecs.14b5b58786276f96ec70.js"]
    publish_assets(find_staged_plugins(root), assets, retain=10, now=11)
    assert not (assets / "ecs").exists()


def test_a_chunk_that_comes_back_is_no_longer_old(root: Path, tmp_path: Path) -> None:
    assets = tmp_path / "assets"
    chunk = root / "todo/dist-scalprum/team.todo.14b5b58786276f96ec70.js"
    content = chunk.read_text(encoding="utf-8")
    publish_assets(find_staged_plugins(root), assets, retain=10, now=0)
    chunk.unlink()
    publish_assets(find_staged_plugins(root), assets, retain=10, now=1)
    chunk.write_text(content, encoding="utf-8")
    publish_assets(find_staged_plugins(root), assets, retain=10, now=2)
    chunk.unlink()
    assert publish_assets(find_staged_plugins(root), assets, retain=10, now=11).retained


@pytest.mark.parametrize(
    ("name", "hashed"),
    [
        ("466.1e2fb0c9.chunk.js", True),
        ("main.43a3551d.js", True),
        ("team.todo.14b5b58786276f96ec70.js", True),
        ("static/icon-0123456789abcdef.svg", True),
        ("remoteEntry.js", False),
        ("mf-manifest.json", False),
        ("plugin-manifest.json", False),
        ("deadbeef/main.js", False),
        ("facade.js", False),
    ],
)
def test_which_names_have_a_hash(name: str, hashed: bool) -> None:
    assert is_hashed(name) is hashed


def test_a_damaged_record_is_named_and_nothing_is_removed(root: Path, tmp_path: Path) -> None:
    assets = tmp_path / "assets"
    publish_assets(find_staged_plugins(root), assets, retain=10, now=0)
    before = sorted(assets.rglob("*"))
    (assets / ".retained.json").write_text("[1]", encoding="utf-8")
    with pytest.raises(ConfigurationError):
        publish_assets([], assets, retain=0, now=1)
    assert sorted(assets.rglob("*")) == before
