"""Published plugins for a new configuration directory: each is looked at as a build would."""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING

from factory.analysis.inventory import find_host
from factory.analysis.workspace_analysis import analyze_workspace
from factory.config.environment import ENV_FILE
from factory.config.options import build_options
from factory.config.package_configurations import (
    read_package_specs,
    write_package_configurations,
)
from factory.config.package_spec import PackageSpec
from factory.config.run_plan import plan_run
from factory.installation.npmrc import NPMRC
from factory.plan.online import workspace_to_look_at
from factory.scratch_folder import scratch_folder
from factory.threads import InheritingPool
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from factory.analysis.workspace_analysis import WorkspaceAnalysis
    from factory.toolchain.runner import Runner

log = logging.getLogger(__name__)

# Looking is waiting for a registry, mostly.
_AT_ONCE = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageLook:
    """A published plugin: what ``source.json`` is to say of it, where, and what was found.

    ``name`` is that of its folder, "" where it is the only one.
    """

    name: str
    spec: PackageSpec
    analysis: WorkspaceAnalysis


def look_at_packages(
    texts: Sequence[str],
    *,
    config_dir: Path,
    host: str,
    process: Mapping[str, str],
    runner: Runner,
) -> tuple[PackageLook, ...]:
    """Return what there is to say of published plugins, in the order of their names.

    A name alone becomes a range that begins with the version that was found, as npm writes it.

    Args:
        texts: the packages, as ``--package`` takes them.
        config_dir: where the configuration will be; a ``.npmrc`` and a ``.env`` there count.
        host: the portal that the arguments are computed for.
        process: the process's environment.
        runner: starts yarn.

    Raises:
        UsageError: a package is named twice.
        FactoryError: a package is not there, is not a plugin, or cannot be resolved.
    """
    specs = read_package_specs(build_options(package=tuple(texts)).source)
    names = {spec: spec.folder_name if len(specs) > 1 else "" for spec in specs.values()}

    def look(spec: PackageSpec) -> PackageLook:
        log.info("looking at %s", spec)
        folder = config_dir / names[spec]
        analysis = _analyze(spec, folder, host=host, process=process, runner=runner)
        named_alone = not any(text.strip().startswith(f"{spec.name}@") for text in texts)
        wanted = f"^{analysis.plugins[0].version}" if named_alone else spec.wanted
        return PackageLook(
            name=names[spec], spec=PackageSpec(name=spec.name, wanted=wanted), analysis=analysis
        )

    with InheritingPool(max_workers=_AT_ONCE) as pool:
        tasks = [pool.submit(look, spec) for spec in sorted(names, key=lambda each: each.name)]
        return tuple(task.result() for task in tasks)


def _analyze(
    spec: PackageSpec, folder: Path, *, host: str, process: Mapping[str, str], runner: Runner
) -> WorkspaceAnalysis:
    with scratch_folder("packages") as scratch:
        options = write_package_configurations(
            build_options(
                package=(str(spec),), host=(host,) if host else (), output_dir=scratch / "outputs"
            ),
            scratch,
        )
        for name in (NPMRC, ENV_FILE):
            if (folder / name).is_file():
                shutil.copyfile(folder / name, options.source.config_dir / name)
        run = plan_run(options, process, default_jobs=1)
        with workspace_to_look_at(run, runner=runner) as workspace:
            return analyze_workspace(workspace, find_host(host), None)
