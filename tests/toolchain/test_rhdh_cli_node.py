"""Which Node a version of rhdh-cli is for, and that one that is not is said."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from factory.toolchain.node import Node
from factory.toolchain.rhdh_cli import RhdhCli
from factory.toolchain.rhdh_cli_node import (
    find_node_of_makers,
    find_refusing_packages,
    warn_of_other_node,
)


def installed(folder: Path, version: str, engines: dict[str, object]) -> RhdhCli:
    """rhdh-cli with the lockfile that npm leaves beside its packages."""
    modules = folder / "node_modules"
    modules.mkdir(exist_ok=True)
    packages = {f"node_modules/{name}": {"engines": each} for name, each in engines.items()}
    (modules / ".package-lock.json").write_text(json.dumps({"packages": packages}))
    return RhdhCli(version=version, command=modules / ".bin/rhdh-cli")


@pytest.mark.parametrize(
    ("version", "node"),
    [
        *(("1.7.2", 20), ("1.9.1", 20), ("1.10.0", 22), ("1.10.8", 22), ("1.11.4", 22)),
        *(("2.0.0-next.3", 24), ("2.0.1", 24), ("3.0.0", 24)),
    ],
)
def test_the_node_of_the_makers(version: str, node: int) -> None:
    assert find_node_of_makers(version) == node


def test_packages_that_are_not_for_a_node_are_found(tmp_path: Path) -> None:
    engines: dict[str, object] = {
        "@x/new": {"node": ">=22"},
        "b/node_modules/@x/deep": {"node": "24 || 26"},
        "old": {"node": ">= 6.0.0"},
        "odd": {"node": "nodejs"},
        "list": ["node"],
        "none": {"npm": ">= 30"},
    }
    rhdh_cli = installed(tmp_path, "2.0.1", engines)
    found = [str(each) for each in find_refusing_packages(rhdh_cli, "20.20.2")]
    assert found == ["@x/deep wants 24 || 26", "@x/new wants >=22"]
    assert find_refusing_packages(rhdh_cli, "24.19.0") == ()


@pytest.mark.parametrize(
    "text", [None, "", "[]", "{}", '{"packages": 1}', '{"packages": {"a": 1}}']
)
def test_a_lockfile_that_says_nothing_refuses_nothing(text: str | None, tmp_path: Path) -> None:
    rhdh_cli = installed(tmp_path, "2.0.1", {})
    lockfile = tmp_path / "node_modules/.package-lock.json"
    lockfile.unlink()
    if text is not None:
        lockfile.write_text(text)
    assert find_refusing_packages(rhdh_cli, "20.20.2") == ()


@pytest.mark.parametrize(
    ("version", "node", "warnings"),
    [
        ("1.9.1", "20.20.2", 0),
        ("1.9.1", "24.19.0", 0),
        ("2.0.1", "24.19.0", 0),
        ("2.0.1", "22.20.0", 1),
        ("2.0.1", "20.20.2", 2),
    ],
)
def test_an_older_node_is_said_with_what_to_do(
    version: str, node: str, warnings: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engines = {name: {"node": ">=22"} for name in "abcde"} if version == "2.0.1" else {}
    rhdh_cli = installed(tmp_path, version, dict(engines))
    with caplog.at_level(logging.WARNING):
        warn_of_other_node(rhdh_cli, Node(version=node, bin_dir=tmp_path, origin="test"))
    assert len(caplog.messages) == warnings
    if warnings:
        assert "rhdh-cli 2.0.1 is made and tested with Node.js 24" in caplog.messages[0]
    if warnings > 1:
        assert caplog.messages[1].endswith("a wants >=22, b wants >=22, c wants >=22 and 2 more")
