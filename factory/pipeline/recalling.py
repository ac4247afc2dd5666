"""A workspace that the cache has whole: restored without a look at its source."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from factory.cache.key import TOOLS
from factory.errors import FactoryError
from factory.pipeline.bring import overrides_of, source_report
from factory.pipeline.cached_names import host_digest
from factory.pipeline.conclusion import Made
from factory.pipeline.preparation import plugin_name, wanted_plugins
from factory.pipeline.publishing import refuse_unless_pushable
from factory.pipeline.remembered import memory_of
from factory.pipeline.restoring import Restorer
from factory.sources.source import Checkout, GitRemote, shown

if TYPE_CHECKING:
    from factory.pipeline.ongoing_build import OngoingBuild
    from factory.pipeline.publishing import ImagesWanted
    from factory.pipeline.remembered import KnownWorkspace, Memory
    from factory.pipeline.report import SourceReport, ToolVersions
    from factory.pipeline.resolve import ResolvedSource
    from factory.toolchain.choice import Chooser

log = logging.getLogger(__name__)


def memory_for(
    build: OngoingBuild, resolved: ResolvedSource | None, chooser: Chooser | None
) -> Memory | None:
    """Return where the workspace is remembered; None where its source is known by no commit.

    None also where a key is demanded of the cache: nothing vouches for which entries are a
    workspace's, so the source is looked at, which their keys follow from.
    """
    cache = build.means.cache
    if not (cache and chooser and resolved and resolved.commit) or cache.demanded:
        return None
    try:
        # Which of them, and which yarn, the workspace asks for, the commit says.
        tools = {"node": " ".join(chooser.nodes()), "rhdh-cli": chooser.rhdh_cli()}
    except FactoryError as error:
        build.means.runner.raise_if_cancelled()
        log.debug("the workspace is not looked up in the cache: %s", error.problem)
        return None
    return memory_of(
        build.plan,
        resolved.commit,
        store=cache.store,
        tools=tools,
        host_digest=host_digest(build.host),
    )


def recalled_plugins(
    build: OngoingBuild,
    memory: Memory,
    resolved: ResolvedSource,
    images: ImagesWanted | None,
) -> Made | None:
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
    plan, cache = build.plan, build.means.cache
    known = memory.recalled()
    if known is None or cache is None:
        return None
    plugins = wanted_plugins([each.plugin for each in known.plugins], plan, build.means)
    keys = {each.plugin.path: each.key for each in known.plugins}
    entries = {plugin.path: cache.find(plugin, keys[plugin.path]) for plugin in plugins}
    found = {path: entry for path, entry in entries.items() if entry}
    if len(found) < len(entries):
        return None
    if images:
        refuse_unless_pushable(images, plugins, checkpoint=build.means.runner.raise_if_cancelled)
    source = _source(build, known, resolved)
    build.knows(
        plugins,
        seen=[plugin_name(each.plugin, plan) for each in known.plugins],
        source=source,
    )
    restorer = Restorer(cache=cache, output_dir=plan.output_dir, stages=build.stages)
    reports = []
    for plugin in plugins:
        report = restorer.restored(found[plugin.path], plugin)
        if report is None:
            return None
        build.ended(report)
        reports.append(report)
    for entry in found.values():
        build.uses(_tools(build.progress.tools, entry.parts().get(TOOLS, {}), known))
        break
    return Made(
        reports=tuple(reports),
        source=source,
        overrides=overrides_of(plan),
        lockfile=known.lockfile,
        tools=build.progress.tools,
    )


def _source(build: OngoingBuild, known: KnownWorkspace, resolved: ResolvedSource) -> SourceReport:
    where = resolved.where
    checkout = Checkout(
        root=build.plan.repo_path,
        commit=resolved.commit,
        ref=resolved.wanted.name if resolved.wanted else None,
        committed_at=known.committed_at,
        url=shown(where.url) if isinstance(where, GitRemote) else str(where.path),
    )
    return source_report(build.plan, overrides_of(build.plan), checkout)


def _tools(tools: ToolVersions, parts: object, known: KnownWorkspace) -> ToolVersions:
    versions = parts if isinstance(parts, dict) else {}
    return replace(
        tools,
        node=versions.get("node"),
        yarn=known.yarn or None,
        rhdh_cli=str(versions.get("rhdh-cli", "")).partition("+")[0] or None,
    )
