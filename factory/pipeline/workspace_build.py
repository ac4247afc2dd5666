"""One workspace, from source to artifacts: the stages in their order, and the report of it all."""

from __future__ import annotations

import contextlib
import logging
import platform
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from factory import __version__
from factory.analysis.discovery import (
    BACKEND_ROLES,
    FRONTEND_ROLES,
    project_folder,
    workspace_packages,
)
from factory.analysis.locked_workspace import read_locked_workspace
from factory.engines import Engine
from factory.errors import FactoryError
from factory.export.compilation import has_types_to_compile
from factory.files import remove_unfinished
from factory.oci.reference import NamedHost
from factory.pipeline.arguments import repairer
from factory.pipeline.attestations import lockfile_material
from factory.pipeline.checkout import overrides_of, resolve_source
from factory.pipeline.export_tools import (
    ExportTools,
    FetchedTools,
    WantedExportTools,
    fetched_meanwhile,
    placed_meanwhile,
)
from factory.pipeline.finishing import BuildResult, finish_workspace, finishing_steps, verify_step
from factory.pipeline.installing import install_workspace
from factory.pipeline.output_directory import output_held, storage_error
from factory.pipeline.plugin_builds import PluginBuilder, build_plugins
from factory.pipeline.plugin_cache import Restorer
from factory.pipeline.preparation import (
    chooser_for,
    engines_of,
    own_bundler,
    plugin_name,
    prepare_workspace,
)
from factory.pipeline.publishing import images_wanted, refuse_unless_pushable
from factory.pipeline.stages import Stages
from factory.pipeline.workspace_context import (
    BuildProgress,
    open_context,
)
from factory.pipeline.workspace_memo import (
    memo_for,
    plugins_to_remember,
    restore_workspace,
)
from factory.reports.build_report import (
    BuildReport,
    ToolVersions,
    write_report,
)
from factory.scratch_folder import scratch_folder
from factory.toolchain.assembled import Toolchain, assemble
from factory.toolchain.backstage_bundler import find_own_bundler, version_of_bundler
from factory.values import dataclass
from factory.work_tree.export_tree import adapt_tree
from factory.work_tree.needed_types import compile_needed_types
from factory.work_tree.release_manifest import find_release_ranges, give_release_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from pathlib import Path

    from factory.analysis.inventory import HostInventory
    from factory.attestation.bundled import ContentsReader
    from factory.cache.inputs import NamedTools
    from factory.config.build_plan import BuildPlan
    from factory.config.selection import PluginName
    from factory.pipeline.chosen_plugins import ChosenPlugin
    from factory.pipeline.plugin_cache import NamedPlugin
    from factory.pipeline.preparation import Prepared
    from factory.pipeline.run_context import RunContext
    from factory.pipeline.workspace_context import WorkspaceContext
    from factory.pipeline.workspace_memo import WorkspaceMemory
    from factory.reports.build_report import PluginReport
    from factory.toolchain.wanted_tools import WantedTools


log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltWorkspace:
    """What became of a workspace: its report, and the file that it is in.

    ``seen`` are the names of all its plugins, wanted or not. It was ``stopped`` if a failure has
    ended the whole run before it was done.
    """

    report: BuildReport
    file: Path
    seen: tuple[PluginName, ...]
    stopped: bool


def build_workspace(
    plan: BuildPlan, run_context: RunContext, *, warnings: Callable[[], Sequence[str]] = tuple
) -> BuiltWorkspace:
    """Build a workspace's plugins into the plan's output directory.

    The report is also written there, as ``build-report.json``, whatever comes of the build; an
    error that ended it is in the report.

    Args:
        plan: what is to be built.
        run_context: what the run builds it with.
        warnings: returns the warnings about the workspace, for the report.

    Raises:
        StorageError: the output directory, or the report in it, cannot be written.
        BusyError: another run writes to it.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    stages = Stages(plan.output_dir, run_context.emit, run_context.budget)
    progress = BuildProgress(
        tools=ToolVersions(factory=__version__, python=platform.python_version())
    )
    with output_held(plan.output_dir, stages.logs):
        error: FactoryError | None = None
        try:
            with contextlib.ExitStack() as stack:
                remove_unfinished(plan.config_dir)
                build = open_context(
                    plan,
                    run_context,
                    stages=stages,
                    temporary=stack.enter_context(scratch_folder()),
                    progress=progress,
                )
                _note_host(build)
                _build_steps(build, stack)
        except FactoryError as failure:
            error = failure
        except OSError as failure:
            error = storage_error(failure, plan.output_dir, plan.repo_path, plan.cache_dir)
        stopped = run_context.first_failure.is_reason(error)
        if stopped:
            error = None  # the end of the run is not a failure of this workspace
        elif error:
            run_context.first_failure.note(plan.name or "the workspace")
        report = BuildReport(
            started=started,
            seconds=time.monotonic() - clock,
            tools=progress.tools,
            source=progress.source,
            stages=stages.seconds(),
            plugins=progress.reports(stages),
            left_out=progress.left_out(),
            warnings=tuple(warnings()),
            error=error,
        )
        try:
            file = write_report(report, plan.output_dir, run_context.runner.redact)
        except OSError as failure:
            raise (error or storage_error(failure, plan.output_dir)) from failure
    return BuiltWorkspace(report=report, file=file, seen=progress.seen, stopped=stopped)


def _note_host(build: WorkspaceContext) -> None:
    host = build.host
    known = replace(
        build.progress.tools,
        host=host.name,
        host_version=host.release or None,
        host_backstage=host.backstage or None,
    )
    build.uses(known)


def _build_steps(build: WorkspaceContext, stack: contextlib.ExitStack) -> None:
    """The order of a build: what one step makes, the next ones take. Each has a module of its name.

    What was built before is restored, and only the rest is built. Where everything was, and that is
    known without a look at the source, it is not even checked out.
    """
    plan, runner = build.plan, build.run_context.runner
    images = images_wanted(plan, _name_host(build.host))
    remotes = build.run_context.remotes
    source = resolve_source(plan, stages=build.stages, runner=runner, remotes=remotes)
    chooser = chooser_for(build) if build.run_context.cache else None
    memory = memo_for(build, source, chooser)
    result = restore_workspace(build, memory, source, images) if memory and source else None
    if result is None:
        # Checked out, patched and overlaid; plugins chosen, arguments settled, names computed.
        prepared = prepare_workspace(build, source, chooser, stack)
        build.knows(
            prepared.plugins,
            seen=[plugin_name(plugin, plan) for plugin in prepared.settled],
            source=prepared.checked_out.report,
        )
        if images:
            refuse_unless_pushable(
                images,
                prepared.plugins,
                there=prepared.settled,
                checkpoint=runner.raise_if_cancelled,
            )
        memory = memory.once_settled() if memory else None
        # From the cache; or tools found, dependencies installed, types and packages compiled,
        # plugins exported, packed, verified and kept.
        result = make_plugins(build, prepared)
        if memory:
            _keep_memo(memory, prepared, result)
    # Provenance written, lists of what there is, images made, pushed, attested and signed.
    finish_workspace(result, build, images)


def _name_host(host: HostInventory) -> NamedHost:
    return NamedHost(name=host.name, version=host.release, backstage=host.backstage)


def _keep_memo(memory: WorkspaceMemory, prepared: Prepared, result: BuildResult) -> None:
    if prepared.names:
        memory.keep(
            plugins_to_remember(prepared.settled, prepared.names, result.reports),
            tools=result.tools,
            committed_at=result.source.committed_at,
            lockfile=result.lockfile,
        )


def make_plugins(build: WorkspaceContext, prepared: Prepared) -> BuildResult:
    """Restore or build the plugins that a prepared workspace wants.

    Tools are found and dependencies installed when the first plugin has to be built. What another
    workspace of the run is building just now is waited for.

    Raises:
        FactoryError: what all plugins need is not available; a plugin's own error is in its report.
        OSError: a file cannot be written.
    """
    in_flight, runner = build.run_context.in_flight, build.run_context.runner
    if prepared.tools:
        build.uses(_chosen_versions(build.progress.tools, prepared.tools))
    builder: PluginBuilder | None = None
    missing = _not_restored(build, prepared, prepared.plugins)
    with contextlib.ExitStack() as stack:
        while missing:
            with in_flight.claim(each.name.key for each in missing if each.name) as claimed:
                mine, others = _divide(missing, claimed)
                if mine:
                    builder = builder or _open_builder(build, prepared, stack)
                    with _adapted_tree(build, prepared, builder, mine):
                        _build_missing(build, mine, builder)
            in_flight.wait((one.name.key for one in others if one.name), runner.raise_if_cancelled)
            missing = _not_restored(build, prepared, [each.plugin for each in others])
    checked_out = prepared.checked_out
    return BuildResult(
        reports=build.progress.reports(build.stages),
        source=checked_out.report,
        overrides=overrides_of(build.plan),
        lockfile=lockfile_material(checked_out.workspace, checked_out.root),
        tools=build.progress.tools,
    )


def _adapted_tree(
    build: WorkspaceContext, prepared: Prepared, builder: PluginBuilder, missing: Iterable[_Missing]
) -> contextlib.AbstractContextManager[None]:
    locked = builder.locked
    return adapt_tree(
        prepared.checked_out.workspace,
        find_release_ranges(locked.root, locked.graph.lockfile, build.plan.environment),
        bundles=any(each.plugin.manifest.role not in BACKEND_ROLES for each in missing),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Missing:
    """A plugin that has to be built, and why; ``name`` is None where no cache is asked."""

    plugin: ChosenPlugin
    name: NamedPlugin | None = None
    why: str | None = None


def _not_restored(
    build: WorkspaceContext, prepared: Prepared, plugins: Iterable[ChosenPlugin]
) -> tuple[_Missing, ...]:
    """Restore what the cache has, and return what it has not."""
    cache, plan = build.run_context.cache, build.plan
    if cache is None:
        return tuple(_Missing(plugin=plugin) for plugin in plugins)
    restorer = Restorer(cache=cache, output_dir=plan.output_dir, stages=build.stages)
    missing: list[_Missing] = []
    for plugin in plugins:
        name = prepared.names.get(plugin.path)
        report = (
            restorer.restore(plugin, name, repair=plan.options.arguments.repair) if name else None
        )
        if report:
            build.note_end(report)
            continue
        why = cache.why_missing(name) if name and not cache.is_of_run else None
        missing.append(_Missing(plugin=plugin, name=name, why=why))
        log.debug("%s is built: %s", plugin.path, why)
    return tuple(missing)


def _divide(
    missing: Iterable[_Missing], claimed: Collection[str]
) -> tuple[list[_Missing], list[_Missing]]:
    """What is to be built here, and what another workspace is at work on."""
    mine: list[_Missing] = []
    others: list[_Missing] = []
    for each in missing:
        (mine if each.name is None or each.name.key in claimed else others).append(each)
    return mine, others


def _build_missing(
    build: WorkspaceContext, missing: Iterable[_Missing], builder: PluginBuilder
) -> None:
    by_path = {each.plugin.path: each for each in missing}

    def ended(report: PluginReport) -> None:
        known = by_path[report.path]
        if known.name:
            build.run_context.in_flight.finish(known.name.key)
        build.note_end(replace(report, built_because=known.why))

    build_plugins([each.plugin for each in by_path.values()], builder, ended)


def _open_builder(
    build: WorkspaceContext, prepared: Prepared, stack: contextlib.ExitStack
) -> PluginBuilder:
    """The workspace with its tools found, its dependencies installed and its types compiled.

    What exports may still be on its way; until ``stack`` is closed.
    """
    plan, stages = build.plan, build.stages
    checked_out, manifest = prepared.checked_out, prepared.manifest
    workspace = checked_out.workspace
    engines = engines_of(prepared.plugins, build.wanted)
    own = own_bundler(workspace) if Engine.BACKSTAGE in engines else None
    wanted = WantedExportTools(build=build, engines=engines, own_bundler=own is not None)
    with stages.stage("toolchain") as stage:
        toolchain = assemble(
            workspace=workspace,
            root=checked_out.root,
            engines_node=manifest.engines_node or None,
            environment=plan.environment,
            cache=plan.cache_dir,
            temporary=build.temporary,
            runner=stage.bind(build.run_context.runner),
            wanted_node=build.wanted.node,
        )
        npm = toolchain.installer
        here = wanted.find(toolchain, npm) if wanted.are_here(npm) else None
        used = _used_versions(
            build.progress.tools, here.give_to(toolchain) if here else toolchain, build.wanted
        )
        stage.note = ", ".join(f"{name} {version}" for name, version in used.exporting)
    build.uses(used)
    fetched: FetchedTools | None = None
    if here is None:
        fetched = stack.enter_context(
            fetched_meanwhile(build.run_context.runner, partial(wanted.fetch, toolchain, npm))
        )
        # What is done meanwhile ends when the tools are not available.
        build = replace(build, run_context=replace(build.run_context, runner=fetched.runner))
    runner = build.run_context.runner
    toolchain = give_release_manifest(toolchain, project_folder(workspace) or workspace)
    install_workspace(build, workspace, toolchain)
    if own:
        toolchain = _with_own_bundler(build, own, workspace, toolchain)

    def find_exporting() -> Toolchain:
        complete = (fetched or here or ExportTools()).give_to(toolchain)
        build.uses(_used_versions(build.progress.tools, complete, build.wanted))
        return complete

    packages = workspace_packages(workspace)
    if checked_out.package:
        log.debug("a published package is compiled already")
    elif has_types_to_compile(workspace, manifest.scripts):
        tools = fetched.here if fetched else here
        bundles = any(each.manifest.role in FRONTEND_ROLES for each in prepared.plugins)
        with (
            placed_meanwhile(tools if bundles else None, workspace, runner),
            stages.stage("tsc") as stage,
        ):
            stage.note = compile_needed_types(
                workspace,
                plugins=[plugin.package for plugin in prepared.plugins],
                packages=packages,
                toolchain=toolchain,
                runner=stage.bind(runner),
            )
    else:
        log.info("no script 'tsc' and no tsconfig.json: there are no types to compile")
    locked = read_locked_workspace(workspace, build.host)
    readers: dict[str, ContentsReader] = {}
    return PluginBuilder(
        workspace_packages=packages,
        locked=locked,
        host=build.host,
        output_dir=plan.output_dir,
        toolchain=toolchain,
        find_exporting=find_exporting,
        runner=runner,
        stages=stages,
        wanted=build.wanted,
        supported_versions=plan.supported_versions,
        computed_backstage=prepared.backstage.computed,
        jobs=plan.jobs,
        compiled=checked_out.package is not None,
        finishing=(
            verify_step(
                plan.output_dir,
                host=build.host,
                locked=locked,
                toolchain=toolchain,
                runner=runner,
                stages=stages,
                readers=readers,
            ),
            *finishing_steps(
                plan.output_dir,
                readers=readers,
                cache=build.run_context.cache,
                names=prepared.names,
            ),
        ),
        mend=repairer(workspace, prepared.settled, build.host)
        if plan.options.arguments.repair
        else None,
    )


def _with_own_bundler(
    build: WorkspaceContext, version: str, workspace: Path, toolchain: Toolchain
) -> Toolchain:
    """Return the toolchain with the workspace's own bundler, which is installed now.

    Raises:
        ToolchainError: it is not where it should be.
    """
    with build.stages.stage("toolchain") as stage:
        bundler = find_own_bundler(version, workspace)
        stage.note = f"Backstage's bundler {bundler.version}, the workspace's own"
    return replace(toolchain, bundler=bundler)


def _used_versions(tools: ToolVersions, toolchain: Toolchain, wanted: WantedTools) -> ToolVersions:
    return replace(
        tools,
        node=toolchain.node.version,
        yarn=toolchain.yarn.version,
        rhdh_cli=toolchain.rhdh_cli.version if toolchain.rhdh_cli else None,
        bundler=toolchain.bundler.version if toolchain.bundler else None,
        engine=str(wanted.engines),
        why={
            "engine": wanted.engine_why,
            **({"rhdh-cli": toolchain.rhdh_cli.why} if toolchain.rhdh_cli else {}),
            "node": toolchain.node.why,
        },
    )


def _chosen_versions(tools: ToolVersions, chosen: NamedTools) -> ToolVersions:
    """The versions as a report has them: without what only tells them apart in the cache."""
    return replace(
        tools,
        node=chosen.node,
        yarn=chosen.yarn if chosen.yarn[:1].isdigit() else None,
        rhdh_cli=chosen.rhdh_cli.partition("+")[0] or None,
        bundler=version_of_bundler(chosen.bundler),
        engine=chosen.engine,
        why=chosen.why,
    )
