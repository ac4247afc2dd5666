"""A workspace that need not be checked out: what a build of this source gave is remembered."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from factory import __version__
from factory.analysis.manifest import MANIFEST_FILE, Manifest
from factory.attestation.provenance import Material
from factory.cache.entry import is_key
from factory.cache.inputs import machine
from factory.cache.key import TOOLS, code_digest
from factory.cache.memo import (
    MemoPlugin,
    WorkspaceMemo,
    configuration_digest,
    memo_digest,
    recall,
    remember,
)
from factory.cache.tree import folder_state
from factory.cache.variables import telling_variables
from factory.config.build_plan import APP_CONFIG, SCALPRUM_CONFIG
from factory.config.list_names import PLUGINS_LIST
from factory.engines import Engine
from factory.errors import FactoryError
from factory.pipeline.checkout import (
    overrides_of,
    source_report,
)
from factory.pipeline.chosen_plugins import ChosenPlugin
from factory.pipeline.finishing import BuildResult
from factory.pipeline.plugin_cache import Restorer
from factory.pipeline.preparation import host_digest, plugin_name, select_plugins
from factory.pipeline.publishing import refuse_unless_pushable
from factory.sources.source import Checkout, PlainFolder
from factory.toolchain.backstage_bundler import name_bundler, version_of_bundler
from factory.toolchain.rhdh_cli import with_pins
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from factory.cache.store import Store
    from factory.config.build_plan import BuildPlan
    from factory.pipeline.checkout import ResolvedSource
    from factory.pipeline.plugin_cache import NamedPlugin
    from factory.pipeline.publishing import ImagesWanted
    from factory.pipeline.workspace_context import WorkspaceContext
    from factory.reports.build_report import PluginReport, SourceReport, ToolVersions
    from factory.toolchain.choice import Chooser


log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownPlugin:
    """A plugin of which no source is here, and its key in the cache."""

    plugin: ChosenPlugin
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownWorkspace:
    """What is remembered of a workspace.

    ``yarn`` is the version that builds it, ``committed_at`` seconds since 1970, ``lockfile`` what
    its provenance says of yarn.lock. ``why`` says by name for whom tools were chosen.
    """

    plugins: tuple[KnownPlugin, ...]
    yarn: str
    why: Mapping[str, str]
    committed_at: int | None
    lockfile: tuple[Material, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkspaceMemory:
    """Where a workspace at a commit is remembered, with its configuration as it is.

    ``configuration`` is the digest of the configuration directory; ``other_files`` are what is in
    it besides plugins-list.yaml, with sizes and times of change. ``why`` says by name for whom this
    run chose tools, which another run may have chosen for somebody else.
    """

    store: Store
    plan: BuildPlan
    parts: Mapping[str, object]
    configuration: str
    other_files: Mapping[str, tuple[int, int]]
    why: Mapping[str, str]

    def once_settled(self) -> WorkspaceMemory | None:
        """Return where to remember what this run finds out; ask when the plugins are settled.

        A run that writes plugins-list.yaml is remembered for the configuration with that list, so
        that another one without it writes it again. None if the configuration has been changed
        meanwhile: what that makes of the workspace is not known.
        """
        writes = self.plan.plugins is None or self.plan.options.arguments.generate_build_args
        try:
            now = configuration_digest(self.plan.config_dir)
            others = _other_files(self.plan.config_dir)
        except OSError as error:
            log.debug("%s cannot be read: %s", self.plan.config_dir, error)
            return None
        if others != self.other_files or (now != self.configuration and not writes):
            return None
        return replace(self, configuration=now)

    def recall(self) -> KnownWorkspace | None:
        """Return what is remembered; None if nothing is."""
        found = recall(self.store, self._digest())
        if found is None:
            return None
        try:
            return self._workspace(found)
        except (ValueError, TypeError) as error:
            log.warning("the memo of a workspace cannot be used: %s", error)
            return None

    def _workspace(self, found: WorkspaceMemo) -> KnownWorkspace:
        """What a memo says, if it is what a build could have written.

        Raises:
            ValueError, TypeError: it is not.
        """
        facts = found.facts
        yarn, committed_at = facts.get("yarn", ""), facts.get("committed-at")
        if not _is_line(yarn) or not (committed_at is None or type(committed_at) is int):
            raise ValueError("its yarn or its time cannot be read")
        why = facts.get("why", {})
        if not isinstance(why, dict) or not all(
            _is_line(each) for pair in why.items() for each in pair
        ):
            raise ValueError("why its tools were chosen cannot be read")
        lockfile = tuple(Material(name=n, sha256=d) for n, d in facts.get("lockfile", ()))
        if not all(_is_line(each.name) and is_key(each.sha256) for each in lockfile):
            raise ValueError("its lockfile cannot be read")
        for plugin in found.plugins:
            texts = (plugin.path, plugin.name, plugin.version, plugin.role, plugin.written)
            folder = PurePosixPath(plugin.path)
            if folder.is_absolute() or ".." in folder.parts or not plugin.path:
                raise ValueError("a plugin's folder is outside of the workspace")
            if not all(map(_is_line, texts)) or not is_key(plugin.key):
                raise ValueError("a plugin cannot be read")
        return KnownWorkspace(
            plugins=tuple(self._know(plugin) for plugin in found.plugins),
            yarn=yarn,
            why={**why, **{name: said for name, said in self.why.items() if name in why}},
            committed_at=committed_at,
            lockfile=lockfile,
        )

    def keep(
        self,
        plugins: Iterable[MemoPlugin],
        *,
        tools: ToolVersions,
        committed_at: int | None,
        lockfile: Iterable[Material],
    ) -> None:
        """Remember the workspace."""
        facts: dict[str, Any] = {
            "yarn": tools.yarn or "",
            "why": dict(tools.why),
            "committed-at": committed_at,
            "lockfile": [[each.name, each.sha256] for each in lockfile],
        }
        remember(self.store, self._digest(), plugins, facts)

    def _digest(self) -> str:
        return memo_digest({**self.parts, "config": self.configuration})

    def _know(self, plugin: MemoPlugin) -> KnownPlugin:
        plan = self.plan
        folder = plan.repo_path / plan.workspace_path / plugin.path
        return KnownPlugin(
            key=plugin.key,
            plugin=ChosenPlugin(
                path=plugin.path,
                folder=folder,
                manifest=Manifest(
                    file=folder / MANIFEST_FILE,
                    name=plugin.name,
                    version=plugin.version,
                    role=plugin.role,
                ),
                arguments=plugin.written,
                scalprum_config=plan.plugin_file(plugin.path, SCALPRUM_CONFIG),
                app_config=plan.plugin_file(plugin.path, APP_CONFIG),
            ),
        )


def _is_line(value: object) -> bool:
    return isinstance(value, str) and (value.isprintable() or not value)


def workspace_memory(
    plan: BuildPlan,
    state: str | None,
    *,
    store: Store,
    tools: Mapping[str, str],
    why: Mapping[str, str],
    host_digest: str,
) -> WorkspaceMemory | None:
    """Return where a workspace is remembered; None where that cannot be.

    Args:
        plan: the workspace.
        state: what tells the source that is to be built from any other: the full id of a commit;
            None where nothing does.
        store: the cache.
        tools: what decides which tools build it: versions by name.
        why: for whom they are chosen, by name, as far as the source is not needed to tell.
        host_digest: the host's, which decides the build arguments.
    """
    written = (plan.repo_path, plan.output_dir, plan.cache_dir)
    # What a run writes into the configuration directory would make another one of it each time.
    if state is None or any(path.is_relative_to(plan.config_dir) for path in written):
        return None
    try:
        configuration = configuration_digest(plan.config_dir)
        other_files = _other_files(plan.config_dir)
    except OSError as error:
        log.debug("%s cannot be read: %s", plan.config_dir, error)
        return None
    return WorkspaceMemory(
        store=store,
        plan=plan,
        configuration=configuration,
        other_files=other_files,
        why=why,
        parts={
            "factory": f"{__version__} {code_digest()}",
            "machine": machine(),
            "commit": state,
            "workspace-path": plan.workspace_path,
            "options": {
                "generate-build-args": plan.options.arguments.generate_build_args,
                "repair": plan.options.arguments.repair,
            },
            "tools": dict(tools),
            "host": host_digest,
            "portal": plan.portal.name if len(plan.layers) > 1 else "",
            "variables": dict(telling_variables(plan.environment)),
        },
    )


def _other_files(config_dir: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of what is in a configuration directory, but its plugins-list.yaml.

    Raises:
        OSError: a folder cannot be read.
    """
    found: dict[str, tuple[int, int]] = {}
    pending = [config_dir]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(config_dir / entry.path)
                elif PLUGINS_LIST not in entry.name:  # its backups are called after it
                    status = entry.stat(follow_symlinks=False)
                    found[entry.path] = (status.st_size, status.st_mtime_ns)
    return found


def plugins_to_remember(
    plugins: Iterable[ChosenPlugin],
    names: Mapping[str, NamedPlugin],
    reports: Iterable[PluginReport],
) -> tuple[MemoPlugin, ...]:
    """Return plugins as they are remembered, with the keys that they are kept under.

    Those that were not built, or not well, are among them: the cache has nothing of theirs, so that
    a run that wants them looks at the source.
    """
    ended = {report.path: report for report in reports}

    def one(plugin: ChosenPlugin) -> MemoPlugin:
        name, report = names[plugin.path], ended.get(plugin.path)
        return MemoPlugin(
            path=plugin.path,
            name=plugin.manifest.name,
            version=plugin.manifest.version,
            role=plugin.manifest.role,
            written=plugin.arguments,
            arguments=report.arguments if report else plugin.arguments,
            key=name.repaired_key if report and report.repairs else name.key,
        )

    return tuple(one(plugin) for plugin in plugins)


def memo_for(
    build: WorkspaceContext, resolved: ResolvedSource | None, chooser: Chooser | None
) -> WorkspaceMemory | None:
    """Return where the workspace is remembered; None where its source has no state of its own.

    That is a commit, or what is in a plain folder. None also where a key is demanded of the cache:
    nothing vouches for which entries are a workspace's, so the source is looked at, which their
    keys follow from. A cache that goes with the run remembers nothing.
    """
    cache = build.run_context.cache
    if not (cache and chooser and resolved and cache.counts_earlier_runs):
        return None
    state = _state_of(resolved)
    try:
        # Which of them, and which yarn, the workspace asks for, the commit says.
        wanted = chooser.wanted
        rhdh_cli = chooser.rhdh_cli() if Engine.RHDH in wanted.engines.possible else None
        bundles = Engine.BACKSTAGE in wanted.engines.possible
        tools = {
            "node": " ".join(chooser.nodes()),
            "wanted-node": f"{wanted.node.range} {wanted.node.portal}" if wanted.node.range else "",
            "engine": str(wanted.engines),
            **({"self-contained": "true"} if wanted.self_contained else {}),
            **({"rhdh-cli": with_pins(rhdh_cli.version)} if rhdh_cli else {}),
            # Whether the workspace has one of its own, the commit says.
            **({"cli-module-build": name_bundler(None)} if bundles else {}),
        }
    except FactoryError as error:
        build.run_context.runner.raise_if_cancelled()
        log.debug("the workspace is not looked up in the cache: %s", error.problem)
        return None
    return workspace_memory(
        build.plan,
        state,
        store=cache.store,
        tools=tools,
        why={
            "engine": wanted.engine_why,
            **({"rhdh-cli": rhdh_cli.why} if rhdh_cli else {}),
        },
        host_digest=host_digest(build.host),
    )


def _state_of(resolved: ResolvedSource) -> str | None:
    """What tells one state of a source from another, without bringing it."""
    if not isinstance(resolved.where, PlainFolder):
        return resolved.commit
    try:
        digest = folder_state(resolved.where.path)
    except OSError as error:  # told where the folder is copied
        log.debug("%s cannot be read: %s", resolved.where.path, error)
        return None
    return f"folder {digest}" if digest else None


def restore_workspace(
    build: WorkspaceContext,
    memory: WorkspaceMemory,
    resolved: ResolvedSource,
    images: ImagesWanted | None,
) -> BuildResult | None:
    """Restore all wanted plugins of a remembered workspace; None unless the cache has them all.

    Args:
        build: the workspace's.
        memory: where it is remembered.
        resolved: where its source is.
        images: the images that will be made.

    Raises:
        FactoryError: the images may not be pushed.
        OSError: the output directory cannot be written.
    """
    plan, cache = build.plan, build.run_context.cache
    known = memory.recall()
    if known is None or cache is None:
        return None
    plugins = select_plugins([each.plugin for each in known.plugins], plan, build.run_context)
    keys = {each.plugin.path: each.key for each in known.plugins}
    entries = {plugin.path: cache.find(plugin, keys[plugin.path]) for plugin in plugins}
    found = {path: entry for path, entry in entries.items() if entry}
    if len(found) < len(entries):
        return None
    if images:
        refuse_unless_pushable(
            images,
            plugins,
            there=[each.plugin for each in known.plugins],
            checkpoint=build.run_context.runner.raise_if_cancelled,
        )
    source = _source(build, known, resolved)
    build.knows(
        plugins,
        seen=[plugin_name(each.plugin, plan) for each in known.plugins],
        source=source,
    )
    restorer = Restorer(cache=cache, output_dir=plan.output_dir, stages=build.stages)
    reports = []
    for plugin in plugins:
        report = restorer.place(found[plugin.path], plugin)
        if report is None:
            return None
        build.note_end(report)
        reports.append(report)
    versions: dict[str, object] = {}
    for entry in found.values():
        said = entry.parts().get(TOOLS, {})
        versions.update(said if isinstance(said, dict) else {})
    if found:
        used = _tools(build.progress.tools, versions, known)
        build.uses(replace(used, engine=str(build.wanted.engines)))
    return BuildResult(
        reports=tuple(reports),
        source=source,
        overrides=overrides_of(plan),
        lockfile=known.lockfile,
        tools=build.progress.tools,
    )


def _source(
    build: WorkspaceContext, known: KnownWorkspace, resolved: ResolvedSource
) -> SourceReport:
    checkout = Checkout(
        root=build.plan.repo_path,
        commit=resolved.commit,
        ref=resolved.wanted.name if resolved.wanted else None,
        committed_at=known.committed_at,
        url=resolved.address,
    )
    return source_report(build.plan, overrides_of(build.plan), checkout)


def _tools(
    tools: ToolVersions, versions: Mapping[str, object], known: KnownWorkspace
) -> ToolVersions:
    node = versions.get("node")
    return replace(
        tools,
        node=node if isinstance(node, str) else None,
        yarn=known.yarn or None,
        rhdh_cli=str(versions.get("rhdh-cli", "")).partition("+")[0] or None,
        bundler=version_of_bundler(str(versions.get("cli-module-build", ""))),
        why=known.why,
    )
