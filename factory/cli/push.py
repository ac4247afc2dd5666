"""``plugin-factory push``: images of artifacts that were built earlier, to a registry."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory.cli.session import LogLevel, Session, session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory.errors import FactoryError
    from factory.events import Outcome
    from factory.oci.publish import PlannedImage
    from factory.oci.push import PushedImage
    from factory.oci.reference import Reference
    from factory.oci.target import RegistryTarget

STAGE = "push"

EXAMPLES = """Examples:

\b
  # What was built into ./outputs, to the registry that ./config/.env names.
  plugin-factory push ./outputs --config-dir ./config

\b
  # With tags that name the Backstage version too.
  plugin-factory push ./outputs --tag-template 'bs_{backstage_version}__{version}'
"""


def push(
    ctx: typer.Context,
    output_dirs: Annotated[
        list[Path],
        typer.Argument(
            metavar="OUTPUT_DIR...",
            help="Directories that builds left their .tgz files in.",
            show_default=False,
        ),
    ],
    *,
    config_dir: Annotated[
        Path, typer.Option(help="Directory whose .env holds the REGISTRY_ variables.")
    ] = Path("/config"),
    tag_template: Annotated[
        str,
        typer.Option(
            help="The images' tag, of {version}, {backstage_version}, {name}, {revision} and "
            "{short_revision}."
        ),
    ] = "{version}",
    bundle: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="One image of this name with all plugins of a workspace."
        ),
    ] = "",
    log_level: Annotated[
        LogLevel, typer.Option(case_sensitive=False, help="The least urgent messages to show.")
    ] = LogLevel.INFO,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show the file and line a message comes from.")
    ] = False,
) -> None:
    """Push images of plugins that were built earlier.

    An image of each plugin in OUTPUT_DIR goes to REGISTRY_URL/REGISTRY_NAMESPACE.

    Prints a line for each image: its name pinned by digest.
    """
    from factory.config.environment import ENV_FILE, layered  # noqa: PLC0415 - late
    from factory.oci.artifacts import find_built_plugins  # noqa: PLC0415
    from factory.oci.publish import plan_images  # noqa: PLC0415
    from factory.oci.reference import placeholders  # noqa: PLC0415
    from factory.oci.target import registry_target  # noqa: PLC0415

    env_file = config_dir / ENV_FILE
    with session(ctx, env_files=(env_file,), log_level=log_level, verbose=verbose) as this:
        placeholders(tag_template)
        target = registry_target(layered(this.process, (env_file,)))
        built = find_built_plugins(output_dirs)
        planned = plan_images(built, target, tag_template=tag_template, bundle=bundle)
        ends = _published(this, target, planned)
        failed = [end for end in ends if isinstance(end, Exception)]
        for error in failed:
            this.screen.show_error(error)
    for end in ends:
        if not isinstance(end, Exception):
            typer.echo(end.pinned)
    if failed:
        raise typer.Exit(min(error.exit_code for error in failed))


def _published(
    this: Session, target: RegistryTarget, planned: Sequence[PlannedImage]
) -> tuple[PushedImage | FactoryError, ...]:
    from factory.events import StageFinished, StageStarted  # noqa: PLC0415 - late
    from factory.oci.publish import publish  # noqa: PLC0415
    from factory.oci.push import check_access  # noqa: PLC0415
    from factory.oci.registry import Registry  # noqa: PLC0415
    from factory.ui.quantities import size  # noqa: PLC0415

    started = time.monotonic()

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

    with Registry(target, checkpoint=this.runner.raise_if_cancelled) as registry:
        check_access(registry, [one.reference.repository for one in planned])
        for one in planned:
            this.screen.emit(StageStarted(stage=STAGE, plugin=one.reference.repository))
        return publish(registry, planned, on_end=on_end)
