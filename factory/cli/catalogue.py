"""``plugin-factory catalogue``: the entities that describe plugins, and the index that has them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from factory.analysis.inventory import find_host
from factory.catalogue.checks import check_catalogue
from factory.catalogue.entities import read_entities
from factory.catalogue.index_files import compose_index
from factory.catalogue.index_image import (
    INDEX_NAME,
    build_index_image,
    push_index,
    write_index_files,
    write_index_image,
)
from factory.catalogue.metadata import MetadataRequest, plan_metadata
from factory.catalogue.published_plugins import find_published_plugins
from factory.cli.catalogue_view import findings_document, show_findings, texts_document
from factory.cli.help_text import GroupedCommand
from factory.cli.log_level import LogLevel
from factory.cli.option_groups import share_option
from factory.cli.options import REGISTRY, AsJson, LeastUrgent, Verbose
from factory.cli.session import session
from factory.config.default_folders import CONFIG_DIR
from factory.config.environment import ENV_FILE, layer_environment
from factory.config.options import ImageOptions, ImageOutput
from factory.errors import CheckError, UsageError
from factory.oci.names import is_tag
from factory.oci.planned_images import local_naming
from factory.oci.reference import Reference, repository_for
from factory.oci.target import registry_target
from factory.pipeline.attestations import signing_key
from factory.quantities import pluralize
from factory.scaffolding.writing import place_all
from factory.scratch_folder import scratch_folder
from factory.ui.printing import say

IMAGE = "Image"

OutputDirs: TypeAlias = Annotated[
    list[Path],
    typer.Argument(
        metavar="OUTPUT_DIR...",
        help="Output directories of builds, with their .tgz files and lists.",
        show_default=False,
    ),
]
CatalogueDir: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--config-dir",
        metavar="DIR",
        help="The catalogue: metadata/ of each workspace, and catalog-entities/extensions/.",
    ),
]
Namespace: TypeAlias = Annotated[
    str,
    typer.Option(
        help="The namespace of new entities. Without it, the one that all others have.",
        show_default=False,
    ),
]

Portal: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Of what a run for several portals has left, take the plugins for this one.",
        show_default=False,
    ),
]

METADATA_EXAMPLES = """Examples:

\b
  # Entities for what was built into ./outputs, into the catalogue ./catalogue.
  plugin-factory catalogue metadata ./outputs --config-dir ./catalogue

\b
  # What would change, and nothing else.
  plugin-factory catalogue metadata ./outputs --config-dir ./catalogue --dry-run

\b
  # In CI: are the entities up to date?
  plugin-factory catalogue metadata ./outputs --config-dir ./catalogue --check
"""

CHECK_EXAMPLES = """Examples:

\b
  # The entities of ./catalogue.
  plugin-factory catalogue check --config-dir ./catalogue

\b
  # With their examples against the schemas of what was built.
  plugin-factory catalogue check ./outputs --config-dir ./catalogue --json
"""

BUILD_EXAMPLES = """Examples:

\b
  # An image layout in ./index, of what was pushed from ./outputs.
  plugin-factory catalogue build ./outputs --config-dir ./catalogue --output-dir ./index

\b
  # Pushed and signed, as quay.io/team/plugin-catalog-index:1.10 if .env names quay.io and team.
  plugin-factory catalogue build ./outputs --config-dir ./catalogue --tag 1.10 --push \\
    --sign-key ./release.pem

\b
  # For one of the portals that ./outputs has plugins for.
  plugin-factory catalogue build ./outputs --config-dir ./catalogue --portal rhdh-1.10 --tag 1.10

\b
  # The files alone, to look at.
  plugin-factory catalogue build ./outputs --config-dir ./catalogue --files ./index-files
"""

catalogue_app = typer.Typer(
    name="catalogue",
    help="The entities that describe plugins, and the index that portals read.",
    no_args_is_help=True,
)


@catalogue_app.command("metadata", cls=GroupedCommand, epilog=METADATA_EXAMPLES)
def update_metadata(
    ctx: typer.Context,
    output_dirs: OutputDirs,
    *,
    config_dir: CatalogueDir = CONFIG_DIR,
    namespace: Namespace = "",
    portal: Portal = "",
    host: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="The portal whose Backstage is named where a plugin does not say which it "
            "supports: a release that 'plugin-factory host list' shows, or its yarn.lock.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the changes, and write nothing.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Fail if something would change, and write nothing: for CI."),
    ] = False,
    log_level: LeastUrgent = LogLevel.INFO,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Write the Package and Plugin entities of what was built.

    The version, the artifact, the role and the supported Backstage of each Package are set, and
    each Plugin names its packages. All else in a file that is there, comments and order included,
    stays as it is. A plugin without an entity gets one. All files are written, or none.
    """
    with session(ctx, log_level=log_level, verbose=verbose) as this:
        request = MetadataRequest(
            config_dir=config_dir,
            entities=read_entities(config_dir),
            plugins=find_published_plugins(output_dirs, portal),
            namespace=namespace,
            backstage=find_host(host).backstage if host else "",
        )
        texts = plan_metadata(request)
        changed = [text for text in texts if text.changes]
        if not (dry_run or check):
            place_all({text.file: text.after for text in changed})
        if as_json:
            this.out.document(texts_document(texts))
        elif dry_run or check:
            this.out.page("".join(text.diff() for text in changed))
        else:
            this.out.lines(*(str(text.file) for text in changed))
        kept = len(texts) - len(changed)
        say(f"{pluralize(len(changed), 'file')} changed, {kept} up to date")
        if check and changed:
            raise CheckError(
                f"{pluralize(len(changed), 'entity file')} would change",
                found=", ".join(str(text.file) for text in changed[:5]),
                expected="entities that are up to date",
                hint="run the same command without --check, and commit the result",
            )


@catalogue_app.command("check", cls=GroupedCommand, epilog=CHECK_EXAMPLES)
def check_entities(
    ctx: typer.Context,
    output_dirs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[OUTPUT_DIR]...",
            help="Output directories of builds: versions and images are compared with them, and "
            "examples with the plugins' configuration schemas.",
            show_default=False,
        ),
    ] = None,
    *,
    config_dir: CatalogueDir = CONFIG_DIR,
    portal: Portal = "",
    log_level: LeastUrgent = LogLevel.INFO,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Check the entities of a catalogue.

    Names, forms, versions and references to artifacts; that packages, plugins and collections name
    each other; that examples are configuration, and with OUTPUT_DIR fit the plugin's schema.

    Fails if there is anything to correct, and says of each what was found and what is expected.
    """
    with session(ctx, log_level=log_level, verbose=verbose) as this:
        plugins = find_published_plugins(output_dirs, portal) if output_dirs else ()
        checked = check_catalogue(config_dir, plugins)
        if not checked.entities and not checked.findings:
            raise UsageError(
                "the catalogue has no entities",
                found=str(config_dir),
                expected="metadata/*.yaml of workspaces, or catalog-entities/extensions/",
                hint="make some: plugin-factory catalogue metadata OUTPUT_DIR",
            )
    if as_json:
        this.out.document(findings_document(checked))
    else:
        show_findings(checked, this.out)
    if checked.findings:
        raise typer.Exit(CheckError.exit_code)


@catalogue_app.command("build", cls=GroupedCommand, epilog=BUILD_EXAMPLES)
def build_index(
    ctx: typer.Context,
    output_dirs: OutputDirs,
    *,
    config_dir: CatalogueDir = CONFIG_DIR,
    namespace: Namespace = "",
    portal: Portal = "",
    enable: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="A plugin that is on unless a portal's list says no: its folder or package, with "
            "patterns as in the shell. May be given more than once.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str, typer.Option(help="What the image is called.", rich_help_panel=IMAGE)
    ] = INDEX_NAME,
    tag: Annotated[str, typer.Option(help="The image's tag.", rich_help_panel=IMAGE)] = "latest",
    image_output: Annotated[
        ImageOutput,
        typer.Option(
            help="How the image is left on disk, unless it is pushed: a folder (.oci) or one file "
            "(.oci.tar).",
            rich_help_panel=IMAGE,
        ),
    ] = ImageOutput.LAYOUT,
    output_dir: Annotated[
        Path,
        typer.Option(help="Where the image is left, unless it is pushed.", rich_help_panel=IMAGE),
    ] = Path("catalogue-index"),
    files: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write the index's files here instead of an image.",
            show_default=False,
            rich_help_panel=IMAGE,
        ),
    ] = None,
    push: Annotated[
        bool,
        typer.Option(
            "--push",
            help="Push the image to REGISTRY_URL/REGISTRY_NAMESPACE, which the environment or "
            "DIR/.env names.",
            rich_help_panel=REGISTRY,
        ),
    ] = False,
    sign_key: Annotated[Path | None, share_option(ImageOptions, "sign_key")] = None,
    log_level: LeastUrgent = LogLevel.INFO,
    verbose: Verbose = False,
) -> None:
    """Compose the index of a catalogue, as an image that RHDH takes as CATALOG_INDEX_IMAGE.

    It holds dynamic-plugins.default.yaml and index.json with every plugin of OUTPUT_DIR pinned by
    digest, the entities, and the configuration schemas. Entities that nobody has written are
    generated. The same inputs make the same image, whatever the folder.

    Prints the image: where it is, or its name pinned by digest.
    """
    env_file = config_dir / ENV_FILE
    with session(ctx, env_files=(env_file,), log_level=log_level, verbose=verbose) as this:
        _refuse_odd_options(tag, files, sign_key, push=push)
        environment = layer_environment(this.process, (env_file,))
        target = registry_target(environment) if push else None
        registry, place = (
            (target.registry, target.namespace) if target else local_naming(environment)
        )
        repository = repository_for(registry=registry, namespace=place, package=name)
        reference = Reference(registry=registry, repository=repository, tag=tag)
        key = signing_key(sign_key, environment)
        request = MetadataRequest(
            config_dir=config_dir,
            entities=read_entities(config_dir),
            plugins=find_published_plugins(output_dirs, portal),
            namespace=namespace,
        )
        index = compose_index(request, enabled=enable or ())
        counts = (
            pluralize(index.packages, "package"),
            pluralize(index.plugins, "plugin"),
            pluralize(index.collections, "collection"),
        )
        if files:
            write_index_files(index.files, files)
            line = str(files)
        else:
            with scratch_folder("catalogue-index") as scratch:
                image = build_index_image(index, reference, scratch)
                if target:
                    checkpoint = this.runner.raise_if_cancelled
                    line = push_index(
                        image, reference, target, key=key, checkpoint=checkpoint
                    ).pinned
                else:
                    written = write_index_image(image, reference, output_dir, image_output)
                    line = f"{written} {image.digest}"
    this.out.lines(line)
    say(", ".join(counts))


def _refuse_odd_options(tag: str, files: Path | None, sign_key: Path | None, *, push: bool) -> None:
    if not is_tag(tag):
        raise UsageError(
            "--tag is not a tag that registries take",
            found=tag,
            expected="letters, digits, '_', '.' and '-', at most 128",
        )
    if files and push:
        raise UsageError("--files and --push exclude each other", expected="one of the two")
    if sign_key and not push:
        raise UsageError(
            "--sign-key signs an image in a registry, and none is pushed",
            expected="--push as well",
        )
