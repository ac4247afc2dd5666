"""``plugin-factory push``: images of artifacts that were built earlier, to a registry."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory.cli.log_level import LogLevel
from factory.cli.open_session import Session
from factory.cli.option_groups import with_option_groups
from factory.cli.options import LeastUrgent, RegistryConfigDir, Verbose
from factory.cli.session import session
from factory.config.default_folders import CONFIG_DIR
from factory.config.environment import ENV_FILE, layer_environment
from factory.config.options import ImageOptions, ImageOutput, ListForm, NpmOptions
from factory.config.package_spec import LATEST
from factory.errors import FactoryError, Interrupted, UsageError
from factory.events import StageFinished, StageOutput, StageStarted
from factory.installation.connections import npm_web
from factory.installation.npm_publish import check_tag, publish_on_npm
from factory.installation.npmrc import read_npmrc, warn_of_unused
from factory.oci.planned_images import ImageNaming, plan_images
from factory.oci.push import check_access, make_images, publish, write_images
from factory.oci.reference import placeholders
from factory.oci.registry import Registry
from factory.oci.target import registry_target
from factory.pipeline.attestations import attest_images, signing_key
from factory.pipeline.publishing import list_published, progress_lines
from factory.quantities import size
from factory.reports.built_plugins import find_built_plugins
from factory.scheduling.capacity import default_jobs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from factory.attestation.keys import PrivateKey
    from factory.events import Outcome
    from factory.oci.planned_images import PlannedImage
    from factory.oci.push import PushedImage
    from factory.oci.reference import Reference
    from factory.oci.target import RegistryTarget

log = logging.getLogger(__name__)

STAGE = "push"

EXAMPLES = """Examples:

\b
  # What was built into ./outputs, to the registry that ./config/.env names.
  plugin-factory push ./outputs --config-dir ./config

\b
  # With tags that name the Backstage version too.
  plugin-factory push ./outputs --tag-template 'bs_{backstage_version}__{version}'

\b
  # All plugins of the workspace in one image.
  plugin-factory push ./outputs --bundle my-plugins

\b
  # Not as images: as packages, to the npm registry that .npmrc names.
  plugin-factory push ./outputs --npm --npm-tag next

\b
  # Signed, so that 'cosign verify --key release.pub' can check them.
  plugin-factory push ./outputs --sign-key ./release.pem
"""


@with_option_groups
def push(
    ctx: typer.Context,
    output_dirs: Annotated[
        list[Path],
        typer.Argument(
            metavar="OUTPUT_DIR...",
            help="Output directories of builds, with their .tgz files.",
            show_default=False,
        ),
    ],
    *,
    config_dir: RegistryConfigDir = CONFIG_DIR,
    images: ImageOptions,
    npm: NpmOptions,
    log_level: LeastUrgent = LogLevel.INFO,
    verbose: Verbose = False,
) -> None:
    """Push images of plugins that were built earlier, or publish them on npm.

    An image of each plugin in OUTPUT_DIR goes to REGISTRY_URL/REGISTRY_NAMESPACE. Its bill of
    materials and its provenance, which builds leave beside each .tgz, are attached to it.

    Prints a line for each image: its name pinned by digest. The same lines are then in OUTPUT_DIR's
    published-images.txt, and entries for a portal in its dynamic-plugins.oci.yaml.

    With --npm, packages go to the npm registry that .npmrc names, and no images. Prints a line for
    each package: its name and version, and its integrity, which a portal's list can name.
    """
    env_file = config_dir / ENV_FILE
    if npm.npm:
        if images != ImageOptions():
            raise UsageError(
                "an option of images has no effect with --npm",
                expected="--npm alone, perhaps with --npm-tag and --npm-access",
            )
        _push_to_npm(ctx, output_dirs, config_dir, npm, log_level=log_level, verbose=verbose)
        return
    if given := [name for name in ("npm_access", "npm_tag") if getattr(npm, name)]:
        option = "--" + given[0].replace("_", "-")
        raise UsageError(f"{option} has no effect without --npm", expected="both, or neither")
    with session(ctx, env_files=(env_file,), log_level=log_level, verbose=verbose) as this:
        placeholders(images.tag_template)
        environment = layer_environment(this.process, (env_file,))
        target = registry_target(environment)
        key = signing_key(images.sign_key, environment)
        naming = ImageNaming(
            registry=target.registry,
            namespace=target.namespace,
            tag_template=images.tag_template,
            bundle=images.bundle,
        )
        planned = plan_images(find_built_plugins(output_dirs), naming)
        ends = _publish(this, target, planned, images.image_output, key)
        _list_published(ends, images.list_form)
        failed = [end for end in ends.values() if isinstance(end, Exception)]
        for error in failed:
            this.screen.show_error(error)
    this.out.lines(*(end.pinned for end in ends.values() if not isinstance(end, Exception)))
    if failed:
        raise typer.Exit(min(error.exit_code for error in failed))


def _push_to_npm(
    ctx: typer.Context,
    output_dirs: Sequence[Path],
    config_dir: Path,
    options: NpmOptions,
    *,
    log_level: LogLevel,
    verbose: bool,
) -> None:
    """Publish every plugin, whatever befalls the others."""
    env_file = config_dir / ENV_FILE
    environment = layer_environment(ctx.obj, (env_file,))
    npmrc = read_npmrc(config_dir, environment.variables)
    with session(
        ctx,
        env_files=(env_file,),
        log_level=log_level,
        verbose=verbose,
        secrets=npmrc.secrets,
    ) as this:
        warn_of_unused(npmrc)
        tag = check_tag(options.npm_tag or LATEST)
        built = find_built_plugins(output_dirs)
        failed: list[FactoryError] = []
        with npm_web(environment, npmrc, checkpoint=this.runner.raise_if_cancelled) as web:
            for plugin in (each for workspace in built for each in workspace.plugins):
                try:
                    done = publish_on_npm(
                        plugin,
                        tag=tag,
                        access=options.npm_access.value if options.npm_access else None,
                        npmrc=npmrc,
                        web=web,
                    )
                except Interrupted:
                    raise
                except FactoryError as error:
                    failed.append(error)
                    this.screen.show_error(error)
                    continue
                log.info("%s %s", done, "was there" if done.was_there else "is published")
                this.out.lines(f"{done} {done.integrity}")
    if failed:
        raise typer.Exit(min(error.exit_code for error in failed))


def _publish(
    this: Session,
    target: RegistryTarget,
    planned: Sequence[PlannedImage],
    image_output: ImageOutput | None,
    key: PrivateKey | None,
) -> Mapping[PlannedImage, PushedImage | FactoryError]:
    started = time.monotonic()

    def on_line(line: str) -> None:
        this.screen.emit(StageOutput(stage=STAGE, line=line))

    def on_end(reference: Reference, end: PushedImage | FactoryError) -> None:
        outcome: Outcome = "failed"
        note = ""
        if not isinstance(end, Exception):
            outcome, note = "done", f"{size(end.bytes_sent)} sent of {size(end.size)}"
        this.screen.emit(
            StageFinished(
                stage=STAGE,
                plugin=reference.repository,
                seconds=time.monotonic() - started,
                outcome=outcome,
                note=note,
            )
        )

    checkpoint = this.runner.raise_if_cancelled
    with Registry(target, checkpoint=checkpoint) as registry:
        check_access(registry, [one.reference.repository for one in planned])
        for one in planned:
            this.screen.emit(StageStarted(stage=STAGE, plugin=one.reference.repository))
        with make_images(planned, jobs=default_jobs(), checkpoint=checkpoint) as images:
            if image_output:
                write_images(images, image_output)
            ends = publish(registry, images, on_progress=progress_lines(on_line), on_end=on_end)
        return attest_images(registry, ends, key=key)


def _list_published(
    ends: Mapping[PlannedImage, PushedImage | FactoryError], form: ListForm
) -> None:
    """Write the lists into each directory, where that is possible: the images are there already."""
    folders = dict.fromkeys(plugin.tgz.parent for planned in ends for plugin in planned.plugins)
    for folder in folders:
        of_folder = {
            planned: end
            for planned, end in ends.items()
            if any(plugin.tgz.parent == folder for plugin in planned.plugins)
        }
        try:
            list_published(folder, of_folder, form)
        except OSError as error:
            log.warning(
                "the lists of pushed images cannot be written into %s: %s", folder, error.strerror
            )
