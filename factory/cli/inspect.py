"""``plugin-factory inspect``: what a frontend plugin adds to a page, and of what it is made."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from factory.archives.limits import MAX_ENTRY_SIZE, archive_limits
from factory.archives.npm_package import LARGEST_PACKAGE_JSON, PACKAGE_FOLDER, PACKAGE_JSON
from factory.archives.safe_folder import walk_safely
from factory.archives.unpack import unpack
from factory.cli.inspect_view import document_of, show
from factory.cli.options import AsJson, LeastUrgent, LogLevel, MaxEntrySize, Verbose
from factory.cli.session import session
from factory.errors import ArtifactError, CheckError, Place, StorageError, UsageError, os_errors_as
from factory.files import write_whole
from factory.frontend.bundle_manifests import BrokenManifestError
from factory.frontend.source_tree import ScriptFolder
from factory.inspection.inspect_bundle import inspect_bundles
from factory.inspection.module_map import make_module_map
from factory.inspection.size_limits import find_excesses, read_size_limits
from factory.inspection.treemap import treemap_page
from factory.notation.json_text import parse_object
from factory.scratch_folder import scratch_folder
from factory.ui.printing import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory.archives.limits import ArchiveLimits
    from factory.inspection.inspect_bundle import InspectedBundle

EXAMPLES = """Examples:

\b
  # Sizes, what is shared, and the biggest packages.
  plugin-factory inspect ./outputs/acme-plugin-todo-dynamic-1.4.0.tgz

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
        Path,
        typer.Argument(
            help="A packed plugin (.tgz), or the folder of an unpacked one: dist-dynamic, or what "
            "was installed.",
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
    with session(ctx, log_level=log_level, verbose=verbose) as this:
        if module_map and (limits or html):
            raise UsageError(
                "--module-map goes with neither --limits nor --html", expected="one of them"
            )
        allowed = read_size_limits(limits) if limits else None
        most = archive_limits(max_entry_size or this.process.get(MAX_ENTRY_SIZE, ""))
        with _open_artifact(artifact, most) as root:
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
            this.out.document(document_of(str(artifact), package, bundles, excesses))
        else:
            show(title, bundles, excesses, this.out)
        if excesses:
            raise CheckError(
                "the plugin adds more to a page than its limits allow",
                place=Place(file=limits) if limits else None,
                details="\n".join(map(str, excesses)),
                hint="see what it is made of with --html FILE, or raise the limits",
            )


@contextlib.contextmanager
def _open_artifact(artifact: Path, limits: ArchiveLimits) -> Iterator[Path]:
    """The unpacked plugin."""
    if artifact.is_dir():
        for _ in walk_safely(artifact):
            pass
        yield artifact
        return
    if not artifact.is_file():
        raise UsageError(
            "there is no plugin here",
            found=str(artifact),
            expected="a .tgz, or the folder of an unpacked plugin",
            hint="build first: plugin-factory build --output-dir ./outputs",
        )
    with scratch_folder("inspect") as work:
        folder = work / "plugin"
        unpack(artifact, folder, select=PACKAGE_FOLDER, limits=limits)
        yield folder


def _read_package(root: Path, artifact: Path) -> dict[str, Any]:
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


def _inspect(root: Path, artifact: Path) -> tuple[InspectedBundle, ...]:
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
