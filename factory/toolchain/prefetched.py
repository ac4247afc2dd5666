"""The tools that most builds use, installed before there is a workspace that asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.engines import Engine
from factory.scratch_folder import scratch_folder
from factory.toolchain.backstage_bundler import BackstageBundler, find_cached_bundler
from factory.toolchain.node import Node, find_node, npm_of
from factory.toolchain.rhdh_cli import RhdhCli, find_rhdh_cli
from factory.toolchain.yarn import DEFAULT_BERRY, WantedYarn, Yarn, find_yarn
from factory.values import dataclass

if TYPE_CHECKING:
    from factory.toolchain.cache_folder import ToolCache
    from factory.toolchain.wanted_tools import WantedTools


@dataclass(frozen=True, kw_only=True, slots=True)
class Prefetched:
    """What is in the cache now, or was found on the machine; of engines those that are wanted."""

    node: Node
    yarn: Yarn
    rhdh_cli: RhdhCli | None
    bundler: BackstageBundler | None


def prefetch(cache: ToolCache, wanted_tools: WantedTools) -> Prefetched:
    """Find or install what a workspace gets that asks for no version of its own.

    Args:
        cache: where tools are installed.
        wanted_tools: which engines, rhdh-cli and Node the user, or the portal, wants.

    Raises:
        ConfigurationError: ``RHDH_CLI_VERSION`` is not a version.
        ToolchainError: a tool can neither be found nor installed.
        StorageError: the cache cannot be written.
    """
    with scratch_folder() as temporary:
        node = find_node(None, cache, wanted_tools.node)
        npm = npm_of(node, cache, temporary=temporary)
        yarn_wanted = WantedYarn(version=DEFAULT_BERRY, reason="the default")
        yarn = find_yarn(yarn_wanted, npm, bin_dir=temporary)
        engines = wanted_tools.engines.possible
        rhdh_cli = find_rhdh_cli(wanted_tools.rhdh_cli, npm) if Engine.RHDH in engines else None
        bundler = find_cached_bundler(npm) if Engine.BACKSTAGE in engines else None
    return Prefetched(node=node, yarn=yarn, rhdh_cli=rhdh_cli, bundler=bundler)
