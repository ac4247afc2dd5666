"""Every plugin that is on in a portal's list, brought, unpacked and held against the new portal.

Nothing of a plugin is run. What is brought is removed again as soon as it was looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.analysis.discovery import PLUGIN_ROLES
from factory.errors import ArtifactError, ConfigurationError, FactoryError, Interrupted, SourceError
from factory.files import remove_tree
from factory.installation.connections import Connections
from factory.installation.default_plugins import name_default_plugin
from factory.installation.fetching import PluginEnd
from factory.installation.obtain import obtain
from factory.installation.package_reference import LocalArchive, LocalFolder
from factory.installation.plugin_list import DEFAULT_LIST
from factory.oci.packed_plugin import plugin_folder, source_name
from factory.plugin_config.shipped import read_shipped_config
from factory.scratch_folder import scratch_folder
from factory.threads import InheritingPool
from factory.upgrading.dead_keys import find_dead_keys
from factory.upgrading.portal_move import DefaultPlugin, MovedList, MovedPlugin
from factory.upgrading.rebuild_reasons import find_rebuild_reasons
from factory.upgrading.shown_frontends import judge_frontend
from factory.verification.findings import CheckFinding
from factory.verification.plugin_folder import read_plugin_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from factory.installation.connections import ConnectionOptions
    from factory.installation.fetching import InstallationListener
    from factory.installation.plugin_list import ListedPlugin
    from factory.upgrading.portal_move import PortalMove
    from factory.verification.plugin_folder import PluginFolder

_AT_ONCE = 4
# Where the images of RHDH and of what is made of it have the plugins that they bring along.
_IN_THE_IMAGE = ("dynamic-plugins", "dist")


def examine_list(
    entries: Sequence[ListedPlugin],
    move: PortalMove,
    options: ConnectionOptions,
    listener: InstallationListener,
) -> MovedList:
    """Return what a portal's move does to the plugins of its list, in the list's order.

    One that is not available does not stop the others: it has the error.

    Args:
        entries: the list.
        move: which portals.
        options: how registries are reached.
        listener: who is told of each plugin, from several threads.

    Raises:
        Interrupted: the run was cancelled.
    """
    wanted = [entry for entry in entries if entry.enabled]
    with (
        scratch_folder("upgrade") as scratch,
        Connections(options, scratch) as connections,
        InheritingPool(max_workers=_AT_ONCE, thread_name_prefix="upgrade") as pool,
    ):
        try:
            tasks = [
                pool.submit(
                    _bring, entry, scratch / f"plugin-{number}", move, connections, listener
                )
                for number, entry in enumerate(wanted)
            ]
            plugins = tuple(task.result() for task in tasks)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    off = tuple(entry for entry in entries if not entry.enabled)
    return MovedList(move=move, plugins=plugins, off=off)


def _bring(
    entry: ListedPlugin,
    folder: Path,
    move: PortalMove,
    connections: Connections,
    listener: InstallationListener,
) -> MovedPlugin:
    connections.options.checkpoint()
    listener.on_start(entry)
    try:
        _refuse_absent(entry)
        obtain(entry, folder, connections, lambda *there: listener.on_progress(entry, *there))
        moved = examine_plugin(folder, entry, move)
    except Interrupted:
        raise
    except FactoryError as error:
        error.place = error.place or entry.place
        moved = MovedPlugin(entry=entry, brought=find_default_plugin(entry, move), error=error)
    finally:
        if folder.is_dir():
            remove_tree(folder)
    listener.on_end(
        PluginEnd(
            entry=entry,
            outcome="installed" if moved.name else "failed",
            version=moved.version,
            error=moved.error,
        )
    )
    return moved


def examine_plugin(root: Path, entry: ListedPlugin, move: PortalMove) -> MovedPlugin:
    """Return what a portal's move does to an unpacked plugin.

    Args:
        root: its folder, without links that leave it.
        entry: the plugin, as the list has it.
        move: which portals.

    Raises:
        ArtifactError: it is not a dynamic plugin, or its package.json cannot be used.
    """
    plugin = _read_plugin(root, entry)
    try:
        rebuild, remarks = find_rebuild_reasons(plugin, move)
    except SourceError as error:
        raise ArtifactError(
            error.problem,
            place=entry.place,
            found=f"{error.found} in the package.json of {entry.package}",
            expected=error.expected,
            hint="build the plugin again: plugin-factory build",
        ) from error
    hidden, doubt = judge_frontend(plugin, move) if plugin.is_frontend else (None, None)
    if doubt:
        doubt.place = entry.place
    shipped = read_shipped_config(plugin.root, plugin.package)
    return MovedPlugin(
        entry=entry,
        name=plugin.name,
        version=plugin.version,
        role=plugin.role,
        rebuild=rebuild,
        hidden=hidden,
        keys=find_dead_keys(entry.config, shipped, move) if entry.config else (),
        brought=find_default_plugin(entry, move, plugin.name),
        remarks=(*remarks, *_find_remarks(plugin, entry, move)),
        error=doubt,
    )


def find_default_plugin(
    entry: ListedPlugin, move: PortalMove, package: str = ""
) -> DefaultPlugin | None:
    """Return what the new portal's default list says of a plugin.

    What stands in such a list itself is not a user's entry.

    Args:
        entry: the plugin, as the list has it.
        move: which portals.
        package: its package's name, where that is known.
    """
    if entry.place.file.name == DEFAULT_LIST:
        return None
    names = {name_default_plugin(entry), *([plugin_folder(package)] if package else [])}
    old, new = move.old.profile.default_plugins, move.new.profile.default_plugins
    there = [new[name] for name in names if name in new]
    return DefaultPlugin(on=any(there), before=bool(names & old.keys())) if there else None


def _read_plugin(root: Path, entry: ListedPlugin) -> PluginFolder:
    plugin = read_plugin_folder(root)
    if isinstance(plugin, CheckFinding):
        raise ArtifactError(
            plugin.detail,
            place=entry.place,
            found=plugin.found,
            expected=plugin.expected,
            hint=plugin.hint,
        )
    if plugin.role not in PLUGIN_ROLES:
        raise ArtifactError(
            "this is not a dynamic plugin: its package.json has no role of one",
            place=entry.place,
            found=f"backstage.role: {plugin.role[:100] or 'none'} in {entry.package}",
            expected=f"one of {', '.join(PLUGIN_ROLES)}",
            hint="name the artifact that a build made of the package: plugin-factory build",
        )
    return plugin


def _find_remarks(plugin: PluginFolder, entry: ListedPlugin, move: PortalMove) -> Iterator[str]:
    package = source_name(plugin.name)
    if package in move.new and package not in move.old:
        versions = ", ".join(move.new.versions(package))
        yield (
            f"{move.new.name} has {package} {versions} among its own packages, {move.old.name} "
            "has not: the plugin may no longer be needed"
        )
    if _is_of_the_image(entry):
        yield (
            f"the portal's image brings it along: at this path {move.new.name} has a build of its "
            "own, or none"
        )


def _refuse_absent(entry: ListedPlugin) -> None:
    package = entry.package
    if not isinstance(package, LocalArchive | LocalFolder) or package.path.exists():
        return
    kind = "archive" if isinstance(package, LocalArchive) else "folder"
    hint = "relative paths start at the folder of the file that contains them"
    if _is_of_the_image(entry):
        hint = (
            "it is in the portal's image; copy it beside the list: "
            "podman create --name portal IMAGE && "
            "podman cp portal:/opt/app-root/src/dynamic-plugins ."
        )
    raise ConfigurationError(
        f"there is no such {kind} on this machine",
        place=entry.place,
        found=str(package.path),
        expected="an exported plugin",
        hint=hint,
    )


def _is_of_the_image(entry: ListedPlugin) -> bool:
    package = entry.package
    return isinstance(package, LocalFolder) and package.path.parts[-3:-1] == _IN_THE_IMAGE
