"""Installations that are kept: what yarn has put into a workspace, for runs that would do the same.

A kept installation is a folder of hard links to the very files that yarn has installed, so that it
costs hardly any room, and to take it over is to link them once more. A tool that writes into an
installed file in place changes the kept one too. So sizes, times and modes of all files are noted
in a digest when an installation is kept, and compared before it is taken over: one that has been
touched is forgotten, and yarn installs, which mends its own store.

Who may write to the cache could put anything there. What is taken over therefore consists of plain
files, folders, and links that stay in the workspace; all of it belongs to this user or to root and
may not be written by everyone; and folders are only put where the workspace has some.

Layout, below the cache's folder: ``installations/<key>/about.json``, ``installations/<key>/tree/``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import platform
import stat
import sys
import time
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from factory.cache.variables import telling_variables
from factory.errors import BusyError, FactoryError, StorageError
from factory.export.shared_installation import (
    INSTALL_STATE,
    MODULES,
    Installation,
    find_folders,
    installation_key,
    read_manifests,
    take_over,
)
from factory.files import read_end, remove_tree
from factory.locking import exclusive
from factory.notation.json_text import parse_json, parse_object
from factory.patterns import lazy_pattern
from factory.toolchain.cache_folder import make_once, why_read_only
from factory.toolchain.trust import is_trusted, refuse_planted
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from factory.cache.pruning import CacheLimits
    from factory.config.environment import Environment
    from factory.toolchain.assembled import Toolchain

log = logging.getLogger(__name__)

FOLDER = "installations"
_ABOUT, _TREE = "about.json", "tree"
_FORMAT = 1
_KEY = lazy_pattern(r"[0-9a-f]{64}")
_GONE = lazy_pattern(r"\.removed-[0-9a-f]{64}")
_LOCK = ".prune.lock"
_LARGEST_ABOUT = 16 << 20
_ROOT = 0
# Written by everyone, or run with somebody else's rights.
_NEVER_SET = stat.S_IWOTH | stat.S_ISUID | stat.S_ISGID


class BadInstallation(Exception):  # noqa: N818 - a miss, not an error for the user
    """What is kept is not what was put there, or cannot be taken over safely."""


def kept_key(workspace: Path, toolchain: Toolchain) -> str | None:
    """Return what an installation is kept by; None where none can be.

    Beside what tells installations of one run apart, it names the platform. Of variables it has
    those that can change what is built (:func:`factory.cache.variables.telling_variables`): where
    packages come from does not count, since the lockfile has their checksums.

    Raises:
        OSError: a file cannot be read.
    """
    return installation_key(workspace, toolchain, machine_variables(toolchain.environment))


def machine_variables(environment: Environment) -> dict[str, str]:
    """Return the variables that change what is installed, and what kind of machine this is."""
    machine = f"{sys.platform} {platform.machine()} {' '.join(platform.libc_ver())} {_FORMAT}"
    return {"": machine, **telling_variables(environment)}


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptInstallation:
    """An installation in the cache: how many files it has, of how many bytes, and its last use.

    The bytes are those of the files as yarn's store has them, too: they are links to the same.
    """

    folder: Path
    files: int
    size: int
    used: float


@dataclass(frozen=True, kw_only=True, slots=True)
class InstallationStore:
    """The installations in a cache folder, which need not exist."""

    cache_dir: Path
    environment: Environment
    checkpoint: Callable[[], None]

    @property
    def folder(self) -> Path:
        """Where they are."""
        return self.cache_dir / FOLDER

    def has(self, key: str) -> bool:
        """Whether there is one of a key; nobody has looked at it."""
        return (self.folder / key / _ABOUT).is_file()

    def find(self, key: str, workspace: Path) -> Installation | None:
        """Return an installation that a workspace can take over; None if there is none.

        One that cannot be is removed, so that a new one can be kept.

        Args:
            key: the installation's.
            workspace: the folder of the one that will take it over; it has none yet.
        """
        entry = self.folder / key
        about = entry / _ABOUT
        if not self.has(key) or not _is_on_same_disk(entry, workspace):
            return None
        trusted = is_trusted(self.cache_dir, self.environment)
        try:
            refuse_planted(about, cache=self.cache_dir, trusted=trusted)
            found = self._examine(entry, workspace, trusted=trusted)
        except FactoryError as error:
            self.checkpoint()
            log.warning("a kept installation is not used: %s (%s)", error.problem, error.found)
            return None
        except (BadInstallation, OSError, ValueError, KeyError, TypeError) as problem:
            log.info("a kept installation is not used and is forgotten: %s (%s)", entry, problem)
            with contextlib.suppress(OSError):
                _remove(entry)
            return None
        with contextlib.suppress(OSError):
            os.utime(about)
        return found

    def keep(self, key: str, installation: Installation) -> None:
        """Keep what yarn has just installed; where that is not possible, nothing is kept.

        Raises:
            Interrupted: the run was ended.
        """
        self.checkpoint()
        entry = self.folder / key
        if entry.exists() or why_read_only(self.folder):
            return

        def make(making: Path) -> None:
            if not _is_on_same_disk(making, installation.workspace):
                raise BadInstallation("the cache is on another disk than the workspace")
            tree = making / _TREE
            tree.mkdir()
            for name in installation.folders:
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
            bare = replace(installation, manifests={})
            if not take_over(bare, tree, checkpoint=self.checkpoint):
                raise BadInstallation("the disk has no hard links")
            seen = _look_through(tree, installation.folders, self.checkpoint, trusted=True)
            about = {
                "format": _FORMAT,
                "folders": list(installation.folders),
                "manifests": {
                    name: content.decode() for name, content in installation.manifests.items()
                },
                "digest": seen.digest,
                "files": seen.files,
                "size": seen.size,
            }
            (making / _ABOUT).write_text(json.dumps(about), encoding="utf-8")

        try:
            make_once(entry, make, what="an installation", checkpoint=self.checkpoint)
        except (BadInstallation, OSError, UnicodeDecodeError, StorageError) as error:
            log.info("the installation is not kept for the next run: %s", error)

    def _examine(self, entry: Path, workspace: Path, *, trusted: bool) -> Installation:
        about = _read_about(entry)
        folders, manifests = about["folders"], about["manifests"]
        allowed = {
            (folder.relative_to(workspace) / MODULES).as_posix()
            for folder in find_folders(workspace)
        }
        if not isinstance(folders, list) or not folders or not set(folders) <= allowed:
            raise BadInstallation("it has folders that the workspace has not")
        own = dict(read_manifests(workspace))
        if manifests.keys() != own.keys() or not all(
            _says_the_same(own[name], text) for name, text in manifests.items()
        ):
            raise BadInstallation("it is of other packages")
        tree = entry / _TREE
        seen = _look_through(tree, tuple(folders), self.checkpoint, trusted=trusted)
        if seen.digest != about["digest"]:
            raise BadInstallation("files in it have been changed")
        return Installation(
            workspace=tree,
            folders=tuple(folders),
            manifests={name: text.encode() for name, text in manifests.items()},
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """What a tree holds: a digest of its names, kinds, modes, sizes and times; how much it is."""

    digest: str
    files: int
    size: int


def _look_through(
    tree: Path, folders: tuple[str, ...], checkpoint: Callable[[], None], *, trusted: bool
) -> _Seen:
    """Look at every file of an installation, and refuse what is not safe to take over.

    Raises:
        BadInstallation: something is not.
        OSError: something cannot be read.
    """
    lines: list[str] = []
    files = size = 0
    owners = {os.geteuid(), _ROOT}
    for name, status, path in _walk(tree, (*folders, INSTALL_STATE), checkpoint):
        mode = status.st_mode
        if not trusted and status.st_uid not in owners:
            raise BadInstallation(f"{name} belongs to another user")
        if stat.S_ISLNK(mode):
            target = os.readlink(path)  # noqa: PTH115 - a Path a file costs more
            if not stays_inside(name, target):
                raise BadInstallation(f"the link {name} leads out of the workspace")
            lines.append(f"{name}\0l\0{target}")
            continue
        if mode & _NEVER_SET:
            raise BadInstallation(f"{name} has the mode {stat.S_IMODE(mode):04o}")
        if stat.S_ISDIR(mode):
            lines.append(f"{name}\0d")
        elif stat.S_ISREG(mode):
            files += 1
            size += status.st_size
            lines.append(
                f"{name}\0f\0{stat.S_IMODE(mode):o}\0{status.st_size}\0{int(status.st_mtime)}"
            )
        else:
            raise BadInstallation(f"{name} is not a file")
    lines.sort()
    text = "\n".join(lines).encode("utf-8", "surrogateescape")
    return _Seen(digest=hashlib.sha256(text).hexdigest(), files=files, size=size)


def _walk(
    tree: Path, names: tuple[str, ...], checkpoint: Callable[[], None]
) -> Iterator[tuple[str, os.stat_result, str]]:
    """Everything at and below ``names``: its name from the tree, what it is, and its path."""
    for name in names:
        _refuse_links_to(tree, name)
        pending = [name]
        status = os.lstat(tree / name)
        yield name, status, f"{tree}/{name}"
        if not stat.S_ISDIR(status.st_mode):
            continue
        while pending:
            folder = pending.pop()
            checkpoint()
            with os.scandir(f"{tree}/{folder}") as entries:
                for entry in entries:
                    inside = f"{folder}/{entry.name}"
                    yield inside, entry.stat(follow_symlinks=False), entry.path
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(inside)


def _refuse_links_to(tree: Path, name: str) -> None:
    """Refuse a tree in which a folder on the way to ``name`` is a link."""
    around = [tree / each for each in PurePosixPath(name).parents]
    if not all(stat.S_ISDIR(each.lstat().st_mode) for each in (tree.parent, *around)):
        raise BadInstallation(f"what {name} is in is not a folder")


def stays_inside(name: str, target: str) -> bool:
    """Whether a symbolic link stays in the tree that it is in, whatever other links there are.

    Yarn's are relative, with all ``..`` at the front: one after a name could leave by way of
    another link, and is refused.

    Args:
        name: the link's, from the tree, with a slash between names.
        target: what it leads to.
    """
    parts = target.split("/")
    ups = next((i for i, part in enumerate(parts) if part != ".."), len(parts))
    deep = name.count("/")
    return not target.startswith("/") and ups <= deep and ".." not in parts[ups:]


def kept_installations(cache_dir: Path) -> Iterator[KeptInstallation]:
    """The installations in a cache folder, in no order; what disappears meanwhile is left out."""
    folder = cache_dir / FOLDER
    for name in _names(folder):
        if not _KEY.fullmatch(name):
            continue
        entry = folder / name
        try:
            used = (entry / _ABOUT).stat().st_mtime
            about = _read_about(entry)
        except (OSError, ValueError, BadInstallation):
            used, about = 0.0, {}
        yield KeptInstallation(
            folder=entry, files=_count(about, "files"), size=_count(about, "size"), used=used
        )


def prune_installations(cache_dir: Path, limits: CacheLimits, *, now: float | None = None) -> int:
    """Remove installations beyond the limits, those that were not used for longest first.

    Args:
        cache_dir: the cache's folder.
        limits: what may stay.
        now: the time, in seconds since the epoch; the clock's unless given.

    Returns:
        How many were removed.

    Raises:
        OSError: one cannot be removed.
        StorageError: the folder cannot be locked.
        BusyError: somebody else tidies up.
    """
    folder = cache_dir / FOLDER
    if not folder.is_dir():
        return 0
    time_now = time.time() if now is None else now
    with exclusive(folder / _LOCK, wait=False):
        for name in _names(folder):
            if _GONE.fullmatch(name):  # of a run that was killed
                remove_tree(folder / name)
        held = sorted(kept_installations(cache_dir), key=lambda one: (one.used, one.folder.name))
        total = sum(one.size for one in held)
        removed = 0
        for one in held:
            old = limits.max_age is not None and time_now - one.used > limits.max_age
            much = limits.max_bytes is not None and total > limits.max_bytes
            if old or much:
                _remove(one.folder)
                total -= one.size
                removed += 1
    return removed


def tidy_installations(cache_dir: Path, limits: CacheLimits) -> None:
    """Do what :func:`prune_installations` does, and say so if it cannot be done."""
    try:
        prune_installations(cache_dir, limits)
    except BusyError:
        return
    except (OSError, StorageError) as error:
        log.warning("kept installations cannot be kept within limits: %s", error)


def _remove(entry: Path) -> None:
    """Remove an installation, which vanishes at once."""
    gone = entry.with_name(f".removed-{entry.name}")
    if gone.exists():
        remove_tree(gone)
    with contextlib.suppress(FileNotFoundError):
        entry.rename(gone)
        remove_tree(gone)


def _read_about(entry: Path) -> dict[str, Any]:
    """What is noted of an installation.

    Raises:
        BadInstallation: it is of another format.
        OSError: it cannot be read.
        ValueError: it is not a JSON object.
    """
    text = read_end(entry / _ABOUT, _LARGEST_ABOUT)
    about = parse_object(text.text()) if text.is_whole else {}
    if about.get("format") != _FORMAT:
        raise BadInstallation("it is of another version of the factory")
    return about


def _says_the_same(manifest: bytes, text: object) -> bool:
    """Whether two package.json differ in the order of their fields at most."""
    return isinstance(text, str) and bool(parse_json(manifest) == parse_json(text))


def _is_on_same_disk(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev


def _count(about: dict[str, Any], name: str) -> int:
    value = about.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names are what is wanted
    except (FileNotFoundError, NotADirectoryError):
        return []
