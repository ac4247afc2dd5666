"""Several workspaces built side by side, and one report of them all."""

from __future__ import annotations

import logging
import platform
import time
from concurrent.futures import Future, as_completed
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from factory import __version__
from factory.analysis.inventory import find_host
from factory.config.selection import nothing_selected
from factory.errors import FactoryError, Interrupted
from factory.events import WORKSPACE, WorkspacesKnown
from factory.files import remove_unfinished
from factory.locking import exclusive
from factory.pipeline.output_directory import storage_error
from factory.pipeline.run_context import label_events
from factory.pipeline.workspace_build import build_workspace
from factory.reports.build_report import (
    BuildReport,
    ToolVersions,
)
from factory.reports.durations import tell_expected
from factory.reports.run_report import (
    RunReport,
    WorkspaceReport,
    write_run_report,
)
from factory.sources.destination import make_folder
from factory.threads import InheritingPool
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from factory.config.build_plan import BuildPlan
    from factory.config.run_plan import RunPlan
    from factory.config.selection import PluginName
    from factory.pipeline.run_context import RunContext
    from factory.said_warnings import WarningCollector


log = logging.getLogger(__name__)

# More workspaces than cores are under way: some wait for a server, a disk or each other, and with
# several to choose from the budget can begin what takes longest before the end comes near.
_WORKSPACES_PER_CORE = 3
_FEWEST_WORKSPACES = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ended:
    """What became of a workspace; ``seen`` are all its plugins, and None where nobody looked."""

    report: WorkspaceReport
    seen: tuple[PluginName, ...] | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether anything of the workspace was to be built, as far as is known."""
        report = self.report.report
        return bool(self.report.skipped or report.plugins or report.errors or not self.seen)


def build_several(
    run: RunPlan, run_context: RunContext, collected: WarningCollector, warnings: Sequence[str]
) -> RunReport:
    """Build the workspaces of a run, and return the report of it; it is written, too.

    Args:
        run: what is to be built.
        run_context: what it is built with.
        collected: the warnings by their workspaces.
        warnings: the list that all warnings of the run are collected in.

    Raises:
        UsageError: none of the plugins that there are is wanted, or there is no such portal.
        ConfigurationError: a portal's file cannot be read.
        Interrupted: the run was ended.
        StorageError: the output directory, or the report in it, cannot be written.
        BusyError: another run writes to it.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    for host in dict.fromkeys(plan.portal.host for plan in run.builds):
        find_host(host)
    make_folder(run.output_dir, called="the output directory", option="--output-dir")
    hint = "wait until it has ended, or use another --output-dir"
    with exclusive(run.output_dir, wait=False, hint=hint):
        places = [run.place_of(plan.portal.of_several, plan.name) for plan in run.builds]
        places += [run.place_of(each.portal, each.name) for each in run.broken]
        names = [name for _, name in sorted(places)]
        remove_unfinished(run.output_dir)
        run_context.emit(WorkspacesKnown(workspaces=tuple(names)))
        tell_expected(run.builds, run_context.emit)
        ended, error = _side_by_side(run, run_context, collected)
        wanted = {each.report.name: each.report for each in ended if each.is_wanted}
        if not wanted and error is None:
            there = [str(name) for each in ended for name in each.seen or ()]
            error = nothing_selected(run.selection, there)
        report = RunReport(
            started=started,
            seconds=time.monotonic() - clock,
            workspaces=tuple(wanted[name] for name in names if name in wanted),
            warnings=tuple(warnings),
            error=error,
        )
        try:
            file = write_run_report(report, run.output_dir, run_context.runner.redact)
        except OSError as failure:
            raise (error or storage_error(failure, run.output_dir)) from failure
    if error:
        raise error
    warn_of_unmatched(
        run,
        [name for each in ended for name in each.seen or ()],
        [each.report.name for each in ended if each.seen is None],
    )
    run_context.emit(report.describe_end(run.output_dir, file))
    return report


def warn_of_unmatched(run: RunPlan, seen: Iterable[PluginName], unseen: Iterable[str] = ()) -> None:
    """Tell which patterns of ``--only`` match nothing, as far as workspaces were looked at."""
    for pattern in run.selection.find_unmatched(seen, unseen):
        log.warning("--only %s matches nothing", pattern)


def _side_by_side(
    run: RunPlan, run_context: RunContext, collected: WarningCollector
) -> tuple[list[_Ended], FactoryError | None]:
    """Build the workspaces; return what became of each, and what ended the run, if anything did."""
    ended: list[_Ended] = []
    for broken in run.broken:
        run_context.first_failure.note(broken.name)
        ended.append(_end_failed(broken.name, broken.error, broken.portal))
    interrupted: Interrupted | None = None
    builds: list[tuple[Sequence[BuildPlan], Future[list[_Ended]]]] = []
    workers = max(_FEWEST_WORKSPACES, run.jobs * _WORKSPACES_PER_CORE)
    with InheritingPool(max_workers=workers, thread_name_prefix="workspace") as pool:
        try:
            builds.extend(
                (plans, pool.submit(_build_in_turn, plans, run_context, collected))
                for plans in _by_tree(run.builds)
            )
            for build in as_completed(build for _, build in builds):
                build.result()
        except Interrupted as signal:
            interrupted = signal
            pool.shutdown(wait=False, cancel_futures=True)
    submitted = [plan.name for plans, _ in builds for plan in plans]
    for plans, build in builds:
        ended += [_end_skipped(plan) for plan in plans] if build.cancelled() else build.result()
    ended += [_end_skipped(plan) for plan in run.builds if plan.name not in submitted]
    return ended, interrupted


def _by_tree(plans: Iterable[BuildPlan]) -> tuple[Sequence[BuildPlan], ...]:
    """Those that are built in one tree, as with ``--use-local`` for several portals, together."""
    found: dict[Path, list[BuildPlan]] = {}
    for plan in plans:
        found.setdefault(plan.repo_path, []).append(plan)
    return tuple(found.values())


def _build_in_turn(
    plans: Iterable[BuildPlan], run_context: RunContext, collected: WarningCollector
) -> list[_Ended]:
    return [_build(plan, run_context, collected) for plan in plans]


def _build(plan: BuildPlan, run_context: RunContext, collected: WarningCollector) -> _Ended:
    """Build one workspace in its thread; whatever ends it is told in its report."""
    WORKSPACE.set(plan.name)
    try:
        run_context.runner.raise_if_cancelled()
        built = build_workspace(
            plan, label_events(run_context, plan.name), warnings=lambda: collected.of(plan.name)
        )
    except Interrupted:
        return _end_skipped(plan)
    except FactoryError as error:
        run_context.first_failure.note(plan.name)
        return _end_failed(plan.name, error, plan.portal.of_several)
    report = built.report
    return _Ended(
        report=WorkspaceReport(
            name=plan.name,
            portal=plan.portal.of_several,
            report=report,
            skipped=built.stopped and not report.errors,
        ),
        seen=built.seen or None,
    )


def _end_failed(name: str, error: FactoryError, portal: str) -> _Ended:
    return _Ended(report=WorkspaceReport(name=name, portal=portal, report=_no_build(error)))


def _end_skipped(plan: BuildPlan) -> _Ended:
    return _Ended(
        report=WorkspaceReport(
            name=plan.name, portal=plan.portal.of_several, report=_no_build(), skipped=True
        )
    )


def _no_build(error: FactoryError | None = None) -> BuildReport:
    return BuildReport(
        started=datetime.now(UTC),
        seconds=0.0,
        tools=ToolVersions(factory=__version__, python=platform.python_version()),
        error=error,
    )
