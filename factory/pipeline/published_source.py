"""A published package as a workspace's source: found, brought, made a workspace, and locked."""

from __future__ import annotations

import logging
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from factory.analysis.arguments import parse_arguments
from factory.analysis.inventory import find_host
from factory.analysis.lockfile_parser import LOCKFILE
from factory.config.allowed_scripts import NO_SCRIPTS
from factory.config.source_file import SOURCE_FILE
from factory.installation.connections import npm_web
from factory.installation.npmrc import read_npmrc
from factory.published.dependencies import settle_dependencies
from factory.published.imports import find_imports
from factory.published.locking import gate_minutes, lock_dependencies
from factory.published.normal_package import normalise_package, remove_untaken
from factory.published.pin import Pin, read_pin, write_pin
from factory.published.published_manifest import read_published_manifest
from factory.published.published_package import (
    PublishedPackage,
    fetch_published,
    find_published,
)
from factory.published.registries import YarnRegistries, yarn_registries
from factory.published.workspace import PLUGIN_FOLDER, write_workspace
from factory.quantities import join_names
from factory.sources.source import Checkout
from factory.toolchain.assembled import find_locking_yarn

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from factory.config.build_plan import BuildPlan
    from factory.config.package_spec import PackageSpec
    from factory.installation.npmrc import Npmrc
    from factory.pipeline.chosen_plugins import ChosenPlugin
    from factory.pipeline.stages import Stage
    from factory.pipeline.workspace_context import WorkspaceContext
    from factory.toolchain.runner import Runner

log = logging.getLogger(__name__)

_SHOWN = 8


def with_registries(plan: BuildPlan) -> BuildPlan:
    """Return a plan of a package with what yarn needs to take dependencies from its registries.

    What the user has set for yarn itself wins.

    Raises:
        ConfigurationError: a setting of .npmrc cannot be used.
    """
    environment = plan.environment
    variables = _registries(plan).variables
    return replace(
        plan,
        environment=replace(
            environment,
            variables=MappingProxyType({**variables, **environment.variables}),
            passed=environment.passed | variables.keys(),
        ),
    )


def _registries(plan: BuildPlan) -> YarnRegistries:
    return yarn_registries(_read_npmrc_of(plan))


def _read_npmrc_of(plan: BuildPlan) -> Npmrc:
    return read_npmrc(plan.config_dir, plan.environment.variables)


def find_package_of(plan: BuildPlan, spec: PackageSpec, runner: Runner) -> PublishedPackage:
    """Ask which version of a plan's package is wanted, and where it is.

    Raises:
        RegistryError: the registry refuses, or has no such package or version.
        SourceError: the pin beside source.json is of something else.
        ConfigurationError: a setting of .npmrc cannot be used.
    """
    is_held = plan.source is not None and plan.source.is_held
    pin = _read_pin_of(plan, spec) if is_held else None
    npmrc = _read_npmrc_of(plan)
    with npm_web(plan.environment, npmrc, checkpoint=runner.raise_if_cancelled) as web:
        return find_published(spec, npmrc, web, pin=pin, node=_node_of(plan))


def _node_of(plan: BuildPlan) -> str:
    """The range of the Node.js that a plugin is built for: the portal's, if nobody says other."""
    arguments = plan.options.arguments
    return arguments.node or find_host(plan.portal.host).profile.node


def _read_pin_of(plan: BuildPlan, spec: PackageSpec) -> Pin | None:
    for layer in plan.layers:
        pin = read_pin(layer, spec)
        if pin or (layer / SOURCE_FILE).exists():
            return pin
    return None


def bring_package(
    plan: BuildPlan, package: PublishedPackage, stage: Stage, runner: Runner
) -> tuple[Checkout, str]:
    """Unpack a package into the plan's source folder; return what is there, and its integrity.

    Raises:
        FactoryError: it is not given, is not what it should be, or is not safe to unpack.
    """

    def on_progress(there: int, total: int) -> None:
        stage.on_line(f"{package}: {there} of {total or 'unknown'} bytes")

    npmrc = _read_npmrc_of(plan)
    with npm_web(plan.environment, npmrc, checkpoint=runner.raise_if_cancelled) as web:
        integrity = fetch_published(
            package, plan.repo_path / PLUGIN_FOLDER, npmrc, web, on_progress=on_progress
        )
    return Checkout(
        root=plan.repo_path,
        commit=None,
        ref=package.version,
        committed_at=int(package.published.timestamp()) if package.published else None,
        url=package.spec.purl,
    ), integrity


def warn_of_scripts(plan: BuildPlan, plugins: Iterable[ChosenPlugin]) -> None:
    """Say which native modules a package's plugin brings along that nothing has compiled."""
    if plan.source is None or plan.source.package is None:
        return
    for plugin in plugins:
        shipped = parse_arguments(plugin.arguments).allowed
        names = [name for name in shipped if not plan.source.scripts.includes(name)]
        if names:
            log.warning(
                "%s brings along %s, whose install scripts do not run. What they compile or fetch "
                "will be missing, unless they are allowed: --allow-scripts %s, or allow-scripts in "
                "source.json",
                plugin.manifest.name,
                join_names(names, _SHOWN),
                ",".join(names),
            )


def settle_package(
    build: WorkspaceContext, root: Path, package: PublishedPackage, integrity: str
) -> None:
    """Make an unpacked package, patched and overlaid, a yarn workspace with a lockfile.

    The lockfile is the pinned one, or a new one, which is then pinned.

    Raises:
        SourceError: it is not a plugin that can be built.
        ConfigurationError: a setting of .npmrc cannot be used.
        DependenciesError: its dependencies cannot be resolved.
        OSError: the folder cannot be written.
    """
    plan, folder = build.plan, root / PLUGIN_FOLDER
    remove_untaken(folder)
    manifest = read_published_manifest(folder, name=package.spec.name, version=package.version)
    needed = settle_dependencies(manifest, find_imports(folder), build.host)
    wanted = plan.source
    scripts = wanted.scripts if wanted else NO_SCRIPTS
    feature = wanted.feature if wanted else None
    normalise_package(folder, manifest, needed, feature=feature, scripts=scripts)
    settings = _registries(plan).settings
    write_workspace(root, manifest, needed, settings=settings, scripts=scripts)
    if package.pin:
        (root / LOCKFILE).write_text(package.pin.lockfile, encoding="utf-8")
        return
    with build.stages.stage("lock") as stage:
        yarn = find_locking_yarn(
            root,
            environment=plan.environment,
            cache=plan.cache_dir,
            temporary=build.temporary,
            runner=build.run_context.runner,
        )
        lockfile = lock_dependencies(
            root,
            package,
            gate=gate_minutes(package, wanted.resolve_as_of if wanted else None),
            yarn=yarn,
            runner=stage.bind(build.run_context.runner),
        )
    # Of a mere look at the source, the list is a copy in a scratch folder.
    pins = plan.portal.own_folder(plan.config_dir)
    is_build = plan.plugins_list_file.parent == pins
    if plan.keeps_configuration and is_build:
        pins.mkdir(parents=True, exist_ok=True)
        write_pin(pins, package.spec.name, package.version, integrity, lockfile)
