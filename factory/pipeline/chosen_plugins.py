"""Which plugins of a checked-out workspace are built, checked before anything is installed."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from factory.analysis.discovery import (
    PLUGIN_ROLES,
    WorkspacePackage,
    discover_plugins,
    membership,
    search_plugins,
)
from factory.analysis.manifest import MANIFEST_FILE, read_manifest
from factory.analysis.workspace_analysis import no_plugins, refuse_no_member
from factory.config.build_plan import APP_CONFIG, SCALPRUM_CONFIG
from factory.config.documents import read_json
from factory.config.plugins_list import PluginEntry, PluginsList, write_new_plugins_list
from factory.errors import ConfigurationError, FactoryError, Place
from factory.quantities import pluralize
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from factory.analysis.discovery import Membership
    from factory.analysis.manifest import Manifest
    from factory.config.build_plan import BuildPlan

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChosenPlugin:
    """A plugin to build: ``arguments`` as written in the list, its files in the configuration."""

    path: str
    folder: Path
    manifest: Manifest
    arguments: str
    scalprum_config: Path | None = None
    app_config: Path | None = None

    @property
    def package(self) -> WorkspacePackage:
        """The plugin as a member of its yarn workspace."""
        return WorkspacePackage(path=self.path, folder=self.folder, manifest=self.manifest)


def choose_listed_plugins(
    workspace: Path, plugins: PluginsList, plan: BuildPlan
) -> tuple[ChosenPlugin, ...]:
    """Return the plugins of ``plugins-list.yaml``, each of which can be exported.

    Raises:
        ConfigurationError: a plugin is absent, has no package.json or a role that cannot be
            exported; all such lines are named at once.
    """
    chosen: list[ChosenPlugin] = []
    wrong: list[FactoryError] = []
    members = membership(workspace)
    for entry in plugins.entries:
        try:
            chosen.append(_choose_listed(workspace, entry, plugins, plan, members))
        except FactoryError as error:
            wrong.append(error)
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        raise ConfigurationError(
            f"{len(wrong)} plugins of {plugins.path.name} cannot be built",
            place=Place(file=plugins.path),
            details="\n".join(str(error) for error in wrong),
            hint="correct these lines, or remove them",
        )
    _refuse_same_name(chosen, plugins)
    return tuple(chosen)


def choose_found_plugins(workspace: Path, plan: BuildPlan) -> tuple[ChosenPlugin, ...]:
    """Return every plugin of the workspace, in path order.

    Raises:
        SourceError: there is none.
    """
    search = search_plugins(workspace)
    if not search.plugins:
        error = no_plugins(workspace, search)
        error.hint = (
            "check --workspace-path; a plugin that is not found can be listed in plugins-list.yaml"
        )
        raise error
    for each in search.left_out:
        log.warning("%s", each)
    return tuple(
        _with_files(workspace, plugin.path, plugin.manifest, "", plan) for plugin in search.plugins
    )


def record_found(plugins: Sequence[ChosenPlugin], file: Path) -> None:
    """Write a new ``plugins-list.yaml`` for plugins that were found, unless it cannot be."""
    entries = tuple(PluginEntry(path=each.path, arguments=each.arguments) for each in plugins)
    try:
        write_new_plugins_list(file, entries)
    except OSError as error:
        log.warning(
            "%s cannot be written (%s): the plugins that were found are built, but not recorded",
            file,
            error.strerror,
        )
    else:
        log.info("wrote %s: %s found", file, pluralize(len(entries), "plugin"))


def _choose_listed(
    workspace: Path,
    entry: PluginEntry,
    plugins: PluginsList,
    plan: BuildPlan,
    members: Membership | None,
) -> ChosenPlugin:
    place = plugins.place(entry)
    folder = workspace / entry.path
    if not folder.is_dir():
        known = ", ".join(plugin.path for plugin in discover_plugins(workspace)) or "none"
        raise ConfigurationError(
            f"the plugin {entry.path} is not in the workspace",
            place=place,
            found=f"plugins there: {known}",
            expected=f"the folder {folder}",
            hint="correct the path, or remove the line",
        )
    if not folder.resolve().is_relative_to(workspace.resolve()):
        raise ConfigurationError(
            f"the plugin {entry.path} is a link out of the workspace",
            place=place,
            found=str(folder.resolve()),
            expected=f"a folder inside {workspace}",
        )
    if not (folder / MANIFEST_FILE).is_file():
        raise ConfigurationError(
            f"the plugin {entry.path} has no package.json",
            place=place,
            expected=f"the file {folder / MANIFEST_FILE}",
            hint="name the folder that contains the plugin's package.json",
        )
    manifest = read_manifest(folder / MANIFEST_FILE)
    if manifest.role not in PLUGIN_ROLES:
        raise ConfigurationError(
            f"the plugin {entry.path} has a role that cannot be exported",
            place=place,
            found=f"backstage.role {manifest.role!r}" if manifest.role else "no backstage.role",
            expected="one of " + ", ".join(PLUGIN_ROLES),
            hint="list the plugin itself; what it needs of -common and -node packages is embedded",
        )
    refuse_no_member(members, folder, entry.path, place)
    if not manifest.name:
        raise ConfigurationError(
            f"the plugin {entry.path} has no name",
            place=Place(file=manifest.file, field="name"),
            expected="the package's name",
        )
    return _with_files(workspace, entry.path, manifest, entry.arguments, plan)


def _with_files(
    workspace: Path, path: str, manifest: Manifest, arguments: str, plan: BuildPlan
) -> ChosenPlugin:
    scalprum_config = plan.plugin_file(path, SCALPRUM_CONFIG)
    if scalprum_config:
        _refuse_bad_scalprum(scalprum_config)
    return ChosenPlugin(
        path=path,
        folder=workspace / path,
        manifest=manifest,
        arguments=arguments,
        scalprum_config=scalprum_config,
        app_config=plan.plugin_file(path, APP_CONFIG),
    )


def _refuse_bad_scalprum(file: Path) -> None:
    document = read_json(file)
    modules = document.value.get("exposedModules") if isinstance(document.value, dict) else None
    name = document.value.get("name") if isinstance(document.value, dict) else None
    if not isinstance(name, str) or not isinstance(modules, dict) or not modules:
        raise ConfigurationError(
            f"{SCALPRUM_CONFIG} is not a Scalprum configuration",
            place=document.place(),
            found=json.dumps(document.value)[:200],
            expected='for example {"name": "acme.todo", "exposedModules": '
            '{"PluginRoot": "./src/index.ts"}}',
        )


def _refuse_same_name(chosen: list[ChosenPlugin], plugins: PluginsList) -> None:
    seen: dict[str, ChosenPlugin] = {}
    for entry, plugin in zip(plugins.entries, chosen, strict=True):
        first = seen.setdefault(plugin.manifest.name, plugin)
        if first is not plugin:
            raise ConfigurationError(
                f"two plugins are called {plugin.manifest.name}, and would give the same artifact",
                place=plugins.place(entry),
                found=f"the same name in {first.path}",
                hint="remove one of the two lines",
            )
