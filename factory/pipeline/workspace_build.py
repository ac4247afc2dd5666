"""One workspace, from source to artifacts: the stages in their order, and the report of it all.

What the cache has is restored, and only the rest is built. If it has everything, and knows that it
does without a look at the source, nothing else is done at all.
"""

from __future__ import annotations

import contextlib
import platform
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from factory import __version__
from factory.analysis.inventory import find_host
from factory.errors import FactoryError
from factory.pipeline.cached_names import chooser_for
from factory.pipeline.conclusion import conclude
from factory.pipeline.ongoing_build import OngoingBuild, Progress
from factory.pipeline.output_directory import output_held, storage_error
from factory.pipeline.preparation import plugin_name, prepare_workspace
from factory.pipeline.publishing import images_wanted, refuse_unless_pushable
from factory.pipeline.recalling import memory_for, recalled_plugins
from factory.pipeline.remembered import remembered_plugins
from factory.pipeline.report import BuildReport, ToolVersions, write_report
from factory.pipeline.resolve import resolve_source
from factory.pipeline.stages import Stages
from factory.pipeline.workspace_making import make_plugins
from factory.scratch_folder import scratch_folder
from factory.whole_file import remove_unfinished

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from factory.config.build_plan import BuildPlan
    from factory.config.selection import PluginName
    from factory.pipeline.conclusion import Made
    from factory.pipeline.means import Means
    from factory.pipeline.preparation import Prepared
    from factory.pipeline.publishing import ImagesWanted
    from factory.pipeline.remembered import Memory


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltWorkspace:
    """What became of a workspace: its report, and the file that it is in.

    ``seen`` are the names of all its plugins, wanted or not. It was ``stopped`` if a failure has
    ended the whole run before it was done.
    """

    report: BuildReport
    file: Path
    seen: tuple[PluginName, ...]
    stopped: bool


def build_workspace(
    plan: BuildPlan, means: Means, *, warnings: Callable[[], Sequence[str]] = tuple
) -> BuiltWorkspace:
    """Build a workspace's plugins into the plan's output directory.

    The report is also written there, as ``build-report.json``, whatever comes of the build; an
    error that ended it is in the report.

    Args:
        plan: what is to be built.
        means: what the run builds it with.
        warnings: returns the warnings about the workspace, for the report.

    Raises:
        StorageError: the output directory, or the report in it, cannot be written.
        BusyError: another run writes to it.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    stages = Stages(plan.output_dir, means.emit, means.budget)
    progress = Progress(tools=ToolVersions(factory=__version__, python=platform.python_version()))
    with output_held(plan.output_dir, stages.logs):
        error: FactoryError | None = None
        try:
            _build(plan, means, stages, progress)
        except FactoryError as failure:
            error = failure
        except OSError as failure:
            error = storage_error(failure, plan.output_dir, plan.repo_path, plan.cache_dir)
        stopped = means.first_failure.is_reason(error)
        if stopped:
            error = None  # that the run was ended is no failure of this workspace
        elif error:
            means.first_failure.happened(plan.name or "the workspace")
        report = BuildReport(
            started=started,
            seconds=time.monotonic() - clock,
            tools=progress.tools,
            source=progress.source,
            stages=stages.seconds(),
            plugins=progress.reports(stages),
            warnings=tuple(warnings()),
            error=error,
        )
        try:
            file = write_report(report, plan.output_dir, means.runner.redact)
        except OSError as failure:
            raise (error or storage_error(failure, plan.output_dir)) from failure
    return BuiltWorkspace(report=report, file=file, seen=progress.seen, stopped=stopped)


def _build(plan: BuildPlan, means: Means, stages: Stages, progress: Progress) -> None:
    images = images_wanted(plan)
    with contextlib.ExitStack() as stack:
        remove_unfinished(plan.config_dir)
        temporary = stack.enter_context(scratch_folder())
        build = OngoingBuild(
            plan=plan,
            means=means,
            stages=stages,
            host=find_host(plan.host),
            temporary=temporary,
            progress=progress,
        )
        made = _made(build, images, stack)
        conclude(made, build, images)


def _made(build: OngoingBuild, images: ImagesWanted | None, stack: contextlib.ExitStack) -> Made:
    plan, means = build.plan, build.means
    resolved = resolve_source(plan, stages=build.stages, runner=means.runner)
    chooser = (
        chooser_for(plan, temporary=build.temporary, runner=means.runner) if means.cache else None
    )
    memory = memory_for(build, resolved, chooser)
    if memory and resolved and (made := recalled_plugins(build, memory, resolved, images)):
        return made
    prepared = prepare_workspace(build, resolved, chooser, stack)
    build.knows(
        prepared.plugins,
        seen=[plugin_name(plugin, plan) for plugin in prepared.settled],
        source=prepared.brought.report,
    )
    if images:
        refuse_unless_pushable(images, prepared.plugins, checkpoint=means.runner.raise_if_cancelled)
    memory = memory.once_settled() if memory else None
    made = make_plugins(build, prepared)
    if memory:
        _remember(memory, prepared, made)
    return made


def _remember(memory: Memory, prepared: Prepared, made: Made) -> None:
    if prepared.names:
        memory.keep(
            remembered_plugins(prepared.settled, prepared.names, made.reports),
            yarn=made.tools.yarn or "",
            committed_at=made.source.committed_at,
            lockfile=made.lockfile,
        )
