"""The tools that most builds use, installed before there is a workspace that asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from factory.scratch_folder import scratch_folder
from factory.toolchain.node import Node, find_node
from factory.toolchain.node_environment import tool_environment
from factory.toolchain.rhdh_cli import LATEST, VARIABLE, RhdhCli, find_rhdh_cli
from factory.toolchain.trust import is_trusted
from factory.toolchain.yarn import DEFAULT_BERRY, WantedYarn, Yarn, find_yarn

if TYPE_CHECKING:
    from pathlib import Path

    from factory.config.environment import Environment
    from factory.toolchain.runner import Runner


@dataclass(frozen=True, kw_only=True, slots=True)
class Prefetched:
    """What is in the cache now, or was found on the machine."""

    node: Node
    yarn: Yarn
    rhdh_cli: RhdhCli


def prefetch(*, environment: Environment, cache: Path, runner: Runner) -> Prefetched:
    """Find or install what a workspace gets that asks for no version of its own.

    Args:
        environment: ``RHDH_CLI_VERSION`` is read from it.
        cache: where tools are installed, once for all runs.
        runner: starts the processes.

    Raises:
        ConfigurationError: ``RHDH_CLI_VERSION`` is not a version.
        ToolchainError: a tool can neither be found nor installed.
        StorageError: the cache cannot be written.
    """
    trusted = is_trusted(cache, environment)
    with scratch_folder() as temporary:
        node = find_node(None, environment=environment, cache=cache, runner=runner)
        env = tool_environment(
            environment, tools=(node.bin_dir,), temporary=temporary, headers=node.headers
        )
        yarn = find_yarn(
            WantedYarn(version=DEFAULT_BERRY, reason="the default"),
            node=node,
            env=env,
            cache=cache,
            bin_dir=temporary,
            runner=runner,
            trusted=trusted,
        )
        rhdh_cli = find_rhdh_cli(
            environment.get(VARIABLE, LATEST),
            node=node,
            env=env,
            cache=cache,
            runner=runner,
            trusted=trusted,
        )
    return Prefetched(node=node, yarn=yarn, rhdh_cli=rhdh_cli)
