"""The one layer of a plugin image: packed plugins, each in its folder, and files at the root.

Everything unsafe in a packed plugin is refused. The same input gives the same bytes.
"""

from __future__ import annotations

import hashlib
import logging
import struct
import tarfile
import tempfile
import zlib
from typing import IO, TYPE_CHECKING, BinaryIO, Literal, TypeAlias

from factory.archives.limits import ArchiveLimits
from factory.archives.members import safe_members
from factory.archives.npm_package import PACKAGE_FOLDER, unreadable_error
from factory.errors import ArtifactError, PackError, Place, StorageError
from factory.files import replace_file
from factory.oci.descriptor import (
    LAYER_TYPE,
    Blob,
)
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from factory.archives.members import SafeMember
    from factory.oci.packed_plugin import PluginArchive


# Of bundled JavaScript, level 6 would save 2 % of the bytes for half as much time again.
LEVEL = 5
# ID1 ID2, CM deflate, no flags, MTIME 0, XFL 0, OS 255 (unknown): RFC 1952 section 2.3.
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_WORD = 0xFFFFFFFF


class DigestingGzip:
    """A sink that compresses what is written to it and hashes it before and after.

    Deflate itself is zlib's: two machines agree on the compressed bytes as long as both have the
    classic zlib (zlib-ng, which some distributions put in its place, deflates otherwise). The
    digest before compression, ``diff_id``, agrees everywhere.
    """

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        # Raw deflate, the largest window, zlib's default memory level: all named, none inherited.
        self._deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, -15, 8, zlib.Z_DEFAULT_STRATEGY)
        self._before = hashlib.sha256()
        self._after = hashlib.sha256()
        self._crc = 0
        self._length = 0
        self.size = 0
        self._emit(_HEADER)

    def write(self, data: bytes) -> None:
        """Compress ``data`` into the sink."""
        self._before.update(data)
        self._crc = zlib.crc32(data, self._crc)
        self._length += len(data)
        self._emit(self._deflate.compress(data))

    def finish(self) -> None:
        """Write what is left and the trailer; the sink stays open."""
        self._emit(self._deflate.flush())
        self._emit(struct.pack("<II", self._crc & _WORD, self._length & _WORD))

    @property
    def digest(self) -> str:
        """The digest of the compressed bytes so far."""
        return f"sha256:{self._after.hexdigest()}"

    @property
    def diff_id(self) -> str:
        """The digest of the bytes before compression (image-spec, `config.md`, DiffID)."""
        return f"sha256:{self._before.hexdigest()}"

    def _emit(self, data: bytes) -> None:
        self._after.update(data)
        self.size += len(data)
        self._sink.write(data)


log = logging.getLogger(__name__)

CHUNK = 256 * 1024
# What portals refuse by default when they unpack an image; bytes.
INSTALLERS_LIMIT = 40_000_000
# What a plugin may be is its author's business: only a portal has limits.
_NO_LIMITS = ArchiveLimits(entry=1 << 62, total=1 << 62, entries=1 << 62, ratio=1 << 62)

Kind: TypeAlias = Literal["file", "folder", "link"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerEntry:
    """One entry: where its bytes are in the spool, or where a symbolic link points."""

    path: str
    kind: Kind
    offset: int = 0
    size: int = 0
    executable: bool = False
    target: str = ""


def spool_entries(plugin: PluginArchive, spool: IO[bytes]) -> dict[str, LayerEntry]:
    """Return the plugin's entries by path under its image folder; bytes are appended to ``spool``.

    Folders that the archive only implies are included. Hard links become files that share bytes in
    the spool: whether the packer's disk had hard links must not change the image.

    Raises:
        PackError: the archive is damaged, an entry is unsafe (the rules are those of
            :func:`~factory.archives.members.safe_members`), or lies outside ``package/``.
    """
    entries: dict[str, LayerEntry] = {plugin.folder: LayerEntry(path=plugin.folder, kind="folder")}
    try:
        compressed = plugin.tgz.open("rb")
    except OSError as error:
        raise unreadable_error(plugin.tgz, error) from error
    try:
        with compressed:
            members = safe_members(
                compressed, archive=plugin.tgz, limits=_NO_LIMITS, root=PACKAGE_FOLDER
            )
            for member, content in members:
                path = _image_path(plugin, member.name)
                _add_folders(path, entries)
                entries[path] = _entry(plugin, path, member, content, entries, spool)
    except ArtifactError as error:
        raise PackError(
            error.problem.replace("the archive", "the packed plugin", 1),
            place=error.place,
            found=error.found,
            expected=error.expected,
            hint="pack the plugin again with 'npm pack'",
        ) from error
    _warn_of_large_files(plugin, entries)
    return entries


def _entry(  # noqa: PLR0917 - an entry, and what it becomes part of
    plugin: PluginArchive,
    path: str,
    member: SafeMember,
    content: Iterator[bytes],
    entries: dict[str, LayerEntry],
    spool: IO[bytes],
) -> LayerEntry:
    if member.kind == "folder":
        return LayerEntry(path=path, kind="folder")
    if member.kind == "link":
        parts = [part for part in member.target.split("/") if part not in ("", ".")]
        return LayerEntry(path=path, kind="link", target="/".join(parts) or ".")
    if member.kind == "hard link":
        shared = entries[_image_path(plugin, member.target)]
        return LayerEntry(
            path=path,
            kind="file",
            offset=shared.offset,
            size=shared.size,
            executable=shared.executable,
        )
    offset = spool.tell()
    for data in content:
        spool.write(data)
    return LayerEntry(
        path=path, kind="file", offset=offset, size=member.size, executable=member.executable
    )


def _image_path(plugin: PluginArchive, name: str) -> str:
    """``package/dist/index.js`` becomes ``<folder>/dist/index.js``."""
    first, slash, rest = name.partition("/")
    if first != PACKAGE_FOLDER:
        raise PackError(
            f"the packed plugin has an entry outside the folder {PACKAGE_FOLDER}/: {name}",
            place=Place(file=plugin.tgz, field=name),
            hint="pack the plugin again with 'npm pack'",
        )
    return f"{plugin.folder}{slash}{rest}"


def _add_folders(path: str, entries: dict[str, LayerEntry]) -> None:
    """Add the folders above a path that have no entry of their own."""
    while (path := path.rpartition("/")[0]) and path not in entries:
        entries[path] = LayerEntry(path=path, kind="folder")


def _warn_of_large_files(plugin: PluginArchive, entries: dict[str, LayerEntry]) -> None:
    large = [entry for entry in entries.values() if entry.size > INSTALLERS_LIMIT]
    if large:
        largest = max(large, key=lambda entry: entry.size)
        log.warning(
            "%s: %s has %d MB; portals refuse files of more than %d MB unless their "
            "MAX_ENTRY_SIZE is raised.",
            plugin.name,
            largest.path,
            largest.size // 1_000_000,
            INSTALLERS_LIMIT // 1_000_000,
        )


_FOLDER_MODE = 0o755
_FILE_MODE = 0o644
_LINK_MODE = 0o777
_TYPES = {"file": tarfile.REGTYPE, "folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """A compressed layer in a file, and the digest of its tar before compression."""

    blob: Blob
    diff_id: str


def write_layer(
    plugins: Sequence[PluginArchive],
    destination: Path,
    *,
    root_files: Mapping[str, bytes] | None = None,
) -> Layer:
    """Write the layer that holds ``plugins`` to the file ``destination`` and return it.

    Memory does not depend on the plugins' sizes; the uncompressed plugins are spooled once into a
    nameless temporary file beside ``destination``.

    Args:
        plugins: the packed plugins, in any order.
        destination: the file to write; it appears only when it is complete.
        root_files: small files at the image's root, by name; a name may lead into folders.

    Raises:
        PackError: an archive is damaged or holds an unsafe entry (:mod:`factory.oci.contents`), or
            two plugins have the same folder.
        StorageError: the disk is full or the folder cannot be written.
    """
    try:
        with tempfile.TemporaryFile(dir=destination.parent) as spool:
            entries = _all_entries(plugins, spool, root_files or {})
            return _write(entries, spool, destination)
    except OSError as error:
        raise StorageError(
            f"the image's layer cannot be written: {error.strerror or error}",
            found=str(destination),
            hint="free some space, or choose another output folder",
        ) from error


def _all_entries(
    plugins: Sequence[PluginArchive], spool: IO[bytes], root_files: Mapping[str, bytes]
) -> list[LayerEntry]:
    entries: dict[str, LayerEntry] = {}
    taken = dict.fromkeys(root_files, "a file at the image's root")
    for plugin in plugins:
        if plugin.folder in taken:
            raise PackError(
                f"two plugins cannot share the folder {plugin.folder} of one image",
                found=f"{plugin.name} and {taken[plugin.folder]}",
                hint="put each into an image of its own",
            )
        taken[plugin.folder] = plugin.name
        entries |= spool_entries(plugin, spool)
    for name, content in root_files.items():
        _add_folders(name, entries)
        entries[name] = LayerEntry(path=name, kind="file", offset=spool.tell(), size=len(content))
        spool.write(content)
    # "/" sorts before every character of a name, so that a folder comes right before what it holds.
    return sorted(entries.values(), key=lambda entry: entry.path.replace("/", "\0"))


def _write(entries: list[LayerEntry], spool: IO[bytes], destination: Path) -> Layer:
    with replace_file(destination) as file:
        sink = DigestingGzip(file)
        for entry in entries:
            sink.write(_header(entry))
            _copy(entry, spool, sink)
        sink.write(tarfile.NUL * 2 * tarfile.BLOCKSIZE)
        sink.finish()
    blob = Blob(media_type=LAYER_TYPE, digest=sink.digest, size=sink.size, content=destination)
    return Layer(blob=blob, diff_id=sink.diff_id)


def _header(entry: LayerEntry) -> bytes:
    info = tarfile.TarInfo(entry.path)
    info.type = _TYPES[entry.kind]
    info.size = entry.size
    info.linkname = entry.target
    if entry.kind == "link":
        info.mode = _LINK_MODE
    elif entry.kind == "folder" or entry.executable:
        info.mode = _FOLDER_MODE
    else:
        info.mode = _FILE_MODE
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def _copy(entry: LayerEntry, spool: IO[bytes], sink: DigestingGzip) -> None:
    if entry.kind != "file":
        return
    spool.seek(entry.offset)
    left = entry.size
    while left:
        data = spool.read(min(CHUNK, left))
        sink.write(data)
        left -= len(data)
    sink.write(tarfile.NUL * (-entry.size % tarfile.BLOCKSIZE))
