"""What a cache gives, examined like a fresh artifact before it counts.

Whoever may write to a cache, in a folder or in a registry, could put anything there. So an entry
counts as a plugin's only when it has exactly the files that this plugin's build writes, the archive
is safe to unpack and holds this package in this version, and what is said of the archive (its
integrity, its bill of materials, its configuration) is so. What is not is a miss.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
import stat
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from factory.archives.integrity import integrity_of
from factory.archives.limits import DEFAULT_LIMITS, ArchiveLimits
from factory.archives.members import safe_members
from factory.archives.npm_package import INTEGRITY_SUFFIX, PACKAGE_FOLDER
from factory.attestation.provenance import SBOM_SUFFIX
from factory.cache.entry import (
    EXAMINED_FILE,
    PARTS_FILE,
    BadEntry,
    is_parts,
    open_file,
    read_file,
)
from factory.cache.entry_signature import refuse_unvouched
from factory.cache.key import code_digest, digest_of_value
from factory.config.build_plan import APP_CONFIG
from factory.errors import FactoryError, StorageError
from factory.files import replace_file
from factory.notation.json_text import parse_json
from factory.oci.packed_plugin import (
    DYNAMIC_SUFFIX,
    read_plugin_archive,
)
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from factory.attestation.keys import PublicKey
    from factory.cache.entry import CachedFile, Entry

_WRITTEN_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_LARGEST_SIDECAR = 4096
_LARGEST_SBOM = 64 << 20
_LARGEST_PARTS = 4 << 20
# What npm takes off a version that is not written plainly (semver's `clean`).
_BEFORE_VERSION = lazy_pattern(r"[=v\s]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpectedPlugin:
    """The plugin that an entry is to be of, as its source and its configuration say.

    Attributes:
        name: the package's name in the source.
        version: its version there; "" where it has none.
        arguments: the build arguments.
        app_config: the configuration that is shipped beside the archive, if there is one.
        limits: how much an archive may hold.
        key: what the entry must be signed with; None to demand nothing.
    """

    name: str
    version: str
    arguments: str
    app_config: Path | None = None
    limits: ArchiveLimits = DEFAULT_LIMITS
    key: PublicKey | None = None


def examine(entry: Entry, expected: ExpectedPlugin) -> None:
    """Make sure that an entry is what a build of ``expected`` would have left.

    That its files are the ones that it describes has been found out before.

    Raises:
        BadEntry: it is not.
        OSError: a file cannot be read.
    """
    if expected.key:
        refuse_unvouched(entry, expected.key)
    tgz = _refuse_other_files(entry, expected)
    _refuse_bad_record(entry, expected)
    archive = entry.folder / tgz.name
    state = _state_of(archive, tgz, expected)  # of the file as it is before it is read
    if not _was_examined(entry, state):
        _refuse_unsafe(archive, expected)
        _note_examined(entry, state)
    integrity = integrity_of(archive)
    for file in entry.files[1:]:
        match file.name.removeprefix(tgz.name):
            case suffix if suffix == INTEGRITY_SUFFIX:
                _refuse_stale_integrity(entry, file, integrity)
            case suffix if suffix == SBOM_SUFFIX:
                _refuse_other_sbom(entry, file, tgz)
            case _:
                _refuse_other_config(file, expected)
    if entry.record.get("integrity") != integrity:
        raise BadEntry("its integrity belongs to another archive")
    _refuse_other_parts(entry)


def archive_names(expected: ExpectedPlugin) -> frozenset[str]:
    """Return what ``npm pack`` may call the archive of a plugin, exported or as it is."""
    plain = expected.name.removeprefix("@").replace("/", "-")
    return frozenset(
        f"{name}-{version}.tgz"
        for name in (plain, f"{plain}{DYNAMIC_SUFFIX}")
        for version in _versions(expected.version)
    )


def _versions(version: str) -> frozenset[str]:
    """A version as it is written, and as npm may write it."""
    clean = _BEFORE_VERSION.sub("", version, count=1).strip()
    return frozenset({version, clean, clean.partition("+")[0]})


def _refuse_other_files(entry: Entry, expected: ExpectedPlugin) -> CachedFile:
    """The archive, first of the files; raises unless they are those of this plugin."""
    tgz, *others = entry.files
    if tgz.name not in archive_names(expected):
        raise BadEntry(f"it is for another plugin than {expected.name} {expected.version}")
    known = {INTEGRITY_SUFFIX, SBOM_SUFFIX}
    if expected.app_config:
        known.add(f".{APP_CONFIG}")
    suffixes = [file.name.removeprefix(tgz.name) for file in others]
    if any(file.name == suffix for file, suffix in zip(others, suffixes, strict=True)):
        raise BadEntry("it has a file that is not this plugin's")
    if set(suffixes) != known:
        raise BadEntry("it does not have the files that this plugin has")
    return tgz


def _refuse_bad_record(entry: Entry, expected: ExpectedPlugin) -> None:
    record = entry.record
    if not _is_expected(record.get("name"), record.get("version"), expected):
        raise BadEntry("it describes another package")
    arguments, repairs = record.get("arguments", expected.arguments), record.get("repairs", [])
    if not isinstance(repairs, list) or not all(_is_line(repair) for repair in repairs):
        raise BadEntry("its list of repairs cannot be read")
    if not repairs:
        if arguments != expected.arguments:
            raise BadEntry("it was built with other arguments")
        return
    if not _is_line(arguments) or not _can_be_split(arguments):
        raise BadEntry("its build arguments cannot be read")


def _is_expected(name: object, version: object, expected: ExpectedPlugin) -> bool:
    """Whether a package is the plugin's, as it is in the source or as it is exported."""
    names = (expected.name, f"{expected.name}{DYNAMIC_SUFFIX}")
    return name in names and isinstance(version, str) and version in _versions(expected.version)


def _is_line(value: object) -> bool:
    """Whether a value is text of one line that every terminal shows as it is."""
    return isinstance(value, str) and bool(value) and value.isprintable()


def _can_be_split(arguments: str) -> bool:
    try:
        shlex.split(arguments)
    except ValueError:
        return False
    return True


def _refuse_unsafe(archive: Path, expected: ExpectedPlugin) -> None:
    """Read the archive to its end as ``install`` would, and see which package is in it."""
    try:
        with archive.open("rb") as stream:
            for _ in safe_members(
                stream, archive=archive, limits=expected.limits, root=PACKAGE_FOLDER
            ):
                pass
        found = read_plugin_archive(archive)
    except StorageError:
        raise
    except FactoryError as error:
        raise BadEntry(error.problem) from error
    except (RecursionError, ValueError) as error:
        raise BadEntry("its archive cannot be read") from error
    if not _is_expected(found.name, found.version, expected):
        raise BadEntry(f"its archive is not for {expected.name} {expected.version}")


def _was_examined(entry: Entry, state: bytes) -> bool:
    """Whether this user has found this archive to be safe before, with the code of today.

    Its bytes are compared with their digest each time. The note of it says which file it was, by
    its inode and the time that the system has put there: no cache from elsewhere can bring that
    along. Nobody else can write a file that is this user's.
    """
    try:
        with os.fdopen(open_file(entry.folder, EXAMINED_FILE), "rb", buffering=0) as note:
            status = os.fstat(note.fileno())
            said = note.read(_LARGEST_SIDECAR)
    except (BadEntry, OSError):
        return False
    is_own = status.st_uid == os.geteuid() and not status.st_mode & _WRITTEN_BY_OTHERS
    return is_own and said == state


def _note_examined(entry: Entry, state: bytes) -> None:
    # The cache may only be read, or is full: the archive is examined again then.
    with contextlib.suppress(OSError), replace_file(entry.folder / EXAMINED_FILE) as note:
        note.write(state)


def _state_of(archive: Path, tgz: CachedFile, expected: ExpectedPlugin) -> bytes:
    status = archive.lstat()
    of_file = (status.st_dev, status.st_ino, status.st_ctime_ns)
    wanted = (expected.name, expected.version, astuple(expected.limits))
    return digest_of_value([code_digest(), tgz.sha256, of_file, wanted]).encode()


def _refuse_stale_integrity(entry: Entry, file: CachedFile, integrity: str) -> None:
    if read_file(entry.folder, file.name, _LARGEST_SIDECAR) != f"{integrity}\n".encode():
        raise BadEntry(f"{file.name} belongs to another archive")


def _refuse_other_sbom(entry: Entry, file: CachedFile, tgz: CachedFile) -> None:
    try:
        document: Any = parse_json(read_file(entry.folder, file.name, _LARGEST_SBOM))
        hashes: list[Mapping[str, object]] = document["metadata"]["component"]["hashes"]
        of_archive = any(
            each["alg"] == "SHA-256" and each["content"] == tgz.sha256 for each in hashes
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BadEntry(f"{file.name} is not a bill of materials") from error
    if not of_archive:
        raise BadEntry(f"{file.name} belongs to another archive")


def _refuse_other_config(file: CachedFile, expected: ExpectedPlugin) -> None:
    config = expected.app_config
    if config is None or hashlib.sha256(config.read_bytes()).hexdigest() != file.sha256:
        raise BadEntry(f"{file.name} is not the plugin's configuration")


def _refuse_other_parts(entry: Entry) -> None:
    """The parts are what the key is the digest of, unless the build arguments were mended."""
    try:
        parts = parse_json(read_file(entry.folder, PARTS_FILE, _LARGEST_PARTS))
    except ValueError as error:
        raise BadEntry(f"{PARTS_FILE} cannot be read") from error
    if not is_parts(parts):
        raise BadEntry(f"{PARTS_FILE} cannot be read")
    if not entry.record.get("repairs") and digest_of_value(parts) != entry.key:
        raise BadEntry(f"{PARTS_FILE} does not match its key")
