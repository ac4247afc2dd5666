"""What ``plugin-factory build`` does, once its options are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.cli.configured_secrets import find_configured_secrets
from factory.cli.log_level import LogLevel
from factory.cli.open_session import open_session
from factory.config.options import build_options
from factory.config.package_configurations import write_package_configurations
from factory.config.run_plan import plan_run
from factory.pipeline.run import build_run
from factory.scheduling.capacity import default_jobs
from factory.scratch_folder import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from factory.config.options import BuildOptions


def run_build(
    process: Mapping[str, str],
    options: BuildOptions,
    *,
    protecting: Iterable[str] = (),
    log_level: LogLevel = LogLevel.INFO,
    verbose: bool = False,
) -> int:
    """Build what the options say and return the exit code.

    Args:
        process: the environment, as it was at the start.
        options: the build's.
        protecting: as for :func:`factory.cli.open_session.open_session`.
        log_level: the least urgent notices to show.
        verbose: show what every tool prints.

    Raises:
        SystemExit: with the exit code, after an error that was shown.
    """
    secrets = find_configured_secrets(options.source.config_dir, process)
    with (
        open_session(
            process,
            protecting=protecting,
            env_files=secrets.env_files,
            secrets=secrets.texts,
            log_level=log_level,
            verbose=verbose,
        ) as this,
        scratch_folder("packages") as scratch,
    ):
        options = write_package_configurations(options, scratch)
        report = build_run(
            plan_run(options, this.process, default_jobs=default_jobs()),
            runner=this.runner,
            emit=this.screen.emit,
            confirm=this.screen.confirm if this.screen.interactive else None,
            warnings=this.screen.warnings,
        )
    return int(report.exit_code)


def build_folders(process: Mapping[str, str], *, verbose: bool = False, **folders: Path) -> int:
    """Build with nothing said but which folders to use, by the names of options.

    Raises:
        SystemExit: as for :func:`run_build`.
    """
    return run_build(process, build_options(**folders), verbose=verbose)
