"""The code of a workspace, where it may be changed: brought or local, then patched and overlaid."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from factory.errors import Place, SourceError
from factory.pipeline.report import SourceReport
from factory.sources.checkout import check_out, git_session
from factory.sources.destination import held, prepare
from factory.sources.local import describe_changes, local_checkout
from factory.sources.source import Checkout, Source
from factory.sources.workspace import resolve_workspace
from factory.toolchain.child_environment import git_environment

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable

    from factory.config.build_plan import BuildPlan, WantedSource
    from factory.pipeline.stages import Stage, Stages
    from factory.toolchain.runner import Runner

log = logging.getLogger(__name__)

_GENERATED = (
    "node_modules/",
    "dist-types/",
    "<plugin>/dist/",
    "<plugin>/dist-dynamic/",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Brought:
    """A workspace that is ready to be built, and what the report says of it."""

    root: Path
    workspace: Path
    report: SourceReport


def bring_source(
    plan: BuildPlan,
    *,
    stages: Stages,
    runner: Runner,
    confirm: Callable[[str], bool] | None,
    stack: contextlib.ExitStack,
) -> Brought:
    """Bring a plan's source to its ``repo_path``, then apply patches and overlays.

    The folder is locked until ``stack`` is closed.

    Raises:
        SourceError: the source, ref or workspace cannot be had, or ``repo_path`` is not empty.
        PatchError: a patch or an overlay does not fit; the tree is as it was.
        BusyError: another run uses the folder.
    """
    stack.enter_context(held(plan.repo_path))
    with stages.stage("source") as stage:
        if plan.source:
            checkout = _fetched(plan, plan.source, stage, runner=runner, confirm=confirm)
        else:
            checkout = _local(plan, stage, runner=runner)
        workspace = resolve_workspace(checkout.root, plan.workspace_path)
        stage.note = (checkout.commit or "")[:12] or str(checkout.url)
    return Brought(
        root=checkout.root,
        workspace=workspace,
        report=SourceReport(
            repo=checkout.url,
            ref=checkout.ref,
            commit=checkout.commit,
            committed_at=checkout.committed_at,
            workspace_path=plan.workspace_path,
            local=plan.source is None,
        ),
    )


def _fetched(
    plan: BuildPlan,
    wanted: WantedSource,
    stage: Stage,
    *,
    runner: Runner,
    confirm: Callable[[str], bool] | None,
) -> Checkout:
    source = Source(repo=wanted.repo, ref=wanted.ref, relative_to=plan.config_dir)
    home = plan.environment.get("HOME")
    prepare(
        plan.repo_path,
        clean=plan.clean,
        confirm=confirm,
        keep=(plan.config_dir, plan.output_dir, plan.cache_dir),
        home=Path(home) if home else None,
    )
    return check_out(
        source,
        plan.repo_path,
        runner=runner,
        env=git_environment(plan.environment),
        on_line=stage.on_line,
        log=stage.log,
    )


def _local(plan: BuildPlan, stage: Stage, *, runner: Runner) -> Checkout:
    if not any(plan.repo_path.iterdir()):
        raise SourceError(
            "there is nothing to build in place",
            place=Place(file=plan.repo_path),
            found="an empty folder",
            expected="your source code: --use-local builds what is in --repo-path",
            hint="mount or name your repository: --repo-path ./my-repository",
        )
    session = git_session(runner=runner, env=git_environment(plan.environment), log=stage.log)
    changes = describe_changes(
        root=plan.repo_path,
        workspace=resolve_workspace(plan.repo_path, plan.workspace_path),
        patches=(),
        overlays=(),
        generated=_GENERATED,
        session=session,
    )
    for line in changes.lines():
        log.info("%s", line)
    return local_checkout(plan.repo_path, changes.state)
