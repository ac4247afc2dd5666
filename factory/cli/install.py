"""``plugin-factory install``: what a portal's start-up does with its list of plugins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory.archives.limits import MAX_ENTRY_SIZE, archive_limits
from factory.cli.fetch_progress import listen_to_fetching
from factory.cli.install_view import as_document, show, show_plan
from factory.cli.log_level import LogLevel
from factory.cli.open_session import Session
from factory.cli.options import ARCHIVES, AsJson, LeastUrgent, MaxEntrySize, Verbose
from factory.cli.session import session
from factory.config.environment import layer_environment
from factory.installation.catalog_index import (
    choose_default_list,
    extract_entities,
    open_indexes,
)
from factory.installation.connections import ConnectionOptions
from factory.installation.install import InstallRequest, plan_installation
from factory.installation.install import install as run_install
from factory.installation.npmrc import read_npmrc, warn_of_unused
from factory.installation.plugin_list import display_names, read_plugin_list
from factory.oci.platforms import check_platform

if TYPE_CHECKING:
    from factory.installation.npmrc import Npmrc

EXAMPLES = """Examples:

\b
  # The plugins of ./dynamic-plugins.yaml, into ./dynamic-plugins-root.
  plugin-factory install

\b
  # In CI: does what was published install? Into a folder that is thrown away.
  plugin-factory install "$(mktemp -d)" --config dynamic-plugins.yaml --json

\b
  # Before a portal's container, which mounts the same volume elsewhere.
  plugin-factory install /dynamic-plugins-root --root-directory dynamic-plugins-root
"""


def install(
    ctx: typer.Context,
    root: Annotated[
        Path, typer.Argument(help="The folder that the portal loads plugins from.")
    ] = Path("dynamic-plugins-root"),
    *,
    config: Annotated[
        Path,
        # The first name makes the variable: PLUGIN_FACTORY_CONFIG would be mistaken for build's.
        typer.Option("--dynamic-plugins", "--config", metavar="FILE", help="The list of plugins."),
    ] = Path("dynamic-plugins.yaml"),
    root_directory: Annotated[
        str,
        typer.Option(
            help="What the portal calls ROOT, for dynamicPlugins.rootDirectory. Default: ROOT as "
            "given.",
            show_default=False,
        ),
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, and change nothing.")
    ] = False,
    continue_on_error: Annotated[
        bool,
        typer.Option(
            "--continue-on-error",
            help="Install what can be installed. Without it, the first failure leaves ROOT "
            "unchanged.",
        ),
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="How many plugins to fetch at once.")] = 4,
    no_wait: Annotated[
        bool,
        typer.Option(
            "--no-wait", help="Fail when another run uses ROOT, instead of waiting for it."
        ),
    ] = False,
    skip_integrity_check: Annotated[
        bool,
        typer.Option(
            "--skip-integrity-check",
            help="Take npm packages and archives by URL without an integrity. "
            "SKIP_INTEGRITY_CHECK=true does the same.",
            rich_help_panel=ARCHIVES,
        ),
    ] = False,
    max_entry_size: MaxEntrySize = "",
    platform: Annotated[
        str,
        typer.Option(
            help="The platform of the image, where there are several, as Node.js calls it, such as "
            "linux-x64. Without it, Linux and this machine's processor.",
            show_default=False,
        ),
    ] = "",
    log_level: LeastUrgent = LogLevel.INFO,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Install the plugins of a dynamic-plugins.yaml, as a portal does when it starts.

    Plugins are fetched from registries of images and of npm, from archives and folders, verified
    before they are unpacked, and put into ROOT together. What is there already is not fetched
    again; what is no longer listed is removed. Their configuration is merged into
    ROOT/app-config.dynamic-plugins.yaml.

    CATALOG_INDEX_IMAGE names the image that an included dynamic-plugins.default.yaml is taken from.
    """
    npmrc = read_npmrc(Path.cwd(), ctx.obj)
    with session(ctx, log_level=log_level, verbose=verbose, secrets=npmrc.secrets) as this:
        warn_of_unused(npmrc)
        options = _options(
            this,
            npmrc,
            skip_integrity_check=skip_integrity_check,
            max_entry_size=max_entry_size,
            platform=platform,
        )
        with open_indexes(options) as indexes:
            request = InstallRequest(
                entries=read_plugin_list(config, default_list=choose_default_list(indexes)),
                root=root.absolute(),
                root_directory=root_directory or str(root),
                options=options,
                jobs=jobs,
                wait=not no_wait,
                continue_on_error=continue_on_error,
            )
            names = display_names(request.entries)
            if dry_run:
                show_plan(
                    *plan_installation(request), request.root, names, out=this.out, as_json=as_json
                )
                return
            done = run_install(request, listen_to_fetching(this, names))
            extract_entities(indexes, options.environment)
        failed = [end.error for end in done.plugins if end.error]
        for error in failed:
            this.screen.show_error(error)
    if as_json:
        this.out.document(as_document(done, request.root, names))
    else:
        show(done, request.root, names, out=this.out)
    if failed:
        raise typer.Exit(min(error.exit_code for error in failed))


def _options(
    this: Session,
    npmrc: Npmrc,
    *,
    skip_integrity_check: bool,
    max_entry_size: str,
    platform: str,
) -> ConnectionOptions:
    environment = layer_environment(this.process)
    skip = skip_integrity_check or environment.get("SKIP_INTEGRITY_CHECK").lower() == "true"
    return ConnectionOptions(
        environment=environment,
        npmrc=npmrc,
        limits=archive_limits(max_entry_size or environment.get(MAX_ENTRY_SIZE)),
        skip_integrity=skip,
        checkpoint=this.runner.raise_if_cancelled,
        platform=check_platform(platform),
    )
