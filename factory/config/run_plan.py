"""A whole run as one value: one workspace, or the several of a configuration directory.

Everything that can be wrong before a byte is fetched is found here. What is wrong with a run's
options ends it; what is wrong with one of several workspaces is noted beside the others' plans, so
that they can be built.
"""

from __future__ import annotations

import difflib
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from factory.config.build_plan import (
    BuildPlan,
    plan_workspace,
    refuse_contradictions,
    refuse_missing,
)
from factory.config.environment import (
    CACHE_VARIABLE,
    ENV_FILE,
    Environment,
    cache_dir_of,
    layer_environment,
    names_to_pass,
)
from factory.config.list_names import DISABLED_LIST, PLUGINS_LIST
from factory.config.portals import (
    PORTALS_FOLDER,
    PortalScope,
    WantedPortal,
    find_layer,
    find_nameless_portal,
    find_source_portals,
    has_source,
    list_layers,
    name_images,
    read_portals,
)
from factory.config.quantities_read import duration_seconds, size_bytes
from factory.config.selection import Selection, nothing_selected, patterns
from factory.config.source_file import SOURCE_FILE
from factory.config.workspaces import (
    CLONES_FOLDER,
    FoundWorkspaces,
    find_workspaces,
    is_disabled,
)
from factory.errors import ConfigurationError, FactoryError, Place, UsageError
from factory.quantities import join_names
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from factory.config.options import BuildOptions

log = logging.getLogger(__name__)

_SHOWN = 20
_MEBIBYTE = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokenWorkspace:
    """A workspace of several whose configuration cannot be used, and why.

    ``portal`` is what it was to be built for, where the run has several.
    """

    name: str
    config_dir: Path
    error: FactoryError
    portal: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunPlan:
    """What a run is to build, all questions settled.

    Without ``several`` it is exactly one workspace, whose plan has no name and uses the run's own
    folders. ``builds`` are the workspaces that ``selection`` may want, in the order of their names,
    ``unselected`` those that it does not; which plugins it wants is known when they are.
    ``portals`` are named where there are several: then there is a build of each workspace for each
    of them. ``memory`` is in bytes, and None where the user said nothing. ``environment`` is that
    of the configuration directory itself: defaults, process, its `.env`. ``options`` are as the
    user gave them. ``cache_max_bytes`` and ``cache_max_age``, in seconds, are what the cache may
    hold after the run.
    """

    several: bool
    portals: tuple[str, ...] = ()
    builds: tuple[BuildPlan, ...]
    unselected: tuple[BuildPlan, ...] = ()
    broken: tuple[BrokenWorkspace, ...] = ()
    config_dir: Path
    repo_path: Path
    output_dir: Path
    cache_dir: Path
    environment: Environment
    selection: Selection
    options: BuildOptions
    jobs: int
    memory: int | None
    cache_max_bytes: int | None
    cache_max_age: float | None

    def place_of(self, portal: str, name: str) -> tuple[int, str]:
        """Return what to sort workspaces by: the portals' order, then their names."""
        return (self.portals.index(portal) if portal in self.portals else 0, name)


def plan_run(
    options: BuildOptions,
    process: Mapping[str, str],
    *,
    default_jobs: int,
    scope: PortalScope = PortalScope.WANTED,
) -> RunPlan:
    """Settle what a run is to build.

    Args:
        options: the options.
        process: the process's environment.
        default_jobs: how many cores to use, unless the options say.
        scope: which portals it is about.

    Raises:
        UsageError: options that exclude each other, or that select nothing.
        ConfigurationError: the configuration directory, its `.env`, or, where it is one workspace,
            another file in it cannot be used.
    """
    refuse_missing(options.source.config_dir)
    memory = (
        size_bytes(options.work.memory, "--memory", least=_MEBIBYTE)
        if options.work.memory
        else None
    )
    size, age = options.cache.cache_max_size, options.cache.cache_max_age
    most = size_bytes(size, "--cache-max-size") if size else None
    longest = duration_seconds(age, "--cache-max-age") if age else None
    config_dir = options.source.config_dir.absolute()
    passed = names_to_pass(options.work.pass_env)
    environment = layer_environment(process, (config_dir / ENV_FILE,), passed=passed)
    found = find_workspaces(
        config_dir,
        {
            "--repo-path": options.source.repo_path.absolute(),
            "--output-dir": options.result.output_dir.absolute(),
            "--cache-dir": cache_dir_of(options.cache.cache_dir, environment),
        },
    )
    if found.folders:
        _refuse_for_several(options, found)
    refuse_contradictions(options)
    portals = _find_portals(options, config_dir, scope, found)
    if len(portals) > 1:
        options = _name_images_of(options)
    cells = _find_cells(options, portals, found)
    if scope is PortalScope.SOURCES:
        cells = tuple(cell for cell in cells if cell.has_source)
    several = bool(found.folders) or len(portals) > 1
    selection = Selection(
        only=patterns(options.selection.only),
        exclude=patterns(options.selection.exclude),
        workspaces=tuple(cell.name for cell in cells) if several else (),
        portals=tuple(filter(None, (portal.of_several for portal in portals))),
    )
    if several:
        _refuse_off(selection, found)
        _warn_of_no_workspace(selection)
        _tell_of_passed_over(config_dir, found)
        builds, broken = _plan_several(
            cells,
            environment,
            process,
            repo_path=options.source.repo_path.absolute(),
            default_jobs=default_jobs,
        )
        wanted = [plan for plan in builds if _is_wanted(plan, selection)]
        broken = [each for each in broken if selection.wants_workspace(each.name)]
    else:
        (portal,) = portals
        if scope is PortalScope.WANTED and not portal.name and list_layers(config_dir):
            log.warning(
                "%s is not used: no portal is named, as by --host %s",
                config_dir / PORTALS_FOLDER,
                list_layers(config_dir)[0],
            )
        own = portal.options_of(options)
        if (layer := find_layer(config_dir, portal.name)) is not None:
            environment = layer_environment(
                process, (config_dir / ENV_FILE, layer / ENV_FILE), passed=passed
            )
        builds = [plan_workspace(own, environment, default_jobs=default_jobs, portal=portal)]
        broken = []
        wanted = [plan for plan in builds if _is_wanted(plan, selection)]
    if not wanted and not broken:
        raise nothing_selected(selection, _everything(builds))
    if several and options.source.use_local:
        _refuse_missing_trees(options.source.repo_path.absolute(), wanted)
    return RunPlan(
        several=several,
        portals=selection.portals,
        builds=tuple(wanted),
        unselected=tuple(plan for plan in builds if plan not in wanted),
        broken=tuple(broken),
        config_dir=config_dir,
        repo_path=options.source.repo_path.absolute(),
        output_dir=options.result.output_dir.absolute(),
        cache_dir=cache_dir_of(options.cache.cache_dir, environment),
        environment=environment,
        selection=selection,
        options=options,
        jobs=options.work.jobs or default_jobs,
        memory=memory,
        cache_max_bytes=most,
        cache_max_age=longest,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cell:
    """A workspace for a portal, with its own options; ``root`` is the run's configuration."""

    name: str
    portal: WantedPortal
    root: Path
    options: BuildOptions

    @property
    def has_source(self) -> bool:
        """Whether its portal has a source of its own, or it is of no portal."""
        name = self.portal.of_several
        return not name or has_source(self.options.source.config_dir, name)

    @property
    def env_files(self) -> tuple[Path, ...]:
        """The `.env` files that count, the last most."""
        folder = self.options.source.config_dir
        layer = find_layer(folder, self.portal.name)
        folders = dict.fromkeys((self.root, folder, *([layer] if layer else ())))
        return tuple(each / ENV_FILE for each in folders)


def _find_portals(
    options: BuildOptions, config_dir: Path, scope: PortalScope, found: FoundWorkspaces
) -> tuple[WantedPortal, ...]:
    if scope is PortalScope.WANTED:
        return read_portals(options, config_dir)
    if scope is PortalScope.SOURCES:
        return find_source_portals(options, config_dir, found.folders or (config_dir,))
    return (find_nameless_portal(options),)


def _find_cells(
    options: BuildOptions, portals: Sequence[WantedPortal], found: FoundWorkspaces
) -> tuple[_Cell, ...]:
    """Every workspace for every portal; a portal's list that is disabled leaves out its own."""
    config_dir = options.source.config_dir.absolute()
    cells: list[_Cell] = []
    off: list[str] = []
    for portal in portals:
        for folder in found.folders or (config_dir,):
            workspace = folder.name if found.folders else ""
            name = "/".join(part for part in (portal.of_several, workspace) if part)
            layer = find_layer(folder, portal.name)
            if portal.is_one_of_several and layer and is_disabled(layer):
                off.append(name)
                continue
            tree = workspace if options.source.use_local else name
            own = portal.options_of(options)
            own = replace(
                own,
                source=replace(
                    own.source,
                    config_dir=folder,
                    repo_path=options.source.repo_path.absolute() / tree,
                ),
                result=replace(own.result, output_dir=options.result.output_dir.absolute() / name),
            )
            cells.append(_Cell(name=name, portal=portal, root=config_dir, options=own))
    if off:
        log.warning("disabled for their portals, and not built: %s", join_names(off, _SHOWN))
    return tuple(cells)


def _plan_several(
    cells: Iterable[_Cell],
    root: Environment,
    process: Mapping[str, str],
    *,
    repo_path: Path,
    default_jobs: int,
) -> tuple[list[BuildPlan], list[BrokenWorkspace]]:
    plans: list[BuildPlan] = []
    broken: list[BrokenWorkspace] = []
    for cell in cells:
        options, folder = cell.options, cell.options.source.config_dir
        cache_dir = cache_dir_of(options.cache.cache_dir, root)
        own = replace(options, cache=replace(options.cache, cache_dir=cache_dir))
        try:
            passed = names_to_pass(options.work.pass_env)
            environment = layer_environment(process, cell.env_files, passed=passed)
            _warn_of_own_cache(environment, root, folder)
            plan = plan_workspace(
                own,
                environment,
                default_jobs=default_jobs,
                portal=cell.portal,
                name=cell.name,
                clones_dir=repo_path / CLONES_FOLDER,
            )
        except FactoryError as error:
            broken.append(
                BrokenWorkspace(
                    name=cell.name, config_dir=folder, error=error, portal=cell.portal.of_several
                )
            )
        else:
            plans.append(plan)
    return plans, broken


def _name_images_of(options: BuildOptions) -> BuildOptions:
    if options.result.push_images or options.images.image_output:
        return replace(options, images=name_images(options.images))
    return options


def _tell_of_passed_over(config_dir: Path, found: FoundWorkspaces) -> None:
    if found.ignored:
        log.warning(
            "%s: folders without a %s are not workspaces, and are ignored: %s",
            config_dir,
            SOURCE_FILE,
            ", ".join(found.ignored),
        )
    _tell_of_off(config_dir, found)


def _tell_of_off(config_dir: Path, found: FoundWorkspaces) -> None:
    off = len(found.unlisted) + len(found.disabled)
    if not off:
        return
    why = (
        [f"without {PLUGINS_LIST}: {join_names(found.unlisted, _SHOWN)}"] if found.unlisted else []
    )
    if found.disabled:
        why.append(f"with {DISABLED_LIST}: {join_names(found.disabled, _SHOWN)}")
    log.warning(
        "%s: %s disabled, and not built: %s",
        config_dir,
        "1 workspace is" if off == 1 else f"{off} workspaces are",
        "; ".join(why),
    )


def _refuse_off(selection: Selection, found: FoundWorkspaces) -> None:
    for name in selection.only:
        if name in found.unlisted or name in found.disabled:
            raise UsageError(
                f"the workspace {name} is disabled",
                found=f"--only {name}, and "
                + (f"no {PLUGINS_LIST} in it" if name in found.unlisted else DISABLED_LIST),
                expected=f"a workspace with a {PLUGINS_LIST}",
                hint=f"add a {PLUGINS_LIST}",
            )


def _refuse_for_several(options: BuildOptions, found: FoundWorkspaces) -> None:
    for option, value in (
        ("--source-repo", options.source.source_repo),
        ("--source-ref", options.source.source_ref),
        ("--workspace-path", options.source.workspace_path),
    ):
        if value:
            names = [folder.name for folder in found.folders]
            raise UsageError(
                f"{option} is for one workspace only, and the configuration directory holds "
                f"{len(names)}: each names its source in its own {SOURCE_FILE}",
                found=f"{option} {value}",
                expected=f"no such option, to build {', '.join(names)}",
                hint=f"or build one of them: --config-dir {found.folders[0]}",
            )


def _warn_of_no_workspace(selection: Selection) -> None:
    """Report a name that is not a workspace's: all of them are then searched for such a package."""
    for name in selection.packages_wanted():
        near = difflib.get_close_matches(name, selection.workspaces, n=3)
        log.warning(
            "--only %s is not a workspace%s: all are searched for a package of that name",
            name,
            f" (did you mean {' or '.join(near)}?)" if near else "",
        )


def _refuse_missing_trees(repo_path: Path, plans: list[BuildPlan]) -> None:
    missing = [plan for plan in plans if not plan.repo_path.is_dir()]
    if missing:
        raise ConfigurationError(
            f"--use-local expects a tree for each workspace, and {len(missing)} of {len(plans)} "
            f"{'is' if len(missing) == 1 else 'are'} missing",
            place=Place(file=repo_path),
            found=f"no {', '.join(plan.name for plan in missing)}",
            expected="\n".join(f"the folder {plan.repo_path}" for plan in missing),
            hint="put the code there, leave out --use-local, or choose workspaces with --only",
        )


def _warn_of_own_cache(environment: Environment, root: Environment, folder: Path) -> None:
    if environment.get(CACHE_VARIABLE) != root.get(CACHE_VARIABLE):
        log.warning(
            "%s: %s is not used: a run has one cache; set it in the root %s or as --cache-dir",
            folder / ENV_FILE,
            CACHE_VARIABLE,
            ENV_FILE,
        )


def _is_wanted(plan: BuildPlan, selection: Selection) -> bool:
    return selection.wants_workspace(plan.name, _list_paths(plan))


def _list_paths(plan: BuildPlan) -> tuple[str, ...] | None:
    return tuple(entry.path for entry in plan.plugins.entries) if plan.plugins else None


def _everything(plans: list[BuildPlan]) -> list[str]:
    """The names of what there is: workspaces, and in a single one its listed plugins."""
    return [
        name for plan in plans for name in ([plan.name] if plan.name else _list_paths(plan) or ())
    ]
