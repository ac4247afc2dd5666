"""``plugin-factory inspect``: what a frontend plugin adds to a page, and of what it is made."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from factory.archives.limits import MAX_ENTRY_SIZE, archive_limits
from factory.archives.npm_package import LARGEST_PACKAGE_JSON, PACKAGE_JSON
from factory.cli.fetch_progress import PROGRESS_SECONDS
from factory.cli.inspect_view import document_of, show
from factory.cli.log_level import LogLevel
from factory.cli.options import (
    AsJson,
    LeastUrgent,
    MaxEntrySize,
    RegistryConfigDir,
    Verbose,
)
from factory.cli.session import session
from factory.config.default_folders import CONFIG_DIR
from factory.config.environment import ENV_FILE, layer_environment
from factory.errors import ArtifactError, CheckError, Place, StorageError, UsageError, os_errors_as
from factory.files import write_whole
from factory.frontend.bundle_manifests import BrokenManifestError
from factory.frontend.source_tree import ScriptFolder
from factory.inspection.inspect_bundle import inspect_bundles
from factory.inspection.module_map import make_module_map
from factory.inspection.opened_artifact import open_artifact
from factory.inspection.size_limits import find_excesses, read_size_limits
from factory.inspection.treemap import treemap_page
from factory.installation.connections import ConnectionOptions
from factory.installation.npmrc import Npmrc
from factory.notation.json_text import parse_object
from factory.quantities import size
from factory.ui.printing import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from factory.inspection.inspect_bundle import InspectedBundle

EXAMPLES = """Examples:

\b
  # Sizes, what is shared, and the biggest packages.
  plugin-factory inspect ./outputs/acme-plugin-todo-dynamic-1.4.0.tgz

\b
  # A published plugin.
  plugin-factory inspect oci://quay.io/team/plugin-todo:1.4.0

\b
  # A picture to look at.
  plugin-factory inspect ./outputs/acme-plugin-todo-dynamic-1.4.0.tgz --html todo.html

\b
  # In CI: fail if it has grown beyond the limits of a file.
  plugin-factory inspect ./dist-dynamic --limits size-limits.yaml --json

\b
  # In which file of a library each of its exports is.
  plugin-factory inspect ./node_modules/@mui/material --module-map
"""


def inspect_artifact(
    ctx: typer.Context,
    artifact: Annotated[
        str,
        typer.Argument(
            help="A packed plugin (.tgz), the folder of an unpacked one (dist-dynamic, or what was "
            "installed), or an image: oci://REGISTRY/REPOSITORY:TAG, with !FOLDER for one plugin "
            "of several.",
            show_default=False,
        ),
    ],
    *,
    limits: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A YAML or JSON file with the most that each part may have, as gzip sends it: "
            "entry, at-once, later, total; and refused-packages.",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also write a page with a treemap of the packages; an existing one is replaced.",
        ),
    ] = None,
    module_map: Annotated[
        bool,
        typer.Option(
            "--module-map",
            help="Print instead in which file each export of the package is, as JSON.",
        ),
    ] = False,
    config_dir: RegistryConfigDir = CONFIG_DIR,
    max_entry_size: MaxEntrySize = "",
    log_level: LeastUrgent = LogLevel.INFO,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Show what a frontend plugin adds to a page, and of what it is made.

    For each bundle: the files by when they are loaded, with their sizes as gzip sends them; what it
    shares with the page; what it has for itself though portals share it; and the biggest packages,
    by source map. Nothing of the plugin is run.
    """
    env_file = config_dir / ENV_FILE
    with session(ctx, env_files=(env_file,), log_level=log_level, verbose=verbose) as this:
        if module_map and (limits or html):
            raise UsageError(
                "--module-map goes with neither --limits nor --html", expected="one of them"
            )
        allowed = read_size_limits(limits) if limits else None
        environment = layer_environment(this.process, (env_file,))
        options = ConnectionOptions(
            environment=environment,
            npmrc=Npmrc(values={}),
            limits=archive_limits(max_entry_size or environment.get(MAX_ENTRY_SIZE, "")),
            skip_integrity=True,  # nothing of it is run, or kept
            checkpoint=this.runner.raise_if_cancelled,
        )
        with open_artifact(artifact, options, _tell_of(artifact)) as root:
            package = _read_package(root, artifact)
            if module_map:
                this.out.document(make_module_map(ScriptFolder(root=root), package))
                return
            bundles = _inspect(root, artifact)
        excesses = tuple(find_excesses(bundles, allowed)) if allowed else ()
        title = f"{package.get('name', '')} {package.get('version', '')}"
        if html:
            _write(html, treemap_page(title, bundles))
        if as_json:
            this.out.document(document_of(artifact, package, bundles, excesses))
        else:
            show(title, bundles, excesses, this.out)
        if excesses:
            raise CheckError(
                "the plugin adds more to a page than its limits allow",
                place=Place(file=limits) if limits else None,
                details="\n".join(map(str, excesses)),
                hint="see what it is made of with --html FILE, or raise the limits",
            )


def _tell_of(artifact: str) -> Callable[[int, int], None]:
    """What tells how much of an image is there, at most twice a second."""
    told = time.monotonic()

    def tell(there: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told >= PROGRESS_SECONDS:
            told = time.monotonic()
            say(f"{artifact}: {size(there)}{f' of {size(total)}' if total else ''}")

    return tell


def _read_package(root: Path, artifact: str) -> dict[str, Any]:
    file = root / PACKAGE_JSON
    try:
        if file.stat().st_size <= LARGEST_PACKAGE_JSON:
            return parse_object(file.read_bytes())
        found = f"more than {LARGEST_PACKAGE_JSON} bytes"
    except (OSError, ValueError) as error:
        found = str(getattr(error, "strerror", None) or error)
    raise ArtifactError(
        "there is no readable package.json",
        found=f"{artifact}: {found}",
        expected="a plugin as it was exported or packed",
    )


def _inspect(root: Path, artifact: str) -> tuple[InspectedBundle, ...]:
    say(f"inspecting {artifact}")
    try:
        bundles = inspect_bundles(root)
    except BrokenManifestError as error:
        raise ArtifactError(
            error.problem,
            found=error.found,
            expected=error.expected,
            hint=f"verify it: plugin-factory verify {artifact}",
        ) from error
    if not bundles:
        raise ArtifactError(
            "there is no frontend bundle in it",
            found=str(artifact),
            expected="dist/mf-manifest.json or dist-scalprum/plugin-manifest.json",
            hint="name a frontend plugin; a backend adds nothing to a page",
        )
    return bundles


def _write(file: Path, page: str) -> None:
    unwritable = StorageError(
        "the page cannot be written",
        place=Place(file=file),
        hint="name another file with --html",
    )
    with os_errors_as(unwritable):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, page)
