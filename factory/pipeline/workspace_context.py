"""A workspace's build while it goes on: what it works on, with what, and how far it has come."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from factory.analysis.inventory import find_host
from factory.events import PluginsKnown
from factory.export.tool_choice import wanted_tools
from factory.pipeline.published_source import with_registries
from factory.reports.build_report import PluginReport
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from factory.analysis.inventory import HostInventory
    from factory.config.build_plan import BuildPlan
    from factory.config.selection import PluginName
    from factory.pipeline.chosen_plugins import ChosenPlugin
    from factory.pipeline.run_context import RunContext
    from factory.pipeline.stages import Stages
    from factory.reports.build_report import (
        SourceReport,
        ToolVersions,
    )
    from factory.toolchain.wanted_tools import WantedTools


@dataclass(slots=True)
class BuildProgress:
    """What is known so far, so that a build that ends early can still say it.

    ``seen`` are the names of all plugins of the workspace, ``plugins`` those that are wanted.
    """

    tools: ToolVersions
    source: SourceReport | None = None
    seen: tuple[PluginName, ...] = ()
    plugins: tuple[ChosenPlugin, ...] = ()
    ended: dict[str, PluginReport] = field(default_factory=dict)

    def reports(self, stages: Stages) -> tuple[PluginReport, ...]:
        """What became of each plugin, in their order; those that never ended are skipped."""
        return tuple(
            self.ended.get(plugin.path) or _not_built(plugin, stages) for plugin in self.plugins
        )

    def left_out(self) -> tuple[tuple[str, str], ...]:
        """Return path and package of each plugin that is not wanted."""
        wanted = {plugin.path for plugin in self.plugins}
        return tuple((one.path, one.package) for one in self.seen if one.path not in wanted)


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkspaceContext:
    """The build of one workspace.

    ``host`` is what build arguments are computed and mended for, ``wanted`` which tools build for
    it; ``temporary`` is a folder that goes when the build ends.
    """

    plan: BuildPlan
    run_context: RunContext
    stages: Stages
    host: HostInventory
    wanted: WantedTools
    temporary: Path
    progress: BuildProgress

    def knows(
        self, plugins: Sequence[ChosenPlugin], *, seen: Sequence[PluginName], source: SourceReport
    ) -> None:
        """Note which plugins are wanted, of which there are, and what they are made of."""
        self.progress.plugins = tuple(plugins)
        self.progress.seen = tuple(seen)
        self.progress.source = source
        self.run_context.emit(PluginsKnown(plugins=tuple(plugin.path for plugin in plugins)))

    def uses(self, tools: ToolVersions) -> None:
        """Note which tools are at work."""
        self.progress.tools = tools

    def note_end(self, report: PluginReport) -> None:
        """Note what became of a plugin, or what has become of it since; in any thread."""
        self.progress.ended[report.path] = report
        if report.outcome == "failed":
            named = "/".join(part for part in (self.plan.name, report.path) if part)
            self.run_context.first_failure.note(named)


def open_context(
    plan: BuildPlan,
    run_context: RunContext,
    *,
    stages: Stages,
    temporary: Path,
    progress: BuildProgress,
) -> WorkspaceContext:
    """Return the build of a workspace, before anything is asked or brought.

    Raises:
        ConfigurationError: the host's file, or a setting of a package's .npmrc, cannot be used.
        UsageError: there is no such host, or ``--node`` is not an npm range.
    """
    host = find_host(plan.portal.host)
    if plan.source and plan.source.package:
        plan = with_registries(plan)
    return WorkspaceContext(
        plan=plan,
        run_context=run_context,
        stages=stages,
        host=host,
        wanted=wanted_tools(plan.options.arguments, plan.environment, host),
        temporary=temporary,
        progress=progress,
    )


def _not_built(plugin: ChosenPlugin, stages: Stages) -> PluginReport:
    return PluginReport(
        path=plugin.path,
        outcome="skipped",
        name=plugin.manifest.name,
        version=plugin.manifest.version,
        role=plugin.manifest.role,
        arguments=plugin.arguments,
        seconds=stages.seconds(plugin.path),
    )
