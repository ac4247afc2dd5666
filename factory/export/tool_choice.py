"""Which engine, which version of it and which Node.js a build is to use, and who decides that.

The portal of ``--host`` does: its profile says which engine exports plugins of a role, which
version it was released with, and which Node.js it runs on. The user overrides each: ``--engine``,
RHDH_CLI_VERSION, ``--node``. A portal that nobody named decides the first two alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.analysis.inventory import DEFAULT_HOST
from factory.config.engine_option import read_engines
from factory.engines import BACKEND, FRONTEND, Engine
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
    from factory.config.engine_option import WantedEngines
    from factory.config.environment import Environment
    from factory.config.options import ArgumentOptions
    from factory.engines import RoleEngines


def wanted_tools(
    arguments: ArgumentOptions, environment: Environment, host: HostInventory
) -> WantedTools:
    """Return which tools build for a host.

    Args:
        arguments: ``--host``, ``--engine`` and ``--node``.
        environment: the workspace's; RHDH_CLI_VERSION is read from it.
        host: the portal that ``--host`` means, or the default one.

    Raises:
        UsageError: ``--engine`` names no engine, ``--self-contained`` has no effect, or ``--node``
            is not an npm range.
    """
    said = environment.get(VARIABLE)
    wanted = read_engines(arguments.engine)
    engines = wanted.over(host.profile.engine)
    if arguments.self_contained:
        _refuse_without_effect(engines)
    return WantedTools(
        rhdh_cli=WantedRhdhCli(wanted=said) if said else wanted_by_portal(host),
        node=_wanted_node(arguments, host),
        engines=engines,
        engine_why=_why_engines(wanted, host),
        self_contained=arguments.self_contained,
    )


def wanted_by_portal(host: HostInventory) -> WantedRhdhCli:
    """Return the rhdh-cli that a portal was released with; the latest where that is not known."""
    versions = host.profile.engine_versions.get(Engine.RHDH)
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


def _refuse_without_effect(engines: RoleEngines) -> None:
    if engines.backend is not Engine.BACKSTAGE:
        raise UsageError(
            "--self-contained has no effect with rhdh-cli",
            found=f"the engine {engines.backend} for backend plugins",
            expected="the engine backstage",
            hint="add --engine backend=backstage, or leave --self-contained out",
        )


def _why_engines(wanted: WantedEngines, host: HostInventory) -> str:
    portal = f"{host.name}, the default portal" if host.name == DEFAULT_HOST else host.name
    if wanted.frontend is None and wanted.backend is None:
        return portal
    if wanted.frontend and wanted.backend:
        return "--engine"
    side, other = (FRONTEND, BACKEND) if wanted.frontend else (BACKEND, FRONTEND)
    return f"--engine for {side} plugins, {portal} for {other} plugins"
