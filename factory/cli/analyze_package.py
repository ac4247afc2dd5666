"""The analysis of a plugin as it is published on npm, which is brought to a scratch folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.analysis.inventory import find_host
from factory.analysis.workspace_analysis import analyze_workspace
from factory.cli.log_level import LogLevel
from factory.cli.session import session
from factory.config.options import build_options
from factory.config.package_configurations import write_package_configurations
from factory.config.run_plan import plan_run
from factory.plan.online import workspace_to_look_at
from factory.scratch_folder import scratch_folder

if TYPE_CHECKING:
    import typer

    from factory.analysis.workspace_analysis import WorkspaceAnalysis


def analyze_package(ctx: typer.Context, package: str, host: str | None) -> WorkspaceAnalysis:
    """Return the analysis of a published plugin.

    Raises:
        FactoryError: it cannot be found, or not be analysed.
    """
    with (
        session(ctx, log_level=LogLevel.ERROR) as this,
        scratch_folder("packages") as scratch,
    ):
        options = write_package_configurations(
            build_options(
                package=(package,), host=(host,) if host else (), output_dir=scratch / "outputs"
            ),
            scratch,
        )
        run = plan_run(options, this.process, default_jobs=1)
        with workspace_to_look_at(run, runner=this.runner) as workspace:
            return analyze_workspace(workspace, find_host(host), None)
