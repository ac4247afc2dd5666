"""The plugins that were built, as images: asked about first, made last, pushed or left on disk."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from factory.config.options import ListForm
from factory.errors import FactoryError, UsageError
from factory.oci.image import image_facts
from factory.oci.packed_plugin import read_plugin_archive
from factory.oci.planned_images import (
    BuiltPlugins,
    ImageNaming,
    local_naming,
    partial_bundle_error,
    plan_images,
)
from factory.oci.push import (
    check_target,
    make_images,
    publish,
    write_images,
)
from factory.oci.reference import NO_HOST, NamedHost, placeholders, repository_for
from factory.oci.registry import Registry
from factory.oci.target import registry_target
from factory.pipeline.attestations import (
    attest_images,
    signing_key,
)
from factory.plugin_config.portal_files import PortalEntry, write_published, write_tgz_entries
from factory.quantities import pluralize
from factory.reports.build_report import (
    PluginReport,
    ReportedImage,
)
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from factory.attestation.keys import PrivateKey
    from factory.config.build_plan import (
        BuildPlan,
    )
    from factory.config.options import (
        ImageOutput,
    )
    from factory.oci.image import Image
    from factory.oci.planned_images import PlannedImage
    from factory.oci.push import BlobProgress, OnProgress, PushedImage
    from factory.oci.reference import Reference
    from factory.oci.target import RegistryTarget
    from factory.pipeline.chosen_plugins import ChosenPlugin
    from factory.pipeline.stages import Stages
    from factory.reports.build_report import SourceReport
    from factory.toolchain.runner import Runner

    _End: TypeAlias = PushedImage | FactoryError


# Blobs under this size, in bytes, are sent before anybody could read a line on them.
WORTH_A_LINE = 1_000_000
_STEP = 10  # percent


def progress_lines(on_line: Callable[[str], None]) -> OnProgress:
    """Return what passes a push's progress on as lines, one for each tenth of a larger blob."""
    told: dict[tuple[str, str], int] = {}
    lock = threading.Lock()

    def tell(progress: BlobProgress) -> None:
        if progress.total < WORTH_A_LINE:
            return
        name = str(progress.reference)
        if progress.state != "sending":
            on_line(f"{name}: {_STATES[progress.state]}")
            return
        percent = 100 * progress.sent // progress.total // _STEP * _STEP
        key = (name, progress.digest)
        with lock:
            if percent <= told.get(key, 0):
                return
            told[key] = percent
        on_line(f"{name}: {percent} % of {progress.total / 1_000_000:.1f} MB sent")

    return tell


_STATES = {
    "sent": "the layer is sent",
    "present": "the registry has the layer already",
}


log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ImagesWanted:
    """What images are to be made: pushed to ``target``, left on disk in a form, or both.

    Pushed images are signed with ``key``, if there is one, and listed in ``list_form``. ``jobs``
    are made at once.
    """

    naming: ImageNaming
    target: RegistryTarget | None = None
    output: ImageOutput | None = None
    key: PrivateKey | None = None
    jobs: int = 1
    list_form: ListForm = ListForm.DYNAMIC_PLUGINS


def images_wanted(plan: BuildPlan, host: NamedHost = NO_HOST) -> ImagesWanted | None:
    """Return what images the plan wants, if any: what is missing for it is said before all else.

    Raises:
        ConfigurationError: a REGISTRY_ variable is missing or cannot be used, or the signing key.
        UsageError: the tag template cannot be used.
    """
    if not (plan.options.result.push_images or plan.options.images.image_output):
        if plan.options.images.bundle:
            raise UsageError(
                "--bundle names an image, but no image is requested",
                expected="--push-images or --image-output as well",
            )
        return None
    placeholders(plan.options.images.tag_template)
    target = registry_target(plan.environment) if plan.options.result.push_images else None
    registry, namespace = (
        (target.registry, target.namespace) if target else local_naming(plan.environment)
    )
    naming = ImageNaming(
        registry=registry,
        namespace=namespace,
        tag_template=plan.options.images.tag_template,
        # Of several workspaces each has a bundle of its own.
        bundle="-".join(
            part
            for part in (plan.options.images.bundle, plan.workspace)
            if plan.options.images.bundle and part
        ),
        backstage_version=plan.supported_versions or plan.repo_backstage_version or "",
        host=host,
    )
    return ImagesWanted(
        naming=naming,
        target=target,
        output=plan.options.images.image_output,
        key=signing_key(plan.options.images.sign_key, plan.environment),
        jobs=plan.jobs,
        list_form=plan.options.images.list_form,
    )


def refuse_unless_pushable(
    wanted: ImagesWanted,
    plugins: Sequence[ChosenPlugin],
    *,
    there: Sequence[ChosenPlugin],
    checkpoint: Callable[[], None] = lambda: None,
) -> None:
    """Make sure, before anything is installed, that the plugins' images may be made and pushed.

    Args:
        wanted: the images.
        plugins: those that the run builds.
        there: all plugins of the workspace.
        checkpoint: called while the registry is waited for; it raises to end the run.

    Raises:
        RegistryError: the registry cannot be reached, or refuses the login.
        ConfigurationError: a plugin's name is not one that registries accept.
        UsageError: a bundle would lack plugins of the workspace, or its tag would be made of
            versions that differ.
    """
    naming = wanted.naming
    if naming.bundle and plugins:
        paths = {plugin.path for plugin in plugins}
        lacking = [plugin.path for plugin in there if plugin.path not in paths]
        if lacking:
            raise partial_bundle_error(
                naming.bundle,
                lacking,
                hint="leave --only and --exclude out. To build on several machines, build without "
                "--bundle, bring all archives of a workspace into one directory, and run "
                "'plugin-factory push DIRECTORY --bundle NAME'",
            )
    names = [naming.bundle] if naming.bundle else [plugin.manifest.name for plugin in plugins]
    versions = sorted({plugin.manifest.version for plugin in plugins})
    if naming.bundle and len(versions) > 1 and "version" in placeholders(naming.tag_template):
        raise UsageError(
            "the bundle has no version of its own: its plugins' versions differ",
            found=", ".join(versions),
            expected="a tag template without {version}",
            hint="for example --tag-template '{backstage_version}' or --tag-template latest",
        )
    repositories = [
        repository_for(registry=naming.registry, namespace=naming.namespace, package=name)
        for name in names
    ]
    if wanted.target:
        check_target(wanted.target, repositories, checkpoint=checkpoint)


def publish_plugins(
    reports: Sequence[PluginReport],
    *,
    source: SourceReport,
    output_dir: Path,
    wanted: ImagesWanted,
    stages: Stages,
    runner: Runner,
) -> tuple[PluginReport, ...]:
    """Make images of the plugins that were built, and return the reports with what came of it.

    Pushed images are listed for people and portals (:mod:`factory.plugin_config.portal_files`).

    Raises:
        PackError: an archive cannot be made an image of.
        StorageError: the disk is full.
        UsageError: the tag template needs what is not known of a plugin.
        Interrupted: the run was ended.
    """
    archives = {
        report.path: read_plugin_archive(output_dir / report.files[0].name)
        for report in reports
        if report.files
    }
    if not archives:
        return tuple(reports)
    if wanted.naming.bundle and len(archives) < len(reports):
        log.warning(
            "the image %s is not created: not all of its plugins were built", wanted.naming.bundle
        )
        return tuple(reports)
    facts = image_facts(source.repo, source.commit, source.committed_at)
    built = BuiltPlugins(folder=output_dir, plugins=tuple(archives.values()), facts=facts)
    planned = plan_images([built], wanted.naming)
    image_of = {plugin.tgz: image for image in planned for plugin in image.plugins}
    images_by_path = {path: image_of[archive.tgz] for path, archive in archives.items()}
    files: Mapping[PlannedImage, Path] = {}
    ends: Mapping[PlannedImage, _End] = {}
    seconds: Mapping[str, float] = {}
    with contextlib.ExitStack() as stack:
        with stages.stage("image") as stage:
            checkpoint = runner.raise_if_cancelled
            images = stack.enter_context(
                make_images(planned, jobs=wanted.jobs, checkpoint=checkpoint)
            )
            if wanted.output:
                files = write_images(images, wanted.output)
            stage.note = pluralize(len(images), "image")
        if wanted.target:
            ends, seconds = _push(wanted, wanted.target, images, stages, runner)
            list_published(output_dir, ends, wanted.list_form)
    return tuple(
        _with_image(report, files.get(image), ends.get(image), _share(seconds, image))
        if (image := images_by_path.get(report.path))
        else report
        for report in reports
    )


def list_packed(
    reports: Sequence[PluginReport],
    output_dir: Path,
    form: ListForm = ListForm.DYNAMIC_PLUGINS,
) -> None:
    """Write ``dynamic-plugins.tgz.yaml`` of the plugins that were built.

    Raises:
        OSError: the folder cannot be written.
    """
    entries = [
        PortalEntry(
            package=f"./{report.files[0].name}",
            tgz=output_dir / report.files[0].name,
            integrity=report.integrity or "",
        )
        for report in reports
        if report.files
    ]
    if entries:
        write_tgz_entries(output_dir, entries, form=form)


def list_published(
    output_dir: Path,
    ends: Mapping[PlannedImage, _End],
    form: ListForm = ListForm.DYNAMIC_PLUGINS,
) -> None:
    """Write ``dynamic-plugins.oci.yaml`` and ``published-images.txt`` of what was pushed.

    Raises:
        OSError: the folder cannot be written.
    """
    pushed = {image: end for image, end in ends.items() if not isinstance(end, FactoryError)}
    entries = [
        PortalEntry(package=f"oci://{end.pinned}!{plugin.folder}", tgz=plugin.tgz)
        for image, end in pushed.items()
        for plugin in image.plugins
    ]
    if pushed:
        pinned = [end.pinned for end in pushed.values()]
        write_published(output_dir, entries, pinned, form=form)


def _push(
    wanted: ImagesWanted,
    target: RegistryTarget,
    images: Mapping[PlannedImage, Image],
    stages: Stages,
    runner: Runner,
) -> tuple[Mapping[PlannedImage, _End], Mapping[str, float]]:
    """What became of the images, and each one's own seconds by its name."""
    started = time.monotonic()
    ended: dict[str, float] = {}

    def on_end(reference: Reference, _: PushedImage | FactoryError) -> None:
        ended[str(reference)] = time.monotonic()

    with (
        stages.stage("push") as stage,
        Registry(target, checkpoint=runner.raise_if_cancelled) as registry,
    ):
        ends = publish(registry, images, on_progress=progress_lines(stage.on_line), on_end=on_end)
        ends = attest_images(registry, ends, key=wanted.key)
        failed = sum(isinstance(end, FactoryError) for end in ends.values())
        stage.note = f"{len(ends) - failed} of {len(ends)} images"
        stage.outcome = "failed" if failed else "done"
    return ends, _share_seconds(started, ended, time.monotonic() - started)


def _share_seconds(started: float, ended: Mapping[str, float], whole: float) -> dict[str, float]:
    """The stage's seconds shared out: several are pushed at once, and all are attested afterwards.

    Each has in proportion to when it ended, so that the plugins' seconds add up to the stage's:
    shards and estimates are made of the sum.
    """
    taken = {name: end - started for name, end in ended.items()}
    total = sum(taken.values()) or 1.0
    return {name: whole * one / total for name, one in taken.items()}


def _share(seconds: Mapping[str, float], image: PlannedImage) -> float:
    """A plugin's part of its image's seconds; a bundle's plugins share them."""
    return round(seconds.get(str(image.reference), 0.0) / len(image.plugins), 3)


def _with_image(
    report: PluginReport,
    file: Path | None,
    end: _End | None,
    seconds: float,
) -> PluginReport:
    if file:
        report = replace(report, image_file=file.name)
    if end is None:
        return report
    report = replace(report, seconds={**report.seconds, "push": round(seconds, 3)})
    if isinstance(end, FactoryError):
        return replace(report, outcome="failed", error=end)
    return replace(report, image=ReportedImage(reference=str(end.reference), digest=end.digest))
