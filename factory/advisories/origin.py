"""Which workspace and ref a published plugin came from: by its provenance or a run's report."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal

from factory.errors import ConfigurationError
from factory.reports.build_report import REPORT_FILE
from factory.reports.reading import read_report
from factory.values import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from factory.attestation.provenance import Statement
    from factory.reports.reading import Report

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class PluginOrigin:
    """The code that a plugin was built from; "" is what nothing tells.

    ``workspace`` is the workspace's name in a run of several, ``told_by`` what all this is from.
    """

    told_by: Literal["build report", "provenance"]
    workspace: str = ""
    repository: str = ""
    ref: str = ""
    commit: str = ""
    workspace_path: str = ""
    plugin_path: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FolderReport:
    """What the report of a run says of one output directory: ``workspace`` is its name, or ""."""

    workspace: str
    document: Report

    def plugin_with(self, archive: str) -> Report | None:
        """Return what it says of the plugin whose archive has this name."""
        plugins = self.document["plugins"]
        return next((one for one in plugins if archive in _names(one)), None)

    def has_layout(self, name: str, there: set[str]) -> bool:
        """Whether an image on disk holds a plugin whose archive is among those that are there."""
        return any(
            one.get("image-file") == name and _names(one) & there
            for one in self.document["plugins"]
        )


def find_report(folder: Path) -> FolderReport | None:
    """Return what the report of a run says of an output directory, or of a workspace's in it.

    One that cannot be read is said, and otherwise as good as none: it tells origins alone.
    """
    for place, name in ((folder, ""), (folder.parent, folder.name)):
        if not (place / REPORT_FILE).is_file():
            continue
        try:
            report = read_report(place)
        except (ConfigurationError, OSError) as error:
            log.warning("%s cannot be used: %s", place / REPORT_FILE, str(error).splitlines()[0])
            continue
        for workspace, document in report.workspaces:
            if workspace == name:
                return FolderReport(workspace=workspace, document=document)
    return None


def origin_in_report(report: FolderReport, archive: str) -> PluginOrigin | None:
    """Return what a report says of where an archive came from."""
    plugin, source = report.plugin_with(archive), report.document["source"]
    if plugin is None or source is None:
        return None
    return PluginOrigin(
        told_by="build report",
        workspace=report.workspace,
        repository=source["repo"],
        ref=source["ref"] or "",
        commit=source["commit"] or "",
        workspace_path=source["workspace-path"],
        plugin_path=plugin["path"],
    )


def origin_in_statement(statement: Statement) -> PluginOrigin:
    """Return what a provenance statement says of where its subject came from."""
    definition = _table(statement.predicate.get("buildDefinition"))
    given = _table(definition.get("externalParameters"))
    source = _table(given.get("source"))
    resolved = definition.get("resolvedDependencies")
    commits = [
        _text(_table(one.get("digest")).get("gitCommit"))
        for one in (resolved if isinstance(resolved, list) else ())
        if isinstance(one, dict) and one.get("name") == "source"
    ]
    return PluginOrigin(
        told_by="provenance",
        repository=_text(source.get("repository")),
        ref=_text(source.get("ref")),
        commit=next(iter(commits), ""),
        workspace_path=_text(given.get("workspacePath")),
        plugin_path=_text(given.get("pluginPath")),
    )


def _names(plugin: Report) -> set[str]:
    return {file["name"] for file in plugin["files"]}


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
