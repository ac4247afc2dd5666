"""The manifest that tools read instead of fetching one, and what they see of ``BACKSTAGE_*``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from factory.analysis.backstage_releases import list_releases, packages_of_release
from factory.analysis.lockfile_parser import read_lockfile
from factory.analysis.release_ranges import manifest_text
from factory.analysis.workspace_backstage import find_workspace_backstage
from factory.cache.variables import telling_variables
from factory.config.environment import Environment, layer_environment
from factory.errors import ConfigurationError
from factory.toolchain.assembled import Toolchain
from factory.toolchain.node_environment import node_environment
from factory.versions import is_version
from factory.work_tree.release_manifest import (
    find_release_ranges,
    find_shipped_release,
    give_release_manifest,
)
from tests.analysis.test_release_ranges import LOCK, MEMBER
from tests.odd_files import put

if TYPE_CHECKING:
    from collections.abc import Mapping

OLDEST, *_, KNOWN = list_releases()


@dataclass(frozen=True)
class Given:
    """As much of a toolchain as the manifest takes."""

    environment: Environment
    temporary: Path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / "yarn.lock").write_text(LOCK)
    (folder / "backstage.json").write_text(json.dumps({"version": KNOWN}))
    return folder


def given(project: Path, **variables: str) -> Environment:
    tools = Given(layer_environment({"HOME": "/", **variables}), project.parent)
    return give_release_manifest(cast("Toolchain", tools), project).environment


def read(environment: Environment) -> dict[str, str]:
    """What a child of node reads of the release."""
    seen = node_environment(environment, tools=(), temporary=Path("/"), installs=False)
    document = json.loads(Path(seen["BACKSTAGE_MANIFEST_FILE"]).read_text())
    return {package["name"]: package["version"] for package in document["packages"]}


def test_it_has_what_is_locked_and_the_release_of_the_workspace(project: Path) -> None:
    found = read(given(project))
    release = dict(find_shipped_release(KNOWN))
    assert len(release) > 50
    assert found == {**release, "@backstage/config": "1.3.6"}


@pytest.mark.parametrize("version", [OLDEST, "1.36.0", KNOWN])
def test_every_release_that_ships_is_found_by_its_version(version: str, project: Path) -> None:
    (project / "backstage.json").write_text(json.dumps({"version": version}))
    found = read(given(project))
    assert found == {**packages_of_release(version), "@backstage/config": "1.3.6"}
    assert all(map(is_version, found.values()))


@pytest.mark.parametrize("version", ["", "1.36", "v1.36.0", "99.0.0", "1.36.0 ", "../1.36.0"])
def test_another_version_is_no_release(version: str) -> None:
    assert find_shipped_release(version) == {}


def test_of_an_unknown_release_it_has_what_is_locked(project: Path) -> None:
    (project / "backstage.json").unlink()
    assert read(given(project)) == {"@backstage/config": "1.3.6", "@backstage/types": "1.2.2"}


def write_members(project: Path, versions: Mapping[str, str]) -> None:
    """A member that asks for packages, each of which yarn.lock has in one version."""
    asked = {name: f"^{version}" for name, version in versions.items()}
    manifest = {
        "name": "x",
        "dependencies": asked,
        "peerDependencies": {"@backstage/ui": "backstage:^"},
    }
    (project / "p/x").mkdir(parents=True)
    (project / "p/x/package.json").write_text(json.dumps(manifest))
    (project / "package.json").write_text('{"name": "root", "workspaces": ["p/*"]}')
    entries = (
        f'\n"{name}@npm:^{version}":\n  version: {version}\n  resolution: "{name}@npm:{version}"\n'
        "  languageName: node\n  linkType: hard\n"
        for name, version in versions.items()
    )
    (project / "yarn.lock").write_text(LOCK + "".join(entries))


def test_where_nothing_says_the_release_it_is_the_one_that_the_packages_tell(
    project: Path,
) -> None:
    (project / "backstage.json").unlink()
    release = packages_of_release(KNOWN)
    telling = ("@backstage/core-components", "@backstage/catalog-client", "@backstage/cli")
    write_members(project, {name: release[name] for name in telling})
    environment = given(project)
    assert read(environment) == {**release, "@backstage/config": "1.3.6"}
    said = json.loads(Path(environment.variables["BACKSTAGE_MANIFEST_FILE"]).read_text())
    assert said["releaseVersion"] == find_workspace_backstage(project).computed
    ranges = find_release_ranges(
        project, read_lockfile(project / "yarn.lock"), layer_environment({})
    )
    assert ranges.meaning("@backstage/ui", "backstage:^") == f"^{release['@backstage/ui']}"


def test_packages_of_several_releases_tell_of_none(project: Path) -> None:
    (project / "backstage.json").unlink()
    write_members(
        project,
        {
            "@backstage/core-components": packages_of_release(KNOWN)["@backstage/core-components"],
            "@backstage/cli": packages_of_release("1.36.0")["@backstage/cli"],
        },
    )
    assert "BACKSTAGE_MANIFEST_FILE" in given(project).variables
    assert "@backstage/ui" not in read(given(project))


def test_a_manifest_of_the_users_is_the_release(project: Path, tmp_path: Path) -> None:
    own = tmp_path / "manifest.json"
    own.write_text(manifest_text(KNOWN, {"@acme/x": "1.0.0", "@backstage/config": "9.0.0"}))
    found = read(given(project, BACKSTAGE_MANIFEST_FILE=str(own)))
    assert found == {"@acme/x": "1.0.0", "@backstage/config": "1.3.6"}


def test_a_server_of_the_users_answers_for_a_release_that_is_not_known(project: Path) -> None:
    server = {"BACKSTAGE_VERSIONS_BASE_URL": "https://versions.example.com"}
    (project / "backstage.json").write_text('{"version": "99.0.0"}')
    assert "BACKSTAGE_MANIFEST_FILE" not in given(project, **server).variables
    (project / "backstage.json").write_text(json.dumps({"version": KNOWN}))
    assert read(given(project, **server))


def test_what_yarn_lock_does_not_tell_of_an_unknown_release_is_left_to_the_server(
    project: Path,
) -> None:
    (project / "yarn.lock").write_text(LOCK + MEMBER)
    (project / "backstage.json").write_text('{"version": "99.0.0"}')
    assert "BACKSTAGE_MANIFEST_FILE" not in given(project).variables
    (project / "backstage.json").write_text(json.dumps({"version": KNOWN}))
    assert read(given(project))


def test_a_workspace_that_asks_for_no_release_gets_none(project: Path) -> None:
    (project / "yarn.lock").write_text(LOCK.replace("backstage:^::backstage=1.49.4&npm=", "npm:"))
    assert "BACKSTAGE_MANIFEST_FILE" not in given(project).variables
    (project / "yarn.lock").unlink()
    assert "BACKSTAGE_MANIFEST_FILE" not in given(project).variables


def test_two_workspaces_with_the_same_get_a_file_of_the_same_name(
    project: Path, tmp_path: Path
) -> None:
    first = given(project).variables["BACKSTAGE_MANIFEST_FILE"]
    assert given(project).variables["BACKSTAGE_MANIFEST_FILE"] == first
    (project / "backstage.json").unlink()
    assert given(project).variables["BACKSTAGE_MANIFEST_FILE"] != first


@pytest.mark.parametrize("content", [None, "{}", "not JSON"])
def test_a_file_that_is_no_manifest_is_an_error_that_names_it(
    content: str | None, project: Path, tmp_path: Path
) -> None:
    file = tmp_path / "bad.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigurationError, match="BACKSTAGE_MANIFEST_FILE") as caught:
        given(project, BACKSTAGE_MANIFEST_FILE=str(file))
    assert caught.value.place
    assert caught.value.place.file == file


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_no_manifest(kind: str, project: Path, tmp_path: Path) -> None:
    put(kind, tmp_path / "manifest.json")
    environment = layer_environment({"BACKSTAGE_MANIFEST_FILE": str(tmp_path / "manifest.json")})
    with pytest.raises(ConfigurationError, match="BACKSTAGE_MANIFEST_FILE"):
        given(project, **environment.variables)
    assert telling_variables(environment)["BACKSTAGE_MANIFEST_FILE"]


def test_a_file_without_end_is_no_manifest(project: Path, tmp_path: Path) -> None:
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ConfigurationError, match="BACKSTAGE_MANIFEST_FILE") as caught:
        given(project, BACKSTAGE_MANIFEST_FILE=str(tmp_path / "large.json"))
    assert "more than" in (caught.value.found or "")


def test_to_the_cache_what_a_manifest_says_counts_and_not_where_it_is(tmp_path: Path) -> None:
    def told(name: str, text: str) -> str:
        (tmp_path / name).write_text(text)
        variables = {"BACKSTAGE_MANIFEST_FILE": str(tmp_path / name)}
        return telling_variables(layer_environment(variables))["BACKSTAGE_MANIFEST_FILE"]

    assert told("a.json", "{}") == told("b.json", "{}") != told("b.json", "[]")
    server = {"BACKSTAGE_VERSIONS_BASE_URL": "https://versions.example.com"}
    assert not telling_variables(layer_environment(server))


def test_of_the_shells_variables_only_these_two_reach_tools() -> None:
    others = ("BACKSTAGE_CLI_EXPERIMENTAL_BUILD_CACHE", "BACKSTAGE_E2E_CLI_TEST", "BACKSTAGE_TOKEN")
    meant = ("BACKSTAGE_MANIFEST_FILE", "BACKSTAGE_VERSIONS_BASE_URL")
    environment = layer_environment(dict.fromkeys((*others, *meant), "x"))
    seen = node_environment(environment, tools=(), temporary=Path("/"), installs=True)
    assert {name for name in seen if name.startswith("BACKSTAGE_")} == set(meant)
