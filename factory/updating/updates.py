"""All workspaces of a run: repository by repository, several at once, each whatever befalls others.

A repository is asked for its refs once, and a registry for the versions of a package. Whatever is
wrong with a server ends the workspaces that need it, and no other.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from factory.analysis.inventory import find_host
from factory.config.portals import PORTALS_FILE
from factory.errors import ConfigurationError, FactoryError, Interrupted, Place, UsageError
from factory.events import WORKSPACE
from factory.patterns import lazy_pattern
from factory.sources.checkout import git_session
from factory.sources.clones import normalise
from factory.sources.commit_store import CommitStore, list_refs, open_commit_store
from factory.sources.source import PlainFolder, Source, locate, without_credentials
from factory.threads import InheritingPool
from factory.toolchain.child_environment import git_environment
from factory.updating.examination import UpdateWishes, examine
from factory.updating.published_versions import examine_package
from factory.updating.workspace_update import WorkspaceUpdate
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from factory.config.build_plan import BuildPlan
    from factory.config.package_spec import PackageSpec
    from factory.config.run_plan import RunPlan
    from factory.sources.git_refs import Advertised
    from factory.sources.source import GitRemote
    from factory.toolchain.runner import Runner
    from factory.updating.npm_releases import ReleaseBook

log = logging.getLogger(__name__)

# Looking is waiting for servers, mostly.
_AT_ONCE = 8
_NOT_IN_NAMES = lazy_pattern(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateDesk:
    """What all workspaces have in common: the wishes, the means, a folder for what is fetched.

    ``book`` has what repositories release; ``find_book`` tells where a published package is, and
    ``bring`` brings a workspace's source to a folder, with its dependencies resolved.
    """

    wishes: UpdateWishes
    book: ReleaseBook
    find_book: Callable[[BuildPlan], ReleaseBook]
    bring: Callable[[BuildPlan], AbstractContextManager[Path]]
    runner: Runner
    scratch: Path

    def wishes_of(self, plan: BuildPlan) -> UpdateWishes:
        """Return the wishes for a workspace: the source of one portal has to fit that one.

        Raises:
            ConfigurationError: no portal of that name is known.
        """
        portal = plan.portal
        if not portal.is_one_of_several:
            return self.wishes
        try:
            return replace(self.wishes, host=find_host(portal.host))
        except UsageError as error:
            raise ConfigurationError(
                f"no portal is called {portal.name}",
                place=Place(file=plan.source_folder),
                found=portal.host,
                expected="the name of a portal that 'plugin-factory host list' shows",
                hint=f"name the portal's file in {PORTALS_FILE}, or the folder after a portal",
            ) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class _Located:
    plan: BuildPlan
    remote: GitRemote


@dataclass(frozen=True, kw_only=True, slots=True)
class _LocatedPackage:
    plan: BuildPlan
    spec: PackageSpec
    book: ReleaseBook


def find_updates(run: RunPlan, desk: UpdateDesk) -> tuple[WorkspaceUpdate, ...]:
    """Return what becomes of each workspace, in the order of their names; nothing is written.

    What is wrong with a workspace, its repository or its registry is told as its error.

    Raises:
        Interrupted: the run was ended.
    """
    found = [
        _fail(each.name or each.config_dir.name, each.config_dir, each.error) for each in run.broken
    ]
    groups: dict[tuple[object, ...], list[_Located]] = {}
    packages: dict[tuple[object, ...], list[_LocatedPackage]] = {}
    for plan in run.builds:
        located = _locate(plan, desk)
        if isinstance(located, WorkspaceUpdate):
            found.append(located)
        elif isinstance(located, _LocatedPackage):
            packages.setdefault((id(located.book), located.spec.name), []).append(located)
        else:
            groups.setdefault(_key(located), []).append(located)
    with InheritingPool(max_workers=_AT_ONCE, thread_name_prefix="repository") as pool:
        tasks = [
            pool.submit(_of_repository, group, desk, desk.scratch / f"repository-{number}")
            for number, group in enumerate(groups.values())
        ]
        tasks += [
            pool.submit(_of_package, same, desk, desk.scratch / f"package-{number}")
            for number, same in enumerate(packages.values())
        ]
        for task in tasks:
            found += task.result()
    portals = {_name(plan): plan.portal.of_several for plan in run.builds}
    portals |= {each.name: each.portal for each in run.broken}
    named = (replace(each, portal=portals.get(each.name, "")) for each in found)
    return tuple(sorted(named, key=lambda each: each.name))


def _locate(plan: BuildPlan, desk: UpdateDesk) -> _Located | _LocatedPackage | WorkspaceUpdate:
    """Where a workspace's source is; sources of further kinds are told apart here."""
    if plan.source is None:
        raise AssertionError("updates are not for --use-local")
    if plan.source.package:
        try:
            book = desk.find_book(plan)
        except FactoryError as error:
            return _fail(_name(plan), plan.config_dir, error, repo=plan.source.repo)
        return _LocatedPackage(plan=plan, spec=plan.source.package, book=book)
    source = Source(repo=plan.source.repo, ref=plan.source.ref, relative_to=plan.config_dir)
    try:
        where = locate(source)
    except FactoryError as error:
        return _fail(_name(plan), plan.config_dir, error, repo=source.repo)
    if isinstance(where, PlainFolder):
        return WorkspaceUpdate(
            name=_name(plan),
            config_dir=plan.config_dir,
            repo=str(where.path),
            why="the source is a folder without git, which has no refs",
            stays=True,
        )
    return _Located(plan=plan, remote=where)


def _key(located: _Located) -> tuple[object, ...]:
    """What has to be the same for two workspaces to share what is fetched: logins too."""
    remote = located.remote
    environment = git_environment(located.plan.environment)
    return (
        normalise(remote),
        remote.username,
        remote.password,
        tuple(sorted(environment.items())),
    )


def _of_repository(group: list[_Located], desk: UpdateDesk, folder: Path) -> list[WorkspaceUpdate]:
    first = group[0]
    try:
        session = git_session(runner=desk.runner, env=git_environment(first.plan.environment))
        store = open_commit_store(folder / "commits", first.remote, session)
        refs = list_refs(store)
    except Interrupted:
        raise
    except FactoryError as error:
        repo = first.remote.url
        return [_fail(_name(e.plan), e.plan.config_dir, error, repo=repo) for e in group]
    log.info("%s: %d branches and tags", store.address, len(refs.names))
    return [_of_workspace(each.plan, store, refs, desk, folder) for each in group]


def _of_workspace(
    plan: BuildPlan, store: CommitStore, refs: Advertised, desk: UpdateDesk, folder: Path
) -> WorkspaceUpdate:
    def look(scratch: Path) -> WorkspaceUpdate:
        wishes = desk.wishes_of(plan)
        return examine(plan, store, refs, book=desk.book, wishes=wishes, scratch=scratch)

    return _watch(plan, look, desk, folder, store.address)


def _of_package(
    group: list[_LocatedPackage], desk: UpdateDesk, folder: Path
) -> list[WorkspaceUpdate]:
    def look_at(each: _LocatedPackage, scratch: Path) -> WorkspaceUpdate:
        return examine_package(
            each.plan,
            each.spec,
            book=each.book,
            wishes=desk.wishes_of(each.plan),
            bring=desk.bring,
            scratch=scratch,
        )

    return [
        _watch(each.plan, partial(look_at, each), desk, folder, each.spec.purl) for each in group
    ]


def _watch(
    plan: BuildPlan,
    look: Callable[[Path], WorkspaceUpdate],
    desk: UpdateDesk,
    folder: Path,
    repo: str,
) -> WorkspaceUpdate:
    """Look at one workspace, with a folder of its own; what is wrong with it is its error."""
    WORKSPACE.set(plan.name)
    name = _name(plan)
    try:
        desk.runner.raise_if_cancelled()
        update = look(folder / f"of-{_NOT_IN_NAMES.sub('-', name)}")
    except Interrupted:
        raise
    except FactoryError as error:
        return _fail(name, plan.config_dir, error, repo=repo)
    log.info("%s: %s", name, update.why)
    return update


def _name(plan: BuildPlan) -> str:
    return plan.name or plan.config_dir.name


def _fail(name: str, config_dir: Path, error: FactoryError, repo: str = "") -> WorkspaceUpdate:
    # A look keeps no logs: theirs are in a scratch folder, which is gone when the error is read.
    error.log = None
    return WorkspaceUpdate(
        name=name, config_dir=config_dir, repo=without_credentials(repo), error=error
    )
