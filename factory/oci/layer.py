"""The one layer of a plugin image: packed plugins, each in its folder, and files at the root.

The same plugins give the same bytes everywhere: entries are sorted, owned by 0:0, with modes 755
and 644 and one time. Image-spec 1.1, `layer.md`; the tar format is POSIX.1-2001 (pax), in which
only names that ustar cannot hold need a second header.
"""

from __future__ import annotations

import tarfile
import tempfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from factory.errors import PackError, StorageError
from factory.oci.blob import LAYER_TYPE, Blob
from factory.oci.compression import DigestingGzip
from factory.oci.contents import CHUNK, Entry, spooled_entries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from factory.oci.archive import PluginArchive

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
        root_files: small files at the image's root, by name.

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
) -> list[Entry]:
    entries: dict[str, Entry] = {}
    taken = dict.fromkeys(root_files, "a file at the image's root")
    for plugin in plugins:
        if plugin.folder in taken:
            raise PackError(
                f"two plugins cannot share the folder {plugin.folder} of one image",
                found=f"{plugin.name} and {taken[plugin.folder]}",
                hint="put them into an image each",
            )
        taken[plugin.folder] = plugin.name
        entries |= spooled_entries(plugin, spool)
    for name, content in root_files.items():
        entries[name] = Entry(path=name, kind="file", offset=spool.tell(), size=len(content))
        spool.write(content)
    # "/" sorts before every character of a name, so that a folder comes right before what it holds.
    return sorted(entries.values(), key=lambda entry: entry.path.replace("/", "\0"))


def _write(entries: list[Entry], spool: IO[bytes], destination: Path) -> Layer:
    partial = destination.with_name(f".{destination.name}.part")
    try:
        with partial.open("wb") as file:
            sink = DigestingGzip(file)
            for entry in entries:
                sink.write(_header(entry))
                _copy(entry, spool, sink)
            sink.write(tarfile.NUL * 2 * tarfile.BLOCKSIZE)
            sink.finish()
        partial.replace(destination)
    finally:
        partial.unlink(missing_ok=True)
    blob = Blob(media_type=LAYER_TYPE, digest=sink.digest, size=sink.size, content=destination)
    return Layer(blob=blob, diff_id=sink.diff_id)


def _header(entry: Entry) -> bytes:
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


def _copy(entry: Entry, spool: IO[bytes], sink: DigestingGzip) -> None:
    if entry.kind != "file":
        return
    spool.seek(entry.offset)
    left = entry.size
    while left:
        data = spool.read(min(CHUNK, left))
        sink.write(data)
        left -= len(data)
    sink.write(tarfile.NUL * (-entry.size % tarfile.BLOCKSIZE))
