"""The plugins of one workspace, built side by side: what they share is compiled once."""

from __future__ import annotations

import logging
import shlex
import threading
from concurrent.futures import Future, as_completed
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from factory.analysis.arguments import parse_arguments
from factory.analysis.discovery import BACKEND_ROLES, WorkspacePackage
from factory.analysis.embedding import local_build_set
from factory.errors import ExportError, FactoryError, Interrupted
from factory.export.compilation import compile_package
from factory.export.dynamic import ExportRequest, export_plugin
from factory.export.packing import PackedPlugin, pack_plugin
from factory.pipeline.locked_installs import plan_locked_install
from factory.reports.build_report import PluginReport
from factory.threads import InheritingPool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from factory.analysis.locked_workspace import LockedWorkspace
    from factory.pipeline.arguments import Mend
    from factory.pipeline.chosen_plugins import ChosenPlugin
    from factory.pipeline.finishing import Step
    from factory.pipeline.stages import Stage, Stages
    from factory.toolchain.assembled import Toolchain
    from factory.toolchain.runner import Runner


class Compilations:
    """The compilations of one workspace, shared by the threads that build its plugins."""

    def __init__(self, compile_package: Callable[[WorkspacePackage], None]) -> None:
        self._compile = compile_package
        self._started: dict[str, Future[None]] = {}
        self._lock = threading.Lock()

    def ensure(self, packages: Sequence[WorkspacePackage]) -> None:
        """Return when all of ``packages`` are compiled.

        What nobody has begun is compiled here, one after the other; only then is waited for what
        others have begun. So no two threads wait for each other.

        Raises:
            CompileError: one of them does not compile, here or elsewhere.
        """
        for package in packages:
            mine = self._claim(package)
            if mine is None:
                continue
            try:
                self._compile(package)
            except BaseException as error:
                mine.set_exception(error)
                raise
            mine.set_result(None)
        for package in packages:
            self._started[package.path].result()

    def _claim(self, package: WorkspacePackage) -> Future[None] | None:
        """A new future for a package that nobody has begun; None if somebody has."""
        with self._lock:
            if package.path in self._started:
                return None
            return self._started.setdefault(package.path, Future())


log = logging.getLogger(__name__)

# Each attempt mends what rhdh-cli names, which may be one package of several.
ATTEMPTS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class PluginBuilder:
    """What building the plugins of a workspace takes.

    ``locked`` is what the workspace's yarn.lock says. ``computed_backstage`` is its release of
    Backstage where no backstage.json says it. ``finishing`` is done with each plugin once
    it is packed, in this order. Without ``mend`` no export is repaired. ``compiled`` says that the
    plugins are published packages, which nothing is compiled of.
    """

    workspace_packages: Mapping[str, WorkspacePackage]
    locked: LockedWorkspace
    output_dir: Path
    toolchain: Toolchain
    runner: Runner
    stages: Stages
    supported_versions: str | None
    computed_backstage: str
    jobs: int
    finishing: tuple[Step, ...]
    mend: Mend | None = None
    compiled: bool = False


def build_plugins(
    plugins: Sequence[ChosenPlugin], builder: PluginBuilder, on_end: Callable[[PluginReport], None]
) -> tuple[PluginReport, ...]:
    """Build the plugins and return what became of each, in their order.

    One that fails does not stop the others. ``on_end`` is told of each as it ends, in the thread
    that has built it.

    Raises:
        Interrupted: the run was ended; what had been packed by then stays.
    """
    compilations = Compilations(partial(_compile, builder=builder))

    def build(plugin: ChosenPlugin) -> PluginReport:
        report = _build(plugin, compilations, builder)
        on_end(report)
        return report

    # Frontends first: they take longest, and wait for nothing.
    in_order = sorted(plugins, key=lambda plugin: plugin.manifest.role in BACKEND_ROLES)
    with InheritingPool(max_workers=builder.jobs, thread_name_prefix="plugin") as pool:
        try:
            builds = {plugin.path: pool.submit(build, plugin) for plugin in in_order}
            for ended in as_completed(builds.values()):
                ended.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return tuple(builds[plugin.path].result() for plugin in plugins)


def packages_to_compile(
    plugin: ChosenPlugin, workspace_packages: Mapping[str, WorkspacePackage]
) -> tuple[WorkspacePackage, ...]:
    """Return the workspace packages whose ``dist/`` the plugin's export reads.

    None for a frontend plugin, which rhdh-cli bundles from its source, and none when the author
    says ``--no-build``.
    """
    if plugin.manifest.role not in BACKEND_ROLES:
        return ()
    if parse_arguments(plugin.arguments).forbids_building:
        return ()
    packages = {plugin.manifest.name: plugin.package, **workspace_packages}
    names = local_build_set(plugin.manifest, workspace_packages, plugin.arguments)
    return tuple(packages[name] for name in names)


def _compile(package: WorkspacePackage, builder: PluginBuilder) -> None:
    with builder.stages.stage("compile", package.path) as stage:
        compile_package(
            package.folder,
            package.manifest.name,
            toolchain=builder.toolchain,
            runner=stage.bind(builder.runner),
        )


def _build(
    plugin: ChosenPlugin, compilations: Compilations, builder: PluginBuilder
) -> PluginReport:
    attempt = _ExportAttempt(plugin=plugin)
    try:
        attempt, exported = _export_plugin(attempt, compilations, builder)
        packed = _pack(plugin, exported, builder)
        report = _report(attempt, builder, packed=packed)
        for step in builder.finishing:
            report = step(report, plugin)
    except Interrupted:
        raise
    except FactoryError as error:
        return _report(attempt, builder, error=error)
    return replace(report, seconds=builder.stages.seconds(plugin.path))


@dataclass(frozen=True, kw_only=True, slots=True)
class _ExportAttempt:
    """A plugin with the arguments to try, and what each repair that led to them was for."""

    plugin: ChosenPlugin
    repairs: tuple[str, ...] = ()


def _export_plugin(
    attempt: _ExportAttempt, compilations: Compilations, builder: PluginBuilder
) -> tuple[_ExportAttempt, Path]:
    """Export, repairing the arguments as long as rhdh-cli's message says how."""
    for number in range(1, ATTEMPTS + 1):
        # With other arguments more of the workspace may be embedded.
        needed: tuple[WorkspacePackage, ...] = ()
        if not builder.compiled:
            needed = packages_to_compile(attempt.plugin, builder.workspace_packages)
            compilations.ensure(needed)
        is_compiled = bool(needed) or (
            builder.compiled and attempt.plugin.manifest.role in BACKEND_ROLES
        )
        with builder.stages.stage("export", attempt.plugin.path) as stage:
            try:
                exported = _export(attempt.plugin, builder, stage, compiled=is_compiled)
            except ExportError as error:
                attempt = _repair(attempt, error, builder, last=number == ATTEMPTS)
                stage.note = "refused; trying again with other build arguments"
            else:
                stage.note = f"repaired in {number} attempts" if attempt.repairs else ""
                return attempt, exported
    raise AssertionError("the last attempt ends in an exported plugin or an error")


def _repair(
    attempt: _ExportAttempt, error: ExportError, builder: PluginBuilder, *, last: bool
) -> _ExportAttempt:
    """The next attempt, or the error if there is none."""
    plugin = attempt.plugin
    if builder.mend is None or plugin.manifest.role not in BACKEND_ROLES:
        raise error
    mended = builder.mend(plugin, f"{error.problem}\n{error.details or ''}")
    if mended.arguments is None or last:
        if mended.advice:
            error.hint = mended.advice
        raise error
    log.warning(
        "%s: rhdh-cli refused the export; trying again with other build arguments\n%s",
        plugin.path,
        "\n".join(f"  {reason}" for reason in mended.reasons),
    )
    return replace(
        attempt,
        plugin=replace(plugin, arguments=mended.arguments),
        repairs=attempt.repairs + mended.reasons,
    )


def _export(plugin: ChosenPlugin, builder: PluginBuilder, stage: Stage, *, compiled: bool) -> Path:
    request = ExportRequest(
        path=plugin.path,
        folder=plugin.folder,
        arguments=tuple(shlex.split(plugin.arguments)),
        compiled=compiled,
        bundled=plugin.manifest.role not in BACKEND_ROLES,
        locked=plan_locked_install(builder.locked, plugin.manifest),
        scalprum_config=plugin.scalprum_config,
        supported_versions=builder.supported_versions,
        computed_backstage=builder.computed_backstage,
    )
    return export_plugin(
        request,
        toolchain=builder.toolchain,
        runner=stage.bind(builder.runner),
    )


def _pack(plugin: ChosenPlugin, exported: Path, builder: PluginBuilder) -> PackedPlugin:
    with builder.stages.stage("pack", plugin.path) as stage:
        packed = pack_plugin(
            exported,
            builder.output_dir,
            app_config=plugin.app_config,
            toolchain=builder.toolchain,
            runner=stage.bind(builder.runner),
            task=plugin.path,
        )
        stage.note = packed.tgz.name
    return packed


def _report(
    attempt: _ExportAttempt,
    builder: PluginBuilder,
    *,
    packed: PackedPlugin | None = None,
    error: FactoryError | None = None,
) -> PluginReport:
    plugin = attempt.plugin
    return PluginReport(
        path=plugin.path,
        outcome="failed" if error else "done",
        name=plugin.manifest.name,
        version=packed.version if packed else plugin.manifest.version,
        role=plugin.manifest.role,
        arguments=plugin.arguments,
        repairs=attempt.repairs,
        seconds=builder.stages.seconds(plugin.path),
        files=packed.files if packed else (),
        integrity=packed.integrity if packed else None,
        exported_name=packed.name if packed else None,
        error=error,
    )
