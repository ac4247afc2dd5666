"""All of it together: a workspace folder and a host in, the build arguments of its plugins out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.analysis.arguments import Arguments, format_arguments, parse_arguments
from factory.analysis.build_arguments import build_arguments
from factory.analysis.catalogs import read_catalogs
from factory.analysis.context import survey
from factory.analysis.discovery import (
    BACKEND_ROLES,
    PLUGIN_ROLES,
    DiscoveredPlugin,
    Membership,
    PluginSearch,
    membership,
    search_plugins,
    workspace_packages,
)
from factory.analysis.graph import DependencyGraph
from factory.analysis.host_warnings import older_host, warnings_about
from factory.analysis.lockfile_parser import find_lockfile, read_lockfile
from factory.analysis.manifest import MANIFEST_FILE, read_manifest
from factory.analysis.read_once import reading_once
from factory.analysis.reasons import AnalysisWarning
from factory.analysis.workspace_backstage import LockedMembers, find_workspace_backstage
from factory.errors import ConfigurationError, Place, SourceError
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from factory.analysis.context import AnalysisContext
    from factory.analysis.inventory import HostInventory
    from factory.analysis.kept_arguments import Dropped
    from factory.analysis.manifest import Manifest
    from factory.analysis.reasons import DerivedArgument


@dataclass(frozen=True, kw_only=True, slots=True)
class PluginAnalysis:
    """One plugin: its arguments as written and as computed, why, and what to look out for.

    ``written`` is None for a plugin that was found, not listed.
    """

    path: str
    name: str
    version: str
    role: str
    written: str | None
    arguments: str
    derived: tuple[DerivedArgument, ...]
    dropped: tuple[Dropped, ...]
    warnings: tuple[AnalysisWarning, ...]

    @property
    def changed(self) -> bool:
        """Whether the computed arguments differ in meaning from the written ones."""
        return self.written is None or self.written != self.arguments


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkspaceAnalysis:
    """The analysis of every plugin asked for, in that order, and warnings about all of them."""

    host: str
    host_backstage: str
    workspace_backstage: str
    plugins: tuple[PluginAnalysis, ...]
    warnings: tuple[AnalysisWarning, ...]


def analyze_workspace(
    workspace: Path, host: HostInventory, listed: Mapping[str, str] | None = None
) -> WorkspaceAnalysis:
    """Return the build arguments that the workspace's plugins need for ``host``.

    Nothing is fetched or started: package.json and yarn.lock are read, and ``node_modules`` where
    it is there. A written argument string that means what is computed is returned as it stands.

    Args:
        workspace: the folder of the yarn workspace, or one in it.
        host: what the plugins will find in the host.
        listed: the argument string of each plugin to analyse, by path; None for every plugin that
            is found.

    Raises:
        SourceError: a package.json cannot be used, or there is no plugin.
        DependenciesError: there is no yarn.lock, or it cannot be used.
        ConfigurationError: a listed plugin is not in the workspace or not a plugin, or its
            arguments cannot be read.
    """
    with reading_once():
        return _analyze(workspace, host, listed)


def _analyze(
    workspace: Path, host: HostInventory, listed: Mapping[str, str] | None
) -> WorkspaceAnalysis:
    search = search_plugins(workspace) if listed is None else _find_listed(workspace, listed)
    plugins = search.plugins
    if not plugins and listed is None:
        raise no_plugins(workspace, search)
    written = {path: parse_arguments(text) for path, text in (listed or {}).items()}
    backends = [plugin.manifest for plugin in plugins if plugin.role in BACKEND_ROLES]
    around = find_context(workspace, host, backends) if backends else None
    graph = around.graph if around else None
    locked = LockedMembers(lockfile=graph.lockfile, members=graph.members) if graph else None
    backstage = find_workspace_backstage(workspace, locked).version
    return WorkspaceAnalysis(
        host=host.name,
        host_backstage=host.backstage,
        workspace_backstage=backstage,
        plugins=tuple(
            _analysis(
                plugin,
                around,
                None if listed is None else listed[plugin.path],
                written.get(plugin.path, Arguments()),
            )
            for plugin in plugins
        ),
        warnings=(*older_host(backstage, host), *_warn_of_left_out(search)),
    )


def no_plugins(workspace: Path, search: PluginSearch) -> SourceError:
    """Return the error for a folder in which no plugin was found."""
    is_package = (workspace / MANIFEST_FILE).is_file()
    return SourceError(
        "no plugin was found in the workspace",
        place=Place(file=workspace),
        found=None if is_package else f"no {MANIFEST_FILE}",
        expected="a package.json whose backstage.role is one of " + ", ".join(PLUGIN_ROLES),
        details="\n".join(str(each) for each in search.left_out) or None,
        hint="name the folder of the yarn workspace, which contains its package.json and yarn.lock",
    )


def refuse_no_member(members: Membership | None, folder: Path, path: str, place: Place) -> None:
    """Refuse a plugin that was listed by hand and that yarn does not count to the workspace.

    Raises:
        ConfigurationError: it is not a member of the workspace's project.
        SourceError: a package.json cannot be used.
    """
    why = members.why_not(folder) if members else ""
    if why:
        raise ConfigurationError(
            f"the plugin {path} does not belong to the workspace",
            place=place,
            found=why,
            hint="remove it from the list, and build it as a part of its own workspace; or add it "
            "to 'workspaces' with a patch or an overlay, with the new yarn.lock",
        )


def find_context(
    workspace: Path, host: HostInventory, plugins: Iterable[Manifest]
) -> AnalysisContext:
    """Return the graph of these plugins, for questions about single ones (see ``repair``).

    Raises:
        SourceError: a package.json cannot be used.
        DependenciesError: there is no yarn.lock, or it cannot be used.
    """
    lockfile = read_lockfile(find_lockfile(workspace))
    root = lockfile.file.parent
    members = workspace_packages(root)
    manifest = root / MANIFEST_FILE
    resolutions = read_manifest(manifest).resolutions if manifest.is_file() else {}
    graph = DependencyGraph(lockfile, members, resolutions, read_catalogs(root))
    return survey(graph, host, [graph.package(plugin) for plugin in plugins], root)


def _warn_of_left_out(search: PluginSearch) -> tuple[AnalysisWarning, ...]:
    return tuple(
        AnalysisWarning(kind="left-out", text=str(each), package=each.name)
        for each in search.left_out
    )


def _find_listed(workspace: Path, listed: Mapping[str, str]) -> PluginSearch:
    members = membership(workspace)
    return PluginSearch(
        plugins=tuple(_find_listed_plugin(workspace, path, members) for path in listed)
    )


def _find_listed_plugin(workspace: Path, path: str, members: Membership | None) -> DiscoveredPlugin:
    file = workspace / path / MANIFEST_FILE
    if not file.is_file():
        raise ConfigurationError(
            f"the workspace has no plugin {path}",
            place=Place(file=workspace / path),
            expected=f"a {MANIFEST_FILE} in this folder",
            hint=f"'plugin-factory analyze {workspace}' without a list shows the plugins",
        )
    manifest = read_manifest(file)
    if manifest.role not in PLUGIN_ROLES:
        raise ConfigurationError(
            f"{path} is not a plugin that can be exported",
            place=Place(file=file, field="backstage.role"),
            found=manifest.role or "no role",
            expected=" or ".join(PLUGIN_ROLES),
        )
    refuse_no_member(members, file.parent, path, Place(file=file))
    return DiscoveredPlugin(path=path, manifest=manifest)


def _analysis(
    plugin: DiscoveredPlugin, around: AnalysisContext | None, text: str | None, written: Arguments
) -> PluginAnalysis:
    manifest = plugin.manifest
    derived: tuple[DerivedArgument, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    warnings: tuple[AnalysisWarning, ...] = ()
    arguments = written
    if around and plugin.role in BACKEND_ROLES:
        computed = build_arguments(around.graph.package(manifest), around, written)
        arguments, derived, dropped = computed.arguments, computed.derived, computed.dropped
        warnings = warnings_about(manifest, computed, around)
    as_it_stands = text is not None and arguments.meaning() == written.meaning()
    return PluginAnalysis(
        path=plugin.path,
        name=manifest.name,
        version=manifest.version,
        role=plugin.role,
        written=text,
        arguments=text if as_it_stands and text is not None else format_arguments(arguments),
        derived=derived,
        dropped=dropped,
        warnings=warnings,
    )
