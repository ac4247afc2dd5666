"""``plugin-factory bridge``: frontend plugins of the old system brought to the new one."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from factory.analysis.inventory import find_host
from factory.cli.options import AsJson, Host, Only
from factory.config.default_folders import CONFIG_DIR
from factory.scaffolding.bridge import plan_bridge
from factory.scaffolding.writing import place_all, refuse_existing
from factory.ui.printing import OUT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from factory.scaffolding.bridge import Bridge, BridgedPlugin
    from factory.scaffolding.writing import PlacedFile

EXAMPLES = """Examples:

\b
  # What would be written, and what would be left to do by hand.
  plugin-factory bridge ./source --config-dir ./config --dry-run

\b
  # One plugin, for a portal of plain Backstage.
  plugin-factory bridge ./source --config-dir ./config --only plugins/todo --host backstage-1.52
"""

FORMAT = 1


def bridge(
    workspace: Annotated[
        Path,
        typer.Argument(
            help="The folder of a yarn workspace, without patches and overlays; nothing needs to "
            "be installed."
        ),
    ] = Path(),
    *,
    config_dir: Annotated[
        Path,
        typer.Option(
            "--config-dir",
            help="The configuration directory: what app-config.dynamic.yaml mounts of a plugin is "
            "read there, and the overlay and the patch are written there.",
        ),
    ] = CONFIG_DIR,
    only: Only = None,
    host: Host = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace existing files, and name each of them.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing: show what would be written.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring frontend plugins of the old system to the new one, by overlays.

    A plugin gets one more entry point, whose default export is made by convertLegacyPlugin() of
    @backstage/core-compat-api, with an extension for each page, card, tab and API that its
    app-config.dynamic.yaml mounts. What has no counterpart is listed, with the page of Backstage's
    documentation that helps. Dependencies have the versions of the portal (--host), or
    older ones.

    Writes all files or none, and replaces no existing file. The plugin still shows in portals of
    the old system.
    """
    planned = plan_bridge(workspace, config_dir, find_host(host), tuple(only or ()))
    files = refuse_existing(list(planned.files), force=force)
    if not dry_run:
        place_all(planned.files)
    if as_json:
        OUT.document(_as_json(planned, files, dry_run=dry_run))
    else:
        OUT.lines(*_lines(planned, files, workspace, dry_run=dry_run))


def _lines(
    planned: Bridge, files: Sequence[PlacedFile], workspace: Path, *, dry_run: bool
) -> Iterator[str]:
    for skipped in planned.skipped:
        yield f"{skipped.path}: nothing to do: {skipped.why}"
    for plugin in planned.plugins:
        yield f"{plugin.path} ({plugin.name}): {plugin.mount}"
        yield from (f"  {way} → {extension}" for way, extension in plugin.extensions)
        for one in plugin.left:
            yield f"  not translated: {one.way}: {one.why}"
            yield f"    {one.page}"
        yield from (f"  needs {one.package} {one.range}" for one in plugin.wanted)
        for package, version in plugin.newer:
            yield f"  warning: {package} {version} of yarn.lock is newer than the portal's"
        yield f"  {plugin.verdict.new}"
    would = "would be " if dry_run else ""
    for file in files:
        yield f"{would}{'replaced' if file.replaced else 'written'}  {file.path}"
    yield from _next_steps(planned.plugins, workspace)


def _next_steps(plugins: Sequence[BridgedPlugin], workspace: Path) -> Iterator[str]:
    """What is left to type where yarn.lock does not have what is needed."""
    unlocked = [one for one in plugins if not all(each.is_locked for each in one.wanted)]
    if not unlocked:
        return
    yield ""
    yield "yarn.lock does not have all of it; in a clean checkout of the source:"
    yield f"  cd {shlex.quote(os.fspath(workspace))}"
    for plugin in unlocked:
        yield f"  patch -p1 < {shlex.quote(os.path.abspath(plugin.patch))}"  # noqa: PTH100
    lock = unlocked[0].patch.with_name("9001-bridge-lock.patch")
    yield "  yarn install --mode=update-lockfile"
    yield f"  git diff --relative yarn.lock > {shlex.quote(os.path.abspath(lock))}"  # noqa: PTH100


def _as_json(planned: Bridge, files: Sequence[PlacedFile], *, dry_run: bool) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "dry-run": dry_run,
        "plugins": [
            {
                "path": plugin.path,
                "name": plugin.name,
                "mount": plugin.mount,
                "extensions": [{"of": way, "id": made} for way, made in plugin.extensions],
                "not-translated": [
                    {"of": one.way, "why": one.why, "page": one.page} for one in plugin.left
                ],
                "dependencies": [
                    {"name": one.package, "range": one.range, "locked": one.is_locked}
                    for one in plugin.wanted
                ],
                "newer-than-portal": dict(plugin.newer),
                "frontend-systems": plugin.verdict.as_json(),
            }
            for plugin in planned.plugins
        ],
        "skipped": [{"path": one.path, "why": one.why} for one in planned.skipped],
        "files": [{"path": str(file.path), "replaced": file.replaced} for file in files],
    }
