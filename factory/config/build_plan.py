"""What the user wrote, as one immutable value: options, environment and configuration directory.

Everything that can be wrong before a byte is fetched is found here.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from factory.config.cache_dir import default_cache_dir
from factory.config.documents import read_json
from factory.config.environment import ENV_FILE, Environment, layered
from factory.config.plugins_list import PLUGINS_LIST, PluginsList, read_plugins_list
from factory.config.source_file import SOURCE_FILE, SourceFile, read_source_file
from factory.errors import ConfigurationError, Place, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

BACKSTAGE_FILE = "backstage.json"
SCALPRUM_CONFIG = "scalprum-config.json"
APP_CONFIG = "app-config.dynamic.yaml"


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildRequest:
    """The options of ``plugin-factory build``, as given; None where the user said nothing."""

    config_dir: Path
    repo_path: Path
    output_dir: Path
    workspace_path: str | None = None
    source_repo: str | None = None
    source_ref: str | None = None
    use_local: bool = False
    clean: bool = False
    push_images: bool = False
    generate_build_args: bool = False
    repair: bool = True
    host: str | None = None
    jobs: int | None = None
    cache_dir: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedSource:
    """The repository or folder to bring; a relative folder counts from the config directory."""

    repo: str
    ref: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildPlan:
    """One workspace to build, all questions settled.

    ``source`` is None for ``--use-local``. ``plugins`` is None when the workspace is to be scanned.
    ``supported_versions`` overrides the exported packages' ``backstage.supported-versions``.
    """

    config_dir: Path
    repo_path: Path
    output_dir: Path
    cache_dir: Path
    source: WantedSource | None
    workspace_path: str
    plugins: PluginsList | None
    plugins_list_file: Path
    environment: Environment
    supported_versions: str | None
    clean: bool
    push_images: bool
    generate_build_args: bool
    repair: bool
    host: str | None
    jobs: int

    def plugin_file(self, plugin_path: str, name: str) -> Path | None:
        """Return a plugin's own file of the configuration directory, if it has one."""
        file = self.config_dir / plugin_path / name
        return file.absolute() if file.is_file() else None


def plan_build(
    request: BuildRequest,
    process: Mapping[str, str],
    *,
    default_jobs: int,
) -> BuildPlan:
    """Settle what is to be built.

    Args:
        request: the options.
        process: the process's environment.
        default_jobs: how many plugins at once, unless the request says.

    Raises:
        UsageError: options that exclude each other.
        ConfigurationError: the configuration directory, or a file in it, cannot be used.
    """
    _refuse_contradictions(request)
    config_dir = request.config_dir.absolute()
    _refuse_missing(config_dir)
    environment = layered(process, (config_dir / ENV_FILE,))
    source_file = None if request.source_repo else read_source_file(config_dir)
    if request.source_repo and (config_dir / SOURCE_FILE).exists():
        log.info("--source-repo is given: %s is not used", config_dir / SOURCE_FILE)
    source = None if request.use_local else _wanted_source(request, source_file, config_dir)
    plugins_list_file = config_dir / PLUGINS_LIST
    return BuildPlan(
        config_dir=config_dir,
        repo_path=request.repo_path.absolute(),
        output_dir=request.output_dir.absolute(),
        cache_dir=_cache_dir(request, environment),
        source=source,
        workspace_path=_workspace_path(request, source_file),
        plugins=read_plugins_list(plugins_list_file),
        plugins_list_file=plugins_list_file,
        environment=environment,
        supported_versions=_supported_versions(config_dir / BACKSTAGE_FILE),
        clean=request.clean and not request.use_local,
        push_images=request.push_images,
        generate_build_args=request.generate_build_args,
        repair=request.repair,
        host=request.host,
        jobs=request.jobs or default_jobs,
    )


def workspace_directories(config_dir: Path) -> tuple[Path, ...]:
    """Return the subdirectories that hold a ``source.json``: each is a workspace of its own."""
    if not config_dir.is_dir():
        return ()
    return tuple(
        sorted(folder for folder in config_dir.iterdir() if (folder / SOURCE_FILE).is_file())
    )


def _refuse_contradictions(request: BuildRequest) -> None:
    if request.source_ref and not request.source_repo:
        raise UsageError(
            "--source-ref needs --source-repo",
            found=f"--source-ref {request.source_ref}",
            hint=f"add --source-repo URL, or write the ref into {SOURCE_FILE} as 'repo-ref'",
        )
    if request.source_repo and request.use_local:
        raise UsageError(
            "--source-repo and --use-local exclude each other",
            expected="one of them: a repository to clone, or a tree to build in place",
        )
    if request.jobs is not None and request.jobs < 1:
        raise UsageError("--jobs must be at least 1", found=str(request.jobs))
    path = request.workspace_path
    if path is not None and (
        PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts
    ):
        raise UsageError(
            "--workspace-path leaves the repository",
            found=path,
            expected="a path from the repository's root, such as workspaces/todo",
        )
    for first, second in (
        ("--config-dir", "--output-dir"),
        ("--repo-path", "--output-dir"),
        ("--config-dir", "--repo-path"),
    ):
        folders = {
            "--config-dir": request.config_dir,
            "--repo-path": request.repo_path,
            "--output-dir": request.output_dir,
        }
        if folders[first].absolute().resolve() == folders[second].absolute().resolve():
            raise UsageError(
                f"{first} and {second} are the same folder",
                found=str(folders[first]),
                expected="a folder for each",
            )


def _refuse_missing(config_dir: Path) -> None:
    if not config_dir.exists():
        raise ConfigurationError(
            "the configuration directory does not exist",
            place=Place(file=config_dir),
            expected=f"a directory with {SOURCE_FILE} and, if you like, {PLUGINS_LIST}",
            hint="name it with --config-dir, or, in a container, mount it: -v ./config:/config:z",
        )
    if not config_dir.is_dir():
        raise ConfigurationError(
            "the configuration directory is a file",
            place=Place(file=config_dir),
            hint="--config-dir takes the directory that holds the file",
        )


def _wanted_source(
    request: BuildRequest, source_file: SourceFile | None, config_dir: Path
) -> WantedSource:
    if request.source_repo:
        return WantedSource(repo=request.source_repo, ref=request.source_ref)
    if source_file:
        return WantedSource(repo=source_file.repo, ref=source_file.ref)
    several = workspace_directories(config_dir)
    if several:
        raise ConfigurationError(
            "the configuration directory holds several workspaces",
            place=Place(file=config_dir),
            found=", ".join(folder.name for folder in several),
            hint=f"build one of them: plugin-factory build --config-dir {several[0]}",
        )
    empty = not any(config_dir.iterdir())
    raise ConfigurationError(
        f"the configuration directory {'is empty' if empty else f'has no {SOURCE_FILE}'}",
        place=Place(file=config_dir),
        expected=f'{SOURCE_FILE} with {{"repo": "https://…", "workspace-path": "…"}}',
        hint="write one, or give --source-repo URL, or --use-local for code that is there already",
    )


def _workspace_path(request: BuildRequest, source_file: SourceFile | None) -> str:
    if request.workspace_path:
        return request.workspace_path
    if source_file and source_file.workspace_path:
        return source_file.workspace_path
    log.info("no workspace path is given: the workspace is the repository's root")
    return "."


def _cache_dir(request: BuildRequest, environment: Environment) -> Path:
    if request.cache_dir:
        return request.cache_dir.expanduser().absolute()
    return default_cache_dir(environment)


def _supported_versions(file: Path) -> str | None:
    if not file.exists():
        return None
    from semver import Version  # noqa: PLC0415 - late: --help does not need it

    document = read_json(file)
    version = document.value.get("version") if isinstance(document.value, dict) else None
    if not isinstance(version, str) or not Version.is_valid(version):
        raise ConfigurationError(
            f"{BACKSTAGE_FILE} has no Backstage version",
            place=document.place("version"),
            found=repr(version),
            expected='for example {"version": "1.42.0"}',
        )
    return version
