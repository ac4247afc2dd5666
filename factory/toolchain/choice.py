"""Which tools would build a workspace: found out without installing one, or starting most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from factory.errors import ToolchainError
from factory.toolchain.node import (
    SUPPORTED_NODE,
    choose_node,
    find_installed_nodes,
    find_node,
    node_version,
    npm_of,
)
from factory.toolchain.node_environment import tool_environment
from factory.toolchain.rhdh_cli import (
    LATEST,
    VARIABLE,
    find_known_version,
    resolve_version,
    with_pins,
)

if TYPE_CHECKING:
    from pathlib import Path

    from factory.toolchain.cache_folder import ToolCache


@dataclass(frozen=True, kw_only=True, slots=True)
class Chooser:
    """What is asked of the machine."""

    cache: ToolCache
    temporary: Path

    def node(self, engines: str | None) -> str:
        """Return the version of the Node that serves a workspace's ``engines.node``.

        Raises:
            ToolchainError: there is none.
        """
        chosen = choose_node(
            engines, environment=self.cache.environment, version_of=self._version_of
        )
        if chosen is None:
            raise ToolchainError(
                "there is no Node.js of the version that the workspace asks for",
                expected=f"engines.node {engines}, among the supported {SUPPORTED_NODE}",
                hint="widen engines.node with a patch",
            )
        return chosen

    def nodes(self) -> tuple[str, ...]:
        """Return the versions of the Nodes that are here, in the order in which they are tried."""
        return tuple(
            self._version_of(node) for node in find_installed_nodes(self.cache.environment)
        )

    def _version_of(self, node: Path) -> str:
        return node_version(node, self.cache.environment, self.cache.runner)

    def rhdh_cli(self) -> str:
        """Return the version of rhdh-cli with its pins, for example ``1.9.1+a1aed115810d``.

        Raises:
            ConfigurationError: RHDH_CLI_VERSION is neither a version nor a tag.
            ToolchainError: the npm registry has to be asked, and cannot.
        """
        environment = self.cache.environment
        wanted = environment.get(VARIABLE, LATEST)
        env = tool_environment(environment, tools=(), temporary=self.temporary)
        version = find_known_version(wanted, env=env, cache=self.cache.folder)
        if version is None:
            node = find_node(None, self.cache)
            version = resolve_version(wanted, npm_of(node, self.cache, temporary=self.temporary))
        return with_pins(version)
