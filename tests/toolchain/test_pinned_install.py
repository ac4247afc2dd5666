"""Addresses in lockfiles of this factory's: as npm's own registry has them, and nowhere else."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest

from factory.config.environment import Environment
from factory.toolchain.cache_folder import ToolCache
from factory.toolchain.node import Node, npm_of
from factory.toolchain.pinned_install import add_addresses, install_pinned
from factory.toolchain.rhdh_cli import PINS, list_known_versions
from factory.toolchain.runner import Runner

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
