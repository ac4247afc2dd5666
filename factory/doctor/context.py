"""What the checks of a machine look at."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from factory.config.default_folders import OUTPUT_DIR, REPO_PATH
from factory.config.environment import ENV_FILE, Environment, cache_dir_of, layer_environment
from factory.errors import ConfigurationError
from factory.scratch_folder import scratch_folder
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from factory.toolchain.runner import Runner


@dataclass(frozen=True, kw_only=True, slots=True)
class DoctorContext:
    """What the checks look at.

    ``config_dir`` is None where none is to be checked. ``temporary`` is a folder for the checks'
    own files, None where none can be had. ``seconds`` bounds each check; ``offline`` leaves the
    network out.
    """

    environment: Environment
    process: Mapping[str, str]
    runner: Runner
    config_dir: Path | None
    repo_path: Path
    output_dir: Path
    cache_dir: Path
    temporary: Path | None
    offline: bool
    seconds: float


@contextlib.contextmanager
def doctor_context(
    process: Mapping[str, str],
    *,
    config_dir: Path | None,
    repo_path: Path | None,
    output_dir: Path | None,
    cache_dir: Path | None,
    offline: bool,
    seconds: float,
    runner: Runner,
) -> Iterator[DoctorContext]:
    """Yield what is to be looked at; it holds also where something of it is broken.

    Args:
        process: the process's environment.
        config_dir: a configuration directory; its `.env` counts unless it cannot be read.
        repo_path: the folder for the source; None for the usual one.
        output_dir: the folder for the artifacts; None for the usual one.
        cache_dir: the folder of tools; None for the usual one.
        offline: whether the network is left out.
        seconds: how long a check may take.
        runner: starts the processes.
    """
    environment = _environment(process, config_dir)
    here = Path.cwd()
    with contextlib.ExitStack() as stack:
        temporary = None
        with contextlib.suppress(OSError):
            within = process.get("TMPDIR")
            folder = scratch_folder("doctor", parent=Path(within) if within else None)
            temporary = stack.enter_context(folder)
        yield DoctorContext(
            environment=environment,
            process=process,
            runner=runner,
            config_dir=config_dir.absolute() if config_dir else None,
            repo_path=_folder(repo_path, REPO_PATH, here),
            output_dir=_folder(output_dir, OUTPUT_DIR, here),
            cache_dir=cache_dir_of(cache_dir, environment),
            temporary=temporary,
            offline=offline,
            seconds=seconds,
        )


def _environment(process: Mapping[str, str], config_dir: Path | None) -> Environment:
    try:
        return layer_environment(process, (config_dir.absolute() / ENV_FILE,) if config_dir else ())
    except ConfigurationError:  # the check of the configuration says what is wrong
        return layer_environment(process)


def _folder(given: Path | None, usual: Path, here: Path) -> Path:
    if given:
        return given.expanduser().absolute()
    return usual if usual.is_dir() else here / usual.name
