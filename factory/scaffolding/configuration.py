"""A new configuration directory: the source looked at, questions answered, files written."""

from __future__ import annotations

import logging
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from factory.analysis.host_warnings import in_short
from factory.analysis.inventory import find_host
from factory.analysis.workspace_analysis import (
    PluginAnalysis,
    WorkspaceAnalysis,
    analyze_workspace,
)
from factory.config.list_names import PLUGINS_LIST
from factory.config.source_file import SOURCE_FILE
from factory.config.workspaces import CATALOGUE_FOLDER
from factory.errors import ConfigurationError, DependenciesError, Place, UsageError
from factory.scaffolding.choice import choose_plugins, choose_workspaces, folder_names
from factory.scaffolding.ci import ci_file
from factory.scaffolding.published import look_at_packages
from factory.scaffolding.questions import ask_ci, ask_origin
from factory.scaffolding.survey import Survey, survey_folder, survey_repository
from factory.scaffolding.writing import (
    PlacedFile,
    place_all,
    refuse_existing,
)
from factory.scaffolding.written_files import (
    ENV_EXAMPLE,
    ENV_EXAMPLE_TEXT,
    package_source_json_text,
    plugins_list_with_reasons,
    source_json_text,
)
from factory.values import dataclass

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Mapping, Sequence

    from factory.analysis.discovery import DiscoveredPlugin
    from factory.config.ci_system import CiSystem
    from factory.config.environment import Environment
    from factory.scaffolding.init_options import (
        Ask,
        InitOptions,
    )
    from factory.scaffolding.survey import FoundWorkspace
    from factory.toolchain.runner import Runner

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewWorkspace:
    """A workspace of the configuration.

    ``name`` is that of its folder, "" where it is the only one; ``folder`` is where its files are.
    ``package`` is the published package that is its source, "" for a repository's workspace.
    """

    name: str
    path: str
    folder: Path
    plugins: tuple[PluginAnalysis, ...]
    source_json: str
    package: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewConfiguration:
    """What was made, or, with ``--dry-run``, would be; ``next_command`` is what to type then.

    ``repo`` is empty for published packages.
    """

    config_dir: Path
    repo: str
    commit: str | None
    ref: str | None
    host: str
    workspaces: tuple[NewWorkspace, ...]
    files: tuple[PlacedFile, ...]
    next_command: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _FoundSource:
    """Where the plugins are, and the workspaces that are wanted of it."""

    workspaces: tuple[NewWorkspace, ...]
    repo: str = ""
    commit: str | None = None
    ref: str | None = None


def new_configuration(
    init_options: InitOptions,
    *,
    environment: Environment,
    process: Mapping[str, str],
    runner: Runner,
    ask: Ask | None,
) -> NewConfiguration:
    """Make a configuration directory, whole or not at all.

    Args:
        init_options: the options.
        environment: what git may see is taken from it.
        process: the process's environment, which tells what registries are asked.
        runner: starts git and yarn.
        ask: asks the user; None where nobody is there.

    Raises:
        UsageError: options that exclude each other, or one that is missing.
        ConfigurationError: a file is there already.
        SourceError: the source is not available, or has no plugin.
        StorageError: the directory cannot be written.
    """
    _refuse_contradictions(init_options)
    init_options = ask_origin(init_options, ask)
    config_dir = Path(os.path.normpath(init_options.here / (init_options.config_dir or Path())))
    _refuse_occupied(config_dir, force=init_options.force)
    host = find_host(init_options.host)
    found = (
        _find_packages(init_options, config_dir, process, runner)
        if init_options.packages
        else _find_in_repository(init_options, config_dir, environment, runner, ask)
    )
    workspaces = found.workspaces
    ci = init_options.ci or (ask_ci(ask) if ask else None)
    texts = _texts(workspaces, config_dir, init_options, ci)
    if len(workspaces) > 1:
        _refuse_masked(config_dir)
    files = refuse_existing(list(texts), force=init_options.force)
    if not init_options.dry_run:
        place_all(texts)
        for file in files:
            if file.replaced:
                log.warning("%s existed and was replaced", file.path)
    return NewConfiguration(
        config_dir=config_dir,
        repo=found.repo,
        commit=found.commit,
        ref=found.ref,
        host=host.name,
        workspaces=workspaces,
        files=files,
        next_command=_next_command(config_dir, init_options.here),
    )


def _find_in_repository(
    init_options: InitOptions,
    config_dir: Path,
    environment: Environment,
    runner: Runner,
    ask: Ask | None,
) -> _FoundSource:
    with _survey(init_options, environment, runner) as survey:
        found = choose_workspaces(survey, init_options, ask)
        names = folder_names(found, survey) if len(found) > 1 else ("",)
        chosen = choose_plugins(found, names, init_options, ask)
        workspaces = tuple(
            NewWorkspace(
                name=name,
                path=workspace.path,
                folder=config_dir / name,
                plugins=_analyze(workspace, plugins, init_options.host),
                source_json=_source_json(survey, workspace.path, config_dir / name),
            )
            for name, workspace, plugins in zip(names, found, chosen, strict=True)
            if plugins
        )
    return _FoundSource(
        workspaces=workspaces, repo=survey.repo, commit=survey.commit, ref=survey.ref
    )


def _find_packages(
    init_options: InitOptions, config_dir: Path, process: Mapping[str, str], runner: Runner
) -> _FoundSource:
    looks = look_at_packages(
        init_options.packages,
        config_dir=config_dir,
        host=init_options.host,
        process=process,
        runner=runner,
    )
    for look in looks:
        _tell_warnings(look.analysis, look.spec.name)
    return _FoundSource(
        workspaces=tuple(
            NewWorkspace(
                name=look.name,
                path=".",
                folder=config_dir / look.name,
                plugins=look.analysis.plugins,
                source_json=package_source_json_text(look.spec),
                package=str(look.spec),
            )
            for look in looks
        )
    )


def _refuse_contradictions(init_options: InitOptions) -> None:
    for option, given in (
        ("--source-repo", init_options.repo),
        ("--source-ref", init_options.ref),
        ("--local", init_options.local),
        ("--workspace-path", init_options.workspace_paths),
        ("--all-workspaces", init_options.all_workspaces),
        ("--only", init_options.only),
        ("--exclude", init_options.exclude),
    ):
        if init_options.packages and given:
            raise UsageError(
                f"--package and {option} exclude each other",
                expected="packages alone: each is a workspace with one plugin",
            )
    if init_options.local and init_options.repo:
        raise UsageError("--local and --source-repo exclude each other", expected="one of them")
    if init_options.local and init_options.ref:
        raise UsageError(
            "--source-ref works only with --source-repo",
            expected="only one of them: the folder of --local is used as it is",
        )
    if init_options.workspace_paths and init_options.all_workspaces:
        raise UsageError(
            "--workspace-path and --all-workspaces exclude each other", expected="one of them"
        )
    if (init_options.ci_file or init_options.ci_from) and not init_options.ci:
        option = "--ci-file" if init_options.ci_file else "--ci-from"
        raise UsageError(f"{option} works only with --ci", expected="--ci github, gitlab or tekton")


def _refuse_occupied(config_dir: Path, *, force: bool) -> None:
    """Find out before anything is fetched what cannot become a configuration."""
    if config_dir.exists() and not config_dir.is_dir():
        raise ConfigurationError(
            "the configuration directory is a file",
            place=Place(file=config_dir),
            expected="a directory, or a path where there is nothing yet",
        )
    sources = (config_dir / SOURCE_FILE, config_dir / PLUGINS_LIST)
    refuse_existing([file for file in sources if os.path.lexists(file)], force=force)
    inner = sorted(config_dir.glob(f"*/{SOURCE_FILE}"))
    inner += sorted(config_dir.glob(f"{CATALOGUE_FOLDER}/*/{SOURCE_FILE}"))
    if inner and not force:
        raise ConfigurationError(
            "the directory is a configuration of several workspaces already",
            place=Place(file=config_dir),
            found=", ".join(file.parent.name for file in inner),
            hint=f"add a workspace to it: plugin-factory init {config_dir / 'NAME'}",
        )


def _refuse_masked(config_dir: Path) -> None:
    """With a source.json of its own a directory is one workspace, whatever is in its folders."""
    file = config_dir / SOURCE_FILE
    if os.path.lexists(file):
        raise ConfigurationError(
            f"a {SOURCE_FILE} is in the way: with it the directory is one workspace",
            place=Place(file=file),
            hint="remove it, or name another directory",
        )


def _survey(
    init_options: InitOptions, environment: Environment, runner: Runner
) -> contextlib.AbstractContextManager[Survey]:
    if init_options.local:
        folder = init_options.here / init_options.local.expanduser()
        return survey_folder(folder, environment=environment, runner=runner)
    return survey_repository(
        init_options.repo or "",
        init_options.ref,
        relative_to=init_options.here,
        environment=environment,
        runner=runner,
    )


def _analyze(
    workspace: FoundWorkspace, plugins: Sequence[DiscoveredPlugin], host: str
) -> tuple[PluginAnalysis, ...]:
    listed = {plugin.path: "" for plugin in plugins}
    try:
        found = analyze_workspace(workspace.folder, find_host(host), listed)
    except DependenciesError as error:
        log.warning(
            "%s: the build arguments cannot be computed, and are left out: %s",
            workspace.path,
            error.problem,
        )
        return tuple(_without_arguments(plugin) for plugin in plugins)
    _tell_warnings(found, workspace.path)
    return found.plugins


def _tell_warnings(found: WorkspaceAnalysis, workspace: str) -> None:
    for warning in found.warnings:
        log.warning("%s: %s", workspace, warning)
    for plugin in found.plugins:
        for warning in in_short(plugin.warnings):
            log.warning("%s: %s", plugin.path, warning)


def _without_arguments(plugin: DiscoveredPlugin) -> PluginAnalysis:
    return PluginAnalysis(
        path=plugin.path,
        name=plugin.manifest.name,
        version=plugin.manifest.version,
        role=plugin.role,
        written=None,
        arguments="",
        derived=(),
        dropped=(),
        warnings=(),
    )


def _texts(
    workspaces: Sequence[NewWorkspace],
    config_dir: Path,
    init_options: InitOptions,
    ci: CiSystem | None,
) -> Mapping[Path, str]:
    """Every file's text. The source.json come last: without one there is no workspace yet."""
    texts = {config_dir / ENV_EXAMPLE: ENV_EXAMPLE_TEXT}
    for each in workspaces:
        texts[each.folder / PLUGINS_LIST] = plugins_list_with_reasons(each.plugins)
    if ci:
        file = ci_file(
            ci,
            config_dir=config_dir,
            workspaces=len(workspaces),
            ci_from=init_options.ci_from,
            at=init_options.here / init_options.ci_file if init_options.ci_file else None,
        )
        texts[file.path] = file.text
    for each in workspaces:
        texts[each.folder / SOURCE_FILE] = each.source_json
    return texts


def _source_json(survey: Survey, path: str, folder: Path) -> str:
    return source_json_text(
        repo=_from_folder(survey.repo, folder) if survey.is_folder else survey.repo,
        commit=survey.commit,
        ref=survey.ref,
        workspace_path=path,
    )


def _from_folder(repo: str, folder: Path) -> str:
    """A folder's path from another, where both are below one that is not the root."""
    real = folder.resolve()
    shared = os.path.commonpath([repo, real])
    if shared == os.sep:
        return repo
    relative = os.path.relpath(repo, real)
    return relative if relative.startswith(".") else f"./{relative}"


def _next_command(config_dir: Path, here: Path) -> str:
    shown = os.path.relpath(config_dir, here) if config_dir.is_relative_to(here) else config_dir
    words = ("build", "--config-dir", shown, "--repo-path", "./source", "--output-dir", "./outputs")
    return shlex.join(["plugin-factory", *map(str, words)])
