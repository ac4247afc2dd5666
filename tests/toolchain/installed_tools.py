"""Real tools for the tests, each installed once a test run, and the environment they get."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.config.environment import Environment, layer_environment
from factory.toolchain.cache_folder import ToolCache
from factory.toolchain.node import Node, Npm, find_node
from factory.toolchain.node_environment import node_environment
from factory.toolchain.registry_variables import registry_variables
from factory.toolchain.runner import Runner
from factory.toolchain.yarn import Yarn, find_yarn

if TYPE_CHECKING:
    from pathlib import Path

    from factory.toolchain.yarn import WantedYarn


def some_node(process: dict[str, str], cache: Path) -> Node:
    return find_node(
        None,
        ToolCache(
            folder=cache,
            environment=layer_environment(process),
            runner=Runner(),
        ),
    )


def tool_environment(environment: Environment, node: Node, folder: Path) -> dict[str, str]:
    folder.mkdir(parents=True, exist_ok=True)
    return node_environment(
        environment,
        tools=(node.bin_dir,),
        temporary=folder,
        registry_variables=registry_variables(environment),
        installs=True,
    )


def installed_yarn(wanted: WantedYarn, process: dict[str, str], node: Node, folder: Path) -> Yarn:
    """Install a yarn into the cache ``folder/cache``; its launcher is in ``folder/bin``."""
    bin_dir = folder / "bin"
    bin_dir.mkdir(parents=True, exist_ok=True)
    return find_yarn(
        wanted,
        Npm(
            node=node,
            env=tool_environment(layer_environment(process), node, folder / "tmp"),
            cache=ToolCache(
                folder=folder / "cache",
                environment=layer_environment(process),
                runner=Runner(),
            ),
        ),
        bin_dir=bin_dir,
    )
