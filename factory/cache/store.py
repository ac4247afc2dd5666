"""The cache of finished plugins on this machine: a folder that many factories may share.

Entries are made in a folder of their own beside the others and appear by a rename, whole or not at
all. What is there is checked whenever it is used: an entry that is not what was put there is a miss
and is removed. What was put there is not believed either: who asks for an entry examines it.
Nothing that is wrong with the cache fails a build: it is told once, as a warning, and the plugin is
built.

Layout, below the store's folder: ``entries/ab/<key>/``, ``memo/ab/<digest>.json``, ``making/``, and
CACHEDIR.TAG (https://bford.info/cachedir/), by which backups know to leave it out.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import os
import shutil
import stat
import tempfile
import threading
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from factory.cache.entry import (
    ENTRY_FILE,
    PARTS_FILE,
    SIGNATURE_FILE,
    USED_FILE,
    BadEntry,
    CachedFile,
    UnvouchedEntry,
    describe_file,
    entry_text,
    is_key,
    is_plain_name,
    open_file,
    read_entry,
    read_parts,
    refuse_changed,
)
from factory.cache.key import digest_of_value
from factory.errors import BusyError, FactoryError, StorageError
from factory.files import write_all, write_whole
from factory.locking import exclusive
from factory.notation.json_text import parse_json
from factory.toolchain.cache_folder import make_folder, tell_read_only, why_read_only
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from factory.cache.entry import Entry
    from factory.cache.key import Parts

    Examiner: TypeAlias = Callable[[Entry], None]


log = logging.getLogger(__name__)

FOLDER = "plugins"
ENTRIES, MAKING = "entries", "making"
# Begins as a folder of packing does, so that what a killed run leaves is removed with those.
RESTORING_PREFIX = ".packing-restored-"
TAG_FILE = "CACHEDIR.TAG"
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# Finished plugins of plugin-factory.\n"
_BLOCK = 1 << 20
_ATTEMPTS = 3
_MAY_ONLY_BE_READ = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
# How opening or reading an entry fails when somebody removes it just then.
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ESTALE})
# What is said of a cache that cannot be changed.
CANNOT_BE_WRITTEN, CANNOT_BE_LIMITED = "cannot be written", "cannot be kept within its limits"
_IN_THE_WAY = frozenset({errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR})


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """A cache folder, which need not exist. Safe to use from many threads and processes.

    ``told`` are the problems that were warned about already: each is told once a run.
    """

    folder: Path
    told: set[str] = field(default_factory=set, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def path(self, key: str) -> Path:
        """Return where the entry of ``key`` is, if there is one."""
        return self.folder / ENTRIES / key[:2] / key

    def get(self, key: str, examine: Examiner | None = None) -> Entry | None:
        """Return the entry of ``key``, every file of it checked, and mark it as used now.

        None is a miss: there is none, or it was damaged or is not what it should be and has been
        removed, or nobody vouches for it, or the folder cannot be read.

        Args:
            key: the plugin's.
            examine: looks at an entry whose files are what it says of them.
        """
        if not is_key(key):
            return None
        folder = self.path(key)
        try:
            before = _identity(folder)
            if before is None:
                return None
            entry = read_entry(folder, key)
            for file in (*entry.files, entry.parts_file):
                refuse_changed(folder, file)
            if examine:
                examine(entry)
        except UnvouchedEntry as problem:
            log.warning(
                "an entry of the cache of finished plugins is not used: %s (%s)", folder, problem
            )
            return None
        except BadEntry as problem:
            # Somebody may have removed it, or put a new one in its place, while it was read.
            if _identity(folder) == before:
                self._drop(folder, str(problem))
            return None
        except OSError as error:
            if error.errno not in _GONE:
                self.tell("cannot be read", error)
            return None
        _mark_as_used(folder)
        return entry

    def has(self, key: str) -> bool:
        """Whether there is an entry of ``key``; its files are not looked at."""
        return is_key(key) and os.path.isfile(self.path(key) / ENTRY_FILE)  # noqa: PTH113 - False for whatever reason

    def restore(self, entry: Entry, output_dir: Path) -> tuple[Path, ...] | None:
        """Copy an entry's files into ``output_dir`` and return them, in the entry's order.

        The bytes are checked on their way; each file appears whole, the first one last, replacing
        a file of its name. None is a miss: the entry has been changed or removed meanwhile, and
        nothing was placed.

        Raises:
            OSError: ``output_dir`` cannot be written.
        """
        with tempfile.TemporaryDirectory(prefix=RESTORING_PREFIX, dir=output_dir) as temporary:
            for file in entry.files:
                try:
                    source = open_file(entry.folder, file.name)
                except BadEntry:
                    return None
                except OSError as error:
                    if error.errno not in _GONE:
                        self.tell("cannot be read", error)
                    return None
                with os.fdopen(source, "rb", buffering=0) as opened:
                    if not _copy(opened.fileno(), os.path.join(temporary, file.name), file):  # noqa: PTH118
                        self._drop(entry.folder, f"{file.name} was changed")
                        return None
            placed = []
            for file in reversed(entry.files):
                target = output_dir / file.name
                os.replace(os.path.join(temporary, file.name), target)  # noqa: PTH105, PTH118
                placed.append(target)
        return tuple(reversed(placed))

    def put(
        self,
        key: str,
        files: Sequence[Path],
        *,
        parts: Parts,
        record: Mapping[str, Any],
        examine: Examiner | None = None,
        sign: Callable[[bytes], bytes] | None = None,
    ) -> Entry | None:
        """Keep a finished plugin and return its entry, or None if that was not possible.

        Where there is a sound entry of the key already, that one is kept and returned.

        Args:
            key: :func:`factory.cache.key.plugin_key` of its inputs.
            files: the plugin's files, the archive first.
            parts: its inputs' parts.
            record: what else is to be known about it when it is restored, as a JSON object.
            examine: looks at an entry that is there already, as for :meth:`get`.
            sign: returns the text of the file that vouches for the one that it is given.
        """

        def fill(making: Path) -> None:
            for file in files:
                shutil.copyfile(file, making / file.name)
            (making / PARTS_FILE).write_text(
                json.dumps({group: dict(named) for group, named in parts.items()}),
                encoding="utf-8",
            )
            kept = tuple(describe_file(making / file.name) for file in files)
            text = entry_text(key, kept, describe_file(making / PARTS_FILE), record)
            (making / ENTRY_FILE).write_bytes(text)
            if sign:
                (making / SIGNATURE_FILE).write_bytes(sign(text))

        if not all(is_plain_name(file.name) for file in files):
            raise ValueError(f"no file names: {files}")
        return self.place(key, fill, examine)

    def place(
        self, key: str, fill: Callable[[Path], None], examine: Examiner | None = None
    ) -> Entry | None:
        """Make the entry of ``key`` in a new folder that ``fill`` fills, and return it.

        What ``fill`` raises besides OSError is passed on, and leaves nothing. An entry that is
        there already stays if it is sound, and if ``examine`` takes it.
        """
        try:
            for _ in range(_ATTEMPTS):
                with contextlib.suppress(BusyError, FileNotFoundError):
                    # A folder that is removed under our hands is made again.
                    return self._place(key, fill, examine)
            self.tell(CANNOT_BE_WRITTEN, "another program removes what is put there")
        except OSError as error:
            self.tell(CANNOT_BE_WRITTEN, error)
        return None

    def tell(self, what: str, why: object) -> None:
        """Warn that the cache ``what``, for the reason ``why``; once a run."""
        with self._lock:
            if what in self.told:
                return
            self.told.add(what)
        if isinstance(why, FactoryError):
            why = why.found or why.problem
        reason = why.strerror or why if isinstance(why, OSError) else why
        if what == CANNOT_BE_WRITTEN and getattr(why, "errno", None) in _MAY_ONLY_BE_READ:
            outer = self.folder.parent
            tell_read_only(outer if why_read_only(outer) else self.folder, str(reason))
            return
        log.warning(
            "the cache of finished plugins %s %s (%s): plugins are built instead, and the build "
            "continues",
            self.folder,
            what,
            reason,
        )

    def remove(self, folder: Path | str) -> bool:
        """Remove an entry's folder, which vanishes at once; False if that was not possible."""
        try:
            with self.making() as making:
                os.rename(folder, making / "removed")  # noqa: PTH104 - no Path a file
        except FileNotFoundError:
            return True
        except (OSError, BusyError):
            return False
        return True

    @contextlib.contextmanager
    def making(self) -> Iterator[Path]:
        """A new folder beside the entries, held by this process, removed at the end.

        Raises:
            OSError: it cannot be made; FileNotFoundError when it was removed at once.
            BusyError: somebody who tidies up was quicker.
        """
        parent = self.folder / MAKING
        make_folder(parent)
        tag = self.folder / TAG_FILE
        if not tag.exists():
            tag.write_text(_TAG, encoding="ascii")
        making = Path(tempfile.mkdtemp(dir=parent))
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, making, ignore_errors=True)
            try:
                stack.enter_context(exclusive(making, wait=False))
            except StorageError as error:
                raise FileNotFoundError(errno.ENOENT, "it was removed", str(making)) from error
            yield making

    def _place(
        self, key: str, fill: Callable[[Path], None], examine: Examiner | None
    ) -> Entry | None:
        target = self.path(key)
        with self.making() as making:
            made = making / key
            made.mkdir()
            fill(made)
            try:
                entry = read_entry(made, key)
            except BadEntry as problem:
                raise FileNotFoundError(errno.ENOENT, str(problem), str(made)) from problem
            make_folder(target.parent)
            for _ in range(_ATTEMPTS):
                try:
                    os.rename(made, target)  # noqa: PTH104 - refuses a folder that holds something
                except OSError as error:
                    if error.errno not in _IN_THE_WAY:
                        raise
                    if there := self.get(key, examine):
                        return there
                    self.remove(target)
                else:
                    return replace(entry, folder=target)
        raise FileNotFoundError(errno.ENOENT, "other processes keep changing it", str(target))

    def _drop(self, folder: Path, problem: str) -> None:
        log.warning(
            "an entry of the cache of finished plugins is damaged and is %s: %s (%s)",
            "removed" if self.remove(folder) else "not used",
            folder,
            problem,
        )


def store_of(cache_dir: Path) -> Store:
    """Return the store of finished plugins in the factory's cache folder."""
    return Store(folder=cache_dir / FOLDER)


def _mark_as_used(folder: Path) -> None:
    """One byte more in a file of the entry: its size counts the uses, its time is the last one's.

    In a folder that may only be read, entries keep their older marks.
    """
    with contextlib.suppress(OSError):
        mark = os.open(folder / USED_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(mark, b".")
        finally:
            os.close(mark)


def _identity(folder: Path) -> tuple[int, int] | None:
    """What tells a folder from another in its place, or None if there is nothing."""
    try:
        status = folder.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return (status.st_dev, status.st_ino)


def _copy(source: int, target: str, file: CachedFile) -> bool:
    """Whether what was copied is what the entry says."""
    digest = hashlib.sha256()
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "wb", buffering=0) as opened:
        while block := os.read(source, _BLOCK):
            digest.update(block)
            write_all(opened.fileno(), block)
    return digest.hexdigest() == file.sha256


MEMO, LATEST = "memo", "latest"
NOTES = (MEMO, LATEST)
"""The kinds, each a folder of the store."""
_LARGEST = 4 << 20


def note_file(store: Store, kind: str, digest: str) -> Path:
    """Return where a note is, if there is one."""
    return store.folder / kind / digest[:2] / f"{digest}.json"


def read_note(store: Store, kind: str, digest: str) -> Any:
    """Return what was noted.

    Raises:
        OSError: nothing was, or it cannot be read.
        ValueError: it is damaged.
    """
    # Not blocking: somebody may have put a pipe there.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(note_file(store, kind, digest), flags), "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise ValueError("it is not a file")
        text = stream.read(_LARGEST + 1)
    if len(text) > _LARGEST:
        raise ValueError("it is too long")
    return parse_json(text)


def write_note(store: Store, kind: str, digest: str, value: object) -> None:
    """Note a JSON value, in place of what was noted before.

    Raises:
        OSError: the store cannot be written.
    """
    file = note_file(store, kind, digest)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, json.dumps(value), durable=False)


def note_latest(store: Store, identity: str, key: str) -> None:
    """Note that ``key`` is the one that a plugin has now; ``identity`` tells it from all others.

    A repository, a workspace's path and a plugin's path make a good identity: it is kept as a
    digest. Where it cannot be written, nothing is: the note only helps to explain.
    """
    with contextlib.suppress(OSError):
        write_note(store, LATEST, digest_of_value(identity), {"key": key})


def latest_parts(store: Store, identity: str) -> Parts | None:
    """Return what the plugin was made from when its key was noted, or None if that is not known."""
    try:
        noted = read_note(store, LATEST, digest_of_value(identity))
    except (OSError, ValueError):
        return None
    key = noted.get("key") if isinstance(noted, dict) else None
    if not isinstance(key, str) or not is_key(key):
        return None
    return read_parts(store.path(key)) or None
