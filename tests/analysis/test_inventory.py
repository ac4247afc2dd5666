"""Host inventories: those that ship, those of a lockfile, and the commands around them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from factory.analysis.backstage_releases import packages_of_release
from factory.analysis.inventory import (
    find_host,
    host_names,
    inventory_of_lockfile,
    inventory_text,
    plain_host_names,
)
from factory.cli.host import host_app
from factory.errors import ConfigurationError, UsageError

LOCK = """\
__metadata:
  version: 8

"@backstage/config@npm:^1.0.0":
  version: 1.3.3
  resolution: "@backstage/config@npm:1.3.3"
  languageName: node
  linkType: hard

"a@npm:^1.0.0":
  version: 1.10.0
  resolution: "a@npm:1.10.0"
  languageName: node
  linkType: hard

"a@npm:^1.9.0-next.1":
  version: 1.9.0
  resolution: "a@npm:1.9.0"
  languageName: node
  linkType: hard

"own@workspace:packages/own":
  version: 0.0.0-use.local
  resolution: "own@workspace:packages/own"
  languageName: unknown
  linkType: soft
"""


@pytest.fixture
def portal(tmp_path: Path) -> Path:
    folder = tmp_path / "portal"
    folder.mkdir()
    (folder / "yarn.lock").write_text(LOCK)
    (folder / "backstage.json").write_text('{"version": "1.52.0"}')
    return folder


def test_portals_ship_and_the_newest_rhdh_that_was_released_is_the_default() -> None:
    rhdh = ("rhdh-1.7", "rhdh-1.8", "rhdh-1.9", "rhdh-1.10", "rhdh-2.0")
    assert host_names() == ("butler-2026-03", *rhdh, "veecode-1.3.8")
    assert find_host().name == "rhdh-1.10"


def test_every_release_of_plain_backstage_is_a_host() -> None:
    assert plain_host_names()[0] == "backstage-1.25"
    newest = find_host("backstage-1.52")
    assert (newest.name, newest.backstage) == ("backstage-1.52.1", "1.52.1")
    assert find_host("backstage-1.52.0").backstage == "1.52.0"
    assert newest.versions("@backstage/cli") == ("0.36.3",)
    assert "react" not in newest
    for unknown in ("backstage-1.24", "backstage-1.52.9", "backstage-2"):
        with pytest.raises(UsageError) as caught:
            find_host(unknown)
        assert "backstage-1.25 to backstage-1.53" in (caught.value.expected or "")


@pytest.mark.parametrize(
    ("name", "backstage"),
    [
        ("rhdh-1.7", "1.39.1"),
        ("rhdh-1.8", "1.42.5"),
        ("rhdh-1.9", "1.45.3"),
        ("rhdh-1.10", "1.49.4"),
        ("rhdh-2.0", "1.52.0"),
    ],
)
def test_an_inventory_knows_its_backstage_and_its_packages(name: str, backstage: str) -> None:
    host = find_host(name)
    assert host.backstage == backstage
    assert host.release.startswith(name.removeprefix("rhdh-"))
    assert "@backstage/backend-plugin-api" in host
    assert len(host.packages) > 2500


def test_a_host_answers_with_its_highest_fitting_version(portal: Path) -> None:
    host = find_host(str(portal / "yarn.lock"))
    assert host.versions("a") == ("1.9.0", "1.10.0")
    assert host.satisfying("a", "^1.0.0") == "1.10.0"
    assert host.satisfying("a", "~1.9.0") == "1.9.0"
    assert host.satisfying("a", "^2.0.0") is None
    assert host.satisfying("a", "workspace:^") is None
    assert host.satisfying("unknown", "*") is None


def test_any_portal_is_a_host(portal: Path) -> None:
    for path in (portal, portal / "yarn.lock"):
        host = find_host(str(path))
        assert (host.name, host.backstage) == ("portal", "1.52.0")
        assert "own" not in host


def test_an_inventory_file_is_a_host(portal: Path, tmp_path: Path) -> None:
    host = inventory_of_lockfile(portal / "yarn.lock", name="mine", release="3")
    file = tmp_path / "mine.json"
    file.write_text(inventory_text(host))
    again = find_host(str(file))
    assert (again.name, again.release, again.backstage) == ("mine", "3", "1.52.0")
    assert again.packages == host.packages


def test_an_unknown_host_is_told_which_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        find_host("rhdh-9")
    assert "rhdh-1.10" in (caught.value.expected or "")


NO_INVENTORIES = [
    b"{",
    b"[]",
    b'{"name": "x"}',
    b'{"name": "\xff"}',
    b'{"name": "x", "release": "", "backstage": "", "packages": ["react"]}',
    b'{"name": "x", "release": "", "backstage": "", "packages": {}, "node": "twenty"}',
    b'{"name": "x", "release": "", "backstage": "", "packages": {}, "engine": ["rhdh"]}',
    b'{"name": "x", "release": "", "backstage": "", "packages": {}, "shares": [1]}',
    b'{"name": "x", "release": "", "backstage": "", "packages": {}, "note": "\\u001b[2J"}',
    b'{"name": "", "release": "", "backstage": "", "packages": {}, "engine-versions": {"rhdh": 1}}',
]


@pytest.mark.parametrize("content", NO_INVENTORIES)
def test_a_file_that_is_no_inventory_is_named(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="not a host inventory"):
        find_host(str(file))


def test_import_writes_what_show_shows(portal: Path, tmp_path: Path) -> None:
    options = ["--name", "rhdh-1.11", "--lockfile", str(portal / "yarn.lock")]
    result = CliRunner().invoke(host_app, ["import", *options, "--into", str(tmp_path / "hosts")])
    assert result.exit_code == 0, result.output
    assert "2 packages, Backstage 1.52.0" in result.output
    file = tmp_path / "hosts" / "rhdh-1.11.json"
    shown = CliRunner().invoke(host_app, ["show", str(file), "a", "--json"])
    assert json.loads(shown.output) == {
        "name": "rhdh-1.11",
        "release": "",
        "backstage": "1.52.0",
        "engine": {"frontend": "rhdh", "backend": "rhdh"},
        "engine-versions": {"rhdh": {"version": "2.0.0", "accepts": ">=1.9.1 <2.1.0"}},
        "packages": {"a": ["1.9.0", "1.10.0"]},
    }


def test_import_takes_what_else_is_to_be_said_of_a_portal(portal: Path, tmp_path: Path) -> None:
    options = ["--name", "mine", "--lockfile", str(portal / "yarn.lock"), "--into", str(tmp_path)]
    said = {
        "--node": "24",
        "--frontend-engine": "backstage",
        "--rhdh-cli": "1.9.2",
        "--frontend-systems": "module-federation, new-frontend-system",
        "--shares": "react,react-dom",
        "--mount-points": "entity.page.ci, application/header",
        "--plugins-folder": "plugins",
        "--note": "a portal",
    }
    words = [word for pair in said.items() for word in pair]
    result = CliRunner().invoke(host_app, ["import", *options, *words])
    assert result.exit_code == 0, result.output
    profile = find_host(str(tmp_path / "mine.json")).profile
    assert profile.node == "24"
    assert (profile.engine.frontend, profile.engine.backend) == ("backstage", "rhdh")
    assert profile.engine_versions["rhdh"].version == "1.9.2"
    assert profile.engine_versions["rhdh"].accepts == "~1.9.0"
    assert profile.frontend_systems == ("module-federation", "new-frontend-system")
    assert profile.shares == ("react", "react-dom")
    assert profile.mount_points == ("entity.page.ci", "application/header")
    assert (profile.plugins_folder, profile.note) == ("plugins", "a portal")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--node", "twenty"),
        ("--frontend-engine", "webpack"),
        ("--rhdh-cli", "1.9"),
        ("--frontend-systems", "iframes"),
        ("--accepts", "~1.9.0"),  # of which version?
    ],
)
def test_import_refuses_what_cannot_be_said(
    option: str, value: str, portal: Path, tmp_path: Path
) -> None:
    options = ["--name", "mine", "--lockfile", str(portal / "yarn.lock"), "--into", str(tmp_path)]
    result = CliRunner().invoke(host_app, ["import", *options, option, value])
    assert isinstance(result.exception, UsageError)
    assert not (tmp_path / "mine.json").exists()


def test_a_lockfile_without_backstage_json_tells_the_version(tmp_path: Path) -> None:
    packages = packages_of_release("1.52.0")
    entries = [
        f'"{name}@npm:^{version}":\n  version: {version}\n'
        f'  resolution: "{name}@npm:{version}"\n  languageName: node\n  linkType: hard\n'
        for name, version in packages.items()
    ]
    (tmp_path / "yarn.lock").write_text("__metadata:\n  version: 8\n\n" + "\n".join(entries))
    host = find_host(str(tmp_path))
    assert host.backstage == "1.52.0"
    assert host.profile.frontend_systems == ("new-frontend-system",)


def test_the_backstage_version_may_be_given(portal: Path, tmp_path: Path) -> None:
    options = ["--name", "x", "--lockfile", str(portal / "yarn.lock"), "--backstage", "1.53.0"]
    CliRunner().invoke(host_app, ["import", *options, "--into", str(tmp_path)])
    assert find_host(str(tmp_path / "x.json")).backstage == "1.53.0"


def test_a_host_name_is_no_path(portal: Path, tmp_path: Path) -> None:
    options = ["--name", "../x", "--lockfile", str(portal / "yarn.lock"), "--into", str(tmp_path)]
    result = CliRunner().invoke(host_app, ["import", *options])
    assert isinstance(result.exception, UsageError)


def test_the_list_marks_the_default() -> None:
    rows = json.loads(CliRunner().invoke(host_app, ["list", "--json"]).output)
    assert [row["name"] for row in rows] == [*host_names(), *plain_host_names()]
    assert [row["name"] for row in rows if row["default"]] == ["rhdh-1.10"]
    plain = CliRunner().invoke(host_app, ["list"]).output.splitlines()
    (default,) = [line for line in plain if line.endswith("default")]
    assert default.split("\t")[:5] == ["rhdh-1.10", "1.10.3", "1.49.4", "24", "1.10.8"]


def test_show_says_how_plugins_are_made_for_a_portal() -> None:
    lines = CliRunner().invoke(host_app, ["show", "rhdh-1.9"]).output.splitlines()
    shown = dict(line.split("\t") for line in lines)
    assert shown["node"] == "22"
    assert shown["frontends by"] == "scalprum, new-frontend-system"
    assert shown["engine rhdh"] == "1.9.2, accepts ~1.9.0"
    assert shown["plugins folder"] == "dynamic-plugins-root"


def test_a_package_that_the_host_lacks_is_an_error() -> None:
    result = CliRunner().invoke(host_app, ["show", "rhdh-1.10", "@acme/nothing"])
    assert isinstance(result.exception, UsageError)
