"""The build arguments of a workspace's plugins: as written, computed, repaired and recorded."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from factory.analysis.host_warnings import in_short
from factory.analysis.manifest import MANIFEST_FILE
from factory.analysis.repair import advice, repair
from factory.analysis.workspace_analysis import (
    WorkspaceAnalysis,
    analyze_workspace,
    find_context,
)
from factory.config.plugins_list_edit import rewrite_plugins_list
from factory.errors import (
    ConfigurationError,
    DependenciesError,
    Place,
    SourceError,
    StorageError,
    os_errors_as,
)
from factory.files import read_text, write_whole
from factory.pipeline.chosen_plugins import (
    ChosenPlugin,
    choose_found_plugins,
    choose_listed_plugins,
    record_found,
)
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from factory.analysis.context import AnalysisContext
    from factory.analysis.inventory import HostInventory
    from factory.config.build_plan import BuildPlan
    from factory.reports.build_report import PluginReport


log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class RepairedArguments:
    """What to do about a failed export: other ``arguments`` to try, or ``advice`` for the author.

    ``reasons`` says of each argument that was added what it is for.
    """

    arguments: str | None = None
    reasons: tuple[str, ...] = ()
    advice: str = ""


Mend: TypeAlias = Callable[["ChosenPlugin", str], RepairedArguments]


def compute_arguments(
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
                "%s: the build arguments for %s would be different\n  written:  %s\n"
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
    log.info("wrote %s%s", file, f"; the former file is in {done.backup}" if done.backup else "")


def repairer(workspace: Path, plugins: Sequence[ChosenPlugin], host: HostInventory) -> Mend:
    """Return a function that says how a failed export is mended; safe to call from many threads.

    The workspace's graph is read when the first export fails, and then kept.
    """
    lock = threading.Lock()

    @cache
    def around() -> AnalysisContext:
        return find_context(workspace, host, [plugin.manifest for plugin in plugins])

    def mend(plugin: ChosenPlugin, message: str) -> RepairedArguments:
        with lock:
            found = repair(message, plugin.manifest, around(), plugin.arguments)
            if found is None:
                return RepairedArguments(advice=advice(message, plugin.manifest, around()))
        return RepairedArguments(
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


def settle_plugins(
    workspace: Path, plan: BuildPlan, host: HostInventory
) -> tuple[ChosenPlugin, ...]:
    """Return the listed plugins, or those that are found, checked and with their arguments.

    What is found is recorded in a new ``plugins-list.yaml``; what ``--generate-build-args``
    computes, in the one that is there.

    Raises:
        ConfigurationError: it is not a workspace, or a listed plugin cannot be built.
        SourceError: there is no plugin.
        DependenciesError: arguments are to be computed, and yarn.lock cannot be used.
        StorageError: the list cannot be written.
    """
    if not (workspace / MANIFEST_FILE).is_file():
        raise ConfigurationError(
            "the workspace has no package.json",
            place=Place(file=workspace),
            expected="the folder whose package.json defines the yarn workspace",
            hint="correct --workspace-path, or workspace-path in source.json",
        )
    if plan.plugins is None:
        plugins = compute_arguments(workspace, choose_found_plugins(workspace, plan), host)
        if plan.keeps_configuration:
            with contextlib.suppress(OSError):  # told where the list is written
                plan.plugins_list_file.parent.mkdir(parents=True, exist_ok=True)
            record_found(plugins, plan.plugins_list_file)
        return plugins
    plugins = choose_listed_plugins(workspace, plan.plugins, plan)
    if not plan.options.arguments.generate_build_args:
        warn_of_mismatches(workspace, plugins, host)
        return plugins
    plugins = compute_arguments(workspace, plugins, host)
    _begin_list(plan)
    record({plugin.path: plugin.arguments for plugin in plugins}, plan.plugins_list_file)
    return plugins


def _begin_list(plan: BuildPlan) -> None:
    """Give a portal its own list, to be changed: that of all portals, where it had none.

    Raises:
        StorageError: it cannot be written.
    """
    file = plan.plugins_list_file
    if plan.plugins is None or file.exists():
        return
    unwritable = StorageError("the portal's own list cannot be written", place=Place(file=file))
    with os_errors_as(unwritable):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, read_text(plan.plugins.path))


def record_repairs(reports: Iterable[PluginReport], plan: BuildPlan) -> None:
    """Tell, or with ``--generate-build-args`` write, the arguments that repairs have found."""
    repaired = {r.path: r.arguments for r in reports if r.repairs and r.outcome == "done"}
    if not repaired:
        return
    written = plan.plugins is None and plan.plugins_list_file.is_file()
    if plan.options.arguments.generate_build_args or written:
        _begin_list(plan)
        record(repaired, plan.plugins_list_file, backup=not written)
        return
    lines = "\n".join(f"  {path}: {arguments}" for path, arguments in repaired.items())
    log.warning(
        "these build arguments worked; write them into %s, or let --generate-build-args do it:\n%s",
        plan.plugins_list_file.name,
        lines,
    )
