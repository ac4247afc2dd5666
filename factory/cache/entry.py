"""One finished plugin in the cache: a folder with its files and a document that vouches for them.

``entry.json`` has the size and the sha256 of each file, and a digest of itself: whatever was lost
or changed since is found out before it is used. ``entry.json.sig`` beside it, where there is one,
says who vouches for it (:mod:`factory.cache.entry_signature`).
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from factory.cache.key import digest_of_value
from factory.notation.json_text import parse_json
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from factory.cache.key import Parts

ENTRY_FILE = "entry.json"
PARTS_FILE = "parts.json"
SIGNATURE_FILE = "entry.json.sig"
USED_FILE = "used"
EXAMINED_FILE = "examined"
FORMAT = 1
LARGEST_DOCUMENT = 4 << 20
"""Bytes of an ``entry.json`` or ``parts.json``; nothing longer is read."""
_OF_THE_ENTRY = frozenset({ENTRY_FILE, SIGNATURE_FILE, USED_FILE, EXAMINED_FILE})
_LARGEST_SIGNATURE = 8192
_MOST_FILES = 16
# What names of packages and versions are made of, and the endings of what is beside an archive.
_PLAIN = lazy_pattern(r"[A-Za-z0-9~_@-][A-Za-z0-9._~+@-]{0,254}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_KEY = lazy_pattern(r"[0-9a-f]{64}")
# How opening fails where something other than a file is: a folder, a link, a link in the way.
_NO_FILE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO})


@dataclass(frozen=True, kw_only=True, slots=True)
class CachedFile:
    """A file of an entry: its name, its size in bytes, the sha256 of its bytes in hexadecimal."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A finished plugin: ``files`` are in ``folder``, ``record`` is what is known about it.

    The record is a JSON object of the caller's: exported name, version, arguments and the like.
    ``document`` is the text of ``entry.json`` as it was read, ``signature`` that of the file beside
    it, empty where there is none.
    """

    key: str
    folder: Path
    files: tuple[CachedFile, ...]
    parts_file: CachedFile
    record: Mapping[str, Any] = field(repr=False)
    document: bytes = field(default=b"", repr=False)
    signature: bytes = field(default=b"", repr=False)

    @property
    def size(self) -> int:
        """The bytes of the plugin's files."""
        return sum(file.size for file in self.files)

    def parts(self) -> Parts:
        """Return what the plugin was made from; nothing if that cannot be read any more."""
        return read_parts(self.folder)


class BadEntry(Exception):  # noqa: N818 - the entry is bad; nobody made an error
    """What is in the cache is not what was put there."""


class UnvouchedEntry(BadEntry):
    """An entry that nobody vouches for whom this run trusts; it may serve another one."""


def is_key(text: object) -> bool:
    """Whether a value is what entries are called after: 64 hexadecimal digits."""
    return isinstance(text, str) and _KEY.fullmatch(text) is not None


def read_entry(folder: Path, key: str) -> Entry:
    """Return the entry in ``folder``, its files not looked at yet.

    Raises:
        BadEntry: the document is absent, is not the one that was written, or is of another key.
        OSError: it cannot be read.
    """
    text = read_file(folder, ENTRY_FILE, LARGEST_DOCUMENT)
    try:
        signature = read_file(folder, SIGNATURE_FILE, _LARGEST_SIGNATURE)
    except BadEntry:
        signature = b""
    return parse_entry(text, folder, key, signature=signature)


def read_parts(folder: Path) -> Parts:
    """Return the groups of inputs that are kept in an entry's folder; nothing if there are none."""
    try:
        value = parse_json(read_file(folder, PARTS_FILE, LARGEST_DOCUMENT))
    except (OSError, ValueError, BadEntry):
        return {}
    return value if is_parts(value) else {}


def is_parts(value: object) -> bool:
    """Whether a JSON value has the form of :data:`factory.cache.key.Parts`."""
    return isinstance(value, dict) and all(
        isinstance(named, dict) and all(isinstance(one, str) for one in named.values())
        for named in value.values()
    )


def open_file(folder: Path, name: str) -> int:
    """Open a file of an entry to be read, and return its descriptor; links are not followed.

    Raises:
        BadEntry: it is absent, or no file.
        OSError: it cannot be read.
    """
    try:
        # Not blocking: somebody may have put a pipe there.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(folder / name, flags)
    except OSError as error:
        if error.errno in _NO_FILE:
            raise BadEntry(f"{name} is not there") from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BadEntry(f"{name} is not a file")
    return descriptor


def read_file(folder: Path, name: str, most: int) -> bytes:
    """Return the bytes of a small file of an entry.

    Raises:
        BadEntry: it is absent, no file, or longer than ``most`` bytes.
        OSError: it cannot be read.
    """
    with os.fdopen(open_file(folder, name), "rb") as stream:
        text = stream.read(most + 1)
    if len(text) > most:
        raise BadEntry(f"{name} is too long")
    return text


def parse_entry(text: bytes, folder: Path, key: str, *, signature: bytes = b"") -> Entry:
    """Return the entry that the text of its document describes.

    Raises:
        BadEntry: it is not what :func:`entry_text` writes, or is of another key.
    """
    try:
        document = parse_json(text)
        body = document["entry"]
        if document["digest"] != digest_of_value(body):
            raise BadEntry(f"{ENTRY_FILE} was changed")
        if body["format"] != FORMAT or body["key"] != key:
            raise BadEntry(f"{ENTRY_FILE} belongs to another entry")
        files = tuple(_file(one) for one in body["files"])
        parts_file = _file(body["parts"])
        record = body["record"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadEntry(f"{ENTRY_FILE} cannot be read") from error
    names = [file.name for file in (*files, parts_file)]
    if not isinstance(record, dict) or parts_file.name != PARTS_FILE:
        raise BadEntry(f"{ENTRY_FILE} cannot be read")
    if len(set(names)) < len(names) or not files or len(files) > _MOST_FILES:
        raise BadEntry(f"{ENTRY_FILE} has no file, one twice, or too many")
    return Entry(
        key=key,
        folder=folder,
        files=files,
        parts_file=parts_file,
        record=MappingProxyType(record),
        document=text,
        signature=signature,
    )


def entry_text(
    key: str, files: tuple[CachedFile, ...], parts_file: CachedFile, record: Mapping[str, Any]
) -> bytes:
    """Return the document of an entry."""
    body = {
        "format": FORMAT,
        "key": key,
        "files": [_json(file) for file in files],
        "parts": _json(parts_file),
        "record": dict(record),
    }
    document = {"digest": digest_of_value(body), "entry": body}
    return json.dumps(document, indent=1, ensure_ascii=False).encode()


def refuse_changed(folder: Path, file: CachedFile) -> None:
    """Make sure that a file is what the entry says.

    Raises:
        BadEntry: it is absent or other.
        OSError: it cannot be read.
    """
    with os.fdopen(open_file(folder, file.name), "rb", buffering=0) as opened:
        if os.fstat(opened.fileno()).st_size != file.size:
            raise BadEntry(f"{file.name} was changed")
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    if digest != file.sha256:
        raise BadEntry(f"{file.name} was changed")


def describe_file(file: Path) -> CachedFile:
    """Return what a file is now."""
    with file.open("rb", buffering=0) as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return CachedFile(name=file.name, size=file.stat().st_size, sha256=digest)


def is_plain_name(name: str) -> bool:
    """Whether a name can be that of a plugin's file: of a file in a folder, on every terminal."""
    return _PLAIN.fullmatch(name) is not None


def _json(file: CachedFile) -> dict[str, str | int]:
    return {"name": file.name, "size": file.size, "sha256": file.sha256}


def _file(value: Mapping[str, Any]) -> CachedFile:
    name, size, sha256 = value["name"], value["size"], value["sha256"]
    if not (isinstance(name, str) and type(size) is int and isinstance(sha256, str)):
        raise BadEntry(f"{ENTRY_FILE} cannot be read")
    if not is_plain_name(name) or name in _OF_THE_ENTRY:
        raise BadEntry(f"{ENTRY_FILE} names a file that no plugin has")
    if size < 0 or not _SHA256.fullmatch(sha256):
        raise BadEntry(f"{ENTRY_FILE} cannot be read")
    return CachedFile(name=name, size=size, sha256=sha256)
