"""Which bundler a workspace gets: its own where that bundles, or the pinned one."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from factory.toolchain.backstage_bundler import (
    PINNED,
    find_locked_bundler,
    name_bundler,
    version_of_bundler,
)


@pytest.mark.parametrize(
    ("locked", "own"),
    [
        ((), None),
        (("0.1.3",), None),
        (("0.1.4",), "0.1.4"),
        (("0.1.5-next.0",), "0.1.5-next.0"),
        (("0.1.3", "0.1.9", "0.1.10"), "0.1.10"),
    ],
)
def test_the_workspaces_own_is_taken_where_it_has_the_command(
    locked: tuple[str, ...], own: str | None
) -> None:
    assert find_locked_bundler(locked) == own


def test_the_name_tells_a_workspaces_own_from_the_pinned_tree() -> None:
    assert name_bundler("0.1.10") != name_bundler(None)
    assert version_of_bundler(name_bundler("0.1.10")) == "0.1.10"
    assert version_of_bundler(name_bundler(None)) == PINNED
    assert version_of_bundler("") is None


def test_the_pinned_tree_names_no_address_of_a_download() -> None:
    folder = resources.files("factory.toolchain").joinpath("backstage_bundler_pins", PINNED)
    packages = json.loads(folder.joinpath("package-lock.json").read_text())["packages"]
    assert packages["node_modules/@backstage/cli-module-build"]["version"] == PINNED
    assert not [name for name, package in packages.items() if "resolved" in package]
