"""Which Node.js: the one on the PATH if it serves, else one from PyPI."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from factory.config.environment import layer_environment
from factory.errors import ToolchainError
from factory.toolchain.cache_folder import ToolCache
from factory.toolchain.node import ANY_NODE, ChosenNode, Node, choose_node, find_node
from factory.toolchain.runner import Runner
from factory.toolchain.wanted_tools import WantedNode

needs_node = pytest.mark.skipif(
    not (shutil.which("node") and shutil.which("npm")), reason="needs a Node.js on the PATH"
)


def find(
    engines: str | None, process: dict[str, str], cache: Path, wanted: WantedNode = ANY_NODE
) -> Node:
    return find_node(
        engines,
        ToolCache(
            folder=cache,
            environment=layer_environment(process),
            runner=Runner(),
        ),
        wanted,
    )


def path_with_node(tmp_path: Path, prints: str) -> dict[str, str]:
    """A PATH whose node prints a version that we choose: no real Node of it can be had."""
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    for name in ("node", "npm"):
        (bin_dir / name).write_text(f"#!/bin/sh\necho '{prints}'\n")
        (bin_dir / name).chmod(0o755)
    return {"PATH": f"{bin_dir}{os.pathsep}/usr/bin:/bin"}


@needs_node
def test_the_node_of_the_path_is_taken_if_it_serves(
    process: dict[str, str], tmp_path: Path
) -> None:
    node = find(">=18", process, tmp_path / "cache")
    assert node.bin_dir == Path(shutil.which("node") or "").parent
    printed = Runner().run((node.bin_dir / "node", "-p", "process.version"), cwd=tmp_path, env={})
    assert printed.stdout.strip() == f"v{node.version}"
    assert not (tmp_path / "cache").exists()


def test_another_version_really_comes_from_pypi(process: dict[str, str], tmp_path: Path) -> None:
    old = path_with_node(tmp_path, "v20.0.0")
    node = find("^22.20.0", process | old, tmp_path / "cache")
    assert node.version.startswith("22.")
    env = {"PATH": f"{node.bin_dir}:/usr/bin:/bin", "HOME": str(tmp_path)}
    node_says = Runner().run((node.bin_dir / "node", "--version"), cwd=tmp_path, env=env).stdout
    npm_says = Runner().run((node.bin_dir / "npm", "--version"), cwd=tmp_path, env=env).stdout
    assert node_says == f"v{node.version}\n"
    assert npm_says.split(".")[0] == "10"
    assert node.headers
    assert (node.headers / "include/node/node_api.h").is_file()


def test_an_unsupported_node_of_the_path_is_not_taken(
    process: dict[str, str], tmp_path: Path
) -> None:
    ancient = path_with_node(tmp_path, "v12.22.9")
    with pytest.raises(ToolchainError) as caught:
        find("12 || 14", process | ancient, tmp_path / "cache")
    assert "12.22.9" in str(caught.value.found)
    assert "engines.node 12 || 14" in str(caught.value.expected)


def test_a_version_that_nobody_has_is_refused_before_any_download(
    process: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(ToolchainError, match=r"no Node.js of the version") as caught:
        find(">=99", process, tmp_path / "cache")
    assert "engines.node >=99" in str(caught.value.expected)
    assert not (tmp_path / "cache").exists()


@needs_node
def test_engines_that_are_no_range_are_not_used_with_a_warning(
    process: dict[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert find("newest please", process, tmp_path / "cache").version
    assert "engines.node is not a version range and is ignored: newest please" in caplog.text


@pytest.mark.parametrize("prints", ["", "hello", "v22"])
def test_a_node_that_does_not_say_its_version_is_refused(
    process: dict[str, str], tmp_path: Path, prints: str
) -> None:
    with pytest.raises(ToolchainError, match="node does not report its version"):
        find(None, process | path_with_node(tmp_path, prints), tmp_path / "cache")


def test_pypi_out_of_reach_is_a_toolchain_error(process: dict[str, str], tmp_path: Path) -> None:
    nowhere = {
        "PIP_INDEX_URL": "http://127.0.0.1:1/simple",
        "PIP_RETRIES": "0",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_FIND_LINKS": "",
    }
    unreachable = process | path_with_node(tmp_path, "v20.0.0") | nowhere
    with pytest.raises(ToolchainError, match=r"cannot be installed from PyPI") as caught:
        find("24", unreachable, tmp_path / "cache")
    assert caught.value.details
    assert not list(tmp_path.glob("cache/node/[!.]*"))


PORTAL = WantedNode(range="24", portal="rhdh-1.10")


@pytest.mark.parametrize(
    ("engines", "wanted", "chosen"),
    [
        (None, ANY_NODE, ChosenNode(version="20.20.0", why="supported, and here first")),
        (">=22", ANY_NODE, ChosenNode(version="24.19.0", why="engines.node >=22")),
        (None, PORTAL, ChosenNode(version="24.19.0", why="rhdh-1.10 runs on Node 24")),
        (
            "20 || 24",
            PORTAL,
            ChosenNode(version="24.19.0", why="rhdh-1.10 runs on Node 24; engines.node 20 || 24"),
        ),
        (
            "20",
            PORTAL,
            ChosenNode(version="20.20.0", why="engines.node 20, though rhdh-1.10 runs on Node 24"),
        ),
        ("20", WantedNode(range="22"), ChosenNode(version="22.20.0", why="--node 22")),
    ],
)
def test_the_user_comes_first_then_the_workspace_then_the_portal(
    process: dict[str, str],
    tmp_path: Path,
    engines: str | None,
    wanted: WantedNode,
    chosen: ChosenNode,
) -> None:
    environment = layer_environment(process | path_with_node(tmp_path, "v20.20.0"))

    def version_of(node: Path) -> str:
        return "20.20.0" if node.is_relative_to(tmp_path) else "20.19.0"

    found = choose_node(engines, wanted, environment=environment, version_of=version_of)
    assert found == chosen


def test_a_workspace_that_wants_another_node_than_the_portal_is_warned_about(
    process: dict[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    here = process | path_with_node(tmp_path, "v20.20.0")
    node = find("20", here, tmp_path / "cache", PORTAL)
    assert node.version == "20.20.0"
    assert node.why == "engines.node 20, though rhdh-1.10 runs on Node 24"
    assert "rhdh-1.10 runs on Node 24, but the workspace asks for 20" in caplog.text


def test_a_node_that_nobody_has_is_refused_in_the_words_of_who_wants_it(
    process: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(ToolchainError, match=r"that --node asks for") as caught:
        find(None, process, tmp_path / "cache", WantedNode(range="18"))
    assert "18, among the supported" in str(caught.value.expected)
