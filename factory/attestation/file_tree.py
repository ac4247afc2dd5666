"""Digests of a folder's files: one by a standard, one that is strong.

A SWHID (ISO/IEC 18670) of a directory is the id of git's tree object of it: ``git write-tree``
gives the same. It rests on SHA-1, so that a SHA-256 stands beside it: of the lines that
``sha256sum`` writes for the files, in the order of their paths' bytes.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from factory.attestation.packed_files import PackedFile

_FOLDER = b"40000"
_LINK = b"120000"
_PROGRAM = b"100755"
_FILE = b"100644"


@dataclass(frozen=True, kw_only=True, slots=True)
class FileTree:
    """What identifies a folder's files: ``swh:1:dir:<hex>``, and the SHA-256 of their list."""

    swhid: str
    sha256: str


def file_tree(files: Mapping[str, PackedFile]) -> FileTree:
    """Return the digests of files that are given by their path relative to the folder."""
    listed = "".join(f"{files[path].sha256}  {path}\n" for path in sorted(files, key=_bytes))
    return FileTree(
        swhid=f"swh:1:dir:{_tree(files).hex()}",
        sha256=hashlib.sha256(_bytes(listed)).hexdigest(),
    )


def _tree(files: Mapping[str, PackedFile]) -> bytes:
    """The id of git's tree object: entries by name, a folder's name as if it ended in a slash."""
    folders: dict[str, dict[str, PackedFile]] = {}
    entries: list[tuple[bytes, bytes]] = []
    for path, file in files.items():
        name, slash, rest = path.partition("/")
        if slash:
            folders.setdefault(name, {})[rest] = file
        else:
            mode = _LINK if file.link else _PROGRAM if file.executable else _FILE
            entries.append((_bytes(name), _entry(mode, name, bytes.fromhex(file.git_id))))
    for name, inner in folders.items():
        entries.append((_bytes(name) + b"/", _entry(_FOLDER, name, _tree(inner))))
    return _object(entry for _, entry in sorted(entries))


def _entry(mode: bytes, name: str, identity: bytes) -> bytes:
    return mode + b" " + _bytes(name) + b"\0" + identity


def _object(entries: Iterable[bytes]) -> bytes:
    content = b"".join(entries)
    header = b"tree %d\0" % len(content)
    return hashlib.sha1(header + content, usedforsecurity=False).digest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
