"""From a list of plugins to a folder that a portal loads: decide, bring, verify, swap in."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from factory.errors import Place, StorageError
from factory.installation.decisions import (
    Decision,
    decide,
    find_unlisted,
    refuse_unproven,
)
from factory.installation.fetching import Fetching
from factory.installation.portal_config import config_text, merge_config
from factory.installation.same_package import refuse_doubles
from factory.installation.staged import Staged, entry_key, read_staged, write_marker
from factory.installation.swap import staging_folder, swap_in
from factory.locking import exclusive
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from factory.installation.connections import ConnectionOptions
    from factory.installation.fetching import (
        FetchedPlugin,
        InstallationListener,
        PluginEnd,
    )
    from factory.installation.plugin_list import ListedPlugin

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class InstallRequest:
    """What is to be installed, and where.

    ``root`` is absolute. ``root_directory`` is what the portal calls it. ``jobs`` is how many
    plugins are brought at once.
    """

    entries: tuple[ListedPlugin, ...]
    root: Path
    root_directory: str
    options: ConnectionOptions
    jobs: int = 4
    wait: bool = True
    continue_on_error: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class InstallResult:
    """A finished run: every entry in the list's order, and the folders that were removed."""

    plugins: tuple[PluginEnd, ...]
    removed: tuple[str, ...]


def plan_installation(request: InstallRequest) -> tuple[tuple[Decision, ...], tuple[Staged, ...]]:
    """Return what a run would do and what it would remove, as far as nobody has to be asked.

    Raises:
        FactoryError: the list cannot be installed as it is: as :func:`install` before it begins.
    """
    _check_config(request, request.entries)
    refuse_unproven(request.entries, skip_integrity=request.options.skip_integrity)
    staged = read_staged(request.root)
    decisions = decide(request.entries, staged, root=request.root)
    return decisions, find_unlisted(decisions, staged)


def install(request: InstallRequest, listener: InstallationListener) -> InstallResult:
    """Bring all plugins that are not there yet, and put them in place together.

    Unless ``continue_on_error``, the first failure ends the run and the portal's folder is as it
    was. Otherwise a plugin that fails keeps what was staged for it before, and its configuration
    is merged only if there is such.

    Raises:
        FactoryError: the first failure; or one that concerns all plugins.
        Interrupted: the run was ended; the portal's folder is as it was.
    """
    plan_installation(
        request
    )  # what is wrong with the list itself is said before anything is touched
    root = request.root
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"the portal's folder cannot be created: {error.strerror or error}",
            place=Place(file=root),
            hint="name another folder: plugin-factory install ROOT",
        ) from error
    with (
        exclusive(
            root,
            wait=request.wait,
            on_wait=lambda: log.info("another run uses %s: waiting for it", root),
            while_waiting=request.options.checkpoint,
            hint="wait until it has ended; without --no-wait this run waits for it",
        ),
        staging_folder(root) as staging,
    ):
        decisions, gone = plan_installation(request)  # another run may have changed what is there
        bringing = Fetching(
            request.options,
            listener,
            root=root,
            staging=staging,
            keep_going=request.continue_on_error,
        )
        brought = bringing.all(decisions, jobs=request.jobs)
        return _swap(request, staging, brought, gone)


def _swap(
    request: InstallRequest, staging: Path, brought: Sequence[FetchedPlugin], gone: Sequence[Staged]
) -> InstallResult:
    new: dict[str, Path] = {}
    replaced: list[str] = []
    for one in brought:
        if one.obtained is None:
            continue
        _mark(one)
        new[one.obtained.folder] = one.obtained.path
        if one.before:
            replaced.append(one.before.folder)
    there = {one.end.folder for one in brought}
    removed = tuple(one.folder for one in gone if one.folder not in there)
    refuse_doubles(request.root, brought, gone=removed)
    config = _check_config(request, [one.end.entry for one in brought if one.end.folder])
    request.options.checkpoint()
    swap_in(request.root, staging, new=new, gone=[*removed, *replaced], config=config)
    return InstallResult(plugins=tuple(one.end for one in brought), removed=removed)


def _check_config(request: InstallRequest, entries: Sequence[ListedPlugin]) -> str:
    return config_text(merge_config(entries, root_directory=request.root_directory))


def _mark(one: FetchedPlugin) -> None:
    entry, obtained = one.end.entry, one.obtained
    if obtained is None:
        return
    staged = Staged(
        folder=obtained.folder,
        identity=entry.package.identity,
        package=str(entry.package),
        key=entry_key(entry),
        source=obtained.source,
        version=obtained.version,
    )
    try:
        write_marker(obtained.path, staged)
    except OSError as error:
        raise StorageError(
            f"{obtained.folder} cannot be staged: {error.strerror or error}",
            place=entry.place,
            hint="check the free disk space and the folder's permissions",
        ) from error
