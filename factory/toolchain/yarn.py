"""Yarn in the version that a workspace itself names.

In order: ``yarnPath`` of its ``.yarnrc.yml``, ``packageManager`` of its ``package.json``, else a
default for the generation of its ``yarn.lock``. Releases come as packages from the npm registry
that npm is configured with, which is what makes private mirrors and closed networks work.
"""

from __future__ import annotations

import hashlib
import logging
import re
import shlex
from typing import TYPE_CHECKING

from factory.archives.npm_package import archive_of_npm
from factory.archives.unpack import unpack
from factory.errors import ConfigurationError, Place, ToolchainError
from factory.notation.json_text import parse_json
from factory.notation.yaml_text import parse_yaml_1_1
from factory.patterns import lazy_pattern
from factory.toolchain.runner import ProcessFailed
from factory.values import dataclass
from factory.versions import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from factory.toolchain.node import Npm

log = logging.getLogger(__name__)

DEFAULT_BERRY = "4.12.0"
DEFAULT_CLASSIC = "1.22.22"
# https://github.com/nodejs/corepack#when-authoring-packages: an exact version, perhaps a checksum.
_PACKAGE_MANAGER = lazy_pattern(
    rf"(?P<version>{VERSION})(?:\+(?P<algorithm>sha\d+)\.(?P<digest>[0-9a-fA-F]+))?"
)
_CHECKSUMS = {"sha1", "sha224", "sha256", "sha384", "sha512"}
_CLASSIC_LOCKFILE = lazy_pattern(r"^# yarn lockfile v1\b", re.MULTILINE)
_BERRY_MAJOR = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedYarn:
    """Which yarn a workspace asks for: a release, or a file of its own; ``reason`` says where.

    ``checksum`` is an algorithm and a hexadecimal digest, as ``packageManager`` may carry them.
    """

    version: str | None
    reason: str
    script: Path | None = None
    checksum: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Yarn:
    """A yarn that can be run: ``bin_dir`` holds the command ``yarn``."""

    version: str
    bin_dir: Path

    @property
    def is_classic(self) -> bool:
        """Whether this is yarn 1, whose options differ."""
        return _major(self.version) < _BERRY_MAJOR


def find_wanted_yarn(workspace: Path, root: Path) -> WantedYarn:
    """Return which yarn the workspace asks for, looking from its folder up to the checkout's root.

    Raises:
        ConfigurationError: it asks for another package manager, or names a file that is not there.
    """
    for folder in _folders_up(workspace, root):
        script = _yarn_path(folder)
        if script:
            return WantedYarn(version=None, script=script, reason=str(folder / ".yarnrc.yml"))
        manifest = folder / "package.json"
        asked = _package_manager(manifest)
        if asked:
            return _from_package_manager(asked, manifest)
    lockfile = workspace / "yarn.lock"
    if lockfile.is_file() and _CLASSIC_LOCKFILE.search(_head(lockfile)):
        return WantedYarn(version=DEFAULT_CLASSIC, reason=f"{lockfile} is of yarn 1")
    return WantedYarn(version=DEFAULT_BERRY, reason="the default")


def find_yarn(wanted: WantedYarn, npm: Npm, *, bin_dir: Path) -> Yarn:
    """Return the wanted yarn, installed into the cache if need be.

    A launcher is written into ``bin_dir``, a folder of this run, so that every tool that looks for
    ``yarn`` on the PATH finds this one.

    Raises:
        ToolchainError: the release is not available, or is not what its checksum says, or others
            may have put it into the cache.
    """
    script = wanted.script
    if script is None:
        release = f"{wanted.version}-{wanted.checksum[1][:16]}" if wanted.checksum else None
        entry = npm.cache.make(
            f"yarn/{release or wanted.version}",
            lambda folder: _install(wanted, folder, npm),
            what=f"yarn {wanted.version}",
        )
        script = npm.cache.refuse_planted(entry / "package/bin/yarn.js")
    words = (npm.node.bin_dir / "node", script)
    launcher = bin_dir / "yarn"
    version = wanted.version
    if version is None:
        write_launcher(launcher, words)
        version = _version_of(launcher, npm)
    write_launcher(launcher, words, version)
    return Yarn(version=version, bin_dir=bin_dir)


def write_launcher(file: Path, words: Sequence[str | Path], version: str | None = None) -> None:
    """Write a program that runs a command with whatever arguments it is given.

    Args:
        file: what is written.
        words: the command.
        version: what the program answers itself to ``--version``. rhdh-cli and Backstage's own tool
            ask that of yarn several times a plugin, and to load yarn takes half a second.
    """
    command = " ".join(shlex.quote(str(word)) for word in words)
    answer = f'[ "$*" = --version ] && exec echo {shlex.quote(version)}\n' if version else ""
    file.write_text(f'#!/bin/sh\n{answer}exec {command} "$@"\n', encoding="utf-8")
    file.chmod(0o755)


def _install(wanted: WantedYarn, folder: Path, npm: Npm) -> None:
    version = str(wanted.version)
    package = "yarn" if _major(version) < _BERRY_MAJOR else "@yarnpkg/cli-dist"
    log.info("installing yarn %s (%s)", version, wanted.reason)
    try:
        words = ("pack", "--json", f"{package}@{version}")
        packed = npm.run_patiently(*words, cwd=folder, what=f"installing yarn {version}")
    except ProcessFailed as failure:
        raise ToolchainError(
            f"yarn {version} cannot be downloaded from the npm registry",
            found=failure.reason,
            expected=f"the package {package}@{version}, requested by {wanted.reason}",
            details=failure.completed.last_words,
            hint="check that npm reaches its registry: npm ping",
        ) from failure
    archive = folder / _read_packed_name(packed.stdout, f"{package}@{version}")
    unpack(archive, folder / "package", select="package")
    if wanted.checksum:
        # Berry's checksum is of the script, as corepack downloads it; classic's is of the archive.
        checked = archive if package == "yarn" else folder / "package/bin/yarn.js"
        _refuse_other_bytes(checked, wanted.checksum, wanted)
    archive.unlink()


def _read_packed_name(said: str, package: str) -> str:
    """The name of the archive that ``npm pack --json`` says it has made."""
    try:
        return str(archive_of_npm(said)["filename"])
    except ValueError as error:
        raise ToolchainError(
            f"npm does not report what it has packed of {package}",
            found=said.strip()[:200] or "nothing",
            expected='[{"filename": "NAME-VERSION.tgz"}], as npm pack --json prints it',
            hint="check the npm that is used: npm --version",
        ) from error


def _refuse_other_bytes(file: Path, checksum: tuple[str, str], wanted: WantedYarn) -> None:
    algorithm, expected = checksum
    found = hashlib.new(algorithm, file.read_bytes()).hexdigest()
    if found != expected:
        raise ToolchainError(
            f"yarn {wanted.version} from the npm registry is not the requested one",
            found=f"{algorithm} {found}",
            expected=f"{algorithm} {expected}, by {wanted.reason}",
            hint="correct the checksum in packageManager, or the registry",
        )


def _from_package_manager(asked: str, manifest: Path) -> WantedYarn:
    place = Place(file=manifest, field="packageManager")
    name, _, version = asked.partition("@")
    if name in {"npm", "pnpm", "bun"}:
        raise ConfigurationError(
            f"the workspace is managed by {name}, not by yarn",
            place=place,
            found=asked,
            expected="yarn: rhdh-cli exports from yarn workspaces only",
            hint=f"run 'yarn import' or 'yarn install' once and add yarn.lock with a patch, "
            f"or set packageManager to yarn@{DEFAULT_BERRY}",
        )
    match = _PACKAGE_MANAGER.fullmatch(version)
    if name != "yarn" or not match:
        raise ConfigurationError(
            "packageManager is not yarn and an exact version",
            place=place,
            found=asked,
            expected="for example yarn@4.12.0, perhaps with a checksum: yarn@4.12.0+sha512.0123…",
        )
    checksum = None
    if match["algorithm"]:
        if match["algorithm"] not in _CHECKSUMS:
            raise ConfigurationError(
                "packageManager has a checksum of an unknown kind",
                place=place,
                found=asked,
                expected="one of " + ", ".join(sorted(_CHECKSUMS)),
            )
        checksum = (match["algorithm"], match["digest"].lower())
    return WantedYarn(version=match["version"], checksum=checksum, reason=str(manifest))


def _folders_up(workspace: Path, root: Path) -> Iterator[Path]:
    yield workspace
    for folder in workspace.parents:
        if folder != root and root not in folder.parents:
            return
        yield folder


def _yarn_path(folder: Path) -> Path | None:
    settings = folder / ".yarnrc.yml"
    if not settings.is_file():
        return None
    try:
        value = parse_yaml_1_1(settings.read_bytes()) or {}
    except ValueError as error:
        raise ConfigurationError(
            ".yarnrc.yml cannot be read",
            place=Place(file=settings),
            details=str(error),
            hint="correct the file, or patch it if it comes from a repository that is not yours",
        ) from error
    named = value.get("yarnPath") if isinstance(value, dict) else None
    if not isinstance(named, str):
        return None
    script = (folder / named).resolve()
    if not script.is_file():
        raise ConfigurationError(
            "yarnPath names a file that does not exist",
            place=Place(file=settings, field="yarnPath"),
            found=named,
            hint="commit the release, or remove yarnPath and set packageManager in package.json",
        )
    return script


def _package_manager(manifest: Path) -> str | None:
    if not manifest.is_file():
        return None
    try:
        value = parse_json(manifest.read_bytes())
    except ValueError as error:
        raise ConfigurationError(
            "package.json is not valid JSON",
            place=Place(file=manifest),
            found=str(error),
            hint="correct the file, or patch it if it comes from a repository that is not yours",
        ) from error
    asked = value.get("packageManager") if isinstance(value, dict) else None
    return asked if isinstance(asked, str) else None


def _major(version: str) -> int:
    return int(version.partition(".")[0])


def _head(file: Path) -> str:
    with file.open(encoding="utf-8", errors="replace") as opened:
        return opened.read(1000)


def _version_of(launcher: Path, npm: Npm) -> str:
    command = (launcher, "--version")
    try:
        said = npm.cache.runner.run(command, cwd=launcher.parent, env=npm.env)
    except ProcessFailed as failure:
        raise ToolchainError(
            "the workspace's own yarn (yarnPath) does not start",
            found=failure.reason,
            details=failure.completed.last_words,
            hint="correct yarnPath in .yarnrc.yml, or remove it and set packageManager in "
            "package.json",
        ) from failure
    answer = said.stdout.strip()
    if not re.match(VERSION, answer):
        raise ToolchainError(
            "the workspace's own yarn (yarnPath) does not report its version",
            found=answer or "nothing",
            expected="what 'yarn --version' prints, such as 4.12.0",
        )
    return answer
