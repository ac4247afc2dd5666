"""What is done once all plugins of a workspace have ended: said where from, listed, published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from factory.pipeline.finishing import with_provenance
from factory.pipeline.publishing import list_packed, publish_plugins
from factory.pipeline.settled_plugins import record_repairs

if TYPE_CHECKING:
    from factory.attestation.provenance import Material
    from factory.pipeline.bring import Overrides
    from factory.pipeline.ongoing_build import OngoingBuild
    from factory.pipeline.publishing import ImagesWanted
    from factory.pipeline.report import PluginReport, SourceReport, ToolVersions


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """The plugins of a workspace, built or from the cache, and what they were made of.

    ``lockfile`` is what the provenance says of yarn.lock.
    """

    reports: tuple[PluginReport, ...]
    source: SourceReport
    overrides: Overrides
    lockfile: tuple[Material, ...]
    tools: ToolVersions


def conclude(made: Made, build: OngoingBuild, images: ImagesWanted | None) -> None:
    """Record repairs, write provenance and lists, make and push images; in this order.

    Raises:
        FactoryError: what is asked for cannot be made, or not be pushed.
        OSError: the output directory cannot be written.
    """
    plan, runner = build.plan, build.means.runner
    record_repairs(made.reports, plan)
    reports = with_provenance(
        made.reports,
        plan,
        source=made.source,
        overrides=made.overrides,
        lockfile=made.lockfile,
        tools=made.tools,
        runner=runner,
    )
    for report in reports:
        build.ended(report)
    list_packed(reports, plan.output_dir)
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
        build.ended(report)
