"""The code of a workspace, where it may be changed: resolved, checked out, patched and overlaid."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from factory.config.portals import PORTALS_FOLDER
from factory.errors import Place, SourceError, UsageError
from factory.pipeline.output_directory import storage_error
from factory.pipeline.published_source import bring_package, find_package_of
from factory.pipeline.source_part import bring_what_is_reached, is_by_itself, wanted_part
from factory.published.published_package import PublishedPackage
from factory.quantities import pluralize
from factory.reports.build_report import SourceReport
from factory.sources.checkout import check_out, git_session
from factory.sources.clones import add_worktree, normalise
from factory.sources.destination import contents, empty, hold, prepare, refuse_to_empty
from factory.sources.earlier_run import EarlierRun, earlier_run
from factory.sources.git import patiently
from factory.sources.git_access import with_access
from factory.sources.git_errors import Translated
from factory.sources.local import LocalChanges, describe_changes, local_checkout
from factory.sources.overlay import Overlay, already_overlaid, apply_overlays, find_overlays
from factory.sources.partial import bring_the_rest
from factory.sources.patch import apply_patches, find_patches
from factory.sources.replacement import take_back
from factory.sources.source import (
    Checkout,
    GitRemote,
    PlainFolder,
    Source,
    locate,
    without_credentials,
)
from factory.sources.workspace import resolve_workspace
from factory.toolchain.child_environment import git_environment
from factory.values import dataclass

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Iterable

    from factory.config.build_plan import BuildPlan
    from factory.pipeline.run_context import RunContext
    from factory.pipeline.stages import Stage, Stages
    from factory.sources.asked_remotes import AskedRemotes
    from factory.sources.git_process import GitSession
    from factory.sources.git_refs import Wanted
    from factory.sources.partial import Part
    from factory.toolchain.runner import Runner


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolvedSource:
    """Where a source is, and what its ref means there; ``wanted`` is a git repository's alone."""

    source: Source
    where: GitRemote | PlainFolder | PublishedPackage
    wanted: Wanted | None = None

    @property
    def commit(self) -> str | None:
        """The full id of the commit; None where only the source itself can tell it."""
        return self.wanted.commit if self.wanted else None

    @property
    def address(self) -> str:
        """Where it is, fit to be shown: a URL without credentials, a folder, a package URL."""
        if isinstance(self.where, GitRemote):
            return without_credentials(self.where.url)
        return (
            self.where.spec.purl
            if isinstance(self.where, PublishedPackage)
            else str(self.where.path)
        )


def resolve_source(
    plan: BuildPlan, *, stages: Stages, runner: Runner, remotes: AskedRemotes
) -> ResolvedSource | None:
    """Ask where a plan's source is, and which commit is wanted; None for a tree that is here.

    Args:
        plan: the workspace.
        stages: the workspace's.
        runner: starts git.
        remotes: what the run's remotes have answered, and will be asked.

    Raises:
        SourceError: no such repository, folder or ref, or no access to it.
        ToolchainError: git is not installed.
    """
    if plan.source is None:
        return None
    source = Source(repo=plan.source.repo, ref=plan.source.ref, relative_to=plan.config_dir)
    if plan.source.package:
        with stages.stage("resolve") as stage:
            package = find_package_of(plan, plan.source.package, runner)
            stage.note = str(package)
        return ResolvedSource(source=source, where=package)
    where = locate(source)
    if isinstance(where, PlainFolder):
        return ResolvedSource(source=source, where=where)
    with stages.stage("resolve") as stage:
        session = git_session(
            runner=runner,
            env=git_environment(plan.environment),
            on_line=stage.on_line,
            log=stage.log,
        )
        wanted = remotes.find_commit(where, source.ref, with_access(session, where), Path("/"))
        stage.note = f"{wanted.name} is {wanted.commit[:12]}" if wanted.commit else wanted.name
    return ResolvedSource(source=source, where=where, wanted=wanted)


log = logging.getLogger(__name__)

_GENERATED = (
    "node_modules/",
    "dist-types/",
    "<plugin>/dist/",
    "<plugin>/dist-dynamic/",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Overrides:
    """The patches and overlays of a configuration directory."""

    patches: tuple[Path, ...]
    overlays: tuple[Overlay, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedOutWorkspace:
    """A workspace that is ready to be built, and what the report says of it.

    Of a published ``package`` it is the package as it was unpacked, patched and overlaid.
    """

    root: Path
    workspace: Path
    report: SourceReport
    package: PublishedPackage | None = None


def check_out_source(
    plan: BuildPlan,
    resolved: ResolvedSource | None,
    *,
    stages: Stages,
    run_context: RunContext,
    stack: contextlib.ExitStack,
) -> CheckedOutWorkspace:
    """Bring a plan's source to its ``repo_path``, then apply patches and overlays.

    The folder is locked until ``stack`` is closed.

    Args:
        plan: the workspace.
        resolved: where its source is; None for ``--use-local``.
        stages: the workspace's.
        run_context: the run's.
        stack: closed when the run is done with the source.

    Raises:
        SourceError: the source, ref or workspace is not available, or ``repo_path`` is not empty.
        PatchError: a patch or an overlay does not fit; the tree is unchanged.
        BusyError: another run uses the folder.
    """
    runner = run_context.runner
    stack.enter_context(hold(plan.repo_path))
    overrides = overrides_of(plan)
    with stages.stage("source") as stage:
        package, integrity, modified = None, None, False
        if resolved:
            _make_room(plan, resolved, run_context, stack)
            if isinstance(resolved.where, PublishedPackage):
                package = resolved.where
                checkout, integrity = bring_package(plan, package, stage, runner)
                bring_reached = None
            else:
                checkout, bring_reached = _fetch(plan, resolved, stage, run_context)
        else:
            changes = _describe(plan, overrides, stage, runner=runner)
            checkout = local_checkout(plan.repo_path, changes.state)
            modified, bring_reached = bool(changes.state.uncommitted), None
        workspace = resolve_workspace(checkout.root, plan.workspace_path)
        stage.note = str(package) if package else (checkout.commit or "")[:12] or checkout.url
    if overrides.patches or overrides.overlays:
        with stages.stage("override") as stage:
            stage.note = _override(plan, overrides, checkout.root, workspace)
            if bring_reached:
                bring_reached()
    return CheckedOutWorkspace(
        root=checkout.root,
        workspace=workspace,
        report=replace(
            source_report(plan, overrides, checkout, modified=modified), integrity=integrity
        ),
        package=package,
    )


def source_report(
    plan: BuildPlan, overrides: Overrides, checkout: Checkout, *, modified: bool = False
) -> SourceReport:
    """Return what the report says of a workspace's source."""
    return SourceReport(
        repo=checkout.url,
        ref=checkout.ref,
        commit=checkout.commit,
        committed_at=checkout.committed_at,
        workspace_path=plan.workspace_path,
        local=plan.source is None,
        modified=modified,
        patches=tuple(patch.name for patch in overrides.patches),
        overlays=tuple(overlay.plugin for overlay in overrides.overlays),
    )


def overrides_of(plan: BuildPlan) -> Overrides:
    """Return what a plan's configuration directory changes in the source.

    Raises:
        PatchError: an overlay cannot be used.
    """
    # Sources and results may be inside the configuration directory: their folders are not overlays.
    inside = [plan.repo_path, plan.output_dir, plan.cache_dir]
    is_path = plan.source is not None and plan.source.package is None
    if plan.source and is_path and (plan.config_dir / plan.source.repo).is_dir():
        inside.append(plan.config_dir / plan.source.repo)
    overrides = Overrides(
        patches=_find_patches_of(plan),
        overlays=_find_overlays_of(plan, inside),
    )
    if plan.source is None and plan.portal.is_one_of_several:
        _refuse_of_portal(plan, overrides)
    return overrides


def _refuse_of_portal(plan: BuildPlan, overrides: Overrides) -> None:
    """A tree that is built in place, for one portal after the other, is changed for all of them."""
    of_portals = plan.config_dir / PORTALS_FOLDER
    changes = (*overrides.patches, *(overlay.folder for overlay in overrides.overlays))
    own = [change for change in changes if change.is_relative_to(of_portals)]
    if own:
        raise UsageError(
            "--use-local builds one tree for all portals, and one has changes of its own to it",
            place=Place(file=own[0]),
            expected="patches and overlays of all portals alone",
            hint=f"leave out --use-local, or build for one portal: --host {plan.portal.host}",
        )


def _find_patches_of(plan: BuildPlan) -> tuple[Path, ...]:
    """The patches of all layers; one of a portal takes the place of that of its name.

    An empty one takes its place, too: so a portal can do without it.
    """
    named = {patch.name: patch for layer in reversed(plan.layers) for patch in find_patches(layer)}
    of_portals = plan.config_dir / PORTALS_FOLDER
    return tuple(
        patch
        for _, patch in sorted(named.items())
        if patch.stat().st_size or not patch.is_relative_to(of_portals)
    )


def _find_overlays_of(plan: BuildPlan, skip: Iterable[Path]) -> tuple[Overlay, ...]:
    """The overlays of all layers, in the order in which they are laid on top of each other."""
    skipped = (*skip, plan.config_dir / PORTALS_FOLDER)
    return tuple(
        replace(overlay, is_of_portal=layer != plan.config_dir)
        for layer in reversed(plan.layers)
        for overlay in find_overlays(layer, skip=skipped if layer == plan.config_dir else ())
    )


def _make_room(
    plan: BuildPlan, resolved: ResolvedSource, run_context: RunContext, stack: contextlib.ExitStack
) -> None:
    """Empty the folder for the source: of what an earlier run left, or as the user agrees to."""
    where = resolved.where
    own = None
    if not isinstance(where, PublishedPackage):
        own = where.path if isinstance(where, PlainFolder) else where.folder
    home = plan.environment.get("HOME")
    keep = (plan.config_dir, plan.output_dir, plan.cache_dir, *([own] if own else []))
    within = Path(home) if home else None
    earlier = earlier_run(plan.repo_path, plan.clones_dir) if plan.clones_dir else None
    changes = earlier.changes() if earlier and contents(plan.repo_path) else None
    if earlier and changes == ():
        refuse_to_empty(plan.repo_path, keep=keep, home=within)
        earlier.begins()
        earlier.empty()
    else:
        some = [str(path.relative_to(plan.repo_path)) for path in (changes or ())[:3]]
        prepare(
            plan.repo_path,
            clean=plan.clean,
            confirm=run_context.confirm,
            keep=keep,
            home=within,
            found=f"changes since it was last built, in {', '.join(some)}" if some else None,
        )
    if earlier:
        earlier.begins()
        stack.callback(_leave, earlier)


def _leave(earlier: EarlierRun) -> None:
    try:
        earlier.note_end()
    except OSError as error:
        log.debug("%s cannot be written: %s", earlier.mark, error)


def _fetch(
    plan: BuildPlan, resolved: ResolvedSource, stage: Stage, run_context: RunContext
) -> tuple[Checkout, Callable[[], None] | None]:
    """Bring the source; where only a part, also return how to bring what that comes to refer to."""
    where, environment = resolved.where, git_environment(plan.environment)
    bring = partial(
        check_out,
        resolved.source,
        plan.repo_path,
        runner=run_context.runner,
        env=environment,
        on_line=stage.on_line,
        log=stage.log,
        wanted=resolved.wanted,
    )
    if not isinstance(where, GitRemote):
        return bring(), None
    session = git_session(
        runner=run_context.runner, env=environment, on_line=stage.on_line, log=stage.log
    )
    part = (
        None
        if plan.options.source.whole_repository
        else wanted_part(plan.workspace_path, _find_patches_of(plan), session)
    )
    clone = run_context.clones.get(normalise(where))
    if plan.clones_dir is None or clone is None:
        checkout = bring(part=part)
    else:
        ref = resolved.source.ref
        checkout = add_worktree(
            clone, where, ref, plan.repo_path, session, wanted=resolved.wanted, part=part
        )
    if part is None:
        return checkout, None
    access = with_access(session, where)
    try:
        return checkout, _complete(checkout.root, part, plan.workspace_path, where, access)
    except BaseException:
        empty(checkout.root, last=".git")
        raise


def _complete(
    root: Path, part: Part, workspace_path: str, remote: GitRemote, session: GitSession
) -> Callable[[], None] | None:
    """Bring what a checked out part refers to; return how to do so again, unless all is here."""
    translated = Translated(remote, root)
    if not is_by_itself(root, workspace_path):
        log.info(
            "all of the repository is checked out: %s is a part of a larger workspace, or missing",
            workspace_path,
        )
        translated(lambda: patiently(lambda: bring_the_rest(root, session), session))
        return None

    def bring_reached() -> None:
        try:
            bring_what_is_reached(root, part, workspace_path, session)
        except OSError as error:
            raise storage_error(error, root) from error

    def bring_patiently() -> None:
        translated(lambda: patiently(bring_reached, session))

    bring_patiently()
    return bring_patiently


def _describe(
    plan: BuildPlan, overrides: Overrides, stage: Stage, *, runner: Runner
) -> LocalChanges:
    if not any(plan.repo_path.iterdir()):
        raise SourceError(
            "there is nothing to build in place",
            place=Place(file=plan.repo_path),
            found="an empty folder",
            expected="your source code: --use-local builds what is in --repo-path",
            hint="mount or name your repository: --repo-path ./my-repository",
        )
    workspace = resolve_workspace(plan.repo_path, plan.workspace_path)
    for folder in dict.fromkeys((plan.repo_path, workspace)):
        if take_back(folder):
            log.warning("%s: undid the unfinished changes of a run that was killed", folder)
    session = git_session(runner=runner, env=git_environment(plan.environment), log=stage.log)
    changes = describe_changes(
        root=plan.repo_path,
        workspace=workspace,
        patches=overrides.patches,
        overlays=overrides.overlays,
        generated=_GENERATED,
        session=session,
    )
    log.info("%s", "\n".join(changes.lines()))
    return changes


def _override(
    plan: BuildPlan,
    overrides: Overrides,
    root: Path,
    workspace: Path,
) -> str:
    """Patch, then overlay, and return in a few words what was done."""
    patched = apply_patches(
        overrides.patches,
        root=root,
        workspace=workspace,
        overlaid=already_overlaid(overrides.overlays, workspace),
        is_fresh=plan.source is not None,
    )
    overlaid = apply_overlays(overrides.overlays, workspace)
    for result in overlaid:
        for word, files in (("replaced", result.replaced), ("added", result.added)):
            if files:
                log.info("overlay for %s %s %s", result.plugin, word, ", ".join(files))
    done = []
    if patched.patches:
        done.append(pluralize(len(patched.patches), "patch", "patches"))
    if overlaid:
        done.append(pluralize(len(overlaid), "overlay"))
    return ", ".join(done)
