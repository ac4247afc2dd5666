"""A whole run: one workspace or several, and what they share."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from factory.archives.limits import MAX_ENTRY_SIZE, archive_limits
from factory.cache.pruning import DEFAULT_LIMITS
from factory.cache.store import store_of
from factory.config.selection import nothing_selected
from factory.errors import FactoryError
from factory.pipeline.plugin_cache import PluginCache, open_cache
from factory.pipeline.run_context import FirstFailure, RunContext
from factory.pipeline.several_workspaces import build_several, warn_of_unmatched
from factory.pipeline.workspace_build import build_workspace
from factory.reports.durations import tell_expected
from factory.said_warnings import collect_warnings
from factory.scheduling.budget import Budget
from factory.scheduling.capacity import default_memory
from factory.scheduling.in_flight import InFlight, Installations
from factory.scratch_folder import scratch_folder
from factory.sources.asked_remotes import AskedRemotes
from factory.sources.clones import clones_for
from factory.sources.source import BAD_REF, GitRemote, Source, locate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from factory.config.build_plan import BuildPlan
    from factory.config.run_plan import RunPlan
    from factory.events import Emit
    from factory.reports.build_report import BuildReport
    from factory.reports.run_report import RunReport
    from factory.sources.clones import Clone
    from factory.toolchain.runner import Runner


def clones_of(run: RunPlan, repo_path: Path) -> Mapping[str, Clone]:
    """Return the clone of each repository of a run, by its normalised address.

    Those of workspaces that are not wanted count, so that --only changes no clone's name.

    Args:
        run: what is to be built; where it is of one workspace, there are no clones.
        repo_path: the folder that the clones are in a folder of.
    """
    if not run.several:
        return {}
    plans = (*run.builds, *run.unselected)
    return clones_for([remote for remote, _ in _git_sources(plans)], repo_path)


def remotes_of(run: RunPlan) -> AskedRemotes:
    """Return the remotes of a run, with what it wants of each, not asked yet."""
    refs: dict[GitRemote, set[str | None]] = {}
    for remote, ref in _git_sources(run.builds):
        if ref is None or not BAD_REF.search(ref):
            refs.setdefault(remote, set()).add(ref)
    return AskedRemotes(refs={remote: frozenset(wanted) for remote, wanted in refs.items()})


def _git_sources(plans: Iterable[BuildPlan]) -> Iterator[tuple[GitRemote, str | None]]:
    for plan in plans:
        if plan.source and not plan.source.package:
            source = Source(repo=plan.source.repo, relative_to=plan.config_dir)
            with contextlib.suppress(FactoryError):  # told where the workspace is built
                where = locate(source)
                if isinstance(where, GitRemote):
                    yield where, plan.source.ref


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
        open_cache(run, runner) as kept,
        _open_shared_cache(run) as shared,
        collect_warnings() as collected,
    ):
        cache = kept or shared
        run_context = RunContext(
            runner=runner,
            emit=emit,
            budget=Budget(
                cores=run.jobs,
                memory=run.memory or default_memory(),
                while_waiting=runner.raise_if_cancelled,
            ),
            confirm=_one_at_a_time(confirm),
            clones=clones_of(run, run.repo_path),
            remotes=remotes_of(run),
            selection=run.selection,
            cache=cache,
            in_flight=InFlight(),
            installations=Installations(),
            first_failure=FirstFailure(runner=runner, ends_run=run.options.work.fail_fast),
        )
        try:
            if run.several:
                return build_several(run, run_context, collected, warnings)
            return _build_one(run, run_context, warnings)
        finally:
            if cache:
                cache.tidy()


@contextlib.contextmanager
def _open_shared_cache(run: RunPlan) -> Iterator[PluginCache | None]:
    """A cache for what several portals share with ``--no-cache``; none for any other run.

    What is the same for two of them is built once. Nothing of it is kept after the run, and nothing
    that was kept before is taken.
    """
    if not (run.options.cache.no_cache and run.portals):
        yield None
        return
    archives = archive_limits(run.environment.get(MAX_ENTRY_SIZE))
    with scratch_folder("finished") as folder:
        yield PluginCache(
            store=store_of(folder), limits=DEFAULT_LIMITS, archives=archives, is_of_run=True
        )


def _build_one(run: RunPlan, run_context: RunContext, warnings: Sequence[str]) -> BuildReport:
    """Build the only workspace, in this thread: a signal ends it wherever it is."""
    (plan,) = run.builds
    tell_expected(run.builds, run_context.emit)
    built = build_workspace(plan, run_context, warnings=lambda: warnings)
    report = built.report
    if report.error:
        raise report.error
    if built.seen and not report.plugins:
        raise nothing_selected(run.selection, [str(name) for name in built.seen])
    warn_of_unmatched(run, built.seen)
    run_context.emit(report.describe_end(plan.output_dir, built.file))
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
