"""The reports of runs that shared the work, such as the shards of a CI run, joined into one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from factory.errors import ConfigurationError, Place
from factory.values import dataclass
from factory.versions import name_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from factory.reports.reading import (
        Report,
        WrittenReport,
    )

# What two reports of one plugin must agree in to be reports of one and the same.
_TELLING = ("outcome", "name", "version", "arguments", "integrity", "image")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """One run's report of a workspace, and the file that it is from."""

    file: Path
    report: Report


def merge_reports(reports: Sequence[WrittenReport]) -> dict[str, Any]:
    """Return one report of all that several runs did.

    Reports of one workspace each, all of the same source, become such a report again; all others
    a report of several workspaces, where one alone is called after the folder of its report. What
    two runs did of one workspace is joined. ``seconds`` is the time from the first beginning to the
    last end.

    Args:
        reports: at least one.

    Raises:
        ConfigurationError: two runs say different things about one plugin.
    """
    several = any(each.several for each in reports)
    alone = not several and len({_source_of(each.document) for each in reports}) == 1
    parts: dict[str, list[_Part]] = {}
    for report in reports:
        for name, workspace in report.workspaces:
            called = "" if alone else name or report.file.absolute().parent.name
            parts.setdefault(called, []).append(_Part(file=report.file, report=workspace))
    if alone:
        return _join(parts[""])
    runs = [each.document for each in reports if each.several]
    names = sorted(
        parts, key=lambda name: (name_order(parts[name][0].report.get("portal") or ""), name)
    )
    workspaces = [_join(parts[name]) | {"name": name} for name in names]
    error = _first(run["error"] for run in runs)
    tools = reports[0].document["tools"]
    return {
        "format": 1,
        **_outcome(error, (*runs, *workspaces)),
        **_time([each.document for each in reports]),
        "tools": {name: tools[name] for name in ("factory", "python")},
        "workspaces": workspaces,
        "warnings": _in_order(warning for run in runs for warning in run["warnings"]),
        "error": error,
    }


def _join(parts: Sequence[_Part]) -> dict[str, Any]:
    """One workspace's report of what several runs did of it."""
    # A run that never came to the workspace knows least of it.
    begun = [part for part in parts if part.report["outcome"] != "skipped"]
    reports = [part.report for part in begun or parts]
    first = max(reports, key=lambda report: report["source"] is not None)
    error = _first(report["error"] for report in reports)
    plugins = _plugins(parts)
    ends = [plugin["error"] for plugin in plugins if plugin["error"]]
    return {
        **first,
        **_outcome(error, [{"exit-code": each["exit-code"]} for each in ends]),
        **({} if begun else {"outcome": "skipped"}),
        **_time(reports),
        "tools": {
            name: _first(report["tools"].get(name) for report in reports) for name in first["tools"]
        },
        "stages": _longest(report["stages"] for report in reports),
        "plugins": plugins,
        "left-out": _left_out(reports, plugins),
        "warnings": _in_order(
            [
                *(warning for report in reports for warning in report["warnings"]),
                *_differences(begun),
            ]
        ),
        "error": error,
    }


def _plugins(parts: Sequence[_Part]) -> list[Report]:
    found: dict[str, tuple[_Part, Report]] = {}
    for part in parts:
        for plugin in part.report["plugins"]:
            known, former = found.setdefault(plugin["path"], (part, plugin))
            if former is plugin or plugin["outcome"] == "skipped":
                continue
            if former["outcome"] == "skipped":
                found[plugin["path"]] = (part, plugin)
                continue
            differing = [name for name in _TELLING if former[name] != plugin[name]]
            if differing:
                raise ConfigurationError(
                    f"two runs built {plugin['path']}, and their reports differ",
                    place=Place(file=part.file, field=differing[0]),
                    found=f"{_show(former[differing[0]])} in {known.file}, "
                    f"{_show(plugin[differing[0]])} in {part.file}",
                    expected="each plugin in one of the reports, or the same in both",
                    hint="leave one of the two reports out",
                )
    return [found[path][1] for path in sorted(found)]


def _left_out(reports: Iterable[Report], plugins: Iterable[Report]) -> list[Report]:
    """The plugins of a workspace that none of the runs was to build."""
    built = {plugin["path"] for plugin in plugins}
    others = {one["path"]: one for report in reports for one in report.get("left-out", ())}
    return [others[path] for path in sorted(others.keys() - built)]


def _show(value: object) -> str:
    return value if isinstance(value, str) else repr(value)


def _differences(parts: Sequence[_Part]) -> list[str]:
    """Warnings for runs that did not build the same source of one workspace, or failed twice."""
    said = []
    sourced = [part for part in parts if part.report["source"]]
    for part in sourced[1:]:
        first, this = sourced[0].report["source"]["commit"], part.report["source"]["commit"]
        if first != this:
            said.append(
                f"the runs built different commits: {first} in {sourced[0].file}, "
                f"{this} in {part.file}"
            )
    failed = [part for part in parts if part.report["error"]]
    said += [f"{part.file}: {part.report['error']['problem']}" for part in failed[1:]]
    return said


def _source_of(document: Report) -> tuple[str, str] | None:
    source = document.get("source")
    return (source["repo"], source["workspace-path"]) if source else None


def _outcome(error: Report | None, below: Iterable[Report]) -> dict[str, Any]:
    codes = [each["exit-code"] for each in below if each["exit-code"]]
    code = error["exit-code"] if error else min(codes, default=0)
    return {"outcome": "failed" if code else "done", "exit-code": code}


def _time(reports: Sequence[Report]) -> dict[str, Any]:
    begins = [datetime.fromisoformat(report["started"]) for report in reports]
    ends = [
        begin + timedelta(seconds=report["seconds"])
        for begin, report in zip(begins, reports, strict=True)
    ]
    return {
        "started": min(begins).astimezone(UTC).isoformat(timespec="seconds"),
        "seconds": round((max(ends) - min(begins)).total_seconds(), 3),
    }


def _longest(stages: Iterable[Report]) -> dict[str, float]:
    longest: dict[str, float] = {}
    for each in stages:
        for name, seconds in each.items():
            longest[name] = max(seconds, longest.get(name, 0.0))
    return longest


def _first(values: Iterable[Any]) -> Any:
    return next((value for value in values if value is not None), None)


def _in_order(texts: Iterable[str]) -> list[str]:
    """Each text once, in the order of their first mention."""
    return list(dict.fromkeys(texts))
