"""What a build would do, found out without doing it.

Offline it is what the configuration alone tells: pinned commits as they are, plugins as they are
listed. A repository or a tree on this machine is asked for its commit, since that takes no network.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from factory.analysis.arguments import parse_arguments
from factory.analysis.inventory import find_host
from factory.config.list_names import PLUGINS_LIST
from factory.config.selection import PluginName
from factory.engines import Engine
from factory.errors import FactoryError, Interrupted
from factory.export.tool_choice import wanted_tools
from factory.pipeline.checkout import resolve_source
from factory.pipeline.output_directory import storage_error
from factory.pipeline.stages import Stages
from factory.plan.plan_result import (
    Outlook,
    PlannedPlugin,
    PlannedSource,
    PlannedTools,
    PlannedWorkspace,
)
from factory.scratch_folder import scratch_folder
from factory.sources.asked_remotes import AskedRemotes
from factory.sources.checkout import git_session
from factory.sources.git_refs import FULL_ID
from factory.sources.source import GitRemote, Source, locate, without_credentials
from factory.sources.worktree import worktree_state
from factory.toolchain.child_environment import git_environment
from factory.toolchain.rhdh_cli_version import refuse_no_version
from factory.toolchain.wanted_tools import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from factory.analysis.inventory import HostInventory
    from factory.config.build_plan import BuildPlan
    from factory.config.plugins_list import PluginEntry
    from factory.config.run_plan import RunPlan
    from factory.config.selection import Selection
    from factory.toolchain.runner import Runner
    from factory.toolchain.wanted_tools import WantedTools

LISTED = PLUGINS_LIST
OFFLINE = "not known without reading the source (--offline)"


def offline_outlook(run: RunPlan, *, runner: Runner) -> Outlook:
    """Return what a run would do, as far as its configuration tells; no network is used.

    What is wrong with a workspace is told as its error.
    """
    with scratch_folder() as folder:
        stages = Stages(folder, lambda _: None)
        stages.logs.mkdir()

        def look(plan: BuildPlan) -> PlannedWorkspace:
            host = find_host(plan.portal.host)
            wanted = wanted_tools(plan.options.arguments, plan.environment, host)
            tools = list_wanted_tools(host, wanted, "--offline")
            source = _find_source(plan, stages=stages, runner=runner)
            listed = list_workspace(plan, source, run.selection)
            return replace(listed, tools=tools)

        return outlook_of(run, [look_at_workspace(plan, look) for plan in run.builds], offline=True)


def outlook_of(run: RunPlan, seen: Iterable[PlannedWorkspace], *, offline: bool) -> Outlook:
    """Return a run's outlook: the workspaces that were looked at, and those that are broken."""
    broken = (
        PlannedWorkspace(name=each.name, portal=each.portal, error=each.error)
        for each in run.broken
    )
    return Outlook(
        several=run.several,
        offline=offline,
        workspaces=tuple(
            sorted((*seen, *broken), key=lambda each: run.place_of(each.portal, each.name))
        ),
        left_out=tuple(plan.name for plan in run.unselected),
    )


def look_at_workspace(
    plan: BuildPlan, look: Callable[[BuildPlan], PlannedWorkspace]
) -> PlannedWorkspace:
    """Return what looking at a workspace tells, be it that a build of it would fail."""
    try:
        return look(plan)
    except Interrupted:
        raise
    except FactoryError as error:
        return _failing(plan, error)
    except OSError as error:
        return _failing(plan, storage_error(error))


def _failing(plan: BuildPlan, error: FactoryError) -> PlannedWorkspace:
    source = plan.source
    # A look keeps no logs: theirs are in a scratch folder, which is gone when the error is read.
    error.log = None
    return PlannedWorkspace(
        name=plan.name,
        portal=plan.portal.of_several,
        source=PlannedSource(repo=without_credentials(source.repo), ref=source.ref)
        if source
        else None,
        workspace_path=plan.workspace_path,
        error=error,
    )


def list_workspace(
    plan: BuildPlan, source: PlannedSource, selection: Selection
) -> PlannedWorkspace:
    """Return a workspace as its configuration alone has it.

    Raises:
        ConfigurationError: build arguments that cannot be read.
    """
    entries = plan.plugins.entries if plan.plugins else ()
    for entry in entries:
        parse_arguments(entry.arguments, plan.plugins.place(entry) if plan.plugins else None)
    wanted = tuple(
        _as_listed(entry, plan)
        for entry in entries
        if selection.may_want(PluginName(workspace=plan.name, path=entry.path))
    )
    return PlannedWorkspace(
        name=plan.name,
        portal=plan.portal.of_several,
        source=source,
        workspace_path=plan.workspace_path,
        plugins=None if plan.plugins is None else wanted,
        partly=len(wanted) < len(entries),
    )


def _as_listed(entry: PluginEntry, plan: BuildPlan) -> PlannedPlugin:
    computed = plan.options.arguments.generate_build_args
    return PlannedPlugin(
        path=entry.path,
        arguments=None if computed else entry.arguments,
        arguments_from="computed by the build (--generate-build-args)"
        if computed
        else PLUGINS_LIST,
        verdict="unknown",
        why=OFFLINE,
    )


def list_wanted_tools(host: HostInventory, wanted: WantedTools, option: str) -> PlannedTools:
    """Return what is wanted to build a workspace, where nobody looks for what there is of it.

    Args:
        host: the portal.
        wanted: what is wanted.
        option: for which option nobody looks.

    Raises:
        ConfigurationError: RHDH_CLI_VERSION is neither a version, nor a range, nor a tag.
    """
    refuse_no_version(wanted.rhdh_cli.wanted)
    rhdh_cli, node = wanted.rhdh_cli, wanted.node
    who = f"{rhdh_cli.portal} was released with it" if rhdh_cli.portal else VARIABLE
    exports = Engine.RHDH in wanted.engines.possible
    why = {"engine": wanted.engine_why}
    if exports:
        why["rhdh-cli"] = f"{who}; not looked for ({option})"
    if node.range:
        why["node"] = f"{node.portal} runs on it" if node.portal else "--node"
    return PlannedTools(
        host=host.name,
        engine=str(wanted.engines),
        rhdh_cli=rhdh_cli.wanted if exports else None,
        node=node.range or None,
        why=why,
    )


def _find_source(plan: BuildPlan, *, stages: Stages, runner: Runner) -> PlannedSource:
    """A plan's source, and its commit as far as it can be told without a network."""
    if plan.source is None:
        return _local_source(plan, runner)
    repo, ref = without_credentials(plan.source.repo), plan.source.ref
    if plan.source.package:
        return PlannedSource(
            repo=repo, ref=ref, note="a published package, not resolved (--offline)"
        )
    where = locate(Source(repo=plan.source.repo, ref=ref, relative_to=plan.config_dir))
    if ref and FULL_ID.match(ref.lower()):
        return PlannedSource(repo=repo, ref=ref, commit=ref.lower())
    if not isinstance(where, GitRemote):
        return PlannedSource(repo=repo, note="a plain folder, copied")
    if where.folder is None:
        named = "" if ref else "its default branch, "
        return PlannedSource(repo=repo, ref=ref, note=f"{named}not resolved (--offline)")
    alone = AskedRemotes(refs={})
    resolved = resolve_source(plan, stages=stages, runner=runner, remotes=alone)
    return PlannedSource(repo=repo, ref=ref, commit=resolved.commit if resolved else None)


def _local_source(plan: BuildPlan, runner: Runner) -> PlannedSource:
    state = worktree_state(
        plan.repo_path, git_session(runner=runner, env=git_environment(plan.environment))
    )
    note = f"built in place, with {len(state.uncommitted)} uncommitted changes"
    return PlannedSource(
        repo=str(plan.repo_path),
        ref=state.branch,
        commit=state.commit,
        local=True,
        note=note if state.uncommitted else "built in place",
    )
