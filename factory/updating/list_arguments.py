"""The build arguments in a workspace's lists, computed anew for what its source becomes.

Beside the list that all portals have, one may have a list of its own and no source of its own: its
arguments follow from the same source, and from that portal.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from factory.analysis.inventory import find_host
from factory.analysis.workspace_analysis import analyze_workspace
from factory.config.list_names import PLUGINS_LIST
from factory.config.plugins_list import read_plugins_list
from factory.config.plugins_list_edit import edit_plugins_list
from factory.config.portals import find_layer, has_source, list_layers
from factory.config.workspaces import is_disabled
from factory.errors import UsageError
from factory.files import read_text
from factory.updating.file_edits import FileEdit
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from factory.analysis.inventory import HostInventory
    from factory.config.build_plan import BuildPlan
    from factory.config.plugins_list import PluginsList
    from factory.config.plugins_list_edit import ListChange

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenList:
    """A list, the portal that it is for, and the file that what changes is written to.

    ``portal`` is named where it is one's own list beside the source that all have. The ``file`` may
    not be there yet: a portal with a source of its own, and no list, gets one like that of all.
    """

    plugins: PluginsList
    file: Path
    host: HostInventory
    portal: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListArguments:
    """The arguments of a list that change, by the plugins' paths."""

    written: WrittenList
    arguments: Mapping[str, str]


def find_lists(
    plan: BuildPlan, host: HostInventory, portals: Mapping[str, str]
) -> tuple[WrittenList, ...]:
    """Return the lists whose arguments follow from a workspace's source.

    Args:
        plan: the workspace.
        host: the portal that its source is for.
        portals: what ``--host`` and ``portals.yaml`` mean by the portals' names.

    Raises:
        ConfigurationError: a list cannot be read.
    """
    own = (
        [WrittenList(plugins=plan.plugins, file=plan.plugins_list_file, host=host)]
        if plan.plugins
        else []
    )
    if plan.portal.is_one_of_several:
        return tuple(own)
    return (*own, *_find_lists_of_portals(plan.config_dir, portals))


def _find_lists_of_portals(config_dir: Path, portals: Mapping[str, str]) -> Iterator[WrittenList]:
    for portal in list_layers(config_dir):
        layer = find_layer(config_dir, portal)
        if layer is None or has_source(config_dir, portal) or is_disabled(layer):
            continue
        plugins = read_plugins_list(layer / PLUGINS_LIST)
        if plugins is None:
            continue
        try:
            host = find_host(portals.get(portal, portal))
        except UsageError:
            log.warning("%s stays as it is: no portal is called %s", plugins.path, portal)
            continue
        yield WrittenList(plugins=plugins, file=plugins.path, host=host, portal=portal)


def compute_arguments(lists: Iterable[WrittenList], workspace: Path) -> tuple[ListArguments, ...]:
    """Return what changes in the lists for a source.

    Args:
        lists: the lists.
        workspace: the folder of the source's workspace.

    Raises:
        FactoryError: the arguments cannot be computed.
    """
    return tuple(ListArguments(written=each, arguments=_compute(each, workspace)) for each in lists)


def _compute(written: WrittenList, workspace: Path) -> Mapping[str, str]:
    listed = {entry.path: entry.arguments for entry in written.plugins.entries}
    found = analyze_workspace(workspace, written.host, listed)
    return {each.path: each.arguments for each in found.plugins if each.changed}


def edit_lists(
    found: Iterable[ListArguments],
) -> tuple[tuple[FileEdit, ...], tuple[ListChange, ...]]:
    """Return how the lists change, as texts and plugin by plugin.

    A plugin in one portal's list beside the source of all begins with the portal's name.

    Raises:
        ConfigurationError: a file cannot be read, or has a form that cannot be edited.
    """
    edits: list[FileEdit] = []
    changed: list[ListChange] = []
    for each in found:
        if not each.arguments:
            continue
        written, there = each.written, each.written.plugins.path
        text = read_text(there, exactly=True)
        after, changes = edit_plugins_list(text, each.arguments, there)
        if changes:
            before = text if written.file.exists() else None
            edits.append(FileEdit(file=written.file, before=before, after=after))
        named = f"{written.portal}/" if written.portal else ""
        changed += [replace(change, path=f"{named}{change.path}") for change in changes]
    return tuple(edits), tuple(changed)
