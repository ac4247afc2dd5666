"""What a build would do, found out by a look at the sources, which are brought to a scratch folder.

Neither the source folder, nor the output directory, nor the configuration directory is written to.
"""

from __future__ import annotations

import contextlib
import platform
import shutil
from dataclasses import field, replace
from typing import TYPE_CHECKING

from factory import __version__
from factory.config.list_names import PLUGINS_LIST
from factory.config.selection import nothing_selected
from factory.config.workspaces import CLONES_FOLDER
from factory.engines import Engine
from factory.errors import FactoryError, Place, SourceError
from factory.pipeline.checkout import overrides_of, resolve_source
from factory.pipeline.plugin_cache import keys_to_look_under, open_cache
from factory.pipeline.preparation import (
    bring_workspace,
    chooser_for,
    identity_of,
    plugin_name,
    prepare_workspace,
    select_plugins,
)
from factory.pipeline.run import clones_of, remotes_of
from factory.pipeline.run_context import FirstFailure, RunContext
from factory.pipeline.several_workspaces import warn_of_unmatched
from factory.pipeline.stages import Stages
from factory.pipeline.workspace_context import (
    BuildProgress,
    open_context,
)
from factory.pipeline.workspace_memo import memo_for
from factory.plan.offline import (
    LISTED,
    list_wanted_tools,
    look_at_workspace,
    outlook_of,
)
from factory.plan.plan_result import (
    Outlook,
    PlannedPlugin,
    PlannedSource,
    PlannedTools,
    PlannedWorkspace,
)
from factory.reports.build_report import ToolVersions
from factory.scheduling.budget import Budget
from factory.scheduling.in_flight import InFlight, Installations
from factory.scratch_folder import scratch_folder
from factory.sources.clones import lend_objects
from factory.sources.folder import copy_folder
from factory.threads import InheritingPool
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from factory.config.build_plan import BuildPlan
    from factory.config.run_plan import RunPlan
    from factory.config.selection import PluginName
    from factory.pipeline.checkout import ResolvedSource
    from factory.pipeline.chosen_plugins import ChosenPlugin
    from factory.pipeline.plugin_cache import NamedPlugin, PluginCache
    from factory.pipeline.workspace_context import WorkspaceContext
    from factory.pipeline.workspace_memo import KnownWorkspace
    from factory.plan.plan_result import Verdict
    from factory.sources.clones import Clone
    from factory.toolchain.choice import Chooser
    from factory.toolchain.runner import Runner

# Looking is waiting for servers, mostly.
_AT_ONCE = 8
_FINISHED = "finished before, and nothing has changed"


def online_outlook(run: RunPlan, *, runner: Runner) -> Outlook:
    """Return what a run would do: sources are fetched, patched and analysed, in a scratch folder.

    What the cache remembers whole is not fetched. What is wrong with a workspace is told as its
    error.

    Raises:
        UsageError: none of the plugins that there are is wanted, or a registry of the cache has no
            name.
    """
    with (
        open_cache(run, runner) as cache,
        scratch_folder() as scratch,
    ):
        look = _OnlineLook(scratch=scratch, run_context=_means(run, scratch, runner, cache))
        with InheritingPool(max_workers=_AT_ONCE) as pool:
            tasks = [pool.submit(look_at_workspace, plan, look.at) for plan in run.builds]
            seen = [task.result() for task in tasks]
    failed = [each.name for each in seen if each.error] + [each.name for each in run.broken]
    warn_of_unmatched(run, look.found, failed)
    wanted = [each for each in seen if each.error or each.plugins]
    if not wanted and not run.broken:
        raise nothing_selected(run.selection, [str(plugin) for plugin in look.found])
    return outlook_of(run, wanted, offline=False)


@contextlib.contextmanager
def workspace_to_look_at(run: RunPlan, *, runner: Runner) -> Iterator[Path]:
    """Bring the source of a run's only workspace to a scratch folder, patched; give its folder.

    Nothing is installed, and no cache is asked.

    Raises:
        FactoryError: what a build would end with, before any one plugin.
    """
    (plan,) = run.builds
    with scratch_folder() as scratch, contextlib.ExitStack() as stack:
        look = _OnlineLook(scratch=scratch, run_context=_means(run, scratch, runner, None))
        build = look.trial(plan)
        remotes = look.run_context.remotes
        resolved = resolve_source(build.plan, stages=build.stages, runner=runner, remotes=remotes)
        yield bring_workspace(build, resolved, stack).workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class _OnlineLook:
    """What the looks at a run's workspaces have in common; each may be in a thread of its own.

    ``found`` collects every plugin that there is, wanted or not.
    """

    scratch: Path
    run_context: RunContext
    found: list[PluginName] = field(default_factory=list)

    def at(self, plan: BuildPlan) -> PlannedWorkspace:
        """Return what a build of a workspace would do.

        Raises:
            FactoryError: what it would end with, before any one plugin.
        """
        try:
            return self._look_at(plan)
        except FactoryError as error:
            # The scratch folder is gone when the error is read: a path in the source is left.
            source = self._find_own(plan) / "source"
            if error.place and error.place.file.is_relative_to(source):
                file = error.place.file.relative_to(source)
                error.place = replace(error.place, file=file)
            raise

    def _look_at(self, plan: BuildPlan) -> PlannedWorkspace:
        build = self.trial(plan)
        runner = self.run_context.runner
        remotes = self.run_context.remotes
        resolved = resolve_source(build.plan, stages=build.stages, runner=runner, remotes=remotes)
        chooser = chooser_for(build) if self.run_context.cache else None
        memory = memo_for(build, resolved, chooser)
        if memory and chooser and resolved and (known := memory.recall()):
            remembered = self._plan_remembered(build, resolved, known)
            if remembered:
                tools = _plan_cached_tools(build, chooser, known.why.get("node", ""))
                return replace(remembered, tools=tools)
        with contextlib.ExitStack() as stack:
            prepared = prepare_workspace(build, resolved, chooser, stack)
        self.found.extend(plugin_name(each, plan) for each in prepared.settled)
        report = prepared.checked_out.report
        names = prepared.names if resolved else _as_in_place(prepared.names, plan)
        return PlannedWorkspace(
            name=plan.name,
            portal=plan.portal.of_several,
            source=PlannedSource(
                repo=report.repo if resolved else str(plan.repo_path),
                ref=report.ref,
                commit=report.commit,
                local=report.local,
                note=report.integrity or ("with uncommitted changes" if report.modified else ""),
                integrity=report.integrity,
            ),
            workspace_path=plan.workspace_path,
            plugins=tuple(
                self._plan_plugin(plugin, build, self._verdict(names.get(plugin.path), plan))
                for plugin in prepared.plugins
            ),
            partly=len(prepared.plugins) < len(prepared.settled),
            tools=_plan_tools(build, chooser, prepared.manifest.engines_node),
        )

    def _find_own(self, plan: BuildPlan) -> Path:
        return self.scratch / "workspaces" / (plan.name or "alone")

    def trial(self, plan: BuildPlan) -> WorkspaceContext:
        """Return a build whose folders to write to are in the scratch folder."""
        own = self._find_own(plan)
        temporary = own / "temporary"
        temporary.mkdir(parents=True)
        plugins_list = own / PLUGINS_LIST
        if plan.plugins is not None:
            shutil.copyfile(plan.plugins.path, plugins_list)
        trial = replace(
            plan,
            repo_path=own / "source" if plan.source else _tree_to_look_at(plan, own / "source"),
            output_dir=own / "outputs",
            plugins_list_file=plugins_list,
            clones_dir=self.scratch / CLONES_FOLDER if plan.clones_dir else None,
        )
        stages = Stages(trial.output_dir, self.run_context.emit)
        stages.logs.mkdir(parents=True)
        return open_context(
            trial,
            self.run_context,
            stages=stages,
            temporary=temporary,
            progress=BuildProgress(
                tools=ToolVersions(factory=__version__, python=platform.python_version())
            ),
        )

    def _plan_remembered(
        self, build: WorkspaceContext, resolved: ResolvedSource, known: KnownWorkspace
    ) -> PlannedWorkspace | None:
        """A workspace that need not be looked at; None unless all that is wanted is finished."""
        plan, keys = build.plan, {each.plugin.path: each.key for each in known.plugins}
        there = [each.plugin for each in known.plugins]
        wanted = select_plugins(there, plan, self.run_context)
        if not all(self._has(keys[plugin.path]) for plugin in wanted):
            return None
        self.found.extend(plugin_name(each, plan) for each in there)
        ref = resolved.wanted
        return PlannedWorkspace(
            name=plan.name,
            portal=plan.portal.of_several,
            source=PlannedSource(
                repo=resolved.address,
                ref=ref.name if ref else None,
                commit=resolved.commit,
            ),
            workspace_path=plan.workspace_path,
            plugins=tuple(
                self._plan_plugin(plugin, build, ("cached", _FINISHED, keys[plugin.path]))
                for plugin in wanted
            ),
            partly=len(wanted) < len(there),
        )

    def _plan_plugin(
        self,
        plugin: ChosenPlugin,
        build: WorkspaceContext,
        verdict: tuple[Verdict, str, str | None],
    ) -> PlannedPlugin:
        plan = build.plan
        computed = plan.plugins is None or plan.options.arguments.generate_build_args
        said, why, key = verdict
        return PlannedPlugin(
            path=plugin.path,
            name=plugin.manifest.name,
            version=plugin.manifest.version,
            role=plugin.manifest.role,
            arguments=plugin.arguments,
            arguments_from=f"computed for {build.host.name}" if computed else LISTED,
            verdict=said,
            why=why,
            key=key,
        )

    def _verdict(
        self, named: NamedPlugin | None, plan: BuildPlan
    ) -> tuple[Verdict, str, str | None]:
        cache = self.run_context.cache
        if cache is None:
            return "build", "finished plugins are not looked for (--no-cache)", None
        if named is None:
            return "build", "what it is made from is not known before", None
        for key in keys_to_look_under(named, repair=plan.options.arguments.repair):
            if self._has(key):
                return "cached", _FINISHED, key
        return "build", cache.why_missing(named), named.key

    def _has(self, key: str) -> bool:
        cache = self.run_context.cache
        return cache is not None and cache.promises(key)


def _plan_tools(build: WorkspaceContext, chooser: Chooser | None, engines: str) -> PlannedTools:
    """What would build a workspace; without a cache nothing has asked for that, nor does this.

    Raises:
        FactoryError: there is no such tool.
    """
    if chooser is None:
        return list_wanted_tools(build.host, build.wanted, "--no-cache")
    node = chooser.node(engines or None)
    return replace(_plan_cached_tools(build, chooser, node.why), node=node.version)


def _plan_cached_tools(build: WorkspaceContext, chooser: Chooser, node_why: str) -> PlannedTools:
    """What would build a workspace of which nothing has to be built."""
    wanted = chooser.wanted
    rhdh_cli = chooser.rhdh_cli() if Engine.RHDH in wanted.engines.possible else None
    why = {"engine": wanted.engine_why, "node": node_why}
    return PlannedTools(
        host=build.host.name,
        engine=str(wanted.engines),
        rhdh_cli=rhdh_cli.version if rhdh_cli else None,
        node=None,
        why={**why, "rhdh-cli": rhdh_cli.why} if rhdh_cli else why,
    )


def _as_in_place(names: Mapping[str, NamedPlugin], plan: BuildPlan) -> Mapping[str, NamedPlugin]:
    """The names of a tree that is built in place, though it may be a copy that was looked at."""
    where = (str(plan.repo_path), plan.workspace_path)
    return {path: replace(name, identity=identity_of(*where, path)) for path, name in names.items()}


def _tree_to_look_at(plan: BuildPlan, copy: Path) -> Path:
    """The tree of ``--use-local``, or, where patches and overlays would change it, a copy."""
    tree = plan.repo_path
    if not tree.is_dir() or not any(tree.iterdir()):
        raise SourceError(
            "there is nothing to build in place",
            place=Place(file=tree),
            expected="your source code: --use-local builds what is in --repo-path",
            hint="mount or name your repository: --repo-path ./my-repository",
        )
    overrides = overrides_of(plan)
    if not overrides.patches and not overrides.overlays:
        return tree
    copy.mkdir()
    copy_folder(tree, copy)
    return copy


def _means(run: RunPlan, scratch: Path, runner: Runner, cache: PluginCache | None) -> RunContext:
    return RunContext(
        runner=runner,
        emit=lambda _: None,
        budget=Budget(cores=_AT_ONCE, memory=0, while_waiting=runner.raise_if_cancelled),
        confirm=None,
        clones=_clones(run, scratch),
        remotes=remotes_of(run),
        selection=run.selection,
        cache=cache,
        in_flight=InFlight(),
        installations=Installations(),
        first_failure=FirstFailure(runner=runner, ends_run=False),
    )


def _clones(run: RunPlan, scratch: Path) -> Mapping[str, Clone]:
    """Clones in the scratch folder, which borrow what those of earlier builds have."""
    clones = clones_of(run, scratch)
    for address, there in clones_of(run, run.repo_path).items():
        lend_objects(there.path, clones[address].path)
    return clones
