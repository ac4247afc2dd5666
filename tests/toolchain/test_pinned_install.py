"""Addresses in lockfiles of this factory's: as npm's own registry has them, and nowhere else."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest

from factory.config.environment import Environment
from factory.toolchain.cache_folder import ToolCache
from factory.toolchain.node import Node, Npm, npm_of
from factory.toolchain.pinned_install import (
    _is_reached_directly,
    add_addresses,
    install_pinned,
)
from factory.toolchain.rhdh_cli import PINS, list_known_versions
from factory.toolchain.runner import Runner

from .installed_tools import some_node

# In npm's place: says its settings, and keeps the lockfile that it was given.
NPM = """#!/bin/sh
case $1 in
  config) echo '{settings}' ;;
  ci) cp package-lock.json given.json; echo "$*" > words.txt ;;
esac
"""
LOCKED = {
    "packages": {
        "": {"name": "root"},
        "node_modules/@acme/one": {"version": "1.2.3", "integrity": "sha512-AA=="},
        "node_modules/two/node_modules/three": {"version": "3.0.0-rc.1"},
        "node_modules/alias": {"name": "@acme/meant", "version": "4.0.0"},
        "node_modules/mine": {"version": "5.0.0", "resolved": "https://git.example/mine.tgz"},
        "node_modules/linked": {"link": True, "resolved": "linked"},
    }
}


def addresses(lockfile: bytes) -> dict[str, str]:
    packages = json.loads(lockfile)["packages"]
    return {path: each["resolved"] for path, each in packages.items() if "resolved" in each}


def test_each_package_has_the_address_of_its_archive() -> None:
    registry = "https://registry.npmjs.org"
    assert addresses(add_addresses(json.dumps(LOCKED).encode())) == {
        "node_modules/@acme/one": f"{registry}/@acme/one/-/one-1.2.3.tgz",
        "node_modules/two/node_modules/three": f"{registry}/three/-/three-3.0.0-rc.1.tgz",
        "node_modules/alias": f"{registry}/@acme/meant/-/meant-4.0.0.tgz",
        "node_modules/mine": "https://git.example/mine.tgz",
        "node_modules/linked": "linked",
    }


@pytest.mark.parametrize("version", list_known_versions())
def test_what_is_pinned_is_in_the_lockfile_all_the_same(version: str) -> None:
    pins = resources.files("factory.toolchain").joinpath(PINS, version)
    before = pins.joinpath("package-lock.json").read_bytes()
    after = json.loads(add_addresses(before))
    for package in after["packages"].values():
        package.pop("resolved", None)
    assert after == json.loads(before)


@pytest.mark.parametrize(
    ("settings", "known"),
    [
        ('{"registry": "https://registry.npmjs.org/"}', True),
        ('{"registry": "https://npm.example/"}', False),
        ('{"registry": "https://registry.npmjs.org/", "@acme:registry": "https://a.example/"}', 0),
        ("not JSON", False),
    ],
)
def test_they_are_given_to_npm_where_it_asks_its_own_registry_alone(
    tmp_path: Path, settings: str, known: bool
) -> None:
    program = tmp_path / "bin/npm"
    program.parent.mkdir()
    program.write_text(NPM.replace("{settings}", settings))
    program.chmod(0o755)
    environment = Environment(variables={"PATH": "/usr/bin:/bin"})
    cache = ToolCache(folder=tmp_path / "cache", environment=environment, runner=Runner())
    node = Node(version="22.0.0", bin_dir=program.parent, origin="the test")
    npm = npm_of(node, cache, temporary=tmp_path)
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "package-lock.json").write_text(json.dumps(LOCKED))
    install_pinned(npm, "--legacy-peer-deps", folder=folder, what="installing it")
    assert (folder / "words.txt").read_text().startswith("ci --legacy-peer-deps ")
    assert json.loads((folder / "package-lock.json").read_text()) == LOCKED
    given = addresses((folder / "given.json").read_bytes())
    assert ("node_modules/@acme/one" in given) == known


REAL = {
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "root", "dependencies": {"is-number": "7.0.0"}},
        "node_modules/is-number": {
            "version": "7.0.0",
            "integrity": "sha512-41Cifkg6e8TylSpdtTpeLVMqvSBEVzTttHvERD741+pnZ8ANv0004MRL43QKPDlK9"
            "cGvNp6NZWZUBlbGXYxxng==",
        },
    },
}
# Real npm, but for what it is not to be asked.
WATCHED = """#!/bin/sh
echo "$1" >> {calls}
exec "{npm}" "$@"
"""


@pytest.fixture
def watched(tmp_path: Path, process: dict[str, str]) -> Npm:
    """Real npm of a user without settings, which notes what it is asked for."""
    node = some_node(process, tmp_path / "cache")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "node").symlink_to(node.bin_dir / "node")
    script = WATCHED.format(calls=tmp_path / "calls", npm=node.bin_dir / "npm")
    (folder / "npm").write_text(script)
    (folder / "npm").chmod(0o755)
    variables = process | {"HOME": str(tmp_path / "home")}
    cache = ToolCache(
        folder=tmp_path / "cache",
        environment=Environment(variables=variables),
        runner=Runner(),
    )
    return npm_of(replace(node, bin_dir=folder), cache, temporary=tmp_path)


def written(folder: Path, lockfile: dict[str, object]) -> Path:
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps(REAL["packages"][""]))  # type: ignore[index]
    (folder / "package-lock.json").write_text(json.dumps(lockfile))
    return folder


def test_npm_is_not_needed_where_its_own_registry_is_reached_directly(
    tmp_path: Path, watched: Npm
) -> None:
    folder = written(tmp_path / "package", REAL)
    install_pinned(watched, folder=folder, what="installing it")
    assert (tmp_path / "calls").read_text().split() == ["config"]
    manifest = json.loads((folder / "node_modules/is-number/package.json").read_text())
    assert manifest["version"] == "7.0.0"
    assert json.loads((folder / "package-lock.json").read_text()) == REAL


def test_npm_does_what_the_script_cannot_and_somebody_is_told(
    tmp_path: Path, watched: Npm, caplog: pytest.LogCaptureFixture
) -> None:
    packages = {**REAL["packages"], "node_modules/here": {"link": True, "resolved": "here"}}  # type: ignore[dict-item]
    packages[""] = {"name": "root", "dependencies": {"is-number": "7.0.0", "here": "file:here"}}
    packages["here"] = {"name": "here", "version": "1.0.0"}
    folder = written(tmp_path / "package", {**REAL, "packages": packages})
    (folder / "here").mkdir()
    (folder / "here/package.json").write_text('{"name": "here", "version": "1.0.0"}')
    (folder / "package.json").write_text(json.dumps(packages[""]))
    install_pinned(watched, folder=folder, what="installing it")
    assert (folder / "node_modules/is-number/index.js").is_file()
    assert (folder / "node_modules/here").is_symlink()
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith("installing it: npm does it, which takes longer (Error: ")


@pytest.mark.parametrize(
    "settings",
    [
        {"proxy": "http://proxy.example/"},
        {"https-proxy": "http://proxy.example/"},
        {"strict-ssl": False},
        {"ca": ["-----BEGIN CERTIFICATE-----"]},
        {"cert": "mine"},
        {"offline": True},
        {"HTTPS_PROXY": "http://proxy.example"},
        {"http_proxy": "http://proxy.example"},
    ],
)
def test_what_only_npm_knows_how_to_reach_is_left_to_it(settings: dict[str, object]) -> None:
    usual: dict[str, object] = {"strict-ssl": True, "proxy": None, "ca": None, "offline": False}
    assert _is_reached_directly(usual, {"PATH": "/bin", "no_proxy": "localhost"})
    variables = {name: str(value) for name, value in settings.items() if "_" in name}
    assert not _is_reached_directly(usual | settings, variables)
