"""The example by Backstage's own engine: what came out, twice in two folders, and a real backend.

What that shares with the plugins is older than they are: backend-plugin-api 1.4.1, theirs is 1.4.2.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import run_factory
from tests.made_once import made_once

from .conftest import copied_tree
from .example_builds import EXAMPLE, Built, build_words
from .portal import kept_node, running_portal

FRONTEND = "plugins/greetings"
BACKEND = "plugins/greetings-backend"
MODULE = "plugins/greetings-backend-module-nordic"
# The example is of the old frontend system, and its Backstage has no createFrontendPlugin().
FEATURE = """
type Feature = { readonly $$type: '@backstage/FrontendPlugin'; readonly id: string };

function makeFeature(id: string): Feature {
  return { $$type: '@backstage/FrontendPlugin', id };
}

export default makeFeature('greetings');
"""


@pytest.fixture(scope="session")
def bundled(
    built: Built, process: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Built, Built]:
    """The example of the new frontend system, bundled in a folder, and again in another one."""

    def make(folder: Path) -> tuple[Built, Built]:
        config, source = folder / "config", folder / "source"
        shutil.copytree(EXAMPLE, config, ignore=shutil.ignore_patterns("workspace"))
        (config / "source.json").unlink()
        copied_tree(built, source)
        with (source / FRONTEND / "src/index.ts").open("a", encoding="utf-8") as index:
            index.write(FEATURE)
        first = Built(config=config, source=source, outputs=folder / "outputs", ended=built.ended)
        other = folder / "another place"
        second = replace(first, source=other, outputs=folder / "other outputs")
        first = _bundle(first, process)
        source.rename(other)
        return first, _bundle(second, process)

    return made_once(tmp_path_factory, "bundled-example", make)


def _bundle(build: Built, process: dict[str, str]) -> Built:
    words = build_words(build.config, build.source, build.outputs, "--use-local", "--no-cache")
    ended = run_factory(process, *words, "--engine", "backstage")
    assert ended.code == 0, ended.said
    return replace(build, ended=ended)


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


def test_no_rhdh_cli_had_a_hand_in_it(bundled: tuple[Built, Built]) -> None:
    tools = bundled[0].report["tools"]
    assert tools["rhdh-cli"] is None
    assert tools["cli-module-build"] == "0.1.10"
    assert (tools["engine"], tools["why"]["engine"]) == ("backstage", "--engine")
    assert "rhdh-cli" not in bundled[0].ended.said


@pytest.mark.parametrize("path", [FRONTEND, BACKEND, MODULE])
def test_artifacts_are_called_as_those_of_rhdh_cli(
    bundled: tuple[Built, Built], built: Built, path: str
) -> None:
    names = [one["name"] for one in bundled[0].plugin(path)["files"]]
    assert names == [one["name"] for one in built.plugin(path)["files"]]


@pytest.mark.parametrize("path", [FRONTEND, BACKEND, MODULE])
def test_the_provenance_says_by_which_engine(bundled: tuple[Built, Built], path: str) -> None:
    statement = json.loads(Path(f"{bundled[0].tgz(path)}.provenance.json").read_text())
    predicate = statement["predicate"]
    assert predicate["buildDefinition"]["internalParameters"]["engine"] == "backstage"
    assert "cli-module-build" in predicate["runDetails"]["builder"]["version"]
    assert "rhdh-cli" not in predicate["runDetails"]["builder"]["version"]


def test_the_portals_packages_are_peers_and_the_workspaces_are_inside(
    bundled: tuple[Built, Built],
) -> None:
    files = members(bundled[0].tgz(BACKEND))
    said = manifest(bundled[0].tgz(BACKEND))
    assert "@backstage/backend-plugin-api" in said["peerDependencies"]
    assert "@backstage/backend-plugin-api" not in said["dependencies"]
    assert not any("/node_modules/@backstage/" in name for name in files)
    for name in ("common", "node"):
        inside = f"node_modules/@plugin-factory-example/plugin-greetings-{name}/package.json"
        assert f"package/{inside}" in files


@pytest.mark.parametrize("path", [FRONTEND, BACKEND, MODULE])
def test_no_path_of_the_builder_is_inside(bundled: tuple[Built, Built], path: str) -> None:
    # The folder of the first build has been moved to where the second one was made.
    folder = str(bundled[0].source.parent).encode()
    for build in bundled:
        files = members(build.tgz(path))
        assert [name for name, content in files.items() if folder in content] == []


@pytest.mark.parametrize("path", [FRONTEND, BACKEND, MODULE])
def test_another_folder_gives_the_same_bytes(bundled: tuple[Built, Built], path: str) -> None:
    one, other = bundled
    assert one.source != other.source
    assert one.tgz(path).read_bytes() == other.tgz(path).read_bytes()


def test_a_frontend_is_a_remote_of_module_federation_alone(bundled: tuple[Built, Built]) -> None:
    files = members(bundled[0].tgz(FRONTEND))
    assert {"package/dist/remoteEntry.js", "package/dist/mf-manifest.json"} <= set(files)
    assert not any("dist-scalprum" in name for name in files)
    exposed = json.loads(files["package/dist/mf-manifest.json"])["exposes"]
    assert [one["path"] for one in exposed] == ["."]


def older_modules(process: dict[str, str], folder: Path) -> Path:
    """A ``node_modules`` with the older package alone; what it needs in turn is the backend's."""
    folder.mkdir()
    node = kept_node(process)
    env = {**process, "PATH": f"{node.bin_dir}:{process['PATH']}"}
    command = ["npm", "pack", "--silent", "@backstage/backend-plugin-api@1.4.1"]
    subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True)
    (tgz,) = folder.glob("*.tgz")
    with tarfile.open(tgz) as archive:
        archive.extractall(folder, filter="data")
    (folder / "node_modules/@backstage").mkdir(parents=True)
    (folder / "package").rename(folder / "node_modules/@backstage/backend-plugin-api")
    return folder / "node_modules"


def test_a_backend_that_is_older_than_the_plugins_loads_them(
    bundled: tuple[Built, Built], process: dict[str, str], tmp_path: Path
) -> None:
    artifacts = bundled[0].outputs.glob("*.tgz")
    modules = older_modules(process, tmp_path / "older")
    with running_portal(artifacts, tmp_path, process, modules=modules) as portal:
        assert portal.failures == {}
        text = json.dumps(portal.answer("/api/greetings/greetings"), ensure_ascii=False)
    # From greetings-common by the patch, from the backend, and from the module that extends it.
    assert "portal" in text
    assert "Hei" in text
