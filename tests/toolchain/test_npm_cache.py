"""One npm cache and many factories at once: what each installs is right, and so is the cache."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from factory.config.environment import layer_environment
from factory.toolchain.registry_patience import patiently
from factory.toolchain.runner import Runner
from factory.toolchain.yarn import WantedYarn

from .installed_tools import installed_yarn, some_node, tool_environment
from .npm_registry import Fault, NpmRegistry
from .real_installs import NAMES, installed

if TYPE_CHECKING:
    from pathlib import Path

    from factory.toolchain.node import Node

AT_ONCE = 4


@pytest.fixture
def node(process: dict[str, str], tmp_path: Path) -> Node:
    return some_node(process, tmp_path / "node")


@pytest.fixture
def shared(process: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The environment of every factory: one cache of npm's, which is empty."""
    (tmp_path / "home").mkdir()
    own = {"HOME": str(tmp_path / "home"), "npm_config_cache": str(tmp_path / "npm-cache")}
    return process | own | {"no_proxy": "127.0.0.1"}


def npm_install(folder: Path, node: Node, process: dict[str, str], *options: str) -> Path:
    """Install all packages, as a factory does, and return the folder."""
    folder.mkdir()
    manifest = {"name": "w", "dependencies": dict.fromkeys(NAMES, "1.0.0")}
    (folder / "package.json").write_text(json.dumps(manifest))
    env = tool_environment(layer_environment(process), node, folder / "tmp")
    command: tuple[str | Path, ...] = (
        node.bin_dir / "npm",
        "install",
        "--no-audit",
        "--no-fund",
        *options,
    )
    runner = Runner()
    patiently(
        lambda: runner.run(command, cwd=folder, env=env), runner=runner, what="installing them"
    )
    return folder


@pytest.mark.parametrize("broken", [0, 2], ids=["all is well", "connections break"])
def test_installations_at_once_share_what_each_has_fetched(
    registry: NpmRegistry, node: Node, shared: dict[str, str], tmp_path: Path, broken: int
) -> None:
    process = shared | {"npm_config_registry": registry.url}
    registry.faults.append(Fault(path="part-c-1.0.0.tgz", does="breaks off", times=broken))
    together = threading.Barrier(AT_ONCE)

    def one(number: int) -> Path:
        together.wait()
        return npm_install(tmp_path / f"w{number}", node, process)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        folders = list(pool.map(one, range(AT_ONCE)))
    wanted = {name: registry.packages[name]["big.txt"] for name in NAMES}
    assert [installed(folder) for folder in folders] == [wanted] * AT_ONCE
    assert registry.faults[0].times == 0

    registry.seen.clear()
    assert installed(npm_install(tmp_path / "last", node, process, "--offline")) == wanted
    assert registry.seen == []


def test_tools_are_installed_at_once(node: Node, shared: dict[str, str], tmp_path: Path) -> None:
    wanted = WantedYarn(version="4.9.1", reason="the test")
    together = threading.Barrier(AT_ONCE)

    def one(number: int) -> str:
        folder = tmp_path / f"factory{number}"
        together.wait()
        installed_yarn(wanted, shared, node, folder)
        env = tool_environment(layer_environment(shared), node, folder / "tmp")
        command = (folder / "bin/yarn", "--version")
        return Runner().run(command, cwd=folder, env=env).stdout.partition("-")[0].strip()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert list(pool.map(one, range(AT_ONCE))) == ["4.9.1"] * AT_ONCE
    assert (tmp_path / "npm-cache/_cacache").is_dir()
