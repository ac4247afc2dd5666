"""``plugin-factory plan``: what a build would do, and the shards of it for CI."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory.cli.configured_secrets import find_configured_secrets
from factory.cli.log_level import LogLevel
from factory.cli.option_groups import build_words, with_option_groups
from factory.cli.options import DISPLAY, AsJson, LeastUrgent, Verbose
from factory.cli.plan_view import describe_costs, lines
from factory.cli.session import session
from factory.config.ci_system import MatrixForm
from factory.config.options import BuildOptions
from factory.config.package_configurations import write_package_configurations
from factory.config.run_plan import plan_run
from factory.errors import UsageError
from factory.plan.kubernetes_job import kubernetes_matrix
from factory.plan.offline import offline_outlook
from factory.plan.run_costs import estimate_costs, measured_runs
from factory.plan.shards import github_matrix, gitlab_matrix, shards_of, tekton_matrix
from factory.reports.build_report import REPORT_FILE
from factory.reports.durations import durations_of
from factory.reports.reading import read_report
from factory.scratch_folder import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory.cli.open_session import Session
    from factory.config.run_plan import RunPlan
    from factory.plan.plan_result import Outlook
    from factory.plan.shards import Shard
    from factory.reports.reading import WrittenReport

SHARDS = "For CI"
# Folders are a pod's own, and each pod has its own part of the plugins.
_OF_A_POD = frozenset({"repo_path", "output_dir", "cache_dir", "only"})

EXAMPLES = """Examples:

\b
  # What a build with these options would do, and why.
  plugin-factory plan --config-dir ./config --repo-path ./source --output-dir ./outputs

\b
  # Is the configuration right? No network is used.
  plugin-factory plan --config-dir ./config --offline

\b
  # A matrix of four machines, balanced by the durations of the last run.
  plugin-factory plan --config-dir ./config --matrix github --shards 4 --reports ./last-run

\b
  # How long would it all take on four machines?
  plugin-factory plan --config-dir ./config --offline --machines 4 --reports ./last-run

\b
  # The matrix as a Job of Kubernetes, which needs no CI system.
  plugin-factory plan --config-dir config --matrix kubernetes --shards 4
"""


@with_option_groups
def plan(
    ctx: typer.Context,
    *,
    options: BuildOptions,
    offline: Annotated[
        bool,
        typer.Option(
            "--offline",
            help="Use no network: check the configuration, and show what it alone can show.",
            rich_help_panel=DISPLAY,
        ),
    ] = False,
    as_json: AsJson = False,
    matrix: Annotated[
        MatrixForm | None,
        typer.Option(
            help="Print a matrix of shards instead, one for each machine of a CI run; for "
            "kubernetes a Job with a pod a shard.",
            rich_help_panel=SHARDS,
        ),
    ] = None,
    shards: Annotated[
        int | None,
        typer.Option(min=1, help="How many machines there are.", rich_help_panel=SHARDS),
    ] = None,
    reports: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="Where the report of an earlier run is, with the time that each took; may be "
            "repeated. Without it, --output-dir.",
            rich_help_panel=SHARDS,
        ),
    ] = None,
    machines: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Also show what the run costs on so many machines, by the durations of earlier "
            "runs: cold, with nothing changed, and after one change.",
            rich_help_panel=SHARDS,
        ),
    ] = None,
    changed_only: Annotated[
        bool,
        typer.Option(
            "--changed-only",
            help="Leave out workspaces whose plugins are all cached.",
            rich_help_panel=SHARDS,
        ),
    ] = False,
    log_level: LeastUrgent = LogLevel.WARNING,
    verbose: Verbose = False,
) -> None:
    """Show what a build would do, without doing it.

    Workspaces, commits, plugins, build arguments, what is cached and what would be built, and why.

    Has the options of build. Writes nothing to --repo-path, --output-dir or --config-dir. The exit
    code is the one that a build would end with, as far as that can be known.
    """
    secrets = find_configured_secrets(options.source.config_dir, ctx.obj)
    with session(
        ctx,
        env_files=secrets.env_files,
        secrets=secrets.texts,
        log_level=log_level,
        verbose=verbose,
    ) as this:
        _refuse_contradictions(
            as_json=as_json,
            matrix=matrix,
            shards=shards,
            machines=machines,
            offline=offline,
            changed=changed_only,
        )
        words = _words_of_pods(ctx, options, this) if matrix is MatrixForm.KUBERNETES else ()
        told = _read_reports(reports, options.result.output_dir) if matrix or machines else ()
        durations = durations_of(told)
        with scratch_folder("packages") as scratch:
            options = write_package_configurations(options, scratch)
            run = plan_run(options, this.process, default_jobs=1)
            outlook = _look(run, this, offline=offline)
        for workspace in outlook.workspaces:
            if workspace.error:
                this.screen.show_error(workspace.error)
    if matrix and shards:
        found = shards_of(outlook, durations, shards, changed_only=changed_only)
        this.out.file(f"{_matrix(found, matrix, words)}\n")
        return
    costs = estimate_costs(outlook, durations, measured_runs(told), machines) if machines else None
    if as_json:
        document = outlook.as_json(this.runner.redact)
        this.out.document(document | ({"costs": costs.as_json()} if costs else {}))
    else:
        this.out.lines(*lines(outlook), *(describe_costs(costs) if costs else ()))
    raise typer.Exit(outlook.exit_code)


def _look(run: RunPlan, this: Session, *, offline: bool) -> Outlook:
    if offline:
        return offline_outlook(run, runner=this.runner)
    from factory.plan.online import online_outlook  # noqa: PLC0415 - loads all of a build

    return online_outlook(run, runner=this.runner)


def _refuse_contradictions(
    *,
    as_json: bool,
    matrix: MatrixForm | None,
    shards: int | None,
    machines: int | None,
    offline: bool,
    changed: bool,
) -> None:
    if matrix and machines:
        raise UsageError("--matrix and --machines exclude each other", expected="one of them")
    if matrix and as_json:
        raise UsageError("--matrix and --json exclude each other", expected="one of them")
    if matrix and shards is None:
        raise UsageError(
            "--matrix needs --shards", expected="how many machines there are: --shards 4"
        )
    if not matrix and (shards is not None or changed):
        option = "--shards" if shards is not None else "--changed-only"
        raise UsageError(
            f"{option} works only with --matrix", expected=f"--matrix {', '.join(MatrixForm)}"
        )
    if changed and offline:
        raise UsageError(
            "--changed-only and --offline exclude each other",
            expected="only one of them: what has changed is not known offline",
        )


def _read_reports(reports: Sequence[Path] | None, output_dir: Path) -> tuple[WrittenReport, ...]:
    """The reports of earlier runs: those that are named, or the one where this run's would be."""
    if reports:
        return tuple(read_report(where) for where in reports)
    return (read_report(output_dir),) if (output_dir / REPORT_FILE).is_file() else ()


def _matrix(found: Sequence[Shard], form: MatrixForm, words: Sequence[str]) -> str:
    if form is MatrixForm.KUBERNETES:
        return kubernetes_matrix(found, words).rstrip("\n")
    forms = {
        MatrixForm.GITHUB: github_matrix,
        MatrixForm.GITLAB: gitlab_matrix,
        MatrixForm.TEKTON: tekton_matrix,
    }
    return forms[form](found)


def _words_of_pods(ctx: typer.Context, options: BuildOptions, this: Session) -> tuple[str, ...]:
    """The words of a build in a pod: this command's own, but for those that a pod has of its own.

    Raises:
        UsageError: one of them is not available in a pod, or would show a secret.
    """
    if options.source.config_dir.is_absolute() or options.source.use_local:
        raise UsageError(
            "a pod finds nothing of this machine",
            found="--use-local" if options.source.use_local else str(options.source.config_dir),
            expected="--config-dir with a folder of the repository that the volume holds, named "
            "from its root, such as --config-dir config",
            hint="type the command in the root of a clone of that repository",
        )
    words = tuple(build_words(ctx, leave_out=_OF_A_POD))
    if any(this.runner.redact(word) != word for word in words):
        raise UsageError(
            "the Job would show a secret to whoever may read it",
            expected="options without passwords: pods have the variables of a Secret",
            hint="put it into the Secret plugin-registry, as a variable",
        )
    return words
