"""rhdh-cli, installed once a version into the cache.

It is some 1,900 packages and takes npm a minute or two to install, which `npx` would check anew at
every call. For versions that we know, the whole tree is pinned by a lockfile that ships with the
package (``factory/toolchain/rhdh_cli_pins/<version>/``), so that it is the same everywhere, always.
"""

from __future__ import annotations

import hashlib
import logging
from importlib import resources
from typing import TYPE_CHECKING

from factory.errors import ToolchainError
from factory.patterns import lazy_pattern
from factory.toolchain.node import QUIET_INSTALL
from factory.toolchain.pinned_install import install_pinned
from factory.toolchain.rhdh_cli_version import PACKAGE, find_known_version, resolve_version
from factory.toolchain.runner import ProcessFailed
from factory.toolchain.wanted_tools import VARIABLE
from factory.values import dataclass
from factory.versions import VERSION

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from factory.toolchain.node import Npm
    from factory.toolchain.wanted_tools import WantedRhdhCli

log = logging.getLogger(__name__)

PINS = "rhdh_cli_pins"
_EXACT = lazy_pattern(rf"^{VERSION}$")


@dataclass(frozen=True, kw_only=True, slots=True)
class RhdhCli:
    """An installed rhdh-cli: ``command`` is the program to start, ``why`` why it is this one."""

    version: str
    command: Path
    why: str = ""


def find_rhdh_cli(wanted: WantedRhdhCli, npm: Npm) -> RhdhCli:
    """Return rhdh-cli in the version that is wanted, with a warning if it is another one.

    Raises:
        ConfigurationError: ``wanted`` is neither a version, nor a range, nor a tag.
        ToolchainError: the registry has no such version, or the installation failed, or others may
            have put it into the cache.
        StorageError: the cache cannot be written.
    """
    chosen = resolve_version(wanted, npm, installed=list_installed(npm.cache.folder))
    if chosen.warning:
        log.warning("%s", chosen.warning)
    version = chosen.version
    pins = _pins(version)
    entry = npm.cache.make(
        f"rhdh-cli/{_entry_name(version, pins)}",
        lambda folder: _install(version, pins, folder, npm),
        what=f"rhdh-cli {version}",
    )
    command = npm.cache.refuse_planted(entry / "node_modules/.bin/rhdh-cli")
    return RhdhCli(version=version, command=command, why=chosen.why)


def is_rhdh_cli_installed(wanted: WantedRhdhCli, npm: Npm) -> bool:
    """Whether the version that is wanted is known, and in the cache.

    Raises:
        ConfigurationError: ``wanted`` is neither a version, nor a range, nor a tag.
    """
    cache = npm.cache.folder
    installed = list_installed(cache)
    known = find_known_version(wanted, env=npm.env, cache=cache, installed=installed)
    return known is not None and known.version in installed


def list_installed(cache: Path) -> frozenset[str]:
    """Return the versions that are in a cache folder, with the pins that this factory has."""
    names = [item.name for item in (cache / "rhdh-cli").glob("*") if item.is_dir()]
    versions = {name.partition("+")[0] for name in names}
    return frozenset(one for one in versions if _EXACT.match(one) and with_pins(one) in names)


def with_pins(version: str) -> str:
    """Return a version with the digest of its pinned tree, if it has one: ``1.9.1+a1aed115810d``.

    Two factories may pin one version to other trees.
    """
    return _entry_name(version, _pins(version))


def list_known_versions() -> tuple[str, ...]:
    """Return the versions whose whole dependency tree is pinned, in the order of their names."""
    folder = resources.files(__package__).joinpath(PINS)
    return tuple(sorted(item.name for item in folder.iterdir() if _EXACT.match(item.name)))


def _install(version: str, pins: Traversable | None, folder: Path, npm: Npm) -> None:
    log.info("installing rhdh-cli %s (once; it takes up to a minute)", version)
    if pins:
        for name in ("package.json", "package-lock.json"):
            (folder / name).write_bytes(pins.joinpath(name).read_bytes())
    else:
        log.warning("rhdh-cli %s is not pinned: its dependencies are resolved as of now", version)
        (folder / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    what = f"installing rhdh-cli {version}"
    try:
        if pins:
            install_pinned(npm, folder=folder, what=what)
        else:
            command = ("install", *QUIET_INSTALL, "--save-exact", f"{PACKAGE}@{version}")
            npm.run_patiently(*command, cwd=folder, what=what)
    except ProcessFailed as failure:
        raise ToolchainError(
            f"rhdh-cli {version} cannot be installed",
            found=failure.reason,
            details=failure.completed.last_words,
            hint=f"check that npm reaches its registry (npm ping) and that {VARIABLE} names a "
            f"version that exists: npm view {PACKAGE} versions",
        ) from failure


def _pins(version: str) -> Traversable | None:
    folder = resources.files(__package__).joinpath(PINS, version)
    return folder if folder.joinpath("package-lock.json").is_file() else None


def _entry_name(version: str, pins: Traversable | None) -> str:
    if not pins:
        return version
    digest = hashlib.sha256(pins.joinpath("package-lock.json").read_bytes()).hexdigest()
    return f"{version}+{digest[:12]}"
