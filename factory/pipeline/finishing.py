"""What is done with a plugin once it is packed, and with a workspace once all of them are.

A step takes the plugin's report and returns it, perhaps with more in it. One that raises fails the
plugin. What a step leaves beside the artifact belongs to its ``files``, and is kept with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from factory.analysis.arguments import parse_arguments
from factory.analysis.written_rules import rules_of
from factory.archives.limits import MAX_ENTRY_SIZE, archive_limits
from factory.attestation.bundled import ContentsReader
from factory.config.build_plan import APP_CONFIG, BACKSTAGE_FILE, SCALPRUM_CONFIG, find_file
from factory.errors import PackError, Place
from factory.pipeline.arguments import record_repairs
from factory.pipeline.attestations import find_configured_materials, write_provenance, write_sbom
from factory.pipeline.publishing import list_packed, publish_plugins
from factory.values import dataclass
from factory.verification.entry_point import Loader
from factory.verification.packed_plugins import verify_packed_file
from factory.verification.plugin_checks import Terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping
    from pathlib import Path

    from factory.analysis.inventory import HostInventory
    from factory.analysis.locked_workspace import LockedWorkspace
    from factory.attestation.provenance import Material
    from factory.config.build_plan import BuildPlan
    from factory.engines import RoleEngines
    from factory.pipeline.checkout import Overrides
    from factory.pipeline.chosen_plugins import ChosenPlugin
    from factory.pipeline.plugin_cache import NamedPlugin, PluginCache
    from factory.pipeline.publishing import ImagesWanted
    from factory.pipeline.stages import Stages
    from factory.pipeline.workspace_context import WorkspaceContext
    from factory.reports.build_report import PluginReport, SourceReport, ToolVersions
    from factory.toolchain.assembled import Toolchain
    from factory.toolchain.runner import Runner
    from factory.verification.findings import CheckFinding, Verified


Step: TypeAlias = Callable[["PluginReport", "ChosenPlugin"], "PluginReport"]


def finishing_steps(
    output_dir: Path,
    *,
    readers: MutableMapping[str, ContentsReader],
    cache: PluginCache | None,
    names: Mapping[str, NamedPlugin],
) -> tuple[Step, ...]:
    """Return the steps that follow the verification, in their order; keeping comes last.

    Args:
        output_dir: where the plugins' files are.
        readers: what the verification has read of each plugin, by its path.
        cache: where finished plugins are kept.
        names: what they are called there.
    """

    def bill_of_materials(report: PluginReport, plugin: ChosenPlugin) -> PluginReport:
        tgz = output_dir / report.files[0].name
        written = write_sbom(tgz, plugin.folder, read=readers.pop(plugin.path, None))
        return replace(report, files=(*report.files, written))

    def keep(report: PluginReport, plugin: ChosenPlugin) -> PluginReport:
        if cache and plugin.path in names:
            cache.keep(names[plugin.path], report, plugin, output_dir)
        return report

    return (bill_of_materials, keep)


def with_provenance(
    reports: Iterable[PluginReport],
    plan: BuildPlan,
    *,
    source: SourceReport,
    overrides: Overrides,
    lockfile: Iterable[Material],
    tools: ToolVersions,
    engines: RoleEngines,
    runner: Runner,
) -> tuple[PluginReport, ...]:
    """Write where each plugin comes from, and return the reports with that.

    It names the commit of this run, so that it is written anew for what came from the cache too.

    Raises:
        OSError: the output directory cannot be written.
    """
    several = tuple(reports)
    names = [BACKSTAGE_FILE]
    for report in several:
        names += [f"{report.path}/{name}" for name in (SCALPRUM_CONFIG, APP_CONFIG)]
    files = [file for name in names if (file := find_file(plan.layers, name))]
    materials = find_configured_materials(
        plan.config_dir,
        patches=overrides.patches,
        overlays=[overlay.folder for overlay in overrides.overlays],
        files=files,
    )
    return tuple(
        write_provenance(
            report,
            source=source,
            materials=(*materials, *lockfile),
            tools=tools,
            engine=engines.of_role(report.role),
            output_dir=plan.output_dir,
            redact=runner.redact,
        )
        for report in several
    )


def verify_step(
    output_dir: Path,
    *,
    host: HostInventory,
    locked: LockedWorkspace,
    toolchain: Toolchain,
    runner: Runner,
    stages: Stages,
    readers: MutableMapping[str, ContentsReader] | None = None,
) -> Step:
    """Return the step that verifies a packed plugin, in a stage of its own.

    It raises a PackError if a check fails, which names the check; the plugin's files are gone then.
    The report it returns says in which frontend systems a frontend shows.

    Args:
        output_dir: where the plugin's files are.
        host: the portal's packages.
        locked: the workspace, whose yarn.lock says what may be bundled.
        toolchain: its Node.js loads the plugin.
        runner: starts it.
        stages: opens the stage.
        readers: gets what has read the plugin, by its path: for what else is said of its content.
    """
    loader = Loader(node=toolchain.node.bin_dir / "node", runner=runner, host=host)
    limits = archive_limits(toolchain.environment.get(MAX_ENTRY_SIZE, ""))

    def verify(report: PluginReport, plugin: ChosenPlugin) -> PluginReport:
        terms = Terms(
            host=host,
            loader=loader,
            allowed=find_bundled_by_intent(report.arguments, host),
            workspaces=(locked,),
        )
        with stages.stage("verify", plugin.path) as stage:
            tgz = output_dir / report.files[0].name
            reader = ContentsReader()
            result = verify_packed_file(tgz, terms, limits=limits, reader=reader)
            for finding in result.findings:
                stage.on_line(f"{finding.check}: {finding.result} {finding.detail}".rstrip())
            if result.failures:
                for file in report.files:
                    (output_dir / file.name).unlink(missing_ok=True)
                raise _refusal(tgz, result)
            if readers is not None:
                readers[plugin.path] = reader
            passed = sum(finding.result == "passed" for finding in result.findings)
            stage.note = f"{passed} checks"
        return replace(report, shows=result.frontend.verdict if result.frontend else None)

    return verify


def find_bundled_by_intent(arguments: str, host: HostInventory) -> frozenset[str]:
    """Return the host's packages that build arguments embed, or keep from being shared."""
    rules = rules_of(parse_arguments(arguments))
    matched = (name for name in host.packages if rules.unshared.match(name))
    return rules.embedded | rules.unshared.names | frozenset(matched)


def _refusal(tgz: Path, result: Verified) -> PackError:
    first, *others = result.failures
    return PackError(
        f"portals cannot load the packed plugin: {first.detail}",
        place=Place(file=tgz, field=first.check),
        found=first.found or None,
        expected=first.expected or None,
        hint=first.hint or None,
        details="\n".join(_in_words(finding) for finding in others) or None,
    )


def _in_words(finding: CheckFinding) -> str:
    found = f" ({finding.found})" if finding.found else ""
    return f"{finding.check}: {finding.detail}{found}"


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildResult:
    """The plugins of a workspace, built or from the cache, and what they were made of.

    ``lockfile`` is what the provenance says of yarn.lock.
    """

    reports: tuple[PluginReport, ...]
    source: SourceReport
    overrides: Overrides
    lockfile: tuple[Material, ...]
    tools: ToolVersions


def finish_workspace(
    made: BuildResult, build: WorkspaceContext, images: ImagesWanted | None
) -> None:
    """Record repairs, write provenance and lists, make and push images; in this order.

    Raises:
        FactoryError: what is asked for cannot be made, or not be pushed.
        OSError: the output directory cannot be written.
    """
    plan, runner = build.plan, build.run_context.runner
    record_repairs(made.reports, plan)
    reports = with_provenance(
        made.reports,
        plan,
        source=made.source,
        overrides=made.overrides,
        lockfile=made.lockfile,
        tools=made.tools,
        engines=build.wanted.engines,
        runner=runner,
    )
    for report in reports:
        build.note_end(report)
    list_packed(reports, plan.output_dir, plan.options.images.list_form)
    if images is None:
        return
    published = publish_plugins(
        reports,
        source=made.source,
        output_dir=plan.output_dir,
        wanted=images,
        stages=build.stages,
        runner=runner,
    )
    for report in published:
        build.note_end(report)
