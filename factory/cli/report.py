"""``plugin-factory report``: what runs have left, put together."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias
from urllib.parse import quote

import typer

from factory.cli.help_text import GroupedCommand
from factory.errors import Place, StorageError, UsageError, os_errors_as
from factory.files import write_whole
from factory.reports.ci_outputs import github_outputs, gitlab_outputs, tekton_results
from factory.reports.html_page import html_page
from factory.reports.markdown import markdown
from factory.reports.merge import merge_reports
from factory.reports.page_facts import page_facts
from factory.reports.reading import read_report
from factory.reports.summary import summary_of
from factory.ui.printing import OUT, say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Reports: TypeAlias = Annotated[
    list[Path],
    typer.Argument(
        metavar="DIR...",
        help="Output directories of runs, or the reports themselves.",
        show_default=False,
    ),
]

MERGE_EXAMPLES = """Examples:

\b
  # The shards of a CI run, each in a folder of its own.
  plugin-factory report merge ./shards/1 ./shards/2 --output ./build-report.json
"""

SUMMARY_EXAMPLES = """Examples:

\b
  # A page for people, in Markdown.
  plugin-factory report summary ./outputs > summary.md

\b
  # A step of a GitHub workflow: the job's summary, and the step's outputs.
  plugin-factory report summary ./outputs >> "$GITHUB_STEP_SUMMARY"
  plugin-factory report summary ./outputs --outputs github >> "$GITHUB_OUTPUT"

\b
  # All shards of a GitLab pipeline, with links to the files that this job keeps.
  plugin-factory report summary ./shards/1 ./shards/2 \\
    --link "$CI_JOB_URL/artifacts/file/{path}" > summary.md
"""


HTML_EXAMPLES = """Examples:

\b
  # A page about a run, beside what it has left.
  plugin-factory report html ./outputs --output ./outputs/report.html

\b
  # All shards of a CI run, with sizes beside those of the last run.
  plugin-factory report html ./shards/1 ./shards/2 --before ./last-run --output ./report.html
"""


class Outputs(StrEnum):
    """The CI systems that outputs are given to, by the form that they take."""

    GITHUB = "github"
    GITLAB_DOTENV = "gitlab-dotenv"
    TEKTON = "tekton"


report_app = typer.Typer(
    name="report",
    help="The reports of finished runs.",
    no_args_is_help=True,
)


@report_app.command("merge", cls=GroupedCommand, epilog=MERGE_EXAMPLES)
def merge(
    reports: Reports,
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where to write the joined report. Without it, the report is printed.",
        ),
    ] = None,
) -> None:
    """Join the reports of runs that shared the work, such as the shards of a CI run.

    Parts of one workspace from two runs are joined; a plugin may be in one report only, unless both
    agree about it.
    """
    merged = merge_reports([read_report(where) for where in reports])
    if output is None:
        OUT.document(merged)
        return
    text = json.dumps(merged, indent=2, ensure_ascii=False)
    unwritable = StorageError("the joined report cannot be written", place=Place(file=output))
    with os_errors_as(unwritable):
        write_whole(output, f"{text}\n")
    workspaces = merged.get("workspaces", [merged])
    plugins = [plugin for each in workspaces for plugin in each["plugins"]]
    done = sum(plugin["outcome"] == "done" for plugin in plugins)
    OUT.lines(f"{output}: {done} of {len(plugins)} plugins built, exit code {merged['exit-code']}")


@report_app.command("summary", cls=GroupedCommand, epilog=SUMMARY_EXAMPLES)
def summary(
    reports: Reports,
    *,
    outputs: Annotated[
        Outputs | None,
        typer.Option(
            help="Print the outputs for a CI system instead of the page: artifacts, images, failed "
            "plugins, and the report."
        ),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="With --outputs tekton: where to write the results, one file each, such as "
            "/tekton/results.",
        ),
    ] = None,
    link: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where a file can be seen: {path} in it stands for the file's path. Without it, "
            "links are relative to the working directory.",
        ),
    ] = None,
) -> None:
    """Summarise what runs built and what failed, as a page in Markdown or outputs for a CI system.

    The exit code is 0 whatever the runs' results. Several reports are joined as merge does it.
    """
    if (into is not None) != (outputs is Outputs.TEKTON):
        raise UsageError(
            "--into and --outputs tekton need each other",
            expected="--outputs tekton --into /tekton/results, or neither",
        )
    if link is not None and outputs is not None:
        raise UsageError(
            "--link works only for the page, which --outputs does not print", expected="one of them"
        )
    told = summary_of([read_report(where) for where in reports])
    left_out: Sequence[str] = ()
    if outputs is Outputs.GITHUB:
        OUT.file(github_outputs(told))
    elif outputs is Outputs.GITLAB_DOTENV:
        text, left_out = gitlab_outputs(told)
        OUT.file(text)
    elif into is not None:
        results, left_out = tekton_results(told)
        _write_each(results, into)
    else:
        OUT.page(markdown(told, link=_linking(link)))
    if left_out:
        names = ", ".join(left_out)
        say(f"warning: too long for an output, left empty: {names}")


@report_app.command("html", cls=GroupedCommand, epilog=HTML_EXAMPLES)
def html(
    reports: Reports,
    *,
    output: Annotated[
        Path,
        typer.Option(metavar="FILE", help="Where to write the page.", show_default=False),
    ],
    before: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="Where the report of an earlier run is, whose sizes are compared; may be "
            "repeated.",
            show_default=False,
        ),
    ] = None,
    link: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where a file can be seen: {path} in it stands for the file's path. Without it, "
            "links are relative to the page.",
        ),
    ] = None,
) -> None:
    """Write a page about runs: one file of HTML that needs no network.

    It has a matrix of the plugins, a picture of where the time went, sizes and their change since
    an earlier run, what came from the cache and why other plugins did not, warnings, and the ends
    of the logs of what failed.

    The exit code is 0 whatever the runs' results. Several reports are joined as merge does it.
    """
    if link is not None and not link.lower().startswith(("https://", "http://", "/", "./", "../")):
        raise UsageError(
            "--link is not an address that a page may lead to",
            found=link,
            expected="an address such as https://ci.example.com/files/{path}",
        )
    earlier = [read_report(where) for where in before or []]
    facts = page_facts([read_report(where) for where in reports], earlier)
    folder = output.absolute().parent
    text = html_page(facts, link=_linking(link) or (lambda path: _beside(path, folder)))
    unwritable = StorageError("the page cannot be written", place=Place(file=output))
    with os_errors_as(unwritable):
        write_whole(output, text)
    OUT.lines(f"{output}: {len(facts.run.plugins)} plugins, {len(facts.run.failed)} failed")


def _beside(path: str, folder: Path) -> str:
    return quote(Path(os.path.relpath(path, folder)).as_posix())


def _linking(url: str | None) -> Callable[[str], str] | None:
    return (lambda path: url.replace("{path}", quote(path))) if url is not None else None


def _write_each(results: Mapping[str, str], folder: Path) -> None:
    with os_errors_as(StorageError("a result cannot be written", place=Place(file=folder))):
        for name, value in results.items():
            write_whole(folder / name, value)
