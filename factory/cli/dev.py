"""``plugin-factory dev``: an author's plugin in a real Backstage, built again when it is saved."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory.analysis.discovery import discover_plugins
from factory.analysis.manifest import MANIFEST_FILE
from factory.cli.log_level import LogLevel
from factory.cli.open_session import Session
from factory.cli.options import CacheDir, Host, LeastUrgent, Verbose
from factory.cli.session import session
from factory.cli.trial import (
    check_config,
    connection_options,
    find_npm,
    stage,
)
from factory.cli.try_view import show
from factory.config.environment import ENV_FILE
from factory.config.options import build_options
from factory.config.portals import PortalScope
from factory.config.run_plan import plan_run
from factory.errors import FactoryError, Interrupted, UsageError
from factory.events import StageFinished
from factory.files import remove_tree
from factory.installation.npmrc import read_npmrc, warn_of_unused
from factory.installation.portal_config import CONFIG_FILE
from factory.pipeline.run import build_run
from factory.quantities import duration, join_names
from factory.scheduling.capacity import default_jobs
from factory.scratch_folder import scratch_folder
from factory.trial.author_loop import AuthorLoop
from factory.trial.installed_host import find_app, find_backend
from factory.trial.portal_system import choose_system, find_frontends, find_systems
from factory.trial.running_trial import TrialRequest, run_trial
from factory.trial.watched_sources import find_sources
from factory.ui.printing import say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from factory.config.options import BuildOptions
    from factory.events import Event
    from factory.toolchain.runner import Runner
    from factory.trial.author_loop import AuthorRound
    from factory.trial.verdicts import TrialResult
    from factory.trial.watched_sources import SavedChange

_HIGHEST_PORT = 65535
_BACKSTAGE_PORT = 7007
_SHOWN = 5

EXAMPLES = """Examples:

\b
  # In a workspace: the plugin at http://127.0.0.1:7007, built again when a file is saved.
  plugin-factory dev plugins/todo-backend

\b
  # A frontend with its backend, as the portal of --host has its packages.
  plugin-factory dev plugins/todo plugins/todo-backend --host rhdh-1.10

\b
  # With the overlays and the app-config of a configuration directory.
  plugin-factory dev plugins/todo-backend --config-dir ../config --app-config app-config.yaml
"""


def develop(
    ctx: typer.Context,
    plugins: Annotated[
        list[str],
        typer.Argument(
            metavar="PLUGIN...",
            help="The folder of a plugin in the workspace, such as plugins/todo-backend.",
            show_default=False,
        ),
    ],
    *,
    workspace: Annotated[
        Path,
        typer.Option(
            "--workspace",
            metavar="DIR",
            help="The yarn workspace that has the plugins. They are built in place.",
        ),
    ] = Path(),
    config_dir: Annotated[
        Path | None,
        typer.Option(
            "--config-dir",
            metavar="DIR",
            help="A configuration directory, whose patches and overlays change the workspace. "
            "Without it there are none, and build arguments are computed.",
            show_default=False,
        ),
    ] = None,
    host: Host = None,
    app_config: Annotated[
        list[Path] | None,
        typer.Option(
            "--app-config",
            metavar="FILE",
            help="An app-config file for Backstage. May be given more than once; later ones count.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[
        int,
        typer.Option(min=0, max=_HIGHEST_PORT, help="The port on 127.0.0.1. 0 takes a free one."),
    ] = _BACKSTAGE_PORT,
    cache_dir: CacheDir = None,
    log_level: LeastUrgent = LogLevel.WARNING,
    verbose: Verbose = False,
) -> None:
    """Show plugins of a workspace in a real Backstage, and build them again when they are saved.

    The plugins are built in place and loaded by the Backstage of 'plugin-factory try', which stays
    until Ctrl-C. When a file of a plugin, or of a package of the workspace that it is made of, is
    saved, what it changes is built, Backstage starts again at the same address, how long that took
    is said, and pages that are open in your browser load again. What fails is reported, and tried
    again at the next change.

    The plugins' code runs, with your rights, as with 'plugin-factory try'.
    """
    npmrc = read_npmrc(Path.cwd(), ctx.obj)
    env_files = (config_dir / ENV_FILE,) if config_dir else ()
    with session(
        ctx, env_files=env_files, log_level=log_level, verbose=verbose, secrets=npmrc.secrets
    ) as this:
        warn_of_unused(npmrc)
        workspace = workspace.absolute()
        paths = _check_plugins(workspace, plugins)
        configs = tuple(check_config(one) for one in app_config or ())
        systems = find_systems(host)
        with scratch_folder("dev") as scratch:
            empty = scratch / "config"
            empty.mkdir()
            options = build_options(
                config_dir=config_dir or empty,
                repo_path=workspace,
                workspace_path=".",
                output_dir=scratch / "outputs",
                use_local=True,
                only=paths,
                host=(host,) if host else (),
                cache_dir=cache_dir,
            )
            connections = connection_options(this, npmrc, "")
            npm = find_npm(this, cache_dir, scratch)
            script = find_backend(npm)
            kept_port = port

            def serve(runner: Runner, on_result: Callable[[TrialResult], None]) -> None:
                root = scratch / "dynamic-plugins-root"
                if root.is_dir():
                    remove_tree(root)
                folders = stage(this, [str(scratch / "outputs")], root, connections)
                frontends = find_frontends(folders)
                system = choose_system(frontends, systems)
                request = TrialRequest(
                    script=script,
                    node=npm.node,
                    root=root,
                    folders=folders,
                    configs=(root / CONFIG_FILE, *configs),
                    port=kept_port,
                    app=find_app(npm, system) if frontends else None,
                    system=system,
                    serves=True,
                )

                def hear(result: TrialResult) -> None:
                    nonlocal kept_port
                    # The same at each round, for the pages that are open.
                    kept_port = kept_port or _port_of(result.report.address)
                    on_result(result)

                run_trial(request, runner, on_result=hear, on_line=say if verbose else None)

            watched = find_sources(workspace, paths)
            AuthorLoop(
                folders=(*watched, config_dir.absolute()) if config_dir else watched,
                build=lambda: _build(this, options),
                serve=serve,
                on_change=_tell_change,
                on_round=lambda done: _tell_round(this, done),
                on_error=this.screen.show_error,
                checkpoint=this.runner.raise_if_cancelled,
            ).run(this.runner)


def _port_of(address: str) -> int:
    """The port of an address; 0, for any, if it has none: plugins may say what they like."""
    found = re.search(r":([0-9]{1,5})$", address)
    port = int(found[1]) if found else 0
    return port if port <= _HIGHEST_PORT else 0


def _check_plugins(workspace: Path, plugins: Sequence[str]) -> tuple[str, ...]:
    """The plugins' paths, as --only takes them."""
    for plugin in plugins:
        if not (workspace / plugin / MANIFEST_FILE).is_file():
            there = [one.path for one in discover_plugins(workspace)] if workspace.is_dir() else []
            raise UsageError(
                "there is no such plugin in the workspace",
                found=f"{plugin} in {workspace}",
                expected=f"one of {join_names(there, _SHOWN)}" if there else "a folder of a plugin",
                hint="name the workspace with --workspace",
            )
    return tuple(Path(plugin).as_posix() for plugin in plugins)


def _build(this: Session, options: BuildOptions) -> bool:
    """Build the plugins in place, and return whether all of them are there."""

    def emit(event: Event) -> None:
        if isinstance(event, StageFinished) and event.seconds >= 1:
            said = f"{event.plugin} {event.stage}" if event.plugin else event.stage
            say(f"  {said} {duration(event.seconds)}")

    say("building")
    try:
        run = plan_run(
            options,
            this.process,
            default_jobs=default_jobs(),
            # One tree is tried in one Backstage.
            scope=PortalScope.WANTED if options.arguments.host else PortalScope.NAMELESS,
        )
        report = build_run(run, runner=this.runner, emit=emit, confirm=None)
    except Interrupted:
        raise
    except FactoryError as error:
        this.screen.show_error(error)
        return False
    for each in report.errors:
        this.screen.show_error(each)
    return not report.errors


def _tell_change(change: SavedChange) -> None:
    names = [Path(file).name for file in change.files]
    say(f"{time.strftime('%H:%M:%S')}  saved {join_names(names, _SHOWN)}")


def _tell_round(this: Session, done: AuthorRound) -> None:
    show(done.result, this.out)
    said = f"built in {duration(done.building)}, loaded in {duration(done.trying)}"
    if done.since_saved is not None:
        said += f", {duration(done.since_saved)} after it was saved"
    say(f"{said}: {done.result.report.address}")
