"""The plugins of one workspace, built side by side: what they share is compiled and packed once."""

from __future__ import annotations

import logging
import shlex
import tempfile
import threading
from concurrent.futures import Future, as_completed
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from factory.analysis.arguments import parse_arguments
from factory.analysis.discovery import BACKEND_ROLES, WorkspacePackage
from factory.analysis.embedding import local_build_set, members_below
from factory.engines import Engine
from factory.errors import ExportError, FactoryError, Interrupted
from factory.export.backstage_bundle import (
    bundle_plugin,
    bundler_environment,
    find_installed_bundler,
    forget_bundle,
)
from factory.export.compilation import compile_package, is_built_alone
from factory.export.dynamic import ExportRequest, export_plugin
from factory.export.locked_installs import plan_locked_install
from factory.export.packing import PackedPlugin, pack_plugin
from factory.export.portal_share import find_portal_share, refuse_native
from factory.reports.build_report import PluginReport
from factory.threads import InheritingPool
from factory.toolchain.runner import ProcessFailed
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from factory.analysis.inventory import HostInventory
    from factory.analysis.locked_workspace import LockedWorkspace
    from factory.pipeline.arguments import Mend
    from factory.pipeline.chosen_plugins import ChosenPlugin
    from factory.pipeline.finishing import Step
    from factory.pipeline.stages import Stage, Stages
    from factory.toolchain.assembled import Toolchain
    from factory.toolchain.runner import LoggedRunner, Runner
    from factory.toolchain.wanted_tools import WantedTools


class Compilations:
    """The compilations of one workspace, shared by the threads that build its plugins.

    Args:
        compile_package: compiles one.
        jobs: how many may be compiled side by side.
    """

    def __init__(self, compile_package: Callable[[WorkspacePackage], None], *, jobs: int) -> None:
        self._compile = compile_package
        self._jobs = jobs
        self._started: dict[str, Future[None]] = {}
        self._lock = threading.Lock()

    def ensure(self, packages: Sequence[WorkspacePackage]) -> None:
        """Return when all of ``packages`` are compiled.

        What nobody has begun is compiled here: side by side where Backstage's tool does it, which
        reads the sources of other packages, and else one after the other, in this order. Only then
        is waited for what others have begun. So no two threads wait for each other.

        Raises:
            CompileError: one of them does not compile, here or elsewhere.
        """
        claimed = {package.path: future for package in packages if (future := self._claim(package))}
        mine = [package for package in packages if package.path in claimed]
        is_free = all(is_built_alone(package.folder) for package in mine)

        def compile_one(package: WorkspacePackage) -> None:
            try:
                self._compile(package)
            except BaseException as error:  # noqa: BLE001 - whoever waits for it gets it
                claimed[package.path].set_exception(error)
            else:
                claimed[package.path].set_result(None)

        with InheritingPool(self._jobs if is_free else 1, thread_name_prefix="compile") as pool:
            for package in mine:
                pool.submit(compile_one, package)
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
    plugins are published packages, which nothing is compiled of. ``wanted`` says what exports,
    ``host`` what Backstage's own engine leaves to the portal. ``find_exporting`` returns the
    toolchain with what exports, and waits for that.
    """

    workspace_packages: Mapping[str, WorkspacePackage]
    locked: LockedWorkspace
    host: HostInventory
    output_dir: Path
    toolchain: Toolchain
    find_exporting: Callable[[], Toolchain]
    runner: Runner
    stages: Stages
    supported_versions: str | None
    computed_backstage: str
    wanted: WantedTools
    jobs: int
    finishing: tuple[Step, ...]
    mend: Mend | None = None
    compiled: bool = False

    def engine_of(self, plugin: ChosenPlugin) -> Engine:
        """Return what exports a plugin."""
        return self.wanted.engines.of_role(plugin.manifest.role)


def build_plugins(
    plugins: Sequence[ChosenPlugin], builder: PluginBuilder, on_end: Callable[[PluginReport], None]
) -> tuple[PluginReport, ...]:
    """Build the plugins and return what became of each, in their order.

    One that fails does not stop the others. ``on_end`` is told of each as it ends, in the thread
    that has built it.

    Raises:
        Interrupted: the run was ended; what had been packed by then stays.
    """
    shared = _SharedWork(
        compilations=Compilations(partial(_compile, builder=builder), jobs=builder.jobs),
        packing=SharedPacking(
            [plugin for plugin in plugins if _is_bundled_backend(plugin, builder)],
            builder.find_exporting,
            builder.locked.root,
        ),
    )

    def build(plugin: ChosenPlugin) -> PluginReport:
        report = _build(plugin, shared, builder)
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _SharedWork:
    """What the threads of a workspace do once for all of its plugins."""

    compilations: Compilations
    packing: SharedPacking


def _is_bundled_backend(plugin: ChosenPlugin, builder: PluginBuilder) -> bool:
    is_backend = plugin.manifest.role in BACKEND_ROLES
    return is_backend and builder.engine_of(plugin) is Engine.BACKSTAGE


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


def _build(plugin: ChosenPlugin, shared: _SharedWork, builder: PluginBuilder) -> PluginReport:
    attempt = _ExportAttempt(plugin=plugin)
    try:
        attempt, exported = _export_plugin(attempt, shared, builder)
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
    attempt: _ExportAttempt, shared: _SharedWork, builder: PluginBuilder
) -> tuple[_ExportAttempt, Path]:
    """Export, repairing the arguments as long as rhdh-cli's message says how."""
    for number in range(1, ATTEMPTS + 1):
        # With other arguments more of the workspace may be embedded.
        needed = _ensure_compiled(attempt.plugin, shared, builder)
        is_compiled = bool(needed) or (
            builder.compiled and attempt.plugin.manifest.role in BACKEND_ROLES
        )
        toolchain = builder.find_exporting()
        with builder.stages.stage("export", attempt.plugin.path) as stage:
            try:
                request = _request(attempt.plugin, builder, compiled=is_compiled)
                exported = _export(
                    attempt.plugin, request, shared, builder, toolchain=toolchain, stage=stage
                )
            except ExportError as error:
                attempt = _repair(attempt, error, builder, last=number == ATTEMPTS)
                stage.note = "refused; trying again with other build arguments"
            else:
                stage.note = f"repaired in {number} attempts" if attempt.repairs else ""
                return attempt, exported
    raise AssertionError("the last attempt ends in an exported plugin or an error")


def _ensure_compiled(
    plugin: ChosenPlugin, shared: _SharedWork, builder: PluginBuilder
) -> tuple[WorkspacePackage, ...]:
    """Compile what the plugin's export reads, and return it; packing for several reads more."""

    def ensure(one: ChosenPlugin) -> None:
        shared.compilations.ensure(_find_needed(one, builder))

    ensure(plugin)
    if _is_bundled_backend(plugin, builder):
        shared.packing.compile(ensure)
    return _find_needed(plugin, builder)


def _find_needed(plugin: ChosenPlugin, builder: PluginBuilder) -> tuple[WorkspacePackage, ...]:
    if builder.compiled:
        return ()
    if not _is_bundled_backend(plugin, builder):
        return packages_to_compile(plugin, builder.workspace_packages)
    if parse_arguments(plugin.arguments).forbids_building:
        return ()
    packages = {**builder.workspace_packages, plugin.manifest.name: plugin.package}
    below = members_below([plugin.manifest], packages)
    return tuple(
        package
        for name, package in packages.items()
        if name in below and "build" in package.manifest.scripts
    )


def _repair(
    attempt: _ExportAttempt, error: ExportError, builder: PluginBuilder, *, last: bool
) -> _ExportAttempt:
    """The next attempt, or the error if there is none."""
    plugin = attempt.plugin
    is_rhdhs = builder.engine_of(plugin) is Engine.RHDH
    if builder.mend is None or not is_rhdhs or plugin.manifest.role not in BACKEND_ROLES:
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


def _request(plugin: ChosenPlugin, builder: PluginBuilder, *, compiled: bool) -> ExportRequest:
    share = None
    if _is_bundled_backend(plugin, builder):
        share = find_portal_share(
            plugin.arguments,
            builder.locked,
            builder.host,
            self_contained=builder.wanted.self_contained,
        )
    return ExportRequest(
        path=plugin.path,
        folder=plugin.folder,
        arguments=tuple(shlex.split(plugin.arguments)),
        compiled=compiled,
        bundled=plugin.manifest.role not in BACKEND_ROLES,
        locked=plan_locked_install(builder.locked, plugin.manifest),
        share=share,
        frontend_systems=builder.host.profile.stated_systems,
        scalprum_config=plugin.scalprum_config,
        supported_versions=builder.supported_versions,
        computed_backstage=builder.computed_backstage,
    )


def _export(
    plugin: ChosenPlugin,
    request: ExportRequest,
    shared: _SharedWork,
    builder: PluginBuilder,
    *,
    toolchain: Toolchain,
    stage: Stage,
) -> Path:
    """Export by the engine of the plugin's role: each takes a request and leaves a folder."""
    runner = stage.bind(builder.runner)
    if builder.engine_of(plugin) is Engine.RHDH:
        return export_plugin(request, toolchain=toolchain, runner=runner)
    if _is_bundled_backend(plugin, builder):
        request = replace(request, pre_packed=shared.packing.find_packed(runner))
    exported = bundle_plugin(
        request, toolchain=toolchain, runner=runner, alone=shared.packing.alone
    )
    if _is_bundled_backend(plugin, builder):
        refuse_native(exported, plugin.arguments)
    return exported


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


class SharedPacking:
    """Packs what several plugins need when the first of them is bundled; used by many threads.

    ``alone`` is held while the bundler runs in the workspace: packing rewrites a package.json for a
    moment, which another that runs would read.
    """

    def __init__(
        self,
        plugins: Sequence[ChosenPlugin],
        find_toolchain: Callable[[], Toolchain],
        root: Path,
    ) -> None:
        """Take the plugins that share; of fewer than two nothing is packed beforehand."""
        self.alone = threading.Lock()
        self._plugins = tuple(plugins)
        self._find_toolchain = find_toolchain
        self._root = root
        self._once = threading.Lock()
        self._done = False
        self._folder: Path | None = None

    def compile(self, ensure: Callable[[ChosenPlugin], None]) -> None:
        """Compile what the plugins need, since packing takes what is compiled.

        A plugin that does not compile is left out: it fails by itself.
        """
        if len(self._plugins) < 2:  # noqa: PLR2004 - two share, one does not
            return
        for plugin in self._plugins:
            try:
                ensure(plugin)
            except Interrupted:
                raise
            except FactoryError:
                with self._once:
                    self._plugins = tuple(one for one in self._plugins if one is not plugin)

    def find_packed(self, runner: LoggedRunner) -> Path | None:
        """Return the folder with the packed workspace; None where each plugin packs for itself."""
        with self._once:
            if not self._done:
                self._done = True
                self._folder = self._pack(runner) if len(self._plugins) > 1 else None
            return self._folder

    def _pack(self, runner: LoggedRunner) -> Path | None:
        toolchain = self._find_toolchain()
        folder = Path(tempfile.mkdtemp(prefix="packed-workspace-", dir=toolchain.temporary))
        names = [plugin.manifest.name for plugin in self._plugins]
        for plugin in self._plugins:
            forget_bundle(plugin.folder)
        bundler = find_installed_bundler(toolchain)
        node = toolchain.node.bin_dir / "node"
        env = bundler_environment(toolchain, "pack-workspace", folder)
        words: list[str | Path] = [node, bundler.command, "build-workspace"]
        words += ["--alwaysPack", folder, *names]
        try:
            with self.alone:
                runner.run(words, cwd=self._root, env=env)
        except ProcessFailed as failure:
            log.warning(
                "the workspace's packages cannot be packed once for all plugins (%s); each plugin "
                "packs them again: see %s",
                failure.reason,
                runner.log,
            )
            return None
        return folder
