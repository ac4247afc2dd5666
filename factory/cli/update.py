"""``plugin-factory update``: the newest refs and versions that fit a portal, in source.json."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Annotated

import typer

from factory.analysis.inventory import find_host
from factory.archives.limits import archive_limits
from factory.cli.log_level import LogLevel
from factory.cli.option_groups import share_option
from factory.cli.options import (
    AsJson,
    Exclude,
    Host,
    LeastUrgent,
    Only,
    Verbose,
)
from factory.cli.session import session
from factory.cli.update_view import lines
from factory.config.default_folders import CONFIG_DIR
from factory.config.environment import ENV_FILE, layer_environment
from factory.config.options import SourceOptions, build_options
from factory.config.portals import PortalScope, find_named_hosts
from factory.config.run_plan import plan_run
from factory.config.workspaces import environment_files
from factory.errors import CheckError, FactoryError, Place, UsageError
from factory.installation.connections import ConnectionOptions, Connections
from factory.installation.npmrc import read_npmrc, warn_of_unused
from factory.plan.online import workspace_to_look_at
from factory.quantities import join_names, pluralize
from factory.scheduling.capacity import usable_cores
from factory.scratch_folder import scratch_folder
from factory.sources.checkout import git_session
from factory.toolchain.child_environment import git_environment
from factory.updating.change_requests import (
    CommitForm,
    find_configuration_repository,
    make_branch,
    make_patch,
)
from factory.updating.examination import UpdateWishes
from factory.updating.file_edits import write_edits
from factory.updating.npm_releases import ReleaseBook
from factory.updating.release_books import ReleaseBooks
from factory.updating.updates import UpdateDesk, find_updates
from factory.updating.workspace_update import WorkspaceUpdate, updates_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from factory.cli.open_session import Session
    from factory.config.build_plan import BuildPlan
    from factory.config.run_plan import RunPlan
    from factory.installation.npmrc import Npmrc

RESULT = "Result"
CHOICE = "What is chosen"
_SHOWN = 20

EXAMPLES = """Examples:

\b
  # What is outdated, which refs and versions fit the portal, and why. Writes nothing.
  plugin-factory update --config-dir ./config --host rhdh-1.9 --dry-run

\b
  # Write the new refs, versions and arguments into source.json and plugins-list.yaml.
  plugin-factory update --config-dir ./config --host rhdh-1.9 --only 'aws-*'

\b
  # In CI: end with exit code 14 if anything is outdated.
  plugin-factory update --config-dir ./config --check

\b
  # One branch per workspace, ready to be pushed; the working tree stays as it is.
  plugin-factory update --config-dir ./config --commit branch
"""


def update(
    ctx: typer.Context,
    *,
    config_dir: Annotated[Path, share_option(SourceOptions, "config_dir")] = CONFIG_DIR,
    only: Only = None,
    exclude: Exclude = None,
    host: Host = None,
    pin: Annotated[
        bool,
        typer.Option(
            "--pin",
            help="Also replace branches, and sources without a ref, by the commit of the newest "
            "release that fits; and a range or a tag of a published package by the newest version "
            "of it that fits.",
            rich_help_panel=CHOICE,
        ),
    ] = False,
    older: Annotated[
        bool,
        typer.Option(
            "--older",
            help="Go back to an older release where neither the present one nor a newer one fits.",
            rich_help_panel=CHOICE,
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Show what would change, and write nothing.", rich_help_panel=RESULT
        ),
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Write nothing, and fail if a workspace is outdated.",
            rich_help_panel=RESULT,
        ),
    ] = False,
    commit: Annotated[
        CommitForm | None,
        typer.Option(
            "--commit",
            help="Leave the files as they are, and make a branch with one commit for each "
            "outdated workspace, or a patch, with a message for a change request.",
            rich_help_panel=RESULT,
        ),
    ] = None,
    patches: Annotated[
        Path,
        typer.Option(
            "--patches",
            metavar="DIR",
            help="Where --commit patch writes WORKSPACE.patch.",
            rich_help_panel=RESULT,
        ),
    ] = Path("updates"),
    as_json: AsJson = False,
    log_level: LeastUrgent = LogLevel.INFO,
    verbose: Verbose = False,
) -> None:
    """Find the newest refs and versions that fit a portal, and write them into source.json.

    A commit moves to the commit of the newest release that fits, a tag to the newest tag of its
    kind; a branch stays. A version of a published package moves to the newest version that fits; a
    range stays, and the yarn.lock that holds it back goes. Build arguments are computed again for
    what has moved. Whatever is wrong with one workspace, the others are updated.
    """
    environment = layer_environment(ctx.obj, (config_dir / ENV_FILE,))
    npmrc = read_npmrc(config_dir, environment.variables)
    with session(
        ctx,
        env_files=environment_files(config_dir),
        log_level=log_level,
        verbose=verbose,
        secrets=npmrc.secrets,
    ) as this:
        _refuse_contradictions(check=check, dry_run=dry_run, commit=commit)
        warn_of_unused(npmrc)
        wishes = UpdateWishes(host=find_host(host), pin=pin, older=older)
        with scratch_folder() as scratch:
            run = plan_run(
                build_options(
                    config_dir=config_dir,
                    repo_path=scratch / "source",
                    output_dir=scratch / "outputs",
                    only=tuple(only or ()),
                    exclude=tuple(exclude or ()),
                    host=(host,) if host else (),
                ),
                this.process,
                default_jobs=1,
                scope=PortalScope.SOURCES,
            )
            wishes = replace(wishes, portals=find_named_hosts(run.options, run.config_dir))
            updates = _find(this, run, npmrc, wishes, scratch)
            if commit is not None:
                updates = _each(updates, _committing(this, run, commit, patches, scratch))
            elif not check and not dry_run:
                updates = _each(updates, _write)
        for each in updates:
            if each.error:
                this.screen.show_error(each.error)
        code = _exit_code(updates, check=check)
        if as_json:
            document = updates_json(
                updates,
                host=wishes.host.name,
                root=run.config_dir,
                exit_code=code,
                redact=this.runner.redact,
            )
            this.out.document(document)
        else:
            done = "" if commit else "nothing is written" if check or dry_run else "written"
            this.out.lines(*lines(updates, run.config_dir, verbose=verbose, done=done))
        outdated = [each.name for each in updates if each.status == "outdated"]
        if check and outdated:
            raise _outdated_error(outdated, run.config_dir, wishes.host.name)
    raise typer.Exit(code)


def _refuse_contradictions(*, check: bool, dry_run: bool, commit: CommitForm | None) -> None:
    given = [
        name
        for name, value in (("--check", check), ("--dry-run", dry_run), ("--commit", commit))
        if value
    ]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} exclude each other", expected="one of them")


def _find(
    this: Session, run: RunPlan, npmrc: Npmrc, wishes: UpdateWishes, scratch: Path
) -> tuple[WorkspaceUpdate, ...]:
    options = ConnectionOptions(
        environment=run.environment,
        npmrc=npmrc,
        limits=archive_limits(None),
        skip_integrity=False,
        checkpoint=this.runner.raise_if_cancelled,
    )
    with Connections(options, scratch) as connections, ReleaseBooks(options, scratch) as books:
        desk = UpdateDesk(
            wishes=wishes,
            book=ReleaseBook(npmrc, connections.web()),
            find_book=books.find_book,
            bring=_bringing(this, run),
            runner=this.runner,
            scratch=scratch,
        )
        return find_updates(run, desk)


def _bringing(this: Session, run: RunPlan) -> Callable[[BuildPlan], AbstractContextManager[Path]]:
    """What brings the source of a workspace, locked: yarn computes, so a core has one at a time."""
    cores = BoundedSemaphore(usable_cores())

    @contextmanager
    def bring(plan: BuildPlan) -> Iterator[Path]:
        alone = replace(run, builds=(plan,), broken=())
        with cores, workspace_to_look_at(alone, runner=this.runner) as folder:
            yield folder

    return bring


def _committing(
    this: Session, run: RunPlan, form: CommitForm, patches: Path, scratch: Path
) -> Callable[[WorkspaceUpdate], WorkspaceUpdate]:
    """What makes the branch, or the patch, of an update."""
    git = git_session(runner=this.runner, env=git_environment(run.environment))
    repository = find_configuration_repository(run.config_dir, git, scratch)

    def commit(update: WorkspaceUpdate) -> WorkspaceUpdate:
        if form is CommitForm.BRANCH:
            return replace(update, request=make_branch(update, repository))
        return replace(update, request=make_patch(update, repository, patches.absolute()))

    return commit


def _write(update: WorkspaceUpdate) -> WorkspaceUpdate:
    write_edits(update.config_dir, update.edits)
    return update


def _each(
    updates: tuple[WorkspaceUpdate, ...], action: Callable[[WorkspaceUpdate], WorkspaceUpdate]
) -> tuple[WorkspaceUpdate, ...]:
    """The outdated ones acted on; what is wrong with one is its error."""
    done: list[WorkspaceUpdate] = []
    for update in updates:
        try:
            done.append(action(update) if update.status == "outdated" else update)
        except FactoryError as error:
            done.append(replace(update, error=error))
    return tuple(done)


def _exit_code(updates: tuple[WorkspaceUpdate, ...], *, check: bool) -> int:
    if check and any(each.status == "outdated" for each in updates):
        return CheckError.exit_code
    return min((each.error.exit_code for each in updates if each.error), default=0)


def _outdated_error(outdated: list[str], config_dir: Path, host: str) -> CheckError:
    return CheckError(
        f"{pluralize(len(outdated), 'workspace')} could be newer for {host}",
        place=Place(file=config_dir),
        found=join_names(outdated, _SHOWN),
        hint="run the same command without --check",
    )
