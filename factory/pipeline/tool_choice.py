"""Which engine, which version of it and which Node.js a build is to use, and who decides that.

The portal of ``--host`` does: its profile says which engine exports plugins of a role, which
version it was released with, and which Node.js it runs on. The user overrides each:
RHDH_CLI_VERSION, ``--node``. A portal that nobody named decides the version of rhdh-cli alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.analysis.inventory import DEFAULT_HOST
from factory.errors import UsageError
from factory.toolchain.wanted_tools import (
    LATEST,
    VARIABLE,
    WantedNode,
    WantedRhdhCli,
    WantedTools,
)
from factory.versions import is_range

if TYPE_CHECKING:
    from factory.analysis.inventory import HostInventory
    from factory.config.environment import Environment
    from factory.config.options import ArgumentOptions

ENGINE = "rhdh"


def wanted_tools(
    arguments: ArgumentOptions, environment: Environment, host: HostInventory
) -> WantedTools:
    """Return which tools build for a host.

    Args:
        arguments: ``--host`` and ``--node``.
        environment: the workspace's; RHDH_CLI_VERSION is read from it.
        host: the portal that ``--host`` means, or the default one.

    Raises:
        UsageError: ``--node`` is not an npm range.
    """
    said = environment.get(VARIABLE)
    return WantedTools(
        rhdh_cli=WantedRhdhCli(wanted=said) if said else wanted_by_portal(host),
        node=_wanted_node(arguments, host),
        engine=ENGINE,
        engine_why=_why_engine(host),
    )


def wanted_by_portal(host: HostInventory) -> WantedRhdhCli:
    """Return the rhdh-cli that a portal was released with; the latest where that is not known."""
    versions = host.profile.engine_versions.get("rhdh")
    if versions is None:
        return WantedRhdhCli(wanted=LATEST)
    return WantedRhdhCli(wanted=versions.version, portal=host.name, accepts=versions.accepts)


def _wanted_node(arguments: ArgumentOptions, host: HostInventory) -> WantedNode:
    if arguments.node:
        if not is_range(arguments.node):
            raise UsageError(
                "--node is not a version of Node.js",
                found=arguments.node,
                expected="a version or an npm range, such as 22 or '>=22.12 <25'",
            )
        return WantedNode(range=arguments.node)
    if not arguments.host:
        return WantedNode()
    return WantedNode(range=host.profile.node, portal=host.name)


def _why_engine(host: HostInventory) -> str:
    engine = host.profile.engine
    if engine.frontend == engine.backend == ENGINE:
        default = ", the default portal" if host.name == DEFAULT_HOST else ""
        return f"{host.name}{default}"
    return f"the only engine here; {host.name} asks for {engine.frontend} for frontend plugins"
