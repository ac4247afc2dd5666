"""What the user wrote, as one immutable value: options, environment and configuration directory.

Everything that can be wrong before a byte is fetched is found here.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from factory.config.allowed_scripts import NO_SCRIPTS, AllowedScripts, parse_allowed_scripts
from factory.config.documents import read_json
from factory.config.engine_option import read_engines
from factory.config.environment import cache_dir_of
from factory.config.list_names import DISABLED_LIST, PLUGINS_LIST
from factory.config.package_spec import parse_as_of
from factory.config.plugins_list import PluginsList, read_plugins_list
from factory.config.portals import DEFAULT_PORTAL, WantedPortal
from factory.config.source_file import SOURCE_FILE, SourceFile, leaves_repository, read_source_file
from factory.config.workspaces import is_disabled
from factory.errors import ConfigurationError, Place, UsageError
from factory.events import without_portal
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from factory.config.environment import Environment
    from factory.config.options import BuildOptions
    from factory.config.package_spec import AsOf, PackageSpec


log = logging.getLogger(__name__)

BACKSTAGE_FILE = "backstage.json"
SCALPRUM_CONFIG = "scalprum-config.json"
APP_CONFIG = "app-config.dynamic.yaml"


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedSource:
    """The repository or folder to bring; a relative folder counts from the config directory.

    Of a published ``package``, ``repo`` is its address without a version and ``ref`` what is wanted
    of it; ``resolve_as_of`` says when its dependencies are resolved, if not when it was published,
    and ``feature`` which of its exports a portal loads, if not the default or only one. ``scripts``
    says whose install scripts may run, ``is_held`` whether the yarn.lock beside source.json holds
    it and its dependencies, if there is one.
    """

    repo: str
    ref: str | None
    package: PackageSpec | None = None
    resolve_as_of: AsOf | None = None
    feature: str | None = None
    scripts: AllowedScripts = NO_SCRIPTS
    is_held: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildPlan:
    """One workspace to build, all questions settled.

    ``options`` are as the user gave them, but for those of other portals. ``name`` is the
    workspace's in a run of several, and "" otherwise; of several portals it begins with the
    portal's. ``plugins_list_file`` is where what is found out is written, which may not be there
    yet. ``clones_dir`` is where such a run keeps its repositories' clones, and None
    otherwise: the source then is cloned straight into ``repo_path``. ``source`` is None for
    ``--use-local``. ``plugins`` is None when the workspace is to be scanned.
    ``supported_versions`` overrides the exported packages' ``backstage.supported-versions``.
    ``repo_backstage_version`` is what the catalogue says that the source is built for: of use
    where neither the former nor the source itself says a version.
    """

    name: str = ""
    portal: WantedPortal = DEFAULT_PORTAL
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
    repo_backstage_version: str | None = None
    options: BuildOptions
    jobs: int
    clones_dir: Path | None = None

    @property
    def workspace(self) -> str:
        """The workspace's name whatever the portal; "" where there is but one."""
        return without_portal(self.name, self.portal.of_several)

    @property
    def layers(self) -> tuple[Path, ...]:
        """The folders of the configuration, those first whose files win."""
        return self.portal.layers_of(self.config_dir)

    @property
    def source_folder(self) -> Path:
        """The folder of the configuration whose source.json counts."""
        there = (layer for layer in self.layers if (layer / SOURCE_FILE).is_file())
        return next(there, self.config_dir)

    @property
    def keeps_configuration(self) -> bool:
        """Whether what is found out may be written into the configuration directory.

        That of ``--package`` goes when the command ends.
        """
        return not (self.options.source.package or self.options.source.package_file)

    @property
    def clean(self) -> bool:
        """Whether what is in ``repo_path`` is removed first: never the user's own tree."""
        return self.options.source.clean and not self.options.source.use_local

    def plugin_file(self, plugin_path: str, name: str) -> Path | None:
        """Return a plugin's own file of the configuration directory, if it has one."""
        return find_file(self.layers, f"{plugin_path}/{name}")


def find_file(layers: Iterable[Path], name: str) -> Path | None:
    """Return the absolute path of a configuration's file, in the first folder that has it."""
    files = (layer / name for layer in layers)
    return next((file.absolute() for file in files if file.is_file()), None)


def plan_workspace(
    options: BuildOptions,
    environment: Environment,
    *,
    default_jobs: int,
    portal: WantedPortal = DEFAULT_PORTAL,
    name: str = "",
    clones_dir: Path | None = None,
) -> BuildPlan:
    """Settle what is to be built of one workspace, whose folders ``options`` names.

    Args:
        options: the options, free of contradictions.
        environment: the workspace's.
        default_jobs: how many cores to use, unless the options say.
        portal: what it is built for.
        name: the workspace's name in a run of several.
        clones_dir: where a run of several keeps its clones.

    Raises:
        ConfigurationError: a file of the configuration directory cannot be used.
    """
    config_dir = options.source.config_dir.absolute()
    layers = portal.layers_of(config_dir)
    source_file = None if options.source.source_repo else read_source_file(config_dir, layers[0])
    if options.source.source_repo and (written := find_file(layers, SOURCE_FILE)):
        log.info("--source-repo is given: %s is not used", written)
    source = None if options.source.use_local else _choose_source(options, source_file, config_dir)
    for folder in layers:
        _refuse_disabled(folder)
    lists = (read_plugins_list(folder / PLUGINS_LIST) for folder in layers)
    versions = find_file(layers, BACKSTAGE_FILE)
    return BuildPlan(
        name=name,
        portal=portal,
        config_dir=config_dir,
        repo_path=options.source.repo_path.absolute(),
        output_dir=options.result.output_dir.absolute(),
        cache_dir=cache_dir_of(options.cache.cache_dir, environment),
        source=source,
        workspace_path=_workspace_path(options, source_file),
        plugins=next((found for found in lists if found), None),
        plugins_list_file=portal.own_folder(config_dir) / PLUGINS_LIST,
        environment=environment,
        supported_versions=_read_supported_versions(versions) if versions else None,
        repo_backstage_version=_read_noted_version(source_file),
        options=options,
        jobs=options.work.jobs or default_jobs,
        clones_dir=clones_dir,
    )


def _refuse_disabled(config_dir: Path) -> None:
    if is_disabled(config_dir):
        raise ConfigurationError(
            "the workspace is disabled",
            place=Place(file=config_dir / DISABLED_LIST),
            expected=f"a {PLUGINS_LIST}",
            hint=f"rename the file to {PLUGINS_LIST}, or remove it to have every plugin found",
        )


def _choose_source(
    options: BuildOptions, source_file: SourceFile | None, config_dir: Path
) -> WantedSource:
    if options.source.source_repo:
        return WantedSource(repo=options.source.source_repo, ref=options.source.source_ref)
    if source_file:
        return WantedSource(
            repo=source_file.repo,
            ref=source_file.ref,
            package=source_file.package,
            resolve_as_of=parse_as_of(options.source.resolve_as_of)
            if options.source.resolve_as_of
            else source_file.resolve_as_of,
            feature=options.source.package_feature or source_file.feature,
            scripts=AllowedScripts(
                names=parse_allowed_scripts(options.source.allow_scripts).names
                | source_file.scripts.names
            ),
        )
    empty = not any(config_dir.iterdir())
    raise ConfigurationError(
        f"the configuration directory {'is empty' if empty else f'has no {SOURCE_FILE}'}",
        place=Place(file=config_dir),
        expected=f'{SOURCE_FILE} with {{"repo": "https://…", "workspace-path": "…"}}',
        hint="create one, or use --source-repo URL, or --use-local for code that you have already",
    )


def _workspace_path(options: BuildOptions, source_file: SourceFile | None) -> str:
    if source_file and source_file.package and not options.source.use_local:
        if options.source.workspace_path not in (None, "."):
            raise UsageError(
                "--workspace-path is for repositories, and the source is a published package",
                found=f"--workspace-path {options.source.workspace_path}",
                expected=f"no such option, to build {source_file.package}",
            )
        return "."
    if options.source.workspace_path:
        return options.source.workspace_path
    if source_file and source_file.workspace_path:
        return source_file.workspace_path
    log.info("no workspace path is given: the workspace is the repository's root")
    return "."


def _read_noted_version(source_file: SourceFile | None) -> str | None:
    noted = source_file.repo_backstage_version if source_file else None
    if source_file is None or noted is None or _is_version(noted):
        return noted
    log.warning("%s: repo-backstage-version %r is not a version; ignored", source_file.path, noted)
    return None


# https://semver.org, "Is there a suggested regular expression to check a SemVer string?"
_VERSION = lazy_pattern(
    r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*)){2}"
    r"(?:-(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
    r"(?:\.(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
    r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)


def _is_version(text: str) -> bool:
    return _VERSION.fullmatch(text) is not None


def _read_supported_versions(file: Path) -> str:
    document = read_json(file)
    version = document.value.get("version") if isinstance(document.value, dict) else None
    if not isinstance(version, str) or not _is_version(version):
        raise ConfigurationError(
            f"{BACKSTAGE_FILE} has no Backstage version",
            place=document.place("version"),
            found=repr(version),
            expected='for example {"version": "1.42.0"}',
        )
    return version


def refuse_contradictions(options: BuildOptions) -> None:
    """Raise if options exclude each other, whatever the configuration directory holds.

    Raises:
        UsageError: naming the options.
    """
    if options.source.source_ref and not options.source.source_repo:
        raise UsageError(
            "--source-ref needs --source-repo",
            found=f"--source-ref {options.source.source_ref}",
            hint=f"add --source-repo URL, or write the ref into {SOURCE_FILE} as 'repo-ref'",
        )
    if options.source.source_repo and options.source.use_local:
        raise UsageError(
            "--source-repo and --use-local exclude each other",
            expected="one of them: a repository to clone, or a tree to build in place",
        )
    if options.images.sign_key and not options.result.push_images:
        raise UsageError(
            "--sign-key signs pushed images, and no image is pushed",
            found=f"--sign-key {options.images.sign_key}",
            expected="--push-images as well",
            hint="if they are built already: plugin-factory push OUTPUT_DIR --sign-key FILE",
        )
    read_engines(options.arguments.engine)
    if options.work.jobs is not None and options.work.jobs < 1:
        raise UsageError("--jobs must be at least 1", found=str(options.work.jobs))
    path = options.source.workspace_path
    if path is not None and leaves_repository(path):
        raise UsageError(
            "--workspace-path points outside the repository",
            found=path,
            expected="a path from the repository's root, such as workspaces/todo",
        )
    for first, second in (
        ("--config-dir", "--output-dir"),
        ("--repo-path", "--output-dir"),
        ("--config-dir", "--repo-path"),
    ):
        folders = {
            "--config-dir": options.source.config_dir,
            "--repo-path": options.source.repo_path,
            "--output-dir": options.result.output_dir,
        }
        if folders[first].absolute().resolve() == folders[second].absolute().resolve():
            raise UsageError(
                f"{first} and {second} are the same folder",
                found=str(folders[first]),
                expected="a folder for each",
            )


def refuse_missing(config_dir: Path) -> None:
    """Raise unless the configuration directory is a directory.

    Raises:
        ConfigurationError: it is not there, or is a file.
    """
    config_dir = config_dir.absolute()
    if not config_dir.exists():
        raise ConfigurationError(
            "the configuration directory does not exist",
            place=Place(file=config_dir),
            expected=f"a directory with {SOURCE_FILE} and, optionally, {PLUGINS_LIST}",
            hint="name it with --config-dir, or, in a container, mount it: -v ./config:/config:z",
        )
    if not config_dir.is_dir():
        raise ConfigurationError(
            "the configuration directory is a file",
            place=Place(file=config_dir),
            hint="name the directory that contains the file",
        )
