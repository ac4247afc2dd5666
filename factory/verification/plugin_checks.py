"""Every check of an unpacked plugin, in their order."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from factory.oci.platforms import default_platform
from factory.values import dataclass
from factory.verification.bundled import check_dependencies, check_shared
from factory.verification.configuration import check_configs
from factory.verification.entry_point import Loader, check_entry_point
from factory.verification.findings import (
    ENTRY_POINT,
    CheckFinding,
    FrontendFacts,
    Verified,
    skipped_finding,
)
from factory.verification.frontend_manifests import check_manifests
from factory.verification.frontend_systems import check_shows, read_frontend
from factory.verification.locked_tree import check_locked
from factory.verification.native_binaries import check_native
from factory.verification.plugin_folder import PluginFolder, check_package, read_plugin_folder
from factory.verification.supported_versions import check_supported_versions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from factory.analysis.inventory import HostInventory
    from factory.analysis.locked_workspace import LockedWorkspace
    from factory.frontend.verdict import System
    from factory.plugin_config.mount_points import PortalMounts
    from factory.verification.configuration import GivenConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What plugins are checked against.

    Attributes:
        host: the packages that are shared.
        loader: loads entry points; None to leave that out.
        platform: as Node.js calls it.
        checks_host_version: whether the host was asked for, and so its version counts.
        allowed: @backstage packages that may be bundled although the host shares them.
        systems: the frontend systems that frontends must show in; none if one of them will do.
        workspaces: where plugins were built; their lockfiles say what is bundled. None to leave
            that out.
        proves_config: whether configuration beside artifacts is held against them.
        configs: what a list gives plugins, by what the list calls them.
        variables: the names of environment variables that are set.
        mounts: the mount points of the portal; None if none was asked for.
    """

    host: HostInventory
    loader: Loader | None
    platform: str = field(default_factory=default_platform)
    checks_host_version: bool = False
    allowed: frozenset[str] = frozenset()
    systems: frozenset[System] = frozenset()
    workspaces: tuple[LockedWorkspace, ...] = ()
    proves_config: bool = False
    configs: Mapping[str, GivenConfig] = field(default_factory=dict)
    variables: frozenset[str] = frozenset()
    mounts: PortalMounts | None = None


def verify_plugin_folder(
    root: Path, artifact: str, terms: Terms, *, config: GivenConfig | None = None
) -> Verified:
    """Check an unpacked plugin.

    Args:
        root: its folder.
        artifact: what it is called in the result.
        terms: what it is checked against.
        config: configuration of it that was beside it.
    """
    plugin = read_plugin_folder(root)
    if isinstance(plugin, CheckFinding):
        return Verified(artifact=artifact, findings=(plugin,))
    given = tuple(one for one in (config, terms.configs.get(artifact)) if one)
    configured = check_configs(plugin, given, variables=terms.variables, mounts=terms.mounts)
    frontend = read_frontend(plugin) if plugin.is_frontend else None
    return Verified(
        artifact=artifact,
        name=plugin.name,
        version=plugin.version,
        role=plugin.role,
        frontend=frontend,
        findings=(*_findings(plugin, frontend, terms), *configured),
    )


def _findings(
    plugin: PluginFolder, frontend: FrontendFacts | None, terms: Terms
) -> Iterator[CheckFinding]:
    yield check_package(plugin)
    if plugin.is_backend:
        yield _entry_point(plugin, terms)
        yield check_dependencies(plugin, terms.host)
        yield check_shared(plugin, terms.host, allowed=terms.allowed)
        if terms.workspaces:
            yield check_locked(plugin, terms.workspaces, terms.host)
    if frontend:
        manifests = check_manifests(plugin)
        yield manifests
        yield check_shows(frontend, terms.systems, manifests)
    yield check_native(plugin, terms.platform)
    if terms.checks_host_version:
        yield check_supported_versions(plugin, terms.host)


def _entry_point(plugin: PluginFolder, terms: Terms) -> CheckFinding:
    if terms.loader is None:
        return skipped_finding(ENTRY_POINT, "not loaded, as requested")
    return check_entry_point(plugin, terms.loader)
