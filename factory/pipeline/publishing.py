"""The plugins that were built, pushed as images: asked about first, done last."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from factory.errors import FactoryError
from factory.oci.archive import read_plugin_archive
from factory.oci.artifacts import BuiltPlugins, image_facts
from factory.oci.publish import plan_images, publish
from factory.oci.push import PushedImage, check_target
from factory.oci.reference import repository_for
from factory.oci.registry import Registry
from factory.pipeline.report import PluginReport, ReportedImage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from factory.oci.target import RegistryTarget
    from factory.pipeline.chosen_plugins import ChosenPlugin
    from factory.pipeline.report import SourceReport
    from factory.pipeline.stages import Stages
    from factory.toolchain.runner import Runner


def refuse_unless_pushable(target: RegistryTarget, plugins: Sequence[ChosenPlugin]) -> None:
    """Make sure, before anything is installed, that the plugins' images may be pushed.

    Raises:
        RegistryError: the registry cannot be reached, or refuses the login.
        ConfigurationError: a plugin's name is none that registries take.
    """
    repositories = [
        repository_for(
            registry=target.registry, namespace=target.namespace, package=plugin.manifest.name
        )
        for plugin in plugins
    ]
    check_target(target, repositories)


def publish_plugins(
    reports: Sequence[PluginReport],
    *,
    source: SourceReport,
    output_dir: Path,
    target: RegistryTarget,
    stages: Stages,
    runner: Runner,
) -> tuple[PluginReport, ...]:
    """Push an image of each plugin that was built, and return the reports with what came of it."""
    archives = {
        report.path: read_plugin_archive(output_dir / report.files[0].name)
        for report in reports
        if report.files
    }
    if not archives:
        return tuple(reports)
    facts = image_facts(source.repo, source.commit, source.committed_at)
    built = BuiltPlugins(folder=output_dir, plugins=tuple(archives.values()), facts=facts)
    planned = dict(zip(archives, plan_images([built], target), strict=True))
    with (
        stages.stage("push") as stage,
        Registry(target, checkpoint=runner.raise_if_cancelled) as registry,
    ):
        started = time.monotonic()
        ends = dict(zip(planned, publish(registry, tuple(planned.values())), strict=True))
        failed = sum(isinstance(end, FactoryError) for end in ends.values())
        stage.note = f"{len(ends) - failed} of {len(ends)} images"
        stage.outcome = "failed" if failed else "done"
        seconds = round(time.monotonic() - started, 3)
    return tuple(
        _with_end(report, ends[report.path], seconds) if report.path in ends else report
        for report in reports
    )


def _with_end(
    report: PluginReport, end: PushedImage | FactoryError, seconds: float
) -> PluginReport:
    report = replace(report, seconds={**report.seconds, "push": seconds})
    if isinstance(end, FactoryError):
        return replace(report, outcome="failed", error=end)
    return replace(report, image=ReportedImage(reference=str(end.reference), digest=end.digest))
