"""What one or several runs have made and what failed, and where that can be seen.

``report_page`` tells it to people, ``ci_outputs`` to CI systems.
"""

from __future__ import annotations

import os
import stat
from dataclasses import field
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from factory.events import without_portal
from factory.frontend.verdict import FrontendVerdict
from factory.reports.merge import merge_reports
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from factory.reports.reading import (
        Report,
        WrittenReport,
    )

# Registries whose repositories have a page at their own name.
_BROWSABLE = frozenset({"quay.io", "ghcr.io"})


@dataclass(frozen=True, kw_only=True, slots=True)
class SummarisedPlugin:
    """One plugin: what became of it, and where that can be seen.

    ``artifact`` and ``log`` are paths as the reports were named, so relative ones stay relative;
    None where there is no such file here. ``source`` is a page that shows the source, if one is
    known; ``seconds`` wall time of all its stages, ``stages`` of each. ``size`` is the archive's in
    bytes, None where none was made; ``why`` says why it did not come from the cache. ``portal`` is
    what it was built for, where the report of a run for several portals says so.
    """

    workspace: str
    path: str
    name: str
    version: str
    outcome: str
    cached: bool
    seconds: float
    artifact: str | None
    image: str | None
    digest: str | None
    error: Report | None
    log: str | None
    source: str | None
    role: str = ""
    size: int | None = None
    why: str = ""
    repairs: tuple[str, ...] = ()
    stages: Mapping[str, float] = field(default_factory=dict)
    portal: str = ""
    shows: FrontendVerdict | None = None

    @property
    def label(self) -> str:
        """What a person and ``--only`` call it."""
        return f"{self.workspace}/{self.path}" if self.workspace else self.path

    @property
    def label_in_any_portal(self) -> str:
        """The same without the portal."""
        return without_portal(self.label, self.portal)


@dataclass(frozen=True, kw_only=True, slots=True)
class SummarisedWorkspace:
    """A workspace: its name, "" for one alone, and the wall time of its own stages.

    ``ref`` and ``commit`` are of its source, "" where it was not brought or is a plain folder.
    """

    name: str
    outcome: str
    repository: str
    ref: str
    commit: str
    stages: Mapping[str, float]
    warnings: tuple[str, ...]
    portal: str = ""

    @property
    def name_in_any_portal(self) -> str:
        """Its name without that of the portal; "" where each portal has but one workspace."""
        return without_portal(self.name, self.portal)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSummary:
    """All plugins of one or several runs, and the errors that are about no single plugin.

    ``errors`` are by the workspace's name, "" for a run's own. ``report`` is the report's file,
    None where there are several. ``started`` is as in RFC 3339, ``tools`` are versions by name.
    """

    outcome: str
    seconds: float
    plugins: tuple[SummarisedPlugin, ...]
    errors: tuple[tuple[str, Report], ...]
    warnings: tuple[str, ...]
    report: str | None
    started: str = ""
    tools: Mapping[str, str] = field(default_factory=dict)
    workspaces: tuple[SummarisedWorkspace, ...] = ()

    @property
    def failed(self) -> tuple[str, ...]:
        """What was asked for and does not exist: plugins, and workspaces that never began."""
        plugins = [each.label for each in self.plugins if each.outcome == "failed"]
        return (*plugins, *(name for name, _ in self.errors if name))

    @property
    def artifacts(self) -> tuple[str, ...]:
        """The paths of the archives that are here."""
        return tuple(each.artifact for each in self.plugins if each.artifact)

    @property
    def images(self) -> tuple[str, ...]:
        """The pushed images, each ``registry/repository:tag@digest``, and each once."""
        pushed = (f"{each.image}@{each.digest}" for each in self.plugins if each.image)
        return tuple(dict.fromkeys(pushed))


def summary_of(reports: Sequence[WrittenReport]) -> RunSummary:
    """Return what one or several runs say of their plugins, and where their files are.

    Args:
        reports: at least one; several are joined as by ``plugin-factory report merge``.

    Raises:
        ConfigurationError: two runs say different things about one plugin.
    """
    merged = merge_reports(reports)
    several = "workspaces" in merged
    workspaces = [(each["name"], each) for each in merged["workspaces"]] if several else []
    plugins = tuple(
        _plugin(name, workspace, plugin, _folders(reports, name))
        for name, workspace in workspaces or [("", merged)]
        for plugin in workspace["plugins"]
    )
    own = [("", merged["error"])] if merged["error"] else []
    below = [(name, each["error"]) for name, each in workspaces if each["error"]]
    said = [*merged["warnings"], *(word for _, each in workspaces for word in each["warnings"])]
    return RunSummary(
        outcome=merged["outcome"],
        seconds=merged["seconds"],
        plugins=plugins,
        errors=(*own, *below),
        warnings=tuple(dict.fromkeys(said)),
        report=reports[0].file.as_posix() if len(reports) == 1 else None,
        started=merged["started"],
        tools={name: version for name, version in merged["tools"].items() if version},
        workspaces=tuple(
            _workspace(name, workspace) for name, workspace in workspaces or [("", merged)]
        ),
    )


def _workspace(name: str, workspace: Report) -> SummarisedWorkspace:
    source = workspace["source"] or {}
    return SummarisedWorkspace(
        name=name,
        outcome=workspace["outcome"],
        repository=source.get("repo", ""),
        ref=source.get("ref") or "",
        commit=source.get("commit") or "",
        stages=workspace["stages"],
        warnings=tuple(workspace["warnings"]),
        portal=_text(workspace.get("portal")),
    )


def image_page(reference: str) -> str | None:
    """Return the address of the page that shows an image, of registries that have such pages."""
    registry, _, rest = reference.partition("/")
    if registry not in _BROWSABLE:
        return None
    return f"https://{registry}/{quote(rest.rpartition(':')[0] or rest)}"


def _folders(reports: Sequence[WrittenReport], workspace: str) -> list[Path]:
    """Where the runs have put a workspace's files: its own folders first."""
    named = [
        (name or report.file.absolute().parent.name, report.file.parent / name)
        for report in reports
        for name, _ in report.workspaces
    ]
    return [folder for name, folder in named if name == workspace or not workspace]


def _plugin(
    name: str, workspace: Report, plugin: Report, folders: Sequence[Path]
) -> SummarisedPlugin:
    image, error = plugin["image"], plugin["error"]
    archive = plugin["files"][0]["name"] if plugin["files"] else None
    log = PurePath(error["log"]).name if error and error["log"] else None
    return SummarisedPlugin(
        workspace=name,
        path=plugin["path"],
        name=plugin["name"],
        version=plugin["version"],
        outcome=plugin["outcome"],
        cached=bool(plugin.get("cached")),
        seconds=sum(plugin["seconds"].values()),
        artifact=_there(folders, archive),
        image=image["reference"] if image else None,
        digest=image["digest"] if image else None,
        error=error,
        log=_there(folders, f"logs/{log}" if log else None),
        source=_source_page(workspace["source"], plugin["path"]),
        role=plugin["role"],
        size=plugin["files"][0]["size"] if plugin["files"] else None,
        why=plugin.get("built-because") or "",
        repairs=tuple(plugin["repairs"]),
        stages=plugin["seconds"],
        portal=_text(plugin.get("portal", workspace.get("portal"))),
        shows=FrontendVerdict.read(plugin.get("frontend-systems")),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _there(folders: Sequence[Path], name: str | None) -> str | None:
    if name is None:
        return None
    return next(((each / name).as_posix() for each in folders if _is_file(each / name)), None)


def _is_file(path: Path) -> bool:
    """Whether there is a file: links lead wherever who left the report wants."""
    try:
        there = stat.S_ISREG(os.lstat(path).st_mode)
        return there and not stat.S_ISLNK(os.lstat(path.parent).st_mode)
    except (OSError, ValueError):
        return False


def _source_page(source: Mapping[str, Any] | None, plugin: str) -> str | None:
    """The page of a plugin's source at the commit that was built, on hosts that are known."""
    if not source or not source["commit"]:
        return None
    try:
        repo = urlsplit(source["repo"])
    except ValueError:  # such as an address in brackets that is not valid
        return None
    if repo.scheme not in {"https", "http"} or repo.hostname not in {"github.com", "gitlab.com"}:
        return None
    tree = "tree" if repo.hostname == "github.com" else "-/tree"
    path = "/".join(part for part in (source["workspace-path"], plugin) if part != ".")
    where = repo.path.rstrip("/").removesuffix(".git")
    return f"https://{repo.hostname}{quote(where)}/{tree}/{source['commit']}/{quote(path)}"
