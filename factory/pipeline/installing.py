"""The dependencies of a workspace: installed, or taken over from another workspace of the run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from factory.errors import DependenciesError
from factory.export.dependencies import install_dependencies
from factory.export.shared_installation import installation_key, installation_of, take_over

if TYPE_CHECKING:
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

    A user's own tree (``--use-local``) neither takes over an installation nor hands one on.

    Raises:
        DependenciesError: there is no yarn.lock, it is out of date, or the installation failed.
        OSError: a file of the workspace cannot be read.
    """
    installations, runner = build.run_context.installations, build.run_context.runner
    key = installation_key(workspace, toolchain) if build.plan.source else None
    if key is None:
        _install(build, workspace, toolchain)
        return
    with installations.turn(key, runner.raise_if_cancelled) as made:
        if made is None:
            _install(build, workspace, toolchain)
            installations.offer(key, installation_of(workspace))
        elif not _take_over(build, made, workspace):
            _install(build, workspace, toolchain)


def _install(build: WorkspaceContext, workspace: Path, toolchain: Toolchain) -> None:
    with build.stages.stage("install") as stage:
        try:
            install_dependencies(
                workspace, toolchain=toolchain, runner=stage.bind(build.run_context.runner)
            )
        except DependenciesError as error:
            if build.plan.source and build.plan.source.package:
                error.hint = _PINNED
            raise


def _take_over(build: WorkspaceContext, made: Installation, workspace: Path) -> bool:
    with build.stages.stage("install", takes="take over") as stage:
        try:
            take_over(made, workspace, checkpoint=build.run_context.runner.raise_if_cancelled)
        except OSError as error:
            stage.note = "from the start: another workspace's installation cannot be reused"
            log.info("%s cannot be reused, and is installed again: %s", made.workspace, error)
            return False
        stage.note = "the same as in another workspace"
    return True
