"""The files of a packed plugin, their digests, and the content of some: one pass, no unpacking."""

from __future__ import annotations

import hashlib
from dataclasses import field
from typing import TYPE_CHECKING

from factory.archives.npm_package import PACKAGE_FOLDER, packed_entries
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from factory.archives.members import SafeMember

_BLOCK = 1 << 18
_EXECUTABLE = 0o111


@dataclass(frozen=True, kw_only=True, slots=True)
class PackedFile:
    """A file or symbolic link of a package, with digests of its bytes or of the link's target.

    ``path`` is relative to the package. ``git_id`` is the id that git gives the content as a blob
    (gitformat: SHA-1 of ``blob <size>``, a zero byte, and the bytes); ``sha256`` is of the bytes
    alone, both in hex. ``content`` is there for the files that were asked for.
    """

    path: str
    git_id: str
    sha256: str
    executable: bool = False
    link: bool = False
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Digests:
    """A file's digests in hex."""

    sha256: str
    sha512: str


def file_digests(file: Path) -> Digests:
    """Return a file's digests.

    Raises:
        OSError: it cannot be read.
    """
    sha256, sha512 = hashlib.sha256(), hashlib.sha512()
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            sha256.update(block)
            sha512.update(block)
    return Digests(sha256=sha256.hexdigest(), sha512=sha512.hexdigest())


def look_at_chunks(
    path: str,
    member: SafeMember,
    chunks: Iterator[bytes],
    *,
    wanted: Callable[[str], bool],
    take: Callable[[PackedFile], None],
) -> Iterator[bytes]:
    """Return the chunks of an entry that somebody else reads; its file is taken at their end.

    A symbolic link, which has no chunks, is taken at once. Links between files are left out, as
    :func:`read_packed_files` leaves them out.

    Args:
        path: the entry's, relative to the package.
        member: the entry.
        chunks: its content.
        wanted: whether the content of a file is kept, by its path.
        take: is given the file.
    """
    if member.kind == "link":
        take(_link(path, member.target))
    if member.kind != "file":
        return chunks
    gathered = _Gathered(member.size, keeps=wanted(path))
    return _pass_on(
        chunks, gathered, lambda: take(gathered.file(path, executable=member.executable))
    )


def _pass_on(
    chunks: Iterator[bytes], gathered: _Gathered, at_end: Callable[[], None]
) -> Iterator[bytes]:
    for chunk in chunks:
        gathered.add(chunk)
        yield chunk
    at_end()


def read_packed_files(tgz: Path, *, wanted: Callable[[str], bool]) -> Iterator[PackedFile]:
    """Yield the files of an ``npm pack`` archive, with the content of those whose path is wanted.

    Raises:
        PackError: the archive is damaged.
    """
    for member, content in packed_entries(tgz):
        path = member.name.removeprefix(f"{PACKAGE_FOLDER}/")
        if member.issym():
            yield _link(path, member.linkname)
        elif content is not None:
            gathered = _Gathered(member.size, keeps=wanted(path))
            while block := content.read(_BLOCK):
                gathered.add(block)
            yield gathered.file(path, executable=bool(member.mode & _EXECUTABLE))


class _Gathered:
    """What is known of a file's content, piece by piece."""

    def __init__(self, size: int, *, keeps: bool) -> None:
        self._git_id = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._kept: list[bytes] | None = [] if keeps else None

    def add(self, chunk: bytes) -> None:
        self._git_id.update(chunk)
        self._sha256.update(chunk)
        if self._kept is not None:
            self._kept.append(chunk)

    def file(self, path: str, *, executable: bool = False, link: bool = False) -> PackedFile:
        return PackedFile(
            path=path,
            git_id=self._git_id.hexdigest(),
            sha256=self._sha256.hexdigest(),
            executable=executable,
            link=link,
            content=None if self._kept is None else b"".join(self._kept),
        )


def _link(path: str, target: str) -> PackedFile:
    content = target.encode("utf-8", "surrogateescape")
    gathered = _Gathered(len(content), keeps=False)
    gathered.add(content)
    return gathered.file(path, link=True)
