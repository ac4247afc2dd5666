"""``plugin-factory verify``: whether artifacts are such that a portal can load them."""

from __future__ import annotations

import logging
import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory.analysis.inventory import find_host
from factory.analysis.locked_workspace import read_locked_workspace
from factory.archives.limits import MAX_ENTRY_SIZE, archive_limits
from factory.attestation.keys import read_public_key
from factory.cli.log_level import LogLevel
from factory.cli.open_session import Session
from factory.cli.options import (
    AsJson,
    LeastUrgent,
    MaxEntrySize,
    RegistryConfigDir,
    Verbose,
)
from factory.cli.session import session
from factory.cli.verify_view import show
from factory.config.default_folders import CONFIG_DIR
from factory.config.environment import ENV_FILE, cache_dir_of, layer_environment
from factory.errors import UsageError
from factory.installation.package_reference import LocalArchive, LocalFolder, OciPackage
from factory.installation.plugin_list import read_plugin_list
from factory.installation.portal_config import merge_config
from factory.oci.platforms import check_platform
from factory.plugin_config.mount_points import portal_mounts
from factory.scheduling.capacity import default_jobs
from factory.toolchain.cache_folder import ToolCache
from factory.toolchain.node import find_node
from factory.verification.configuration import GivenConfig
from factory.verification.entry_point import Loader
from factory.verification.frontend_systems import find_system
from factory.verification.plugin_checks import Terms
from factory.verification.results import exit_code, results_document
from factory.verification.targets import find_targets
from factory.verification.verify import VerifyOptions, verify_targets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from factory.analysis.inventory import HostInventory
    from factory.config.environment import Environment
    from factory.frontend.verdict import System
    from factory.plugin_config.mount_points import PortalMounts

log = logging.getLogger(__name__)

# As portals have it; nothing is staged there.
_ROOT_DIRECTORY = "dynamic-plugins-root"
_LISTS = (".yaml", ".yml")
_AGAINST = "Checks"
_ORIGIN = "Origin"


class FrontendSystem(StrEnum):
    """A frontend system of portals."""

    OLD = "old"
    NEW = "new"


EXAMPLES = """Examples:

\b
  # Everything that a build left in ./outputs.
  plugin-factory verify ./outputs

\b
  # A published image, for a portal's release, signed with a key.
  plugin-factory verify oci://quay.io/team/plugin-todo:1.2.3 --host rhdh-1.9 --key cosign.pub

\b
  # Everything that a portal is to load, each plugin with the configuration that it is given.
  plugin-factory verify --config dynamic-plugins.yaml

\b
  # That what is bundled is what was locked.
  plugin-factory verify ./outputs --workspace ./source/workspaces/todo

\b
  # In CI: load the plugins with the packages of a real portal.
  plugin-factory verify ./outputs --host-modules ../portal/node_modules --json
"""


def verify(
    ctx: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TARGET...",
            help="A .tgz, a folder that a build left them in, a plugin's unpacked folder, an OCI "
            "layout (folder or tar), or oci://REGISTRY/REPOSITORY:TAG, with !FOLDER for one plugin "
            "of several; or a portal's list (.yaml) with the plugins that are on in it.",
            show_default=False,
        ),
    ] = None,
    *,
    config: Annotated[
        list[Path] | None,
        typer.Option(
            # The first name makes the variable, as for 'install'.
            "--dynamic-plugins",
            "--config",
            metavar="FILE",
            help="A portal's list of plugins, dynamic-plugins.yaml: all that are on in it, each "
            "with its pluginConfig. May be given more than once.",
            show_default=False,
            rich_help_panel=_AGAINST,
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="NAME|PATH",
            help="A host of 'plugin-factory host list', or the path of a yarn.lock: its packages "
            "may not be bundled, its Backstage must be one that the plugin supports, and its mount "
            "points count. Without it, the packages of the newest release, and any Backstage.",
            rich_help_panel=_AGAINST,
        ),
    ] = "",
    host_modules: Annotated[
        list[Path] | None,
        typer.Option(
            "--host-modules",
            metavar="DIR",
            help="A portal's node_modules, to load backend plugins with. Without it, stand-ins "
            "take the place of what a portal provides. May be given more than once.",
            show_default=False,
            rich_help_panel=_AGAINST,
        ),
    ] = None,
    platform: Annotated[
        str,
        typer.Option(
            "--platform",
            help="Where the portal runs, as Node.js calls it, such as linux-x64. Without it, Linux "
            "and this machine's processor.",
            show_default=False,
            rich_help_panel=_AGAINST,
        ),
    ] = "",
    shows_in: Annotated[
        list[FrontendSystem] | None,
        typer.Option(
            "--shows-in",
            help="A frontend system that frontends must show in: old (Scalprum, RHDH up to 2.0) or "
            "new (module federation, later ones and plain Backstage). Without it, that of a --host "
            "of RHDH, else either. May be given more than once.",
            show_default=False,
            rich_help_panel=_AGAINST,
        ),
    ] = None,
    allow_bundled: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-bundled",
            metavar="PACKAGE",
            help="A @backstage package that plugins may bundle although the host shares it. May be "
            "given more than once.",
            show_default=False,
            rich_help_panel=_AGAINST,
        ),
    ] = None,
    workspace: Annotated[
        list[Path] | None,
        typer.Option(
            "--workspace",
            metavar="DIR",
            help="The workspace that plugins were built in, as it was then: what backends bundle "
            "must be what its yarn.lock says, with the patches that it has. May be given more "
            "than once.",
            show_default=False,
            rich_help_panel=_AGAINST,
        ),
    ] = None,
    no_load: Annotated[
        bool,
        typer.Option(
            "--no-load",
            help="Do not load backend plugins: loading runs their code.",
            rich_help_panel=_AGAINST,
        ),
    ] = False,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            metavar="FILE",
            help="A public key that images must be signed with, as for 'cosign verify --key'.",
            show_default=False,
            rich_help_panel=_ORIGIN,
        ),
    ] = None,
    provenance: Annotated[
        bool,
        typer.Option(
            "--provenance",
            help="Require a provenance statement about exactly this artifact.",
            rich_help_panel=_ORIGIN,
        ),
    ] = False,
    config_dir: RegistryConfigDir = CONFIG_DIR,
    max_entry_size: MaxEntrySize = "",
    log_level: LeastUrgent = LogLevel.INFO,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Verify that a portal can load what was built or published.

    Checks integrity, that an archive is safe to unpack, package.json, the entry point, the
    manifests of frontends and in which frontend system they show, what is bundled, and for which
    platform; with --key and --provenance also where it comes from. Configuration that is given to
    a plugin, in a portal's list or beside a .tgz, is held against what the plugin ships. Backend
    plugins are loaded by Node.js, with an empty environment.

    Fails if any check fails, and says for each what to do.
    """
    env_file = config_dir / ENV_FILE
    with session(ctx, env_files=(env_file,), log_level=log_level, verbose=verbose) as this:
        words, configs = _with_listed(targets or [], config or [])
        if not words:
            raise UsageError(
                "nothing to verify is named",
                expected="an artifact, a folder of them, an image, or --config FILE with plugins",
                hint="plugin-factory verify --help",
            )
        found = find_targets(words)
        environment = layer_environment(this.process, (env_file,))
        inventory = find_host(host)
        terms = Terms(
            host=inventory,
            loader=None if no_load else _loader(this, environment, inventory, host_modules or []),
            platform=check_platform(platform),
            checks_host_version=bool(host),
            allowed=frozenset(allow_bundled or []),
            systems=_find_systems(shows_in, host and inventory.name),
            workspaces=tuple(read_locked_workspace(each, inventory) for each in workspace or []),
            proves_config=True,
            configs=configs,
            variables=frozenset(environment.variables),
            mounts=_find_mounts(inventory, configs) if host else None,
        )
        options = VerifyOptions(
            terms=terms,
            environment=environment,
            checkpoint=this.runner.raise_if_cancelled,
            key=read_public_key(key) if key else None,
            provenance=provenance,
            limits=archive_limits(max_entry_size or environment.get(MAX_ENTRY_SIZE, "")),
            jobs=default_jobs(),
        )
        results = verify_targets(found, options)
    if as_json:
        this.out.document(results_document(results))
    else:
        show(results, this.out)
    if code := exit_code(results):
        raise typer.Exit(code)


def _find_systems(asked: list[FrontendSystem] | None, host: str) -> frozenset[System]:
    if asked:
        return frozenset(one.value for one in asked)
    system = find_system(host)
    return frozenset({system} if system else ())


def _find_mounts(host: HostInventory, configs: Mapping[str, GivenConfig]) -> PortalMounts:
    points = host.profile.mount_points
    return portal_mounts(host.name, points, (one.config for one in configs.values()))


def _with_listed(
    words: Sequence[str], lists: Sequence[Path]
) -> tuple[list[str], dict[str, GivenConfig]]:
    """What the words of the command line and portals' lists name, and what lists configure.

    Raises:
        ConfigurationError: a list cannot be read, or two of its plugins configure one thing
            differently.
    """
    found: list[str] = []
    configs: dict[str, GivenConfig] = {}
    named = {word for word in words if word.endswith(_LISTS) and Path(word).is_file()}
    for word in (*words, *map(os.fspath, lists)):
        if word in words and word not in named:
            found.append(word)
            continue
        entries = read_plugin_list(Path(word))
        merge_config(entries, root_directory=_ROOT_DIRECTORY)
        for entry in entries:
            package = entry.package
            if not entry.enabled:
                continue
            if isinstance(package, OciPackage):
                found.append(str(package))
            elif isinstance(package, LocalArchive | LocalFolder):
                found.append(os.fspath(package.path))
            else:
                log.warning("%s: only images and files are verified: %s", entry.place, package)
                continue
            if entry.config:
                configs[found[-1]] = GivenConfig(place=str(entry.place), config=entry.config)
    return list(dict.fromkeys(found)), configs


def _loader(
    this: Session, environment: Environment, host: HostInventory, host_modules: list[Path]
) -> Loader:
    """What loads backend plugins: the machine's Node.js, or one of the cache.

    Raises:
        UsageError: a folder of ``--host-modules`` does not exist.
        ToolchainError: there is no Node.js.
    """
    for folder in host_modules:
        if not folder.is_dir():
            raise UsageError(
                "--host-modules does not name a folder",
                found=str(folder),
                expected="the node_modules of a portal's backend",
            )
    folder = cache_dir_of(None, environment)
    cache = ToolCache(folder=folder, environment=environment, runner=this.runner)
    node = find_node(None, cache)
    return Loader(
        node=node.bin_dir / "node",
        runner=this.runner,
        host=host,
        host_modules=tuple(host_modules),
    )
