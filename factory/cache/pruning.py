"""Keeping the cache of finished plugins in bounds: what was not used for longest goes first.

One process tidies up at a time; another that comes meanwhile leaves it to that one. Nothing is
touched that the cache did not make.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from typing import TYPE_CHECKING

from factory.cache.entry import ENTRY_FILE, USED_FILE
from factory.cache.store import CANNOT_BE_LIMITED, ENTRIES, MAKING, NOTES, TAG_FILE
from factory.config.options import CACHE_MAX_AGE, CACHE_MAX_SIZE
from factory.config.quantities_read import duration_seconds, size_bytes
from factory.errors import BusyError, StorageError
from factory.files import remove_unfinished
from factory.locking import exclusive
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from factory.cache.store import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheLimits:
    """How much is kept: bytes in all, and seconds since the last use; None for no limit."""

    max_bytes: int | None = None
    max_age: float | None = None


def cache_limits(max_size: str, max_age: str) -> CacheLimits:
    """Return the limits that ``--max-size`` and ``--max-age`` mean, such as ``10G`` and ``90d``.

    Raises:
        UsageError: one is not a size, or not a time span.
    """
    return CacheLimits(
        max_bytes=size_bytes(max_size, "--max-size"),
        max_age=duration_seconds(max_age, "--max-age"),
    )


DEFAULT_LIMITS = cache_limits(CACHE_MAX_SIZE, CACHE_MAX_AGE)
"""What a build keeps."""


_LOCK = ".prune.lock"
_KEY = lazy_pattern(r"[0-9a-f]{64}")
_NOTE = lazy_pattern(r"[0-9a-f]{64}\.json")
# A folder in the making belongs to a process, unless that was killed; a new one is not yet held.
_YOUNG_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """One thing that the cache holds: an entry, or a small note of a memo, a tool or a latest key.

    ``used`` is when it was last used, in seconds since the epoch, ``uses`` how often it was
    restored; ``size`` counts the bytes of its files.
    """

    path: str
    kind: str
    size: int
    used: float
    uses: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Pruned:
    """What was removed: how many entries, and how many bytes in all."""

    entries: int
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheInfo:
    """What a cache holds: entries and all their bytes, when used, how often; what is not its own.

    Times are seconds since the epoch, None without entries. ``notes`` are memos and the like.
    ``strange`` are names in the folder that the cache did not make.
    """

    folder: str
    entries: int
    notes: int
    size: int
    oldest: float | None
    newest: float | None
    uses: int
    strange: tuple[str, ...]


def info(store: Store) -> CacheInfo:
    """Return what the cache holds; an absent folder holds nothing.

    Raises:
        OSError: the folder cannot be read.
    """
    held = list(holdings(store))
    entries = [one for one in held if one.kind == ENTRIES]
    known = {ENTRIES, *NOTES, MAKING, TAG_FILE, _LOCK}
    strange = sorted(set(_names(store.folder)) - known)
    return CacheInfo(
        folder=str(store.folder),
        entries=len(entries),
        notes=len(held) - len(entries),
        size=sum(one.size for one in held),
        oldest=min((one.used for one in entries), default=None),
        newest=max((one.used for one in entries), default=None),
        uses=sum(one.uses for one in entries),
        strange=tuple(strange),
    )


def prune(store: Store, limits: CacheLimits, *, now: float | None = None) -> Pruned:
    """Remove what is older than the limits say, then the least recently used until the rest fits.

    A time of use in the future, left by a clock that was put back, is taken as now. Leftovers of
    processes that were killed go too. A folder that cannot be written is reported, once.

    Args:
        store: the cache.
        limits: what may stay.
        now: the time, in seconds since the epoch; the clock's unless given.
    """
    if not os.path.isdir(store.folder):  # noqa: PTH112 - False for whatever reason
        return Pruned(entries=0, size=0)
    try:
        return prune_or_say(store, limits, now=now)
    except BusyError:
        return Pruned(entries=0, size=0)
    except (OSError, StorageError) as error:
        store.tell(CANNOT_BE_LIMITED, error)
        return Pruned(entries=0, size=0)


def prune_or_say(store: Store, limits: CacheLimits, *, now: float | None = None) -> Pruned:
    """Remove what :func:`prune` removes, for somebody who has asked for it.

    Raises:
        OSError: the folder cannot be read.
        StorageError: it cannot be locked, or nothing may be removed from it.
        BusyError: somebody else tidies up.
    """
    if not store.folder.is_dir():
        return Pruned(entries=0, size=0)
    with exclusive(store.folder / _LOCK, wait=False):
        _remove_leftovers(store)
        return _prune(store, limits, time.time() if now is None else now)


def clear(store: Store, *, checkpoint: Callable[[], None] | None = None) -> Pruned:
    """Remove everything that the cache holds, and its folder if nothing else is in there.

    Args:
        store: the cache.
        checkpoint: called often while another run is waited for; whatever it raises ends the wait.

    Raises:
        OSError: it cannot be removed.
        StorageError: it cannot be locked.
    """
    if not store.folder.is_dir():
        return Pruned(entries=0, size=0)
    with exclusive(store.folder / _LOCK, wait=True, while_waiting=checkpoint):
        pruned = _prune(store, CacheLimits(max_bytes=-1), time.time())
        _remove_leftovers(store)
    for kind in (ENTRIES, *NOTES):
        for name in _names(store.folder / kind):
            with contextlib.suppress(OSError):
                (store.folder / kind / name).rmdir()
        with contextlib.suppress(OSError):
            (store.folder / kind).rmdir()
    if set(_names(store.folder)) <= {MAKING, TAG_FILE, _LOCK}:
        for name in (TAG_FILE, _LOCK):
            (store.folder / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            (store.folder / MAKING).rmdir()
            store.folder.rmdir()
    return pruned


def holdings(store: Store) -> Iterator[Holding]:
    """Everything that the cache holds, in no order. What disappears meanwhile is left out.

    Raises:
        OSError: the folder cannot be read.
    """
    root = os.fspath(store.folder)
    for first in _names(f"{root}/{ENTRIES}"):
        for name in _names(f"{root}/{ENTRIES}/{first}"):
            if _KEY.fullmatch(name) and name.startswith(first):
                with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                    yield _entry(f"{root}/{ENTRIES}/{first}/{name}")
    for kind in NOTES:
        for first in _names(f"{root}/{kind}"):
            for name in _names(f"{root}/{kind}/{first}"):
                path = f"{root}/{kind}/{first}/{name}"
                if _NOTE.fullmatch(name):
                    with contextlib.suppress(FileNotFoundError):
                        status = os.stat(path)  # noqa: PTH116 - no Path a file
                        yield Holding(
                            path=path, kind=kind, size=status.st_size, used=status.st_mtime
                        )


def _entry(path: str) -> Holding:
    size, used, uses = 0, 0.0, 0
    with os.scandir(path) as files:
        for file in files:
            status = file.stat(follow_symlinks=False)
            size += status.st_size
            if file.name == USED_FILE:
                uses = status.st_size
            if file.name in (USED_FILE, ENTRY_FILE):
                used = max(used, status.st_mtime)
    return Holding(path=path, kind=ENTRIES, size=size, used=used, uses=uses)


def _prune(store: Store, limits: CacheLimits, now: float) -> Pruned:
    held = sorted(holdings(store), key=lambda one: (min(one.used, now), one.path))
    total = sum(one.size for one in held)
    removed = 0
    freed = 0
    for one in held:
        too_old = limits.max_age is not None and now - min(one.used, now) > limits.max_age
        too_much = limits.max_bytes is not None and total > limits.max_bytes
        if not (too_old or too_much):
            if one.used > now:
                _mark(one, now)
            continue
        if _remove(store, one):
            total -= one.size
            freed += one.size
            removed += one.kind == ENTRIES
    return Pruned(entries=removed, size=freed)


def _remove(store: Store, one: Holding) -> bool:
    if one.kind == ENTRIES:
        return store.remove(one.path)
    try:
        os.unlink(one.path)  # noqa: PTH108 - no Path a file
    except OSError:
        return False
    return True


def _mark(one: Holding, now: float) -> None:
    """Put a mark of the future back to now: it would keep the entry for ever."""
    names = (USED_FILE, ENTRY_FILE) if one.kind == ENTRIES else ("",)
    for name in names:
        with contextlib.suppress(OSError):
            path = f"{one.path}/{name}" if name else one.path
            if os.stat(path).st_mtime > now:  # noqa: PTH116
                os.utime(path, (now, now))


def _remove_leftovers(store: Store) -> None:
    """Folders in the making, and notes, that nobody holds: their makers were killed."""
    for kind in NOTES:
        for first in _names(store.folder / kind):
            remove_unfinished(store.folder / kind / first)
    for name in _names(store.folder / MAKING):
        folder = store.folder / MAKING / name
        # One that is somebody else's is theirs to remove.
        with contextlib.suppress(OSError, BusyError, StorageError):
            if time.time() - folder.stat().st_mtime > _YOUNG_SECONDS:
                with exclusive(folder, wait=False):
                    shutil.rmtree(folder)


def _names(folder: os.PathLike[str] | str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names are what is wanted
    except (FileNotFoundError, NotADirectoryError):
        return []
