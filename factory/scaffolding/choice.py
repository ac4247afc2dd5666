"""Which workspaces and plugins of a source go into a configuration, and how each is called."""

from __future__ import annotations

import posixpath
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from factory.config.selection import PluginName, Selection, nothing_selected, patterns
from factory.scaffolding.questions import ask_plugins, ask_workspaces
from factory.scaffolding.survey import no_plugins

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory.analysis.discovery import DiscoveredPlugin
    from factory.scaffolding.init_options import (
        Ask,
        InitOptions,
    )
    from factory.scaffolding.survey import FoundWorkspace, Survey


def choose_workspaces(
    survey: Survey, init_options: InitOptions, ask: Ask | None
) -> tuple[FoundWorkspace, ...]:
    """Return the workspaces that are wanted, in the order in which they are named or found.

    Raises:
        UsageError: there are several, and nobody says which.
        SourceError: there is none, or none at a path that is named.
    """
    if init_options.workspace_paths:
        wanted = (survey.workspace_at(path) for path in init_options.workspace_paths)
        return tuple({each.path: each for each in wanted}.values())
    if not survey.workspaces:
        raise no_plugins(survey.root, ".")
    if len(survey.workspaces) == 1 or init_options.all_workspaces:
        return survey.workspaces
    return ask_workspaces(survey.workspaces, ask)


def folder_names(found: Sequence[FoundWorkspace], survey: Survey) -> tuple[str, ...]:
    """Return a folder's name for each workspace: its path's last part, or all of it if taken.

    Upper and lower case make no difference, as on some filesystems.
    """
    repository = posixpath.basename(survey.repo.rstrip("/").replace(":", "/")).removesuffix(".git")
    last = [PurePosixPath(each.path).name or repository for each in found]
    taken = [name.casefold() for name in last]
    return tuple(
        name if taken.count(name.casefold()) == 1 else each.path.replace("/", "-").strip(".")
        for name, each in zip(last, found, strict=True)
    )


def choose_plugins(
    found: Sequence[FoundWorkspace],
    names: Sequence[str],
    init_options: InitOptions,
    ask: Ask | None,
) -> list[tuple[DiscoveredPlugin, ...]]:
    """Return the plugins that are wanted of each workspace; any number.

    Raises:
        UsageError: none is wanted of any.
    """
    pairs = [
        (PluginName(workspace=name, path=plugin.path, package=plugin.manifest.name), plugin)
        for name, workspace in zip(names, found, strict=True)
        for plugin in workspace.plugins
    ]
    if ask and len(pairs) > 1 and not init_options.only and not init_options.exclude:
        numbers = ask_plugins([str(name) for name, _ in pairs], ask)
        wanted = {pairs[number][0] for number in numbers}
    else:
        selection = Selection(
            only=patterns(init_options.only),
            exclude=patterns(init_options.exclude),
            workspaces=tuple(name for name in names if name),
        )
        wanted = {name for name, _ in pairs if selection.wants(name)}
        if not wanted:
            raise nothing_selected(selection, [str(name) for name, _ in pairs])
    return [
        tuple(plugin for each, plugin in pairs if each.workspace == name and each in wanted)
        for name in names
    ]
