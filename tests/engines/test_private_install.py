"""What a bundled backend keeps, and what it leaves to the portal; yarn is played by a script."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from factory.export.private_install import (
    PortalShare,
    dynamic_name,
    finish_manifests,
    prepare_manifests,
    remove_traces,
)

API = "@backstage/backend-plugin-api"
NATIVE = "better-sqlite3"


def write(file: Path, **manifest: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(manifest), encoding="utf-8")


def read(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8")))


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """What ``package bundle --no-install`` leaves of a backend with two packages of a workspace."""
    write(
        tmp_path / "package.json",
        name="@example/plugin-backend",
        version="1.0.0",
        dependencies={API: "^1.4.2", "express": "^4.0.0", "@example/node": "^2.0.0"},
        optionalDependencies={"@backstage/config": "^1.0.0"},
        peerDependencies={"react": "^18.0.0"},
    )
    write(
        tmp_path / "embedded/plugins/node/package.json",
        name="@example/node",
        version="2.0.0",
        dependencies={"@backstage/catalog-model": "^1.7.0", API: "^1.0.0"},
        scripts={"build": "backstage-cli package build"},
    )
    # Called as a manifest is, within a package: nothing of it counts.
    write(tmp_path / "embedded/plugins/node/dist/package.json", dependencies={API: "^9.0.0"})
    return tmp_path


SHARE = PortalShare(
    shared=frozenset({API, "@backstage/config", "@backstage/catalog-model", "@backstage/errors"}),
    suppressed=frozenset({NATIVE}),
)


def install(bundle: Path, resolutions: Mapping[str, str], *names: str) -> None:
    """Put packages and stand-ins where yarn does."""
    for name in names:
        place = resolutions[name].removeprefix("file:./")
        manifest = read(bundle / place / "package.json")
        write(bundle / "node_modules" / name / "package.json", **manifest)


def test_what_the_portal_has_becomes_a_peer_at_whatever_depth_it_is_asked_for(bundle: Path) -> None:
    stand_ins = prepare_manifests(bundle, SHARE)
    resolutions = read(bundle / "package.json")["resolutions"]
    install(bundle, resolutions, API, "@backstage/errors", "@example/node")
    write(
        bundle / "node_modules/express/package.json",
        name="express",
        dependencies={"@backstage/errors": "^1.2.0", "debug": "^2.0.0"},
    )
    finish_manifests(bundle, SHARE, stand_ins)

    main = read(bundle / "package.json")
    assert main["dependencies"] == {"express": "^4.0.0", "@example/node": "^2.0.0"}
    assert main["optionalDependencies"] == {}
    assert main["peerDependencies"] == {
        API: "^1.4.2",  # the plugin's own range, not the embedded package's
        "@backstage/catalog-model": "^1.7.0",
        "@backstage/config": "^1.0.0",
        "@backstage/errors": "^1.2.0",
        "react": "^18.0.0",
    }
    assert not (bundle / "node_modules/@backstage").exists()
    assert (bundle / "node_modules/@example/node").is_dir()


def test_embedded_packages_are_told_from_those_of_a_registry(bundle: Path) -> None:
    prepare_manifests(bundle, SHARE)
    embedded = read(bundle / "embedded/plugins/node/package.json")
    assert embedded["version"] == "2.0.0+embedded"
    assert "scripts" not in embedded
    assert read(bundle / "embedded/plugins/node/dist/package.json") == {
        "dependencies": {API: "^9.0.0"}
    }


def test_an_embedded_package_that_the_portal_gives_is_left_out(bundle: Path) -> None:
    prepare_manifests(bundle, PortalShare(shared=frozenset({"@example/node"})))
    assert not (bundle / "embedded/plugins/node").exists()
    assert read(bundle / "package.json")["peerDependencies"]["@example/node"] == "^2.0.0"


def test_without_a_share_everything_stays(bundle: Path) -> None:
    assert prepare_manifests(bundle, PortalShare()) == {}
    assert read(bundle / "package.json")["dependencies"][API] == "^1.4.2"


def test_a_suppressed_package_fails_when_it_is_loaded_and_not_before(bundle: Path) -> None:
    prepare_manifests(bundle, SHARE)
    place = read(bundle / "package.json")["resolutions"][NATIVE].removeprefix("file:./")
    script = (bundle / place / "index.js").read_text(encoding="utf-8")
    assert script.startswith("throw new Error(")
    assert NATIVE in script


def test_no_project_of_yarn_and_no_trace_of_the_packing_is_left(bundle: Path) -> None:
    stand_ins = prepare_manifests(bundle, SHARE)
    for name in ("yarn.lock", ".yarnrc.yml"):
        (bundle / name).write_text("of this machine")
    (bundle / "node_modules").mkdir()
    finish_manifests(bundle, SHARE, stand_ins)
    remove_traces(bundle)
    assert "resolutions" not in read(bundle / "package.json")
    assert sorted(each.name for each in bundle.iterdir()) == ["node_modules", "package.json"]


@pytest.mark.parametrize("name", ["@example/todo", "@example/todo-dynamic"])
def test_the_exported_package_is_called_as_portals_know_it(name: str) -> None:
    assert dynamic_name(name) == "@example/todo-dynamic"
