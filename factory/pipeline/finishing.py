"""What is done with a plugin once it is packed, step by step, and once all of them are.

A step takes the plugin's report and returns it, perhaps with more in it. One that raises fails the
plugin. What a step leaves beside the artifact belongs to its ``files``, and is kept with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from factory.config.build_plan import APP_CONFIG, BACKSTAGE_FILE, SCALPRUM_CONFIG
from factory.pipeline.attestations import configured_materials, write_provenance, write_sbom

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from factory.attestation.provenance import Material
    from factory.config.build_plan import BuildPlan
    from factory.pipeline.bring import Overrides
    from factory.pipeline.chosen_plugins import ChosenPlugin
    from factory.pipeline.plugin_cache import NamedPlugin, PluginCache
    from factory.pipeline.report import PluginReport, SourceReport, ToolVersions
    from factory.toolchain.runner import Runner

Step: TypeAlias = Callable[["PluginReport", "ChosenPlugin"], "PluginReport"]


def finishing_steps(
    output_dir: Path, *, cache: PluginCache | None, names: Mapping[str, NamedPlugin]
) -> tuple[Step, ...]:
    """Return the steps that follow packing, in their order; keeping comes last."""

    def bill_of_materials(report: PluginReport, plugin: ChosenPlugin) -> PluginReport:
        written = write_sbom(output_dir / report.files[0].name, plugin.folder)
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
    runner: Runner,
) -> tuple[PluginReport, ...]:
    """Write where each plugin comes from, and return the reports with that.

    It names the commit of this run, so that it is written anew for what came from the cache too.

    Raises:
        OSError: the output directory cannot be written.
    """
    several = tuple(reports)
    files = [plan.config_dir / BACKSTAGE_FILE]
    for report in several:
        files += [plan.config_dir / report.path / name for name in (SCALPRUM_CONFIG, APP_CONFIG)]
    materials = configured_materials(
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
            output_dir=plan.output_dir,
            redact=runner.redact,
        )
        for report in several
    )
