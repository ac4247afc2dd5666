"""The manifest of a workspace's release of Backstage, so that no tool has to fetch it.

Yarn, by Backstage's plugin, and rhdh-cli read the file that ``BACKSTAGE_MANIFEST_FILE`` names.
They get one that is made of yarn.lock and of the release's packages; these are those of the file
that the user names by the same variable, otherwise what ships with the factory of the release that
backstage.json says, or that the workspace's packages tell where it says none. Where the release is
not known, a server is left to answer: if the user names one (``BACKSTAGE_VERSIONS_BASE_URL``),
or if yarn.lock does not tell everything that is asked for.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from factory.analysis.backstage_releases import list_releases, packages_of_release
from factory.analysis.lockfile_parser import LOCKFILE, read_lockfile
from factory.analysis.release_ranges import (
    BACKSTAGE,
    ReleaseRanges,
    manifest_text,
    parse_manifest,
    read_manifest_file,
)
from factory.analysis.workspace_backstage import find_workspace_backstage
from factory.errors import ConfigurationError, Place
from factory.files import write_whole
from factory.toolchain.child_environment import MANIFEST_FILE, VERSIONS_URL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from factory.analysis.lockfile import Lockfile
    from factory.config.environment import Environment
    from factory.toolchain.assembled import Toolchain

log = logging.getLogger(__name__)

_DIGITS = 12


def find_shipped_release(version: str) -> Mapping[str, str]:
    """Return the packages of a release of Backstage with their versions; none of an unknown one."""
    return packages_of_release(version) if version in list_releases() else {}


def find_release_ranges(
    project: Path, lockfile: Lockfile, environment: Environment
) -> ReleaseRanges:
    """Return what ``backstage:^`` means in a workspace.

    Args:
        project: the folder of yarn.lock, which backstage.json is in, if there is one.
        lockfile: the yarn.lock.
        environment: the workspace's; it may name a manifest.

    Raises:
        ConfigurationError: the manifest, or backstage.json, cannot be read.
    """
    named = environment.get(MANIFEST_FILE)
    version = "" if named else find_workspace_backstage(project).version
    release = _read_manifest(named) if named else find_shipped_release(version)
    return ReleaseRanges(lockfile=lockfile, release=release)


def give_release_manifest(toolchain: Toolchain, project: Path) -> Toolchain:
    """Return the toolchain with an environment that names a manifest of the workspace's release.

    It is the toolchain itself where no package asks for ``backstage:``, there is no yarn.lock, or a
    server is to answer. A manifest that the user names is never left out.

    Args:
        toolchain: the workspace's; the file is written to its temporary folder.
        project: the folder of yarn.lock.

    Raises:
        ConfigurationError: a manifest that the user names, or backstage.json, cannot be read.
        DependenciesError: yarn.lock cannot be read.
        OSError: the file cannot be written.
    """
    file, environment = project / LOCKFILE, toolchain.environment
    if not file.is_file() or BACKSTAGE not in file.read_text(encoding="utf-8", errors="replace"):
        return toolchain
    ranges = find_release_ranges(project, read_lockfile(file), environment)
    version = find_workspace_backstage(project).version
    if not ranges.release and (environment.get(VERSIONS_URL) or ranges.list_unanswered()):
        log.info("the packages of Backstage %s are not known; tools ask a server", version or "?")
        return toolchain
    text = manifest_text(version, ranges.packages())
    # Called after its content: what two workspaces install is compared with it.
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
    manifest = toolchain.temporary / f"backstage-release-{digest}.json"
    write_whole(manifest, text, durable=False)
    log.debug("Backstage %s is looked up in %s", version or "of no version", manifest)
    variables = {**environment.variables, MANIFEST_FILE: str(manifest)}
    return replace(
        toolchain, environment=replace(environment, variables=MappingProxyType(variables))
    )


def _read_manifest(named: str) -> Mapping[str, str]:
    file = Path(named).absolute()
    try:
        return parse_manifest(read_manifest_file(file))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"the file that {MANIFEST_FILE} names is not a release manifest of Backstage",
            place=Place(file=file),
            found=getattr(error, "strerror", None) or str(error),
            expected='{"packages": [{"name": "@backstage/config", "version": "1.3.6"}]}',
            hint=f"fetch the release's manifest.json from versions.backstage.io, or leave "
            f"{MANIFEST_FILE} out: the factory makes one from yarn.lock",
        ) from error
