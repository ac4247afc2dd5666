"""One finished plugin in the cache: a folder with its files and a document that vouches for them.

``entry.json`` has the size and the sha256 of each file, and a digest of itself: whatever was lost
or changed since is found out before it is used.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from factory.cache.key import digest_of_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from factory.cache.key import Parts

ENTRY_FILE = "entry.json"
PARTS_FILE = "parts.json"
USED_FILE = "used"
FORMAT = 1


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
    """

    key: str
    folder: Path
    files: tuple[CachedFile, ...]
    parts_file: CachedFile
    record: Mapping[str, Any] = field(repr=False)

    @property
    def size(self) -> int:
        """The bytes of the plugin's files."""
        return sum(file.size for file in self.files)

    def parts(self) -> Parts:
        """Return what the plugin was made from; nothing if that cannot be read any more."""
        try:
            value = json.loads((self.folder / PARTS_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}


class BadEntry(Exception):  # noqa: N818 - the entry is bad; nobody made an error
    """What is in the cache is not what was put there."""


def read_entry(folder: Path, key: str) -> Entry:
    """Return the entry in ``folder``, its files not looked at yet.

    Raises:
        BadEntry: the document is absent, is not the one that was written, or is of another key.
        OSError: it cannot be read.
    """
    try:
        text = (folder / ENTRY_FILE).read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise BadEntry(f"it has no {ENTRY_FILE}") from error
    return parse_entry(text, folder, key)


def parse_entry(text: bytes, folder: Path, key: str) -> Entry:
    """Return the entry that the text of its document describes.

    Raises:
        BadEntry: it is not what :func:`entry_text` writes, or is of another key.
    """
    try:
        document = json.loads(text)
        body = document["entry"]
        if document["digest"] != digest_of_value(body):
            raise BadEntry(f"{ENTRY_FILE} was changed")
        if body["format"] != FORMAT or body["key"] != key:
            raise BadEntry(f"{ENTRY_FILE} is of another entry")
        files = tuple(_file(one) for one in body["files"])
        parts_file = _file(body["parts"])
        record = body["record"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadEntry(f"{ENTRY_FILE} cannot be read") from error
    return Entry(
        key=key,
        folder=folder,
        files=files,
        parts_file=parts_file,
        record=MappingProxyType(record if isinstance(record, dict) else {}),
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
    try:
        with (folder / file.name).open("rb", buffering=0) as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise BadEntry(f"{file.name} is not there") from error
    if digest != file.sha256:
        raise BadEntry(f"{file.name} was changed")


def described(file: Path) -> CachedFile:
    """Return what a file is now."""
    with file.open("rb", buffering=0) as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return CachedFile(name=file.name, size=file.stat().st_size, sha256=digest)


def is_plain_name(name: str) -> bool:
    """Whether a name is that of a file in a folder and of no other place."""
    return bool(name) and name == Path(name).name and not name.startswith(".") and "\0" not in name


def _json(file: CachedFile) -> dict[str, str | int]:
    return {"name": file.name, "size": file.size, "sha256": file.sha256}


def _file(value: Mapping[str, Any]) -> CachedFile:
    name, size, sha256 = value["name"], value["size"], value["sha256"]
    if not (isinstance(name, str) and isinstance(size, int) and isinstance(sha256, str)):
        raise BadEntry(f"{ENTRY_FILE} cannot be read")
    if not is_plain_name(name):
        raise BadEntry(f"{ENTRY_FILE} names a file outside of it")
    return CachedFile(name=name, size=size, sha256=sha256)
