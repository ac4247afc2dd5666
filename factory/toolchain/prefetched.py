"""The tools that most builds use, installed before there is a workspace that asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from factory.scratch_folder import scratch_folder
from factory.toolchain.node import Node, find_node, npm_of
from factory.toolchain.rhdh_cli import LATEST, VARIABLE, RhdhCli, find_rhdh_cli
from factory.toolchain.yarn import DEFAULT_BERRY, WantedYarn, Yarn, find_yarn

if TYPE_CHECKING:
    from factory.toolchain.cache_folder import ToolCache


@dataclass(frozen=True, kw_only=True, slots=True)
class Prefetched:
    """What is in the cache now, or was found on the machine."""

    node: Node
    yarn: Yarn
    rhdh_cli: RhdhCli


def prefetch(cache: ToolCache) -> Prefetched:
    """Find or install what a workspace gets that asks for no version of its own.

    Args:
        cache: where tools are installed; ``RHDH_CLI_VERSION`` is read from its environment.

    Raises:
        ConfigurationError: ``RHDH_CLI_VERSION`` is not a version.
        ToolchainError: a tool can neither be found nor installed.
        StorageError: the cache cannot be written.
    """
    with scratch_folder() as temporary:
        node = find_node(None, cache)
        npm = npm_of(node, cache, temporary=temporary)
        wanted = WantedYarn(version=DEFAULT_BERRY, reason="the default")
        yarn = find_yarn(wanted, npm, bin_dir=temporary)
        rhdh_cli = find_rhdh_cli(cache.environment.get(VARIABLE, LATEST), npm)
    return Prefetched(node=node, yarn=yarn, rhdh_cli=rhdh_cli)
