"""``plugin-factory try``: plugins in a real Backstage, and what became of each."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory.archives.limits import MAX_ENTRY_SIZE, archive_limits
from factory.cli.fetch_progress import listen_to_fetching
from factory.cli.log_level import LogLevel
from factory.cli.open_session import Session
from factory.cli.options import (
    AsJson,
    CacheDir,
    LeastUrgent,
    MaxEntrySize,
    Verbose,
)
from factory.cli.session import session
from factory.cli.try_view import show
from factory.config.environment import cache_dir_of, layer_environment
from factory.config.options import HOST_METAVAR
from factory.config.quantities_read import duration_seconds
from factory.errors import (
    CheckError,
    ConfigurationError,
    Place,
    StorageError,
    UsageError,
    os_errors_as,
)
from factory.installation.catalog_index import choose_default_list, open_indexes
from factory.installation.connections import ConnectionOptions
from factory.installation.install import InstallRequest, install
from factory.installation.npmrc import read_npmrc, warn_of_unused
from factory.installation.plugin_list import display_names
from factory.installation.portal_config import CONFIG_FILE
from factory.patterns import lazy_pattern
from factory.scratch_folder import scratch_folder
from factory.toolchain.cache_folder import ToolCache
from factory.toolchain.node import find_node, npm_of
from factory.trial.browser import find_browser
from factory.trial.installed_host import TRIAL_NODE, find_app, find_backend
from factory.trial.portal_system import choose_system, find_frontends, find_systems
from factory.trial.running_trial import TrialRequest, run_trial
from factory.trial.tried_plugins import list_tried_plugins
from factory.trial.verdicts import trial_document
from factory.ui.printing import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory.installation.npmrc import Npmrc
    from factory.toolchain.node import Npm
    from factory.trial.verdicts import TrialResult

log = logging.getLogger(__name__)

BACKEND = "Backstage"
PAGES = "Pages"
_ROUTE = lazy_pattern(r"/[!-~]*", re.ASCII)
_HIGHEST_PORT = 65535

EXAMPLES = """Examples:

\b
  # What a build left in ./outputs.
  plugin-factory try ./outputs

\b
  # A published image; with what a portal would configure, and a route that must answer.
  plugin-factory try oci://quay.io/team/plugin-todo-backend:1.2.3 \\
    --app-config app-config.yaml --route /api/todo/todos

\b
  # A portal's list, left running to look at until Ctrl-C.
  plugin-factory try dynamic-plugins.yaml --serve --port 7007

\b
  # Frontends as RHDH 1.10 shows them, by Scalprum, with a picture of each page.
  plugin-factory try ./outputs --host rhdh-1.10 --screenshots ./pictures

\b
  # In CI: fails if a plugin does not initialise.
  plugin-factory try ./outputs --json
"""


def try_in_backstage(
    ctx: typer.Context,
    targets: Annotated[
        list[str],
        typer.Argument(
            metavar="TARGET...",
            help="A .tgz, a folder that a build left them in, a plugin's unpacked folder, a folder "
            "that plugins are staged in, oci://REGISTRY/REPOSITORY:TAG, with !FOLDER for one of "
            "several plugins; or a portal's list (.yaml) with the plugins that are on in it.",
            show_default=False,
        ),
    ],
    *,
    app_config: Annotated[
        list[Path] | None,
        typer.Option(
            "--app-config",
            metavar="FILE",
            help="An app-config file for Backstage, over what comes with the plugins. May be given "
            "more than once; later ones count.",
            show_default=False,
            rich_help_panel=BACKEND,
        ),
    ] = None,
    route: Annotated[
        list[str] | None,
        typer.Option(
            "--route",
            metavar="PATH",
            help="A path, such as /api/todo/todos, that must answer with success. May be given "
            "more than once.",
            show_default=False,
            rich_help_panel=BACKEND,
        ),
    ] = None,
    initialise_within: Annotated[
        str,
        typer.Option(
            "--initialise-within",
            metavar="DURATION",
            help="How long plugins may take to initialise: 30s, 5m.",
            rich_help_panel=BACKEND,
        ),
    ] = "60s",
    browser: Annotated[
        str,
        typer.Option(
            metavar="PROGRAM",
            help="Chromium or Chrome, which opens the frontends' pages without a window. Without "
            "it, the one on the PATH; where none is, no page is opened.",
            show_default=False,
            rich_help_panel=PAGES,
        ),
    ] = "",
    no_pages: Annotated[
        bool,
        typer.Option(
            "--no-pages",
            help="Open no page: of frontends, ask only whether their scripts are served.",
            rich_help_panel=PAGES,
        ),
    ] = False,
    screenshots: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Put a picture of each page into a folder, over those of before.",
            show_default=False,
            rich_help_panel=PAGES,
        ),
    ] = None,
    serve: Annotated[
        bool,
        typer.Option(
            "--serve",
            help="Leave Backstage running until Ctrl-C.",
            rich_help_panel=BACKEND,
        ),
    ] = False,
    port: Annotated[
        int,
        typer.Option(
            min=0,
            max=_HIGHEST_PORT,
            help="The port on 127.0.0.1. 0 takes a free one.",
            rich_help_panel=BACKEND,
        ),
    ] = 0,
    host: Annotated[
        str | None,
        typer.Option(
            "--host",
            metavar=HOST_METAVAR,
            help="The portal whose frontend system the app has: one that 'plugin-factory host "
            "list' shows, a release of Backstage such as backstage-1.52, or your portal's "
            "yarn.lock. Without it, a system that the plugins show in, the new one first.",
            show_default=False,
            rich_help_panel=PAGES,
        ),
    ] = None,
    host_modules: Annotated[
        list[Path] | None,
        typer.Option(
            "--host-modules",
            metavar="DIR",
            help="A node_modules folder of packages that the portal shares with plugins, beside "
            "those of this Backstage. May be given more than once.",
            show_default=False,
            rich_help_panel=BACKEND,
        ),
    ] = None,
    log_file: Annotated[
        Path | None,
        typer.Option(
            "--log-file",
            metavar="FILE",
            help="Append to a file what Backstage and the plugins print, notices included.",
            show_default=False,
            rich_help_panel=BACKEND,
        ),
    ] = None,
    cache_dir: CacheDir = None,
    max_entry_size: MaxEntrySize = "",
    log_level: LeastUrgent = LogLevel.INFO,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Try plugins in a real Backstage, and say what became of each.

    The plugins are verified and staged as 'plugin-factory install' does, in a folder that is thrown
    away, and a Backstage backend is started with them, with a database in memory, a guest who is
    signed in, and a catalog of sample entities. It is installed into the cache once. For each
    backend plugin and module: did it initialise, and if not, why. Frontends are loaded by a real
    app of the portal's frontend system, and their pages opened in a browser, if there is one, the
    entities' pages that they have something on included. Routes of the plugins that take no
    parameters are asked once.

    The plugins' code runs, with your rights, but with an environment that holds nothing of yours,
    and a HOME and a temporary folder that are gone afterwards.

    Fails if a plugin does not initialise or show, or a --route does not answer.
    """
    npmrc = read_npmrc(Path.cwd(), ctx.obj)
    with session(ctx, log_level=log_level, verbose=verbose, secrets=npmrc.secrets) as this:
        warn_of_unused(npmrc)
        seconds = duration_seconds(initialise_within, "--initialise-within")
        routes = tuple(_check_route(one) for one in route or ())
        configs = tuple(check_config(one) for one in app_config or ())
        modules = tuple(_check_modules(one) for one in host_modules or ())
        systems = find_systems(host)
        kept_log = _open_log(log_file) if log_file else None
        with scratch_folder("staged") as staging:
            root = staging / "dynamic-plugins-root"
            options = connection_options(this, npmrc, max_entry_size)
            folders = stage(this, targets, root, options)
            npm = find_npm(this, cache_dir, staging)
            words = find_browser(browser, npm.cache.environment)
            there = find_frontends(folders)
            system = choose_system(there, systems)
            frontends = () if no_pages else there
            if frontends and not words:
                log.warning("there is no Chromium on the PATH: no page is opened")
            result = run_trial(
                TrialRequest(
                    script=find_backend(npm),
                    node=npm.node,
                    root=root,
                    folders=folders,
                    configs=(root / CONFIG_FILE, *configs),
                    port=port,
                    seconds=seconds,
                    routes=routes,
                    app=find_app(npm, system) if frontends else None,
                    system=system,
                    modules=modules,
                    browser=words,
                    screenshots=_make_folder(screenshots) if screenshots else None,
                    serves=serve,
                    log=kept_log,
                ),
                this.runner,
                on_result=lambda found: _show(this, found, as_json=as_json, serves=serve),
                on_line=say if verbose else None,
            )
    if not result.holds:
        raise typer.Exit(CheckError.exit_code)


def _show(this: Session, result: TrialResult, *, as_json: bool, serves: bool) -> None:
    if as_json:
        this.out.document(trial_document(result))
    else:
        show(result, this.out)
    if serves and not result.report.error:
        say(f"{result.report.address} is served until Ctrl-C")


def stage(
    this: Session, targets: Sequence[str], root: Path, options: ConnectionOptions
) -> tuple[Path, ...]:
    """Put what is named into a dynamic plugins folder, and return the folders in it.

    Raises:
        FactoryError: something is not available, or is not what it should be.
    """
    with open_indexes(options) as indexes:
        entries = list_tried_plugins(targets, default_list=choose_default_list(indexes))
        request = InstallRequest(
            entries=entries, root=root, root_directory=str(root), options=options
        )
        names = display_names(entries)
        done = install(request, listen_to_fetching(this, names))
    return tuple(root / end.folder for end in done.plugins if end.folder)


def find_npm(this: Session, cache_dir: Path | None, temporary: Path) -> Npm:
    """Return the npm that installs the Backstage to try plugins in, and its Node.js."""
    environment = layer_environment(this.process)
    tools = ToolCache(
        folder=cache_dir_of(cache_dir, environment), environment=environment, runner=this.runner
    )
    return npm_of(find_node(TRIAL_NODE, tools), tools, temporary=temporary)


def _make_folder(folder: Path) -> Path:
    unwritable = StorageError(
        "the pictures cannot be written",
        place=Place(file=folder),
        hint="name another folder with --screenshots",
    )
    with os_errors_as(unwritable):
        folder.mkdir(parents=True, exist_ok=True)
    return folder.absolute()


def connection_options(this: Session, npmrc: Npmrc, max_entry_size: str) -> ConnectionOptions:
    """Return how plugins are brought, and what an archive may hold."""
    environment = layer_environment(this.process)
    return ConnectionOptions(
        environment=environment,
        npmrc=npmrc,
        limits=archive_limits(max_entry_size or environment.get(MAX_ENTRY_SIZE)),
        skip_integrity=False,
        checkpoint=this.runner.raise_if_cancelled,
    )


def _check_route(written: str) -> str:
    if _ROUTE.fullmatch(written) and not written.startswith("//"):
        return written
    raise UsageError(
        "--route is not a path",
        found=written,
        expected="a path on the backend, such as /api/todo/todos",
    )


def check_config(file: Path) -> Path:
    """Return an app-config file's absolute path.

    Raises:
        ConfigurationError: there is no such file.
    """
    if file.is_file():
        return file.absolute()
    raise ConfigurationError(
        "there is no such app-config file",
        place=Place(file=file),
        hint="name a file with --app-config FILE, such as your portal's app-config.yaml",
    )


def _check_modules(folder: Path) -> Path:
    if folder.is_dir():
        return folder.absolute()
    raise UsageError(
        "--host-modules is not a folder",
        found=str(folder),
        expected="a node_modules folder, such as your portal's",
    )


def _open_log(file: Path) -> Path:
    unwritable = StorageError(
        "the log cannot be written",
        place=Place(file=file),
        hint="name another file with --log-file",
    )
    with os_errors_as(unwritable):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.open("a", encoding="utf-8").close()
    return file.absolute()
