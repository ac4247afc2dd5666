"""Backstage's own ``package bundle``: the workspace's, or one installed once into the cache.

The command came with ``@backstage/cli-module-build`` 0.1.4, which runs by itself: the rest of
Backstage's command line (tests, linting, new packages) is not needed to bundle. The tree of the one
in the cache is pinned by a lockfile (``backstage_bundler_pins/<version>/``).
"""

from __future__ import annotations

import hashlib
import logging
from importlib import resources
from typing import TYPE_CHECKING

from factory.errors import Place, ToolchainError
from factory.notation.json_text import parse_object
from factory.toolchain.pinned_install import install_pinned
from factory.toolchain.runner import ProcessFailed
from factory.values import dataclass
from factory.versions import highest, satisfies

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from factory.toolchain.node import Npm

log = logging.getLogger(__name__)

PACKAGE = "@backstage/cli-module-build"
PINNED = "0.1.10"
"""The version that is installed where a workspace has none that bundles."""
BUNDLES = ">=0.1.4"
"""The versions that have the command ``package bundle``."""
_PINS = "backstage_bundler_pins"
_FOLDER = "cli-module-build"
_PROGRAM = "bin/backstage-cli-module-build"
# Where yarn puts it: beside the others, or below who asks for it.
_ASKING = ("", "@backstage/cli-defaults/node_modules/", "@backstage/cli/node_modules/")


@dataclass(frozen=True, kw_only=True, slots=True)
class BackstageBundler:
    """An installed one. ``command`` is the program; ``own`` says that it is the workspace's."""

    version: str
    command: Path
    own: bool


def find_locked_bundler(versions: Iterable[str]) -> str | None:
    """Return the version of the workspace's own bundler, if it has one that bundles.

    Args:
        versions: those of :data:`PACKAGE` that yarn.lock has.
    """
    fitting = [version for version in versions if _bundles(version)]
    return highest(fitting) if fitting else None


def name_bundler(own: str | None) -> str:
    """Return what tells a bundler from others: ``0.1.9 of the workspace``, or version and pins.

    Args:
        own: the version of the workspace's, or None for the one in the cache.
    """
    return f"{own} of the workspace" if own else _entry_name()


def version_of_bundler(name: str) -> str | None:
    """Return the version in what :func:`name_bundler` returns; None of nothing."""
    return name.partition(" ")[0].partition("+")[0] or None


def find_cached_bundler(npm: Npm) -> BackstageBundler:
    """Return the bundler of the cache, which is installed there once.

    Raises:
        ToolchainError: the installation failed, or others may have put it into the cache.
    """
    entry = npm.cache.make(
        f"{_FOLDER}/{_entry_name()}",
        lambda folder: _install(folder, npm),
        what=f"{PACKAGE} {PINNED}",
    )
    command = npm.cache.refuse_planted(entry / "node_modules" / PACKAGE / _PROGRAM)
    return BackstageBundler(version=PINNED, command=command, own=False)


def is_bundler_cached(cache: Path) -> bool:
    """Whether the bundler is in a cache folder."""
    return (cache / _FOLDER / _entry_name()).is_dir()


def find_own_bundler(version: str, workspace: Path) -> BackstageBundler:
    """Return the workspace's own bundler, once its packages are installed.

    Args:
        version: the one that yarn.lock has.
        workspace: the folder with ``node_modules``.

    Raises:
        ToolchainError: it is not where it should be.
    """
    for asking in _ASKING:
        folder = workspace / "node_modules" / f"{asking}{PACKAGE}"
        if _version_in(folder) == version:
            return BackstageBundler(version=version, command=folder / _PROGRAM, own=True)
    raise ToolchainError(
        f"the workspace's own {PACKAGE} {version} is not where the factory looks for it",
        place=Place(file=workspace / "node_modules" / PACKAGE),
        found="not there in this version",
        expected=f"version {version}, which yarn.lock has",
        hint=f"name {PACKAGE} among devDependencies of the workspace's package.json",
    )


def _version_in(folder: Path) -> str:
    try:
        said = parse_object((folder / "package.json").read_bytes()).get("version")
    except (OSError, ValueError):
        return ""
    return said if isinstance(said, str) else ""


def _bundles(version: str) -> bool:
    try:
        # "-next.0" comes before the release, and has the command all the same.
        return satisfies(version.partition("-")[0], BUNDLES)
    except ValueError:
        return False


def _install(folder: Path, npm: Npm) -> None:
    log.info("installing %s %s (once; it takes up to a minute)", PACKAGE, PINNED)
    for name in ("package.json", "package-lock.json"):
        (folder / name).write_bytes(_pins().joinpath(name).read_bytes())
    # The lockfile leaves out the peers, which are what a portal shares and no bundler loads.
    try:
        install_pinned(
            npm, "--legacy-peer-deps", folder=folder, what=f"installing {PACKAGE} {PINNED}"
        )
    except ProcessFailed as failure:
        raise ToolchainError(
            f"{PACKAGE} {PINNED} cannot be installed",
            found=failure.reason,
            details=failure.completed.last_words,
            hint="check that npm reaches its registry (npm ping), or use --engine rhdh",
        ) from failure


def _pins() -> Traversable:
    return resources.files(__package__).joinpath(_PINS, PINNED)


def _entry_name() -> str:
    digest = hashlib.sha256(_pins().joinpath("package-lock.json").read_bytes()).hexdigest()
    return f"{PINNED}+{digest[:12]}"
