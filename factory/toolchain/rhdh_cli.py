"""rhdh-cli, installed once a version into the cache.

It is some 1,900 packages and takes a minute or two to install, which `npx` would check anew at
every call. For versions that we know, the whole tree is pinned by a lockfile that ships with the
package (``factory/toolchain/rhdh_cli_pins/<version>/``), so that it is the same everywhere, always.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import re
import time
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from factory.errors import ConfigurationError, Place, StorageError, ToolchainError
from factory.files import write_whole
from factory.locking import exclusive
from factory.notation.json_text import parse_json
from factory.toolchain.cache_folder import (
    make_folder,
    tell_read_only,
    why_read_only,
)
from factory.toolchain.runner import ProcessFailed
from factory.versions import (
    VERSION,
    highest,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from factory.toolchain.node import Npm

log = logging.getLogger(__name__)

PACKAGE = "@red-hat-developer-hub/cli"
VARIABLE = "RHDH_CLI_VERSION"
LATEST = "latest"
PINS = "rhdh_cli_pins"
_ANSWER_SECONDS = 3600
_EXACT = re.compile(rf"^{VERSION}$")
_TAG = re.compile(r"^[A-Za-z][\w.-]*$")


@dataclass(frozen=True, kw_only=True, slots=True)
class RhdhCli:
    """An installed rhdh-cli: ``command`` is the program to start."""

    version: str
    command: Path


def find_rhdh_cli(wanted: str, npm: Npm) -> RhdhCli:
    """Return rhdh-cli in the version ``wanted``: exact, or a tag such as ``latest``.

    Raises:
        ConfigurationError: ``wanted`` is neither.
        ToolchainError: the registry has no such version, or the installation failed, or others may
            have put it into the cache.
    """
    _refuse_no_version(wanted)
    version = resolve_version(wanted, npm)
    pins = _pins(version)
    entry = npm.cache.make(
        f"rhdh-cli/{_entry_name(version, pins)}",
        lambda folder: _install(version, pins, folder, npm),
        what=f"rhdh-cli {version}",
    )
    command = npm.cache.refuse_planted(entry / "node_modules/.bin/rhdh-cli")
    return RhdhCli(version=version, command=command)


def find_known_version(wanted: str, *, env: Mapping[str, str], cache: Path) -> str | None:
    """Return the version that ``wanted`` is, if that is known without asking the npm registry.

    What a registry has said of a tag is believed for an hour, by all runs that share the cache.

    Raises:
        ConfigurationError: ``wanted`` is no version and no tag.
    """
    _refuse_no_version(wanted)
    if _EXACT.match(wanted):
        return wanted
    answer = _answer_file(wanted, env, cache)
    try:
        if time.time() - answer.stat().st_mtime > _ANSWER_SECONDS:
            return None
        version = answer.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return version if _EXACT.match(version) else None


def resolve_version(wanted: str, npm: Npm) -> str:
    """Return the version that ``wanted`` is, asking the npm registry if need be.

    Raises:
        ConfigurationError: ``wanted`` is no version and no tag.
        ToolchainError: the registry does not say, and no version is installed here.
        StorageError: the cache cannot be written.
    """
    cache = npm.cache.folder
    if known := find_known_version(wanted, env=npm.env, cache=cache):
        return known
    if reason := why_read_only(cache):
        tell_read_only(cache, reason)
        return _resolve(wanted, npm)
    try:
        lock = _answer_file(wanted, npm.env, _existing(cache / "rhdh-cli").parent)
        with exclusive(
            lock.with_name(f"{lock.name}.lock"),
            wait=True,
            while_waiting=npm.cache.runner.raise_if_cancelled,
        ):
            known = find_known_version(wanted, env=npm.env, cache=cache)
            return known or _resolve(wanted, npm)
    except OSError as error:
        raise StorageError(
            "the cache folder cannot be written",
            place=Place(file=cache),
            found=error.strerror or str(error),
            hint="give another with --cache-dir",
        ) from error


def with_pins(version: str) -> str:
    """Return a version with the digest of its pinned tree, if it has one: ``1.9.1+a1aed115810d``.

    Two factories may pin one version to other trees.
    """
    return _entry_name(version, _pins(version))


def list_known_versions() -> tuple[str, ...]:
    """Return the versions whose whole dependency tree is pinned, in the order of their names."""
    folder = resources.files(__package__).joinpath(PINS)
    return tuple(sorted(item.name for item in folder.iterdir() if _EXACT.match(item.name)))


def _resolve(tag: str, npm: Npm) -> str:
    cache = npm.cache.folder
    ask = ("view", f"{PACKAGE}@{tag}", "version", "--json")
    here = cache if cache.is_dir() else npm.node.bin_dir
    try:
        version = _version_in(npm.run(*ask, cwd=here, timeout=120).stdout)
    except (ProcessFailed, ValueError) as failure:
        return _newest_installed(tag, cache, failure)
    with contextlib.suppress(OSError):
        file = _answer_file(tag, npm.env, cache)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, f"{version}\n", durable=False)
    return version


def _version_in(answer: str) -> str:
    """The version that ``npm view`` answers with, the last of several.

    Raises:
        ValueError: it answers with something else.
    """
    said = parse_json(answer)
    version = said[-1] if isinstance(said, list) and said else said
    if not isinstance(version, str) or not _EXACT.match(version):
        raise ValueError(f"npm answers {answer.strip()[:200]!r}")
    return version


def _answer_file(tag: str, env: Mapping[str, str], cache: Path) -> Path:
    """Where the answer is kept: one for each registry that npm may be configured with."""
    asked = {n: v for n, v in env.items() if n == "HOME" or n.lower().startswith("npm_config_")}
    asked.pop("npm_config_nodedir", None)
    digest = hashlib.sha256(json.dumps([tag, asked], sort_keys=True).encode()).hexdigest()[:12]
    return cache / "rhdh-cli" / f".{tag}-{digest}"


def _refuse_no_version(wanted: str) -> None:
    if not _EXACT.match(wanted) and not _TAG.match(wanted):
        raise ConfigurationError(
            f"{VARIABLE} is not a version of rhdh-cli",
            found=wanted,
            expected="a version such as 1.9.1, or 'latest'",
            hint=f"set {VARIABLE}=latest in .env, or remove it",
        )


def _newest_installed(tag: str, cache: Path, failure: Exception) -> str:
    """Offline, "latest" means the newest that is here; it is said aloud, never silently."""
    names = [item.name for item in (cache / "rhdh-cli").glob("*") if item.is_dir()]
    installed = {name.split("+")[0] for name in names if _EXACT.match(name.split("+")[0])}
    newest = highest(installed) if tag == LATEST else None
    if newest is None:
        raise ToolchainError(
            f"the npm registry does not say which rhdh-cli is '{tag}'",
            found=str(failure),
            details=failure.completed.last_words if isinstance(failure, ProcessFailed) else None,
            hint=f"check that npm reaches its registry (npm ping), or set {VARIABLE}=1.9.1",
        ) from failure
    log.warning(
        "the npm registry cannot be asked which rhdh-cli is the latest; using %s, the newest that "
        "is installed here. Set %s=%s to say so yourself.",
        newest,
        VARIABLE,
        newest,
    )
    return newest


def _install(version: str, pins: Traversable | None, folder: Path, npm: Npm) -> None:
    log.info("installing rhdh-cli %s (once; it takes a minute or two)", version)
    quiet = ("--no-audit", "--no-fund", "--no-update-notifier", "--ignore-scripts")
    if pins:
        for name in ("package.json", "package-lock.json"):
            (folder / name).write_bytes(pins.joinpath(name).read_bytes())
        command = ["ci", *quiet]
    else:
        log.warning("rhdh-cli %s is not pinned: its dependencies are resolved as of now", version)
        (folder / "package.json").write_text('{"private": true}\n', encoding="utf-8")
        command = ["install", *quiet, "--save-exact", f"{PACKAGE}@{version}"]
    try:
        npm.run_patiently(*command, cwd=folder, what=f"installing rhdh-cli {version}")
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


def _existing(folder: Path) -> Path:
    make_folder(folder)
    return folder
