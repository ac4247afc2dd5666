"""A whole run: one workspace or several, and what they share."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from factory.config.selection import nothing_selected
from factory.pipeline.budget import Budget
from factory.pipeline.capacity import default_memory
from factory.pipeline.expected_durations import tell_expected
from factory.pipeline.first_failure import FirstFailure
from factory.pipeline.in_flight import InFlight
from factory.pipeline.installations import Installations
from factory.pipeline.means import Means
from factory.pipeline.plugin_cache import opened_cache
from factory.pipeline.run_clones import clones_of
from factory.pipeline.several_workspaces import build_several, warn_of_unmatched
from factory.pipeline.workspace_build import build_workspace
from factory.pipeline.workspace_warnings import warnings_collected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from factory.config.run_plan import RunPlan
    from factory.events import Emit
    from factory.pipeline.report import BuildReport
    from factory.pipeline.run_report import RunReport
    from factory.toolchain.runner import Runner


def build_run(
    run: RunPlan,
    *,
    runner: Runner,
    emit: Emit,
    confirm: Callable[[str], bool] | None,
    warnings: Sequence[str] = (),
) -> BuildReport | RunReport:
    """Build everything that a run is to build, and return the report of it.

    The report is also written, as ``build-report.json``: each workspace's into its output
    directory, and one of all of them into the run's.

    Args:
        run: what is to be built.
        runner: starts the processes.
        emit: is told what happens.
        confirm: asks a yes-or-no question; None where nobody can answer.
        warnings: the list that all warnings of the run are collected in.

    Raises:
        FactoryError: the run ended before, or beside, any workspace; where it has but one, also
            what ended that before, or beside, any plugin. A plugin's own error is in the report,
            and so is that of one of several workspaces.
    """
    with (
        opened_cache(run, runner) as cache,
        warnings_collected() as collected,
    ):
        means = Means(
            runner=runner,
            emit=emit,
            budget=Budget(
                cores=run.jobs,
                memory=run.memory or default_memory(),
                while_waiting=runner.raise_if_cancelled,
            ),
            confirm=_one_at_a_time(confirm),
            clones=clones_of(run, run.repo_path),
            selection=run.selection,
            cache=cache,
            in_flight=InFlight(),
            installations=Installations(),
            first_failure=FirstFailure(runner=runner, ends_run=run.fail_fast),
        )
        try:
            if run.several:
                return build_several(run, means, collected, warnings)
            return _build_one(run, means, warnings)
        finally:
            if cache:
                cache.tidy()


def _build_one(run: RunPlan, means: Means, warnings: Sequence[str]) -> BuildReport:
    """Build the only workspace, in this thread: a signal ends it wherever it is."""
    (plan,) = run.builds
    tell_expected(run.builds, means.emit)
    built = build_workspace(plan, means, warnings=lambda: warnings)
    report = built.report
    if report.error:
        raise report.error
    if built.seen and not report.plugins:
        raise nothing_selected(run.selection, [str(name) for name in built.seen])
    warn_of_unmatched(run, built.seen)
    means.emit(report.finished(plan.output_dir, built.file))
    return report


def _one_at_a_time(confirm: Callable[[str], bool] | None) -> Callable[[str], bool] | None:
    """A person is asked one question at a time, however many workspaces have one."""
    if confirm is None:
        return None
    lock = threading.Lock()

    def ask(question: str) -> bool:
        with lock:
            return confirm(question)

    return ask
