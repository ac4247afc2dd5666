"""One workspace, from source to artifacts: the stages in their order, and the report of it all."""

from __future__ import annotations

import contextlib
import logging
import platform
import tempfile
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from factory import __version__
from factory.analysis.discovery import workspace_packages
from factory.analysis.inventory import find_host
from factory.analysis.manifest import MANIFEST_FILE, read_manifest
from factory.errors import FactoryError
from factory.events import PluginsKnown
from factory.export.compilation import compile_types, has_types_to_compile
from factory.export.dependencies import install_dependencies
from factory.pipeline.arguments import mender
from factory.pipeline.bring import Brought, bring_source
from factory.pipeline.output_directory import output_held, storage_error
from factory.pipeline.plugin_builds import Workshop, build_plugins
from factory.pipeline.publishing import publish_plugins, refuse_unless_pushable
from factory.pipeline.report import BuildReport, PluginReport, ToolVersions, write_report
from factory.pipeline.settled_plugins import record_repairs, settled_plugins
from factory.pipeline.stages import Stages
from factory.toolchain.assembled import Toolchain, assemble
from factory.toolchain.logged_runner import LoggedRunner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from factory.config.build_plan import BuildPlan
    from factory.events import Emit
    from factory.oci.target import RegistryTarget
    from factory.pipeline.chosen_plugins import ChosenPlugin
    from factory.toolchain.runner import Runner

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Progress:
    """What is known so far, so that a run that ends early can still say it."""

    brought: Brought | None = None
    plugins: tuple[ChosenPlugin, ...] = ()
    toolchain: Toolchain | None = None
    ended: dict[str, PluginReport] = field(default_factory=dict)

    def reports(self, stages: Stages) -> tuple[PluginReport, ...]:
        """What became of each plugin, in their order; those that never ended are skipped."""
        return tuple(
            self.ended.get(plugin.path) or _not_built(plugin, stages) for plugin in self.plugins
        )

    def add(self, report: PluginReport) -> None:
        """Note what became of a plugin, or what has become of it since."""
        self.ended[report.path] = report


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
    with output_held(plan.output_dir, stages.logs):
        error: FactoryError | None = None
        try:
            _run(plan, progress, stages=stages, runner=runner, emit=emit, confirm=confirm)
        except FactoryError as failure:
            error = failure
        except OSError as failure:
            error = storage_error(failure)
        report = BuildReport(
            started=started,
            seconds=time.monotonic() - clock,
            tools=_versions(progress.toolchain),
            source=progress.brought.report if progress.brought else None,
            stages=stages.seconds(),
            plugins=progress.reports(stages),
            warnings=tuple(warnings),
            error=error,
        )
        file = _written(report, plan.output_dir, runner)
    if error:
        raise error
    emit(report.finished(plan.output_dir, file))
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
    host = find_host(plan.host)
    with contextlib.ExitStack() as stack:
        progress.brought = brought = bring_source(
            plan, stages=stages, runner=runner, confirm=confirm, stack=stack
        )
        workspace = brought.workspace
        with stages.stage("analyse") as stage:
            progress.plugins = plugins = settled_plugins(workspace, plan, host)
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
            mend=mender(workspace, plugins, host) if plan.repair else None,
        )
        reports = build_plugins(plugins, workshop, progress.add)
        record_repairs(reports, plan)
        if target:
            published = publish_plugins(
                reports,
                source=brought.report,
                output_dir=plan.output_dir,
                target=target,
                stages=stages,
                runner=runner,
            )
            for report in published:
                progress.add(report)


def _registry(plan: BuildPlan) -> RegistryTarget | None:
    """Where images go, if they are wanted: what is missing for it is said before all else."""
    if not plan.push_images:
        return None
    from factory.oci.target import registry_target  # noqa: PLC0415 - only when images are pushed

    return registry_target(plan.environment)


def _written(report: BuildReport, output_dir: Path, runner: Runner) -> Path:
    try:
        return write_report(report, output_dir, runner.redact)
    except OSError as error:
        if report.error:
            raise report.error from error
        raise storage_error(error) from error


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
