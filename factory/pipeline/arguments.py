"""The build arguments of a workspace's plugins: as written, as computed, and as repaired."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from factory.analysis.host_warnings import in_short
from factory.analysis.repair import advice, repair
from factory.analysis.workspace_analysis import (
    WorkspaceAnalysis,
    analyze_workspace,
    surroundings_of,
)
from factory.config.plugins_list_edit import rewrite_plugins_list
from factory.errors import DependenciesError, Place, SourceError, StorageError, os_errors_as

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from factory.analysis.inventory import HostInventory
    from factory.analysis.surroundings import Surroundings
    from factory.pipeline.chosen_plugins import ChosenPlugin

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mended:
    """What to do about a failed export: other ``arguments`` to try, or ``advice`` for the author.

    ``reasons`` says of each argument that was added what it is for.
    """

    arguments: str | None = None
    reasons: tuple[str, ...] = ()
    advice: str = ""


Mend: TypeAlias = Callable[["ChosenPlugin", str], Mended]


def computed(
    workspace: Path, plugins: Sequence[ChosenPlugin], host: HostInventory
) -> tuple[ChosenPlugin, ...]:
    """Return the plugins with the build arguments that they need for ``host``; warnings are said.

    Raises:
        DependenciesError: there is no yarn.lock, or it cannot be used.
    """
    analysis = _analysis(workspace, plugins, host)
    _warn(analysis)
    arguments = {plugin.path: plugin.arguments for plugin in analysis.plugins}
    for plugin in analysis.plugins:
        for derived in plugin.derived:
            log.debug("%s: %s: %s", plugin.path, derived, derived.reason)
    return tuple(replace(plugin, arguments=arguments[plugin.path]) for plugin in plugins)


def warn_of_mismatches(
    workspace: Path, plugins: Sequence[ChosenPlugin], host: HostInventory
) -> None:
    """Say where the plugins and the host, or what was written and what is computed, differ.

    The arguments stay as written: whoever wrote them may know more.
    """
    try:
        analysis = _analysis(workspace, plugins, host)
    except (DependenciesError, SourceError) as error:
        # The arguments were written by hand, so the build can go on; yarn has the last word.
        log.warning("the workspace could not be compared with %s: %s", host.name, error.problem)
        return
    _warn(analysis)
    for plugin in analysis.plugins:
        if plugin.changed:
            log.warning(
                "%s: the build arguments for %s would be other ones\n  written:  %s\n"
                "  computed: %s\n'plugin-factory analyze' says why, --generate-build-args writes "
                "them",
                plugin.path,
                analysis.host,
                plugin.written or "(none)",
                plugin.arguments or "(none)",
            )


def record(plugins: Mapping[str, str], file: Path, *, backup: bool = True) -> None:
    """Write arguments into an existing ``plugins-list.yaml``, keeping all else that is in it.

    What changes is said, before and after. Hand-written arguments are kept in a backup; without
    ``backup`` there are none, since this run itself wrote the list.

    Raises:
        StorageError: the file cannot be written.
    """
    unwritable = StorageError(
        "the computed build arguments cannot be written",
        place=Place(file=file),
        hint="mount the configuration directory writable, or leave out --generate-build-args",
    )
    with os_errors_as(unwritable):
        done = rewrite_plugins_list(file, plugins, keeps_backup=backup)
    if not done.changes:
        log.info("%s is up to date", file)
        return
    for change in done.changes:
        log.info(
            "%s\n  before: %s\n  after:  %s",
            change.path,
            change.before or "(none)",
            change.after or "(none)",
        )
    log.info("wrote %s%s", file, f"; what was there is in {done.backup}" if done.backup else "")


def mender(workspace: Path, plugins: Sequence[ChosenPlugin], host: HostInventory) -> Mend:
    """Return a function that says how a failed export is mended; safe to call from many threads.

    The workspace's graph is read when the first export fails, and then kept.
    """
    lock = threading.Lock()

    @cache
    def around() -> Surroundings:
        return surroundings_of(workspace, host, [plugin.manifest for plugin in plugins])

    def mend(plugin: ChosenPlugin, message: str) -> Mended:
        with lock:
            found = repair(message, plugin.manifest, around(), plugin.arguments)
            if found is None:
                return Mended(advice=advice(message, plugin.manifest, around()))
        return Mended(
            arguments=found.arguments,
            reasons=tuple(f"{added}: {added.reason}" for added in found.added),
        )

    return mend


def _analysis(
    workspace: Path, plugins: Sequence[ChosenPlugin], host: HostInventory
) -> WorkspaceAnalysis:
    written = {plugin.path: plugin.arguments for plugin in plugins}
    return analyze_workspace(workspace, host, written)


def _warn(analysis: WorkspaceAnalysis) -> None:
    for warning in analysis.warnings:
        log.warning("%s", warning)
    for plugin in analysis.plugins:
        short = in_short(plugin.warnings)
        for warning in short:
            log.warning("%s: %s", plugin.path, warning)
        for warning in plugin.warnings:
            if warning not in short:
                log.debug("%s: %s", plugin.path, warning)
