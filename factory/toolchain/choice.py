"""Which tools would build a workspace: found out without installing one, or starting most."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from factory.toolchain.node import (
    choose_node,
    find_installed_nodes,
    find_node,
    node_version,
    npm_of,
)
from factory.toolchain.node_environment import tool_environment
from factory.toolchain.rhdh_cli import list_installed
from factory.toolchain.rhdh_cli_version import find_known_version, resolve_version
from factory.toolchain.wanted_tools import WantedTools
from factory.values import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from factory.toolchain.cache_folder import ToolCache
    from factory.toolchain.node import ChosenNode
    from factory.toolchain.rhdh_cli_version import ChosenVersion


@dataclass(frozen=True, kw_only=True, slots=True)
class Chooser:
    """What is asked of the machine, and ``wanted`` of it."""

    cache: ToolCache
    temporary: Path
    wanted: WantedTools = field(default_factory=WantedTools)

    def node(self, engines: str | None) -> ChosenNode:
        """Return the version of the Node that serves a workspace's ``engines.node``, and why.

        Raises:
            ToolchainError: there is none.
        """
        return choose_node(
            engines,
            self.wanted.node,
            environment=self.cache.environment,
            version_of=self._version_of,
        )

    def nodes(self) -> tuple[str, ...]:
        """Return the versions of the Nodes that are here, in the order in which they are tried."""
        return tuple(
            self._version_of(node) for node in find_installed_nodes(self.cache.environment)
        )

    def _version_of(self, node: Path) -> str:
        return node_version(node, self.cache.environment, self.cache.runner)

    def rhdh_cli(self) -> ChosenVersion:
        """Return which rhdh-cli would be used, with why.

        Raises:
            ConfigurationError: RHDH_CLI_VERSION is neither a version, nor a range, nor a tag.
            ToolchainError: there is no such version; or the npm registry has to be asked, and
                cannot.
        """
        environment, wanted = self.cache.environment, self.wanted.rhdh_cli
        env = tool_environment(environment, tools=(), temporary=self.temporary)
        installed = list_installed(self.cache.folder)
        known = find_known_version(wanted, env=env, cache=self.cache.folder, installed=installed)
        if known:
            return known
        node = find_node(None, self.cache)
        npm = npm_of(node, self.cache, temporary=self.temporary)
        return resolve_version(wanted, npm, installed=installed)
