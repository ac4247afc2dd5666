"""``plugin-factory registry``: the frontend plugin registry of staged plugins."""

from __future__ import annotations

import logging
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory.analysis.inventory import find_host
from factory.cli.log_level import LogLevel
from factory.cli.open_session import Session
from factory.cli.options import LeastUrgent, Verbose
from factory.cli.session import session
from factory.config.quantities_read import duration_seconds
from factory.errors import CheckError, Place, StorageError, UsageError, os_errors_as
from factory.files import write_whole
from factory.plugin_registry.entries import check_asset_host, check_assets_path, registry_text
from factory.plugin_registry.entries import registry as registry_of
from factory.plugin_registry.frontend_plugins import find_staged_plugins
from factory.plugin_registry.remotes import find_remotes
from factory.plugin_registry.retention import publish_assets
from factory.plugin_registry.singletons import find_mismatches
from factory.quantities import pluralize
from factory.ui.printing import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory.plugin_registry.frontend_plugins import StagedPlugin

CONTENT = "Contents"
CHECKS = "Singletons"
ASSETS = "Assets"

EXAMPLES = """Examples:

\b
  # The frontend plugins that are staged in ./dynamic-plugins-root, on the standard output.
  plugin-factory registry ./dynamic-plugins-root

\b
  # The remotes of module federation, as /.backstage/dynamic-features/remotes answers.
  plugin-factory registry ./dynamic-plugins-root --form remotes \\
    --asset-host https://portal.example.com

\b
  # With the manifests in it, for a portal whose assets are on another host.
  plugin-factory registry ./dynamic-plugins-root --embed --asset-host https://assets.example.com

\b
  # Registry and assets for a static server; chunks of old versions stay for a week.
  plugin-factory registry ./dynamic-plugins-root --output ./public/plugin-registry.json \\
    --assets ./public/dynamic-plugins/assets --retain 7d
"""


class RegistryForm(StrEnum):
    """How the registry holds its entries."""

    OBJECT = "object"
    ARRAY = "array"
    REMOTES = "remotes"


def registry(
    ctx: typer.Context,
    root: Annotated[
        Path,
        typer.Argument(
            help="The folder that plugins are staged in: each in a folder of its own.",
            show_default=False,
        ),
    ],
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            help="The file to write; an existing one is replaced. Without it, standard output.",
            rich_help_panel=CONTENT,
        ),
    ] = None,
    form: Annotated[
        RegistryForm,
        typer.Option(
            help="An object by plugin name, or an array, of what the old frontend system loads "
            "(Scalprum); or the remotes of module federation, which the new one loads.",
            rich_help_panel=CONTENT,
        ),
    ] = RegistryForm.OBJECT,
    embed: Annotated[
        bool,
        typer.Option(
            "--embed",
            help="Put the plugins' manifests into the registry instead of their locations.",
            rich_help_panel=CONTENT,
        ),
    ] = False,
    asset_host: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="Where a browser gets the assets. Without it, from the portal itself.",
            rich_help_panel=CONTENT,
        ),
    ] = "",
    assets_path: Annotated[
        str,
        typer.Option(
            metavar="TEMPLATE",
            help="The path of a plugin's assets there, of {folder}, {assets} (the folder of the "
            "manifest within it) and {name}. RHDH's is '/api/scalprum/{name}'.",
            rich_help_panel=CONTENT,
        ),
    ] = "/dynamic-plugins/assets/{folder}/{assets}",
    host: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="The portal whose versions singletons are compared with: a release that "
            "'plugin-factory host list' shows, or your portal's yarn.lock. Without it, the "
            "newest release.",
            rich_help_panel=CHECKS,
        ),
    ] = None,
    allow_mismatches: Annotated[
        bool,
        typer.Option(
            "--allow-mismatches",
            help="Warn about singletons that do not fit, and write the registry anyway.",
            rich_help_panel=CHECKS,
        ),
    ] = False,
    assets: Annotated[
        Path | None,
        typer.Option(
            help="Also copy the plugins' assets into this folder, to be served.",
            rich_help_panel=ASSETS,
        ),
    ] = None,
    retain: Annotated[
        str,
        typer.Option(
            metavar="DURATION",
            help="How long content-hashed files stay in --assets after an upgrade: 12h, 7d.",
            rich_help_panel=ASSETS,
        ),
    ] = "7d",
    log_level: LeastUrgent = LogLevel.INFO,
    verbose: Verbose = False,
) -> None:
    """Write the frontend plugin registry of staged plugins.

    A portal's app reads it to know which frontend plugins there are and where their manifests and
    scripts come from. An app of the new frontend system asks its backend for the remotes of module
    federation instead: --form remotes.

    Modules that a page may load only once (such as react) are compared between the plugins,
    and with the portal; a mismatch is an error.
    """
    with session(ctx, log_level=log_level, verbose=verbose) as this:
        if form is RegistryForm.REMOTES:
            _write_remotes(this, root, output, check_asset_host(asset_host), assets or embed)
            return
        served_from = check_asset_host(asset_host)
        served_at = check_assets_path(assets_path)
        seconds = duration_seconds(retain, "--retain")
        plugins = find_staged_plugins(root)
        _check_singletons(plugins, host, allow=allow_mismatches)
        text = registry_text(
            registry_of(
                plugins,
                asset_host=served_from,
                assets_path=served_at,
                embed=embed,
                form="array" if form is RegistryForm.ARRAY else "object",
            )
        )
        if assets:
            _publish(this, plugins, assets, seconds)
        if output:
            _write(output, text)
            say(f"{output}: {pluralize(len(plugins), 'frontend plugin')}")
    if not output:
        this.out.json_text(text)


def _write_remotes(
    this: Session, root: Path, output: Path | None, base: str, others: Path | bool
) -> None:
    """Write the list that a backend of the new frontend system serves."""
    if others:
        raise UsageError(
            "--form remotes goes with neither --embed nor --assets",
            expected="one of them: of remotes, a backend serves manifests and files itself",
        )
    remotes = find_remotes(root, base=base)
    text = registry_text(remotes)
    if output:
        _write(output, text)
        say(f"{output}: {pluralize(len(remotes), 'remote')}")
    else:
        this.out.json_text(text)


def _check_singletons(plugins: Sequence[StagedPlugin], host: str | None, *, allow: bool) -> None:
    found = find_mismatches(plugins, find_host(host))
    if not found:
        return
    if allow:
        for mismatch in found:
            logging.getLogger(__name__).warning("%s", mismatch)
        return
    raise CheckError(
        "singleton modules, which a page may load only once, have incompatible versions",
        details="\n".join(str(mismatch) for mismatch in found),
        hint="build the plugins against one portal, or use --allow-mismatches to write it anyway",
    )


def _publish(this: Session, plugins: Sequence[StagedPlugin], assets: Path, seconds: float) -> None:
    this.runner.raise_if_cancelled()
    done = publish_assets(plugins, assets, retain=seconds, now=time.time())
    added = pluralize(len(done.added), "file")
    say(
        f"{assets}: {added} added, {len(done.retained)} of old versions kept, "
        f"{len(done.removed)} removed"
    )


def _write(output: Path, text: str) -> None:
    unwritable = StorageError(
        "the registry cannot be written",
        place=Place(file=output),
        hint="name another file with --output",
    )
    with os_errors_as(unwritable):
        output.parent.mkdir(parents=True, exist_ok=True)
        write_whole(output, text)
