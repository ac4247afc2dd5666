"""``build-report.json``: what a run made, of what, with what, and what went wrong.

Its form is ``factory/schemas/build-report.schema.json``; ``format`` goes up when a reader of the
old form would misread the new.
"""

from __future__ import annotations

import json
from dataclasses import field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from factory.events import PluginSummary, RunFinished
from factory.files import write_whole
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from factory.errors import FactoryError
    from factory.events import Outcome
    from factory.export.packing import Artifact
    from factory.frontend.verdict import FrontendVerdict

REPORT_FILE = "build-report.json"
FORMAT = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportedImage:
    """A pushed image: its reference with the tag, and its digest."""

    reference: str
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PluginReport:
    """What became of one plugin. ``seconds`` are wall time a stage.

    ``arguments`` are those of the last attempt; ``repairs`` says which of them were added because
    an export failed, and why: they belong into plugins-list.yaml. A plugin that is ``cached`` came
    from the cache as it is; ``built_because`` says in a few words why another did not. ``shows``
    says of a frontend in which frontend systems it shows.
    """

    path: str
    outcome: Outcome
    name: str
    version: str
    role: str
    arguments: str
    seconds: Mapping[str, float]
    files: tuple[Artifact, ...] = ()
    integrity: str | None = None
    exported_name: str | None = None
    image: ReportedImage | None = None
    image_file: str | None = None
    error: FactoryError | None = None
    repairs: tuple[str, ...] = ()
    cached: bool = False
    shows: FrontendVerdict | None = None
    built_because: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceReport:
    """Which code was built. ``commit`` is None for what does not come from git.

    Of a published package, ``repo`` is its address without a version (a package URL), ``ref`` its
    version, ``committed_at`` when that was published, and ``integrity`` its archive's.
    """

    repo: str
    ref: str | None
    commit: str | None
    committed_at: int | None
    workspace_path: str
    local: bool
    modified: bool = False
    patches: tuple[str, ...] = ()
    overlays: tuple[str, ...] = ()
    integrity: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolVersions:
    """The versions of everything that had a hand in it; None where it was not reached.

    ``engine`` is what exported the plugins, and ``why`` says by name for whom, or by what wish,
    engine, rhdh-cli and Node were chosen. ``host`` is the portal that was built for, with its
    version and that of its Backstage.
    """

    factory: str
    python: str
    node: str | None = None
    yarn: str | None = None
    rhdh_cli: str | None = None
    bundler: str | None = None
    engine: str | None = None
    why: Mapping[str, str] = field(default_factory=dict)
    host: str | None = None
    host_version: str | None = None
    host_backstage: str | None = None

    @property
    def exporting(self) -> tuple[tuple[str, str], ...]:
        """What of it decides an artifact's bytes, by name, where it is known."""
        versions = {
            "node": self.node,
            "yarn": self.yarn,
            "rhdh-cli": self.rhdh_cli,
            "cli-module-build": self.bundler,
        }
        return tuple((name, version) for name, version in versions.items() if version)


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildReport:
    """A whole run. ``error`` is what ended it before, or beside, any one plugin.

    ``left_out`` are the paths and packages of the workspace's plugins that were not wanted.
    """

    started: datetime
    seconds: float
    tools: ToolVersions
    source: SourceReport | None = None
    stages: Mapping[str, float] = field(default_factory=dict)
    plugins: tuple[PluginReport, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    error: FactoryError | None = None

    @property
    def errors(self) -> tuple[FactoryError, ...]:
        """Every error of the run: its own, then the plugins'."""
        own = (self.error,) if self.error else ()
        return own + tuple(plugin.error for plugin in self.plugins if plugin.error)

    @property
    def exit_code(self) -> int:
        """0 if everything asked for exists; else the code of the class of failure.

        The run's own error decides; of the plugins' errors, the one of the earliest stage.
        """
        if self.error:
            return self.error.exit_code
        return min((error.exit_code for error in self.errors), default=0)

    def describe_end(self, output_dir: Path, file: Path) -> RunFinished:
        """Return the run's end as the screen shows it; ``file`` is where the report is."""
        return RunFinished(
            summaries=tuple(
                PluginSummary(
                    plugin=plugin.path,
                    outcome=plugin.outcome,
                    cached=plugin.cached,
                    package=plugin.exported_name or plugin.name,
                    version=plugin.version,
                    role=plugin.role,
                    artifact=plugin.files[0].name if plugin.files else "",
                    size=plugin.files[0].size if plugin.files else None,
                    seconds=sum(plugin.seconds.values()),
                    error=str(plugin.error) if plugin.error else "",
                    log=str(plugin.error.log) if plugin.error and plugin.error.log else "",
                )
                for plugin in self.plugins
            ),
            output_dir=str(output_dir),
            report=str(file),
            seconds=self.seconds,
        )

    def as_json(self, redact: Callable[[str], str]) -> dict[str, Any]:
        """Return the report as the schema has it, texts freed of secrets."""
        return {
            "format": FORMAT,
            "outcome": "failed" if self.errors else "done",
            "exit-code": self.exit_code,
            "started": self.started.astimezone(UTC).isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 3),
            "tools": {
                "factory": self.tools.factory,
                "python": self.tools.python,
                "node": self.tools.node,
                "yarn": self.tools.yarn,
                "rhdh-cli": self.tools.rhdh_cli,
                **({"cli-module-build": self.tools.bundler} if self.tools.bundler else {}),
                "engine": self.tools.engine,
                "why": {name: redact(why) for name, why in sorted(self.tools.why.items())},
                "host": self.tools.host,
                "host-version": self.tools.host_version,
                "host-backstage": self.tools.host_backstage,
            },
            "source": _source_json(self.source, redact) if self.source else None,
            "stages": dict(self.stages),
            "plugins": [_plugin_json(plugin, redact) for plugin in self.plugins],
            "left-out": [{"path": path, "name": name} for path, name in self.left_out],
            "warnings": [redact(warning) for warning in self.warnings],
            "error": error_json(self.error, redact) if self.error else None,
        }


def write_report(report: BuildReport, output_dir: Path, redact: Callable[[str], str]) -> Path:
    """Write ``build-report.json``, whole or not at all, and return its path."""
    return write_document(report.as_json(redact), output_dir)


def write_document(document: Mapping[str, Any], output_dir: Path) -> Path:
    """Write a report of one workspace, or of several, as ``build-report.json``; return its path.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    file = output_dir / REPORT_FILE
    write_whole(file, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return file


def _source_json(source: SourceReport, redact: Callable[[str], str]) -> dict[str, Any]:
    return {
        "repo": redact(source.repo),
        "ref": redact(source.ref) if source.ref else None,
        "commit": source.commit,
        "committed-at": source.committed_at,
        "workspace-path": source.workspace_path,
        "local": source.local,
        "modified": source.modified,
        "patches": list(source.patches),
        "overlays": list(source.overlays),
        "integrity": source.integrity,
    }


def _plugin_json(plugin: PluginReport, redact: Callable[[str], str]) -> dict[str, Any]:
    return {
        "path": plugin.path,
        "outcome": plugin.outcome,
        "cached": plugin.cached,
        "built-because": redact(plugin.built_because) if plugin.built_because else None,
        "name": plugin.name,
        "exported-name": plugin.exported_name,
        "version": plugin.version,
        "role": plugin.role,
        "arguments": redact(plugin.arguments),
        "repairs": [redact(repair) for repair in plugin.repairs],
        "files": [{"name": file.name, "size": file.size} for file in plugin.files],
        "integrity": plugin.integrity,
        "image": {"reference": plugin.image.reference, "digest": plugin.image.digest}
        if plugin.image
        else None,
        "image-file": plugin.image_file,
        "frontend-systems": plugin.shows.as_json() if plugin.shows else None,
        "seconds": dict(plugin.seconds),
        "error": error_json(plugin.error, redact) if plugin.error else None,
    }


def error_json(error: FactoryError, redact: Callable[[str], str]) -> dict[str, Any]:
    """Return an error as the schemas have it, texts freed of secrets."""

    def text(value: object | None) -> str | None:
        return None if value is None else redact(str(value))

    return {
        "kind": error.kind,
        "exit-code": error.exit_code,
        "problem": text(error.problem),
        "place": text(error.place),
        "found": text(error.found),
        "expected": text(error.expected),
        "hint": text(error.hint),
        "details": text(error.details),
        "log": text(error.log),
    }
