"""What a build would do, as a value: the answer of ``plugin-factory plan``.

Its form as JSON is ``factory/schemas/plan.schema.json``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from factory.reports.build_report import error_json
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from factory.errors import FactoryError

FORMAT = 1

Verdict: TypeAlias = Literal["cached", "build", "unknown"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedSource:
    """Which code would be built; ``note`` says why there is no ``commit``, where there is none.

    ``integrity`` is that of a published package's archive.
    """

    repo: str
    ref: str | None = None
    commit: str | None = None
    local: bool = False
    note: str = ""
    integrity: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedPlugin:
    """What would become of a plugin, and ``why``.

    ``arguments`` is None where they would be computed first, ``arguments_from`` says where they
    are from. What only the source tells is None as long as that has not been looked at. ``key`` is
    what the plugin is called in the cache of finished plugins.
    """

    path: str
    name: str | None = None
    version: str | None = None
    role: str | None = None
    arguments: str | None
    arguments_from: str
    verdict: Verdict
    why: str
    key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedTools:
    """What a workspace would be built with, and for which portal.

    ``rhdh_cli`` and ``node`` are versions, or, offline, what is wanted; ``why`` says by name who
    wants them. ``node`` is None where nothing has to be built, ``rhdh_cli`` where no plugin can
    need it.
    """

    host: str
    engine: str
    rhdh_cli: str | None
    node: str | None
    why: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedWorkspace:
    """What would become of a workspace.

    In a run for several portals its name begins with that of its ``portal``.
    ``tools`` would build it. ``plugins`` are the wanted ones, and None where the source would have
    to be looked at; ``partly`` is whether others were left out of them. ``error`` is what a build
    would end with.
    """

    name: str
    portal: str = ""
    source: PlannedSource | None = None
    workspace_path: str = "."
    plugins: tuple[PlannedPlugin, ...] | None = None
    partly: bool = False
    error: FactoryError | None = None
    tools: PlannedTools | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """What a run would do; without ``several`` it has one workspace, which has no name."""

    several: bool
    offline: bool
    workspaces: tuple[PlannedWorkspace, ...]
    left_out: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0, or the code of the earliest class of failure that a build would end with."""
        codes = (each.error.exit_code for each in self.workspaces if each.error)
        return min(codes, default=0)

    def count(self, verdict: Verdict) -> int:
        """How many plugins have a verdict."""
        plugins = (plugin for each in self.workspaces for plugin in each.plugins or ())
        return sum(plugin.verdict == verdict for plugin in plugins)

    def as_json(self, redact: Callable[[str], str]) -> dict[str, Any]:
        """Return the outlook as the schema has it, texts freed of secrets."""
        return {
            "format": FORMAT,
            "several": self.several,
            "offline": self.offline,
            "exit-code": self.exit_code,
            "workspaces": [_workspace_json(each, redact) for each in self.workspaces],
            "left-out": list(self.left_out),
        }


def _workspace_json(workspace: PlannedWorkspace, redact: Callable[[str], str]) -> dict[str, Any]:
    source, plugins = workspace.source, workspace.plugins
    return {
        "name": workspace.name,
        **({"portal": workspace.portal} if workspace.portal else {}),
        "source": {
            "repo": redact(source.repo),
            "ref": source.ref,
            "commit": source.commit,
            "local": source.local,
            "note": redact(source.note) or None,
            "integrity": source.integrity,
        }
        if source
        else None,
        "workspace-path": workspace.workspace_path,
        "tools": _tools_json(workspace.tools) if workspace.tools else None,
        "plugins": None if plugins is None else [_plugin_json(each, redact) for each in plugins],
        "error": error_json(workspace.error, redact) if workspace.error else None,
    }


def _tools_json(tools: PlannedTools) -> dict[str, Any]:
    return {
        "host": tools.host,
        "engine": tools.engine,
        "rhdh-cli": tools.rhdh_cli,
        "node": tools.node,
        "why": dict(sorted(tools.why.items())),
    }


def _plugin_json(plugin: PlannedPlugin, redact: Callable[[str], str]) -> dict[str, Any]:
    return {
        "path": plugin.path,
        "name": plugin.name,
        "version": plugin.version,
        "role": plugin.role,
        "arguments": None if plugin.arguments is None else redact(plugin.arguments),
        "arguments-from": plugin.arguments_from,
        "verdict": plugin.verdict,
        "why": redact(plugin.why),
        "key": plugin.key,
    }
