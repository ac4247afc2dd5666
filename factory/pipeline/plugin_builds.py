"""The plugins of one workspace, exported side by side: what they share is compiled once.

Packages are compiled before any export starts to need them, each by one thread; exports then run
without building. Two exports never write the same file, and the result does not depend on how many
run at once.
"""

from __future__ import annotations

import shlex
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING

from factory.analysis.discovery import BACKEND_ROLES, DiscoveredPlugin, WorkspacePackage
from factory.analysis.embedding import local_build_set
from factory.errors import FactoryError, Interrupted
from factory.export.compilation import compile_package
from factory.export.dynamic import ExportRequest, export_plugin
from factory.export.packing import PackedPlugin, pack_plugin
from factory.pipeline.report import PluginReport, ReportedFile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from factory.pipeline.chosen_plugins import ChosenPlugin
    from factory.pipeline.stages import Stages
    from factory.toolchain.assembled import Toolchain
    from factory.toolchain.runner import Runner

NO_BUILD = "--no-build"


@dataclass(frozen=True, kw_only=True, slots=True)
class Workshop:
    """What building the plugins of a workspace takes."""

    workspace_packages: Mapping[str, WorkspacePackage]
    output_dir: Path
    toolchain: Toolchain
    runner: Runner
    stages: Stages
    supported_versions: str | None
    jobs: int


def build_plugins(plugins: Sequence[ChosenPlugin], workshop: Workshop) -> tuple[PluginReport, ...]:
    """Build the plugins and return what became of each, in their order.

    One that fails does not stop the others.

    Raises:
        Interrupted: the run was ended; what had been packed by then stays.
    """
    reports: dict[str, PluginReport] = {}
    with ThreadPoolExecutor(max_workers=workshop.jobs, thread_name_prefix="plugin") as pool:
        try:
            needed = {
                plugin.path: packages_to_compile(plugin, workshop.workspace_packages)
                for plugin in plugins
            }
            # Those that wait for nothing first: frontends, which also take longest.
            at_once = [plugin for plugin in plugins if not needed[plugin.path]]
            builds = {pool.submit(_build, plugin, (), workshop): plugin for plugin in at_once}
            compilations = _compilations(needed, workshop, pool)
            builds |= {
                pool.submit(_build, plugin, compilations[plugin.path], workshop): plugin
                for plugin in plugins
                if plugin not in at_once
            }
            for build in as_completed(builds):
                reports[builds[build].path] = build.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return tuple(reports[plugin.path] for plugin in plugins)


def packages_to_compile(
    plugin: ChosenPlugin, workspace_packages: Mapping[str, WorkspacePackage]
) -> tuple[WorkspacePackage, ...]:
    """Return the workspace packages whose ``dist/`` the plugin's export reads.

    None for a frontend plugin, which rhdh-cli bundles from its source, and none when the author
    says ``--no-build``.
    """
    if plugin.manifest.role not in BACKEND_ROLES or NO_BUILD in shlex.split(plugin.arguments):
        return ()
    discovered = DiscoveredPlugin(path=plugin.path, manifest=plugin.manifest)
    packages = {plugin.manifest.name: plugin.package, **workspace_packages}
    names = local_build_set(discovered, workspace_packages, plugin.arguments)
    return tuple(packages[name] for name in names)


def _compilations(
    needed: Mapping[str, tuple[WorkspacePackage, ...]],
    workshop: Workshop,
    pool: ThreadPoolExecutor,
) -> dict[str, tuple[Future[None], ...]]:
    """Start the compilation of each package once; gives each plugin's by the plugin's path.

    They are submitted before any plugin that waits for one, which so never keeps it from a thread.
    """
    packages = {package.path: package for some in needed.values() for package in some}
    started = {path: pool.submit(_compile, each, workshop) for path, each in packages.items()}
    return {
        plugin: tuple(started[package.path] for package in some) for plugin, some in needed.items()
    }


def _compile(package: WorkspacePackage, workshop: Workshop) -> None:
    with workshop.stages.stage("compile", package.path) as stage:
        compile_package(
            package.folder,
            package.manifest.name,
            toolchain=workshop.toolchain,
            runner=workshop.runner,
            log=stage.log,
            on_line=stage.on_line,
        )


def _build(
    plugin: ChosenPlugin, compilations: tuple[Future[None], ...], workshop: Workshop
) -> PluginReport:
    try:
        for compilation in compilations:
            compilation.result()
        exported = _export(plugin, workshop, compiled=bool(compilations))
        packed = _pack(plugin, exported, workshop)
    except Interrupted:
        raise
    except FactoryError as error:
        return _report(plugin, workshop, error=error)
    return _report(plugin, workshop, packed=packed)


def _export(plugin: ChosenPlugin, workshop: Workshop, *, compiled: bool) -> Path:
    request = ExportRequest(
        path=plugin.path,
        folder=plugin.folder,
        arguments=tuple(shlex.split(plugin.arguments)),
        compiled=compiled,
        scalprum_config=plugin.scalprum_config,
        supported_versions=workshop.supported_versions,
    )
    with workshop.stages.stage("export", plugin.path) as stage:
        return export_plugin(
            request,
            toolchain=workshop.toolchain,
            runner=workshop.runner,
            log=stage.log,
            on_line=stage.on_line,
        )


def _pack(plugin: ChosenPlugin, exported: Path, workshop: Workshop) -> PackedPlugin:
    with workshop.stages.stage("pack", plugin.path) as stage:
        packed = pack_plugin(
            exported,
            workshop.output_dir,
            app_config=plugin.app_config,
            toolchain=workshop.toolchain,
            runner=workshop.runner,
            log=stage.log,
            on_line=stage.on_line,
            task=plugin.path,
        )
        stage.note = packed.tgz.name
    return packed


def _report(
    plugin: ChosenPlugin,
    workshop: Workshop,
    *,
    packed: PackedPlugin | None = None,
    error: FactoryError | None = None,
) -> PluginReport:
    return PluginReport(
        path=plugin.path,
        outcome="failed" if error else "done",
        name=plugin.manifest.name,
        version=packed.version if packed else plugin.manifest.version,
        role=plugin.manifest.role,
        arguments=plugin.arguments,
        seconds=workshop.stages.seconds(plugin.path),
        files=tuple(ReportedFile(name=f.name, size=f.size) for f in packed.files) if packed else (),
        integrity=packed.integrity if packed else None,
        exported_name=packed.name if packed else None,
        error=error,
    )
