"""``plugin-factory doctor``: what a build needs of this machine, and what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from factory.cli.log_level import LogLevel
from factory.cli.options import AsJson, CacheDir
from factory.cli.session import session
from factory.config.environment import read_env_file
from factory.config.workspaces import environment_files
from factory.doctor.context import doctor_context
from factory.doctor.examination import examine, has_failed
from factory.errors import CheckError, ConfigurationError
from factory.quantities import pluralize
from factory.ui.text import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory.doctor.finding import DoctorFinding
    from factory.ui.printing import Printer
    from factory.ui.text import Line

FORMAT = 1

EXAMPLES = """Examples:

\b
  # Is everything here that a build needs?
  plugin-factory doctor

\b
  # For this configuration: its files, its registry and login, the folders of the build.
  plugin-factory doctor --config-dir ./config --repo-path ./source --output-dir ./outputs

\b
  # Without the network; for a script.
  plugin-factory doctor --offline --json
"""


def doctor(
    ctx: typer.Context,
    *,
    config_dir: Annotated[
        Path | None,
        typer.Option(help="A configuration directory to check; its .env is used as well."),
    ] = None,
    repo_path: Annotated[
        Path | None,
        typer.Option(
            help="Where a build would put the source. Default: /source if it exists, or ./source."
        ),
    ] = None,
    output_dir: Annotated[
        Path | None,
        typer.Option(
            help="Where a build would put the artifacts. Default: /outputs if it exists, or "
            "./outputs."
        ),
    ] = None,
    cache_dir: CacheDir = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Skip the checks that need the network.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(min=1, help="How many seconds each check may take.")
    ] = 30.0,
    as_json: AsJson = False,
) -> None:
    """Check what a build needs, and say how to fix what is missing.

    git, Node.js, yarn, rhdh-cli, the registries of packages and of images, cores, memory, and the
    folders that a build writes to. All are made at once, each within --timeout.

    Nothing is installed. Where REGISTRY_URL is set, an upload is opened and ended at once in the
    repository plugin-factory-doctor of the namespace: only that tells whether the login may push.

    The exit code is 14 if something is missing that a build needs; warnings do not change it.
    """
    files = _readable(environment_files(config_dir)) if config_dir else ()
    # What a check warns of is in its own line of the answer.
    with (
        session(ctx, env_files=files, log_level=LogLevel.ERROR) as this,
        doctor_context(
            this.process,
            config_dir=config_dir,
            repo_path=repo_path,
            output_dir=output_dir,
            cache_dir=cache_dir,
            offline=offline,
            seconds=timeout,
            runner=this.runner,
        ) as about,
    ):
        findings = examine(about)
    if as_json:
        this.out.document(_as_json(findings))
    elif this.out.is_terminal:
        _show_table(findings, this.out)
    else:
        this.out.lines(*_lines(findings))
    raise typer.Exit(CheckError.exit_code if has_failed(findings) else 0)


def _readable(files: Sequence[Path]) -> tuple[Path, ...]:
    """The `.env` files that can be read; what is wrong with another, a check says."""
    readable = []
    for file in files:
        try:
            read_env_file(file)
        except ConfigurationError:
            continue
        readable.append(file)
    return tuple(readable)


def _as_json(findings: Sequence[DoctorFinding]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "ok": not has_failed(findings),
        "checks": [
            {
                "check": finding.check,
                "outcome": finding.outcome,
                "found": finding.found,
                "advice": finding.advice or None,
                "notes": list(finding.notes),
            }
            for finding in findings
        ],
    }


def _lines(findings: Sequence[DoctorFinding]) -> list[str]:
    width = max(len(finding.check) for finding in findings)
    lines: list[str] = []
    for finding in findings:
        lines.append(f"{finding.outcome:<7}  {finding.check:<{width}}  {finding.found}")
        more = [("warning", note) for note in finding.notes]
        more += [("try", finding.advice)] if finding.advice else []
        lines += [f"{'':<{width + 11}}{word}: {text}" for word, text in more]
    shown = [part for line in lines for part in line.splitlines()]
    return [*shown, "", _total(findings)]


def _show_table(findings: Sequence[DoctorFinding], out: Printer) -> None:
    marks = {
        "ok": Span("✓", "good"),
        "warning": Span("!", "warn"),
        "failed": Span("✗", "bad"),
        "skipped": Span("-", "dim"),
    }
    rows: list[tuple[Line, ...]] = []
    for finding in findings:
        said = [Span(finding.found), *(Span(note, "warn") for note in finding.notes)]
        said += [Span(f"→ {finding.advice}", "strong")] if finding.advice else []
        rows.append(((marks[finding.outcome],), (Span(finding.check),), (said[0],)))
        rows += [((), (), (more,)) for more in said[1:]]
    out.table(rows)
    out.lines("", _total(findings))


def _total(findings: Sequence[DoctorFinding]) -> str:
    outcomes = [finding.outcome for finding in findings]
    failures, warnings = outcomes.count("failed"), outcomes.count("warning")
    if failures:
        return f"{pluralize(failures, 'check')} failed: a build would, too"
    if warnings:
        return f"nothing is missing; {pluralize(warnings, 'warning')}"
    return "nothing is missing"
