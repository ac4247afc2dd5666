"""One workspace, from source to artifacts: the stages in their order, and the report of it all."""

from __future__ import annotations

import contextlib
import logging
import platform
import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from factory import __version__
from factory.analysis.discovery import workspace_packages
from factory.analysis.inventory import find_host
from factory.analysis.manifest import MANIFEST_FILE, read_manifest
from factory.errors import ConfigurationError, FactoryError, Place, StorageError
from factory.events import PluginsKnown, PluginSummary, RunFinished
from factory.export.compilation import compile_types, has_types_to_compile
from factory.export.dependencies import install_dependencies
from factory.export.packing import PACKING_PREFIX
from factory.locking import exclusive
from factory.pipeline.arguments import computed, mender, record, warn_of_mismatches
from factory.pipeline.bring import Brought, bring_source
from factory.pipeline.chosen_plugins import (
    ChosenPlugin,
    found_plugins,
    listed_plugins,
    record_found,
)
from factory.pipeline.plugin_builds import Workshop, build_plugins
from factory.pipeline.publishing import publish_plugins, refuse_unless_pushable
from factory.pipeline.report import BuildReport, PluginReport, ToolVersions, write_report
from factory.pipeline.stages import Stages
from factory.toolchain.assembled import Toolchain, assemble
from factory.toolchain.logged_runner import LoggedRunner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from factory.config.build_plan import BuildPlan
    from factory.events import Emit
    from factory.oci.target import RegistryTarget
    from factory.toolchain.runner import Runner

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Progress:
    """What is known so far, so that a run that ends early can still say it."""

    brought: Brought | None = None
    plugins: tuple[ChosenPlugin, ...] = ()
    toolchain: Toolchain | None = None
    reports: tuple[PluginReport, ...] = ()


def build_workspace(
    plan: BuildPlan,
    *,
    runner: Runner,
    emit: Emit,
    confirm: Callable[[str], bool] | None,
    warnings: Sequence[str] = (),
) -> BuildReport:
    """Build a workspace's plugins into the plan's output directory.

    The report is also written there, as ``build-report.json``, whatever comes of the run.

    Args:
        plan: what is to be built.
        runner: starts the processes.
        emit: is told what happens.
        confirm: asks a yes-or-no question; None where nobody can answer.
        warnings: the list that warnings are collected in, for the report.

    Raises:
        FactoryError: the run ended before, or beside, any one plugin. A plugin's own error does
            not: the report has it.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    stages = Stages(plan.output_dir, emit)
    progress = _Progress()
    with _output_held(plan.output_dir, stages.logs):
        error: FactoryError | None = None
        try:
            _run(plan, progress, stages=stages, runner=runner, emit=emit, confirm=confirm)
        except FactoryError as failure:
            error = failure
        except OSError as failure:
            error = _storage_error(failure)
        report = BuildReport(
            started=started,
            seconds=time.monotonic() - clock,
            tools=_versions(progress.toolchain),
            source=progress.brought.report if progress.brought else None,
            stages=stages.seconds(),
            plugins=progress.reports
            or tuple(_not_built(each, stages) for each in progress.plugins),
            warnings=tuple(warnings),
            error=error,
        )
        file = _written(report, plan.output_dir, runner)
    if error:
        raise error
    emit(_finished(report, plan.output_dir, file))
    return report


def _run(
    plan: BuildPlan,
    progress: _Progress,
    *,
    stages: Stages,
    runner: Runner,
    emit: Emit,
    confirm: Callable[[str], bool] | None,
) -> None:
    target = _registry(plan)
    with contextlib.ExitStack() as stack:
        progress.brought = brought = bring_source(
            plan, stages=stages, runner=runner, confirm=confirm, stack=stack
        )
        workspace = brought.workspace
        with stages.stage("analyse") as stage:
            progress.plugins = plugins = _chosen(workspace, plan)
            manifest = read_manifest(workspace / MANIFEST_FILE)
            stage.note = f"{len(plugins)} plugin{'s' if len(plugins) != 1 else ''}"
        emit(PluginsKnown(plugins=tuple(plugin.path for plugin in plugins)))
        if target:
            refuse_unless_pushable(target, plugins)
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="plugin-factory-")))
        with stages.stage("toolchain") as stage:
            progress.toolchain = toolchain = assemble(
                workspace=workspace,
                root=brought.root,
                engines_node=manifest.engines_node or None,
                environment=plan.environment,
                cache=plan.cache_dir,
                temporary=temporary,
                runner=LoggedRunner(runner, log=stage.log, on_line=stage.on_line),
            )
            stage.note = (
                f"node {toolchain.node.version}, yarn {toolchain.yarn.version}, "
                f"rhdh-cli {toolchain.rhdh_cli.version}"
            )
        with stages.stage("install") as stage:
            install_dependencies(
                workspace,
                toolchain=toolchain,
                runner=runner,
                log=stage.log,
                on_line=stage.on_line,
            )
        if has_types_to_compile(workspace, manifest.scripts):
            with stages.stage("tsc") as stage:
                compile_types(
                    workspace,
                    toolchain=toolchain,
                    runner=runner,
                    log=stage.log,
                    on_line=stage.on_line,
                )
        else:
            log.info("no script 'tsc' and no tsconfig.json: there are no types to compile")
        workshop = Workshop(
            workspace_packages=workspace_packages(workspace),
            output_dir=plan.output_dir,
            toolchain=toolchain,
            runner=runner,
            stages=stages,
            supported_versions=plan.supported_versions,
            jobs=plan.jobs,
            mend=mender(workspace, plugins, find_host(plan.host)) if plan.repair else None,
        )
        progress.reports = build_plugins(plugins, workshop)
        _record_repairs(progress.reports, plan)
        if target:
            progress.reports = publish_plugins(
                progress.reports,
                source=brought.report,
                output_dir=plan.output_dir,
                target=target,
                stages=stages,
                runner=runner,
            )


def _registry(plan: BuildPlan) -> RegistryTarget | None:
    """Where images go, if they are wanted: what is missing for it is said before all else."""
    if not plan.push_images:
        return None
    from factory.oci.target import registry_target  # noqa: PLC0415 - only when images are pushed

    return registry_target(plan.environment)


def _chosen(workspace: Path, plan: BuildPlan) -> tuple[ChosenPlugin, ...]:
    if not (workspace / MANIFEST_FILE).is_file():
        raise ConfigurationError(
            "the workspace has no package.json",
            place=Place(file=workspace),
            expected="the folder whose package.json defines the yarn workspace",
            hint="correct --workspace-path, or workspace-path in source.json",
        )
    host = find_host(plan.host)
    if plan.plugins is None:
        plugins = computed(workspace, found_plugins(workspace, plan), host)
        record_found(plugins, plan.plugins_list_file)
        return plugins
    plugins = listed_plugins(workspace, plan.plugins, plan)
    if not plan.generate_build_args:
        warn_of_mismatches(workspace, plugins, host)
        return plugins
    plugins = computed(workspace, plugins, host)
    record({plugin.path: plugin.arguments for plugin in plugins}, plan.plugins_list_file)
    return plugins


def _record_repairs(reports: Sequence[PluginReport], plan: BuildPlan) -> None:
    """Tell, or with ``--generate-build-args`` write, the arguments that repairs have found."""
    repaired = {r.path: r.arguments for r in reports if r.repairs and r.outcome == "done"}
    if not repaired:
        return
    written = plan.plugins is None and plan.plugins_list_file.is_file()
    if plan.generate_build_args or written:
        record(repaired, plan.plugins_list_file, backup=not written)
        return
    lines = "\n".join(f"  {path}: {arguments}" for path, arguments in repaired.items())
    log.warning(
        "these build arguments worked; write them into %s, or let --generate-build-args do it:\n%s",
        plan.plugins_list_file.name,
        lines,
    )


@contextlib.contextmanager
def _output_held(output_dir: Path, logs: Path) -> Iterator[None]:
    """Make the output directory, and hold it for this run.

    Raises:
        StorageError: it cannot be made or written.
        BusyError: another run writes to it.
    """
    try:
        logs.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output_dir):
            pass
    except OSError as error:
        raise StorageError(
            "the output directory cannot be written",
            place=Place(file=output_dir),
            found=error.strerror or str(error),
            hint="name another with --output-dir, or mend its permissions",
        ) from error
    with exclusive(
        output_dir, wait=False, hint="wait until it has ended, or give another --output-dir"
    ):
        for leftover in output_dir.glob(f"{PACKING_PREFIX}*"):
            shutil.rmtree(leftover, ignore_errors=True)  # of a run that was killed
        yield


def _written(report: BuildReport, output_dir: Path, runner: Runner) -> Path:
    try:
        return write_report(report, output_dir, runner.redact)
    except OSError as error:
        if report.error:
            raise report.error from error
        raise _storage_error(error) from error


def _storage_error(error: OSError) -> StorageError:
    return StorageError(
        f"a file cannot be written: {error.strerror or error}",
        place=Place(file=Path(error.filename)) if error.filename else None,
        hint="df -h shows which disk is full; ls -ld shows who may write",
    )


def _versions(toolchain: Toolchain | None) -> ToolVersions:
    versions = ToolVersions(factory=__version__, python=platform.python_version())
    if not toolchain:
        return versions
    return replace(
        versions,
        node=toolchain.node.version,
        yarn=toolchain.yarn.version,
        rhdh_cli=toolchain.rhdh_cli.version,
    )


def _not_built(plugin: ChosenPlugin, stages: Stages) -> PluginReport:
    return PluginReport(
        path=plugin.path,
        outcome="skipped",
        name=plugin.manifest.name,
        version=plugin.manifest.version,
        role=plugin.manifest.role,
        arguments=plugin.arguments,
        seconds=stages.seconds(plugin.path),
    )


def _finished(report: BuildReport, output_dir: Path, file: Path) -> RunFinished:
    return RunFinished(
        summaries=tuple(
            PluginSummary(
                plugin=plugin.path,
                outcome=plugin.outcome,
                package=plugin.exported_name or plugin.name,
                version=plugin.version,
                role=plugin.role,
                artifact=plugin.files[0].name if plugin.files else "",
                size=plugin.files[0].size if plugin.files else None,
                seconds=sum(plugin.seconds.values()),
                error=str(plugin.error) if plugin.error else "",
                log=str(plugin.error.log) if plugin.error and plugin.error.log else "",
            )
            for plugin in report.plugins
        ),
        output_dir=str(output_dir),
        report=str(file),
        seconds=report.seconds,
    )
