"""``plugin-factory report``: what runs have left, put together."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from factory.cli.help_text import GroupedCommand

MERGE_EXAMPLES = """Examples:

\b
  # The shards of a CI run, each in a folder of its own.
  plugin-factory report merge ./shards/1 ./shards/2 --output ./build-report.json
"""

report_app = typer.Typer(
    name="report",
    help="The reports of finished runs.",
    no_args_is_help=True,
)


@report_app.command("merge", cls=GroupedCommand, epilog=MERGE_EXAMPLES)
def merge(
    reports: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR...",
            help="Output directories of runs, or the reports themselves.",
            show_default=False,
        ),
    ],
    *,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the joined report goes. Without it, it is shown."),
    ] = None,
) -> None:
    """Join the reports of runs that shared the work, such as the shards of a CI run.

    What two runs did of one workspace is joined; a plugin may be in one report only, unless both
    say the same of it.
    """
    import json  # noqa: PLC0415 - late: --help is quick

    from factory.errors import Place, StorageError  # noqa: PLC0415
    from factory.pipeline.report_merge import merged_reports  # noqa: PLC0415
    from factory.pipeline.written_reports import read_report  # noqa: PLC0415
    from factory.whole_file import write_whole  # noqa: PLC0415

    merged = merged_reports([read_report(where) for where in reports])
    text = json.dumps(merged, indent=2, ensure_ascii=False)
    if output is None:
        typer.echo(text)
        return
    try:
        write_whole(output, f"{text}\n")
    except OSError as error:
        raise StorageError(
            "the joined report cannot be written",
            place=Place(file=output),
            found=error.strerror or str(error),
        ) from error
    workspaces = merged.get("workspaces", [merged])
    plugins = [plugin for each in workspaces for plugin in each["plugins"]]
    done = sum(plugin["outcome"] == "done" for plugin in plugins)
    typer.echo(f"{output}: {done} of {len(plugins)} plugins built, exit code {merged['exit-code']}")
