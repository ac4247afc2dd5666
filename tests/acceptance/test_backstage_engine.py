"""The example by Backstage's own engine: one build, what came out, and a real backend with it.

The backend is older than the plugins: its backend-plugin-api is 1.4.1, theirs 1.4.2.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.made_once import made_once

from .example_builds import Built, build_example
from .portal import running_portal

FRONTEND = "plugins/greetings"
BACKEND = "plugins/greetings-backend"
MODULE = "plugins/greetings-backend-module-nordic"


@pytest.fixture(scope="session")
def bundled(process: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Built:
    return made_once(
        tmp_path_factory,
        "bundled-example",
        lambda folder: build_example(process, folder, "--engine", "backstage"),
    )


def members(tgz: Path) -> dict[str, bytes]:
    with tarfile.open(tgz) as archive:
        files = (each for each in archive if each.isreg())
        return {each.name: _content(archive, each) for each in files}


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    assert stream
    return stream.read()


def manifest(tgz: Path) -> dict[str, Any]:
    return dict(json.loads(members(tgz)["package/package.json"]))


def test_no_rhdh_cli_had_a_hand_in_it(bundled: Built) -> None:
    tools = bundled.report["tools"]
    assert tools["rhdh-cli"] is None
    assert tools["cli-module-build"] == "0.1.10"
    assert "rhdh-cli" not in bundled.ended.said


@pytest.mark.parametrize("path", [FRONTEND, BACKEND, MODULE])
def test_artifacts_are_called_as_those_of_rhdh_cli(bundled: Built, built: Built, path: str) -> None:
    assert bundled.plugin(path)["files"][0]["name"] == built.plugin(path)["files"][0]["name"]
    provenance = json.loads(Path(f"{bundled.tgz(path)}.provenance.json").read_text())
    definition = provenance["predicate"]["buildDefinition"]
    assert definition["externalParameters"]["engine"] == "backstage"


def test_the_portals_packages_are_peers_and_the_workspaces_are_inside(bundled: Built) -> None:
    files = members(bundled.tgz(BACKEND))
    said = manifest(bundled.tgz(BACKEND))
    assert "@backstage/backend-plugin-api" in said["peerDependencies"]
    assert not any("/node_modules/@backstage/" in name for name in files)
    for name in ("common", "node"):
        inside = f"node_modules/@plugin-factory-example/plugin-greetings-{name}/package.json"
        assert f"package/{inside}" in files


@pytest.mark.parametrize("path", [FRONTEND, BACKEND, MODULE])
def test_no_path_of_the_builder_is_inside(bundled: Built, path: str) -> None:
    folder = str(bundled.source.parent).encode()
    assert [name for name, content in members(bundled.tgz(path)).items() if folder in content] == []


def test_a_frontend_without_a_default_export_is_spoken_of(bundled: Built) -> None:
    (said,) = (one for one in bundled.report["warnings"] if "no default export" in one)
    assert "plugins/greetings/src/index.ts" in said


def test_a_backend_that_is_older_than_the_plugins_loads_them(
    bundled: Built, process: dict[str, str], tmp_path: Path
) -> None:
    with running_portal(bundled.outputs.glob("*.tgz"), tmp_path, process) as portal:
        assert portal.failures == {}
        text = json.dumps(portal.answer("/api/greetings/greetings"), ensure_ascii=False)
    assert "portal" in text
    assert "Hei" in text


def test_another_folder_gives_the_same_bytes(
    bundled: Built, process: dict[str, str], tmp_path: Path
) -> None:
    other = tmp_path / "another place"
    other.mkdir()
    again = build_example(process, other, "--engine", "backstage", "--no-cache")
    for path in (FRONTEND, BACKEND, MODULE):
        assert again.plugin(path)["integrity"] == bundled.plugin(path)["integrity"]
