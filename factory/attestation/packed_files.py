"""The files of a packed plugin, their digests, and the content of some: one pass, no unpacking."""

from __future__ import annotations

import hashlib
from dataclasses import field
from typing import IO, TYPE_CHECKING

from factory.archives.npm_package import PACKAGE_FOLDER, packed_entries
from factory.values import dataclass

if TYPE_CHECKING:
    import tarfile
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
    """Pass on the chunks of an entry that somebody else reads, and take the file at their end.

    Links between files are left out, as :func:`read_packed_files` leaves them out.

    Args:
        path: the entry's, relative to the package.
        member: the entry.
        chunks: its content.
        wanted: whether the content of a file is kept, by its path.
        take: is given the file.
    """
    if member.kind == "link":
        take(_file(path, member.target.encode("utf-8", "surrogateescape"), link=True))
    if member.kind != "file":
        return
    git_id, sha256 = _git_blob(member.size), hashlib.sha256()
    kept: list[bytes] | None = [] if wanted(path) else None
    for chunk in chunks:
        git_id.update(chunk)
        sha256.update(chunk)
        if kept is not None:
            kept.append(chunk)
        yield chunk
    take(
        PackedFile(
            path=path,
            git_id=git_id.hexdigest(),
            sha256=sha256.hexdigest(),
            executable=member.executable,
            content=None if kept is None else b"".join(kept),
        )
    )


def read_packed_files(tgz: Path, *, wanted: Callable[[str], bool]) -> Iterator[PackedFile]:
    """Yield the files of an ``npm pack`` archive, with the content of those whose path is wanted.

    Raises:
        PackError: the archive is damaged.
    """
    for member, content in packed_entries(tgz):
        path = member.name.removeprefix(f"{PACKAGE_FOLDER}/")
        if member.issym():
            target = member.linkname.encode("utf-8", "surrogateescape")
            yield _file(path, target, link=True)
        elif content is not None:
            yield _read(path, member, content, keep=wanted(path))


def _read(path: str, member: tarfile.TarInfo, stream: IO[bytes], *, keep: bool) -> PackedFile:
    executable = bool(member.mode & _EXECUTABLE)
    if keep:
        return _file(path, stream.read(), executable=executable, keep=True)
    git_id, sha256 = _git_blob(member.size), hashlib.sha256()
    while block := stream.read(_BLOCK):
        git_id.update(block)
        sha256.update(block)
    return PackedFile(
        path=path, git_id=git_id.hexdigest(), sha256=sha256.hexdigest(), executable=executable
    )


def _file(
    path: str, content: bytes, *, executable: bool = False, link: bool = False, keep: bool = False
) -> PackedFile:
    git_id = _git_blob(len(content))
    git_id.update(content)
    return PackedFile(
        path=path,
        git_id=git_id.hexdigest(),
        sha256=hashlib.sha256(content).hexdigest(),
        executable=executable,
        link=link,
        content=content if keep else None,
    )


def _git_blob(size: int) -> hashlib._Hash:
    return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
