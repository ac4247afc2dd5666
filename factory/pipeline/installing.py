"""The dependencies of a workspace: installed, or taken over from another one or an earlier run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from factory.cache.installations import InstallationStore, kept_key, tidy_installations
from factory.cache.present_installation import is_present, note_present, present_key
from factory.errors import DependenciesError
from factory.export.dependencies import install_dependencies
from factory.export.shared_installation import installation_key, installation_of, take_over

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from factory.export.shared_installation import Installation
    from factory.pipeline.workspace_context import WorkspaceContext
    from factory.toolchain.assembled import Toolchain

log = logging.getLogger(__name__)

_PINNED = (
    "if yarn.lock is out of date, since a patch, an overlay or allow-scripts changes package.json, "
    "remove the yarn.lock beside source.json: the next build writes a new one"
)


def install_workspace(build: WorkspaceContext, workspace: Path, toolchain: Toolchain) -> None:
    """Install the dependencies of a workspace.

    Where yarn would find everything in its place, nothing is done. What another workspace of the
    run, or an earlier run, has installed is taken over where it is what yarn would install. A
    user's own tree (``--use-local``) neither takes over an installation nor hands one on.

    Raises:
        DependenciesError: there is no yarn.lock, it is out of date, or the installation failed.
        OSError: a file of the workspace cannot be read.
    """
    present = present_key(workspace, toolchain)
    if present and is_present(workspace, present):
        with build.stages.stage("install", takes="take over") as stage:
            stage.note = "nothing to do since the last time"
        return
    _install_or_take_over(build, workspace, toolchain)
    # Yarn may write manifests anew, in its own order of fields.
    note_present(workspace, filter(None, (present, present_key(workspace, toolchain))))


def _install_or_take_over(build: WorkspaceContext, workspace: Path, toolchain: Toolchain) -> None:
    installations, runner = build.run_context.installations, build.run_context.runner
    key = installation_key(workspace, toolchain) if build.plan.source else None
    if key is None:
        _install(build, workspace, toolchain)
        return
    with installations.turn(key, runner.raise_if_cancelled) as made:
        if made is None:
            installations.offer(key, _make(build, workspace, toolchain))
        elif not _take_over(build, lambda: made, workspace, "another workspace"):
            _install(build, workspace, toolchain)


def _make(build: WorkspaceContext, workspace: Path, toolchain: Toolchain) -> Installation | None:
    """Install, or take over what was kept, and return it for other workspaces of the run."""
    store = InstallationStore(
        cache_dir=build.plan.cache_dir,
        environment=build.plan.environment,
        checkpoint=build.run_context.runner.raise_if_cancelled,
    )
    cache = build.run_context.cache
    key = kept_key(workspace, toolchain) if cache and cache.counts_earlier_runs else None
    if (
        key
        and store.has(key)
        and _take_over(build, lambda: store.find(key, workspace), workspace, "an earlier run")
    ):
        return installation_of(workspace)
    made: list[Installation | None] = []

    def keep() -> None:
        made.append(installation_of(workspace))
        if key and made[0]:
            store.keep(key, made[0])

    _install(build, workspace, toolchain, keep=keep if key else None)
    if cache and key:
        tidy_installations(build.plan.cache_dir, cache.limits)
    return made[0] if made else installation_of(workspace)


def _install(
    build: WorkspaceContext,
    workspace: Path,
    toolchain: Toolchain,
    keep: Callable[[], None] | None = None,
) -> None:
    with build.stages.stage("install") as stage:
        try:
            install_dependencies(
                workspace,
                toolchain=toolchain,
                runner=stage.bind(build.run_context.runner),
                is_kept=keep is not None and build.plan.clones_dir is None,
            )
        except DependenciesError as error:
            if build.plan.source and build.plan.source.package:
                error.hint = _PINNED
            raise
        if keep:
            keep()


def _take_over(
    build: WorkspaceContext,
    find: Callable[[], Installation | None],
    workspace: Path,
    whose: str,
) -> bool:
    checkpoint = build.run_context.runner.raise_if_cancelled
    with build.stages.stage("install", takes="take over") as stage:
        stage.note = f"from the start: the installation of {whose} cannot be reused"
        try:
            made = find()
            if made is None:
                return False
            take_over(made, workspace, checkpoint=checkpoint)
        except OSError as error:
            log.info("the installation of %s cannot be reused: %s", whose, error)
            return False
        stage.note = f"the same as in {whose}"
    return True
