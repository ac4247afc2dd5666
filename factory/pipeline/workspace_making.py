"""The plugins of a prepared workspace: from the cache what it has, and the rest is built."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from factory.analysis.discovery import workspace_packages
from factory.analysis.embedding import members_below
from factory.analysis.locked_workspace import read_locked_workspace
from factory.export.compilation import compile_types, has_types_to_compile
from factory.pipeline.arguments import mender
from factory.pipeline.attestations import lockfile_material
from factory.pipeline.bring import overrides_of
from factory.pipeline.built_check import verifying
from factory.pipeline.conclusion import Made
from factory.pipeline.finishing import finishing_steps
from factory.pipeline.installing import install
from factory.pipeline.plugin_builds import Workshop, build_plugins
from factory.pipeline.real_ranges import real_ranges
from factory.pipeline.restoring import Restorer
from factory.toolchain.assembled import Toolchain, assemble
from factory.toolchain.logged_runner import LoggedRunner

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from factory.analysis.discovery import WorkspacePackage
    from factory.cache.inputs import NamedTools
    from factory.pipeline.chosen_plugins import ChosenPlugin
    from factory.pipeline.ongoing_build import OngoingBuild
    from factory.pipeline.plugin_cache import NamedPlugin
    from factory.pipeline.preparation import Prepared
    from factory.pipeline.report import PluginReport, ToolVersions

log = logging.getLogger(__name__)


def make_plugins(build: OngoingBuild, prepared: Prepared) -> Made:
    """Restore or build the plugins that a prepared workspace wants.

    Tools are found and dependencies installed when the first plugin has to be built. What another
    workspace of the run is building just now is waited for.

    Raises:
        FactoryError: what all plugins need cannot be had; a plugin's own error is in its report.
        OSError: a file cannot be written.
    """
    in_flight, runner = build.means.in_flight, build.means.runner
    if prepared.tools:
        build.uses(_chosen(build.progress.tools, prepared.tools))
    workshop: Workshop | None = None
    missing = _not_restored(build, prepared, prepared.plugins)
    while missing:
        with in_flight.claimed(each.name.key for each in missing if each.name) as claimed:
            mine, others = _divided(missing, claimed)
            if mine:
                workshop = workshop or _opened(build, prepared)
                with real_ranges(prepared.brought.workspace, workshop.locked.graph.lockfile):
                    _build(build, mine, workshop)
        in_flight.wait((each.name.key for each in others if each.name), runner.raise_if_cancelled)
        missing = _not_restored(build, prepared, [each.plugin for each in others])
    brought = prepared.brought
    return Made(
        reports=build.progress.reports(build.stages),
        source=brought.report,
        overrides=overrides_of(build.plan),
        lockfile=lockfile_material(brought.workspace, brought.root),
        tools=build.progress.tools,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Missing:
    """A plugin that has to be built, and why; ``name`` is None where no cache is asked."""

    plugin: ChosenPlugin
    name: NamedPlugin | None = None
    why: str | None = None


def _not_restored(
    build: OngoingBuild, prepared: Prepared, plugins: Iterable[ChosenPlugin]
) -> tuple[_Missing, ...]:
    """Restore what the cache has, and return what it has not."""
    cache, plan = build.means.cache, build.plan
    if cache is None:
        return tuple(_Missing(plugin=plugin) for plugin in plugins)
    restorer = Restorer(cache=cache, output_dir=plan.output_dir, stages=build.stages)
    missing: list[_Missing] = []
    for plugin in plugins:
        name = prepared.names.get(plugin.path)
        report = restorer.found(plugin, name, repair=plan.repair) if name else None
        if report:
            build.ended(report)
            continue
        why = cache.why_missing(name) if name else None
        missing.append(_Missing(plugin=plugin, name=name, why=why))
        log.debug("%s is built: %s", plugin.path, why)
    return tuple(missing)


def _divided(
    missing: Iterable[_Missing], claimed: Collection[str]
) -> tuple[list[_Missing], list[_Missing]]:
    """What is to be built here, and what another workspace is at work on."""
    mine: list[_Missing] = []
    others: list[_Missing] = []
    for each in missing:
        (mine if each.name is None or each.name.key in claimed else others).append(each)
    return mine, others


def _build(build: OngoingBuild, missing: Iterable[_Missing], workshop: Workshop) -> None:
    by_path = {each.plugin.path: each for each in missing}

    def ended(report: PluginReport) -> None:
        known = by_path[report.path]
        if known.name:
            build.means.in_flight.ended(known.name.key)
        build.ended(replace(report, built_because=known.why))

    build_plugins([each.plugin for each in by_path.values()], workshop, ended)


def _opened(build: OngoingBuild, prepared: Prepared) -> Workshop:
    """The workspace with its tools found, its dependencies installed and its types compiled."""
    plan, stages, runner = build.plan, build.stages, build.means.runner
    brought, manifest = prepared.brought, prepared.manifest
    workspace = brought.workspace
    with stages.stage("toolchain") as stage:
        toolchain = assemble(
            workspace=workspace,
            root=brought.root,
            engines_node=manifest.engines_node or None,
            environment=plan.environment,
            cache=plan.cache_dir,
            temporary=build.temporary,
            runner=LoggedRunner(runner, log=stage.log, on_line=stage.on_line),
        )
        stage.note = (
            f"node {toolchain.node.version}, yarn {toolchain.yarn.version}, "
            f"rhdh-cli {toolchain.rhdh_cli.version}"
        )
    build.uses(_at_work(build.progress.tools, toolchain))
    install(build, workspace, toolchain)
    packages = workspace_packages(workspace)
    if has_types_to_compile(workspace, manifest.scripts):
        with stages.stage("tsc") as stage:
            compile_types(
                workspace,
                not_needed=_folders_not_needed(packages, prepared),
                toolchain=toolchain,
                runner=runner,
                log=stage.log,
                on_line=stage.on_line,
            )
    else:
        log.info("no script 'tsc' and no tsconfig.json: there are no types to compile")
    locked = read_locked_workspace(workspace, build.host)
    return Workshop(
        workspace_packages=packages,
        locked=locked,
        output_dir=plan.output_dir,
        toolchain=toolchain,
        runner=runner,
        stages=stages,
        supported_versions=plan.supported_versions,
        jobs=plan.jobs,
        finishing=(
            verifying(
                plan.output_dir,
                host=build.host,
                locked=locked,
                toolchain=toolchain,
                runner=runner,
                stages=stages,
            ),
            *finishing_steps(plan.output_dir, cache=build.means.cache, names=prepared.names),
        ),
        mend=mender(workspace, prepared.settled, build.host) if plan.repair else None,
    )


def _folders_not_needed(
    packages: Mapping[str, WorkspacePackage], prepared: Prepared
) -> tuple[Path, ...]:
    """The folders of the members that no plugin of the run is made of, but for the root."""
    needed = members_below((plugin.manifest for plugin in prepared.plugins), packages)
    return tuple(
        package.folder
        for name, package in packages.items()
        if name not in needed and package.path != "."
    )


def _at_work(tools: ToolVersions, toolchain: Toolchain) -> ToolVersions:
    return replace(
        tools,
        node=toolchain.node.version,
        yarn=toolchain.yarn.version,
        rhdh_cli=toolchain.rhdh_cli.version,
    )


def _chosen(tools: ToolVersions, chosen: NamedTools) -> ToolVersions:
    """The versions as a report has them: without what only tells them apart in the cache."""
    return replace(
        tools,
        node=chosen.node,
        yarn=chosen.yarn if chosen.yarn[:1].isdigit() else None,
        rhdh_cli=chosen.rhdh_cli.partition("+")[0],
    )
