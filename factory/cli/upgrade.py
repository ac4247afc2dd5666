"""``plugin-factory upgrade``: what becomes of a portal's list when the portal moves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from factory.analysis.inventory import find_host
from factory.archives.limits import MAX_ENTRY_SIZE, archive_limits
from factory.cli.fetch_progress import listen_to_fetching
from factory.cli.log_level import LogLevel
from factory.cli.options import (
    AsJson,
    LeastUrgent,
    MaxEntrySize,
    RegistryConfigDir,
    Verbose,
)
from factory.cli.session import session
from factory.cli.upgrade_view import move_document, show_move
from factory.config.default_folders import CONFIG_DIR
from factory.config.environment import ENV_FILE, layer_environment
from factory.installation.catalog_index import choose_default_list, open_indexes
from factory.installation.connections import ConnectionOptions
from factory.installation.npmrc import read_npmrc, warn_of_unused
from factory.installation.plugin_list import display_names, read_plugin_list
from factory.upgrading.list_examination import examine_list
from factory.upgrading.portal_move import PortalMove

EXAMPLES = """Examples:

\b
  # What has to be done before the portal moves?
  plugin-factory upgrade --from rhdh-1.9 --to rhdh-2.0 --config dynamic-plugins.yaml

\b
  # In CI: the same for a program; the exit code is 0 if there is nothing to do.
  plugin-factory upgrade --from rhdh-1.9 --to rhdh-2.0 --json

\b
  # From a portal of your own, by its yarn.lock, to plain Backstage.
  plugin-factory upgrade --from ../portal/yarn.lock --to backstage-1.52
"""


def upgrade(
    ctx: typer.Context,
    *,
    old: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="NAME|PATH",
            help="The portal as it is: a host of 'plugin-factory host list', or the path of a "
            "yarn.lock or of a file of 'host import'.",
            show_default=False,
        ),
    ],
    new: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="NAME|PATH",
            help="The portal that it is to become, named in the same ways.",
            show_default=False,
        ),
    ],
    config: Annotated[
        Path,
        # The first name makes the variable, as for 'install'.
        typer.Option(
            "--dynamic-plugins", "--config", metavar="FILE", help="The portal's list of plugins."
        ),
    ] = Path("dynamic-plugins.yaml"),
    config_dir: RegistryConfigDir = CONFIG_DIR,
    max_entry_size: MaxEntrySize = "",
    log_level: LeastUrgent = LogLevel.INFO,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Show what becomes of a portal's list of plugins when the portal moves to another release.

    Each plugin that is on is fetched as 'install' does, and held against the new portal: whether
    the versions of what it takes from there still fit, whether it shows in the frontend systems
    that are loaded there, and which of its configuration has no effect any more. Nothing of it is
    run, and nothing is installed.

    Ends with 0 if there is nothing to do, and with 14 if a plugin has to be built again, shows
    nothing, or loses configuration; a plugin that cannot be fetched ends it with the code of that
    error.
    """
    env_file = config_dir / ENV_FILE
    environment = layer_environment(ctx.obj, (env_file,))
    npmrc = read_npmrc(Path.cwd(), environment.variables)
    with session(
        ctx, env_files=(env_file,), log_level=log_level, verbose=verbose, secrets=npmrc.secrets
    ) as this:
        warn_of_unused(npmrc)
        move = PortalMove(old=find_host(old), new=find_host(new))
        options = ConnectionOptions(
            environment=environment,
            npmrc=npmrc,
            limits=archive_limits(max_entry_size or environment.get(MAX_ENTRY_SIZE, "")),
            skip_integrity=True,  # nothing of what is looked at is run, or kept
            checkpoint=this.runner.raise_if_cancelled,
        )
        with open_indexes(options) as indexes:
            entries = read_plugin_list(config, default_list=choose_default_list(indexes))
            listener = listen_to_fetching(this, display_names(entries))
            moved = examine_list(entries, move, options, listener)
    if as_json:
        this.out.document(move_document(moved, config))
    else:
        show_move(moved, new, this.out)
    if moved.exit_code:
        raise typer.Exit(moved.exit_code)
