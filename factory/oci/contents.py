"""What is inside a packed plugin, entry by entry, with everything unsafe refused.

No file of the archive is ever unpacked under its own name: the bytes go into one nameless file, and
an entry remembers where.
"""

from __future__ import annotations

import gzip
import logging
import tarfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Literal, NoReturn, TypeAlias

from factory.errors import PackError, Place
from factory.oci.archive import DAMAGED, PACKAGE_FOLDER, PluginArchive, damaged, unreadable

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

CHUNK = 256 * 1024
# What portals refuse by default when they unpack an image; bytes.
INSTALLERS_LIMIT = 40_000_000
_EXECUTABLE = 0o111

Kind: TypeAlias = Literal["file", "folder", "link"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One entry: where its bytes are in the spool, or where a symbolic link points."""

    path: str
    kind: Kind
    offset: int = 0
    size: int = 0
    executable: bool = False
    target: str = ""


def spooled_entries(plugin: PluginArchive, spool: IO[bytes]) -> dict[str, Entry]:
    """Return the plugin's entries by path under its image folder; bytes are appended to ``spool``.

    Folders that the archive only implies are included. Hard links become files that share bytes in
    the spool: whether the packer's disk had hard links must not change the image.

    Raises:
        PackError: the archive is damaged, or an entry is unsafe: its name is absolute, holds
            ``..``, lies outside ``package/``, occurs twice or is no UTF-8; a link leaves the
            plugin; another entry lies below a link or a file; it is a device, a pipe or sparse.
    """
    entries: dict[str, Entry] = {
        plugin.folder: Entry(path=plugin.folder, kind="folder"),
    }
    try:
        compressed = plugin.tgz.open("rb")
    except OSError as error:
        raise unreadable(plugin.tgz, error) from error
    try:
        with compressed, gzip.open(compressed) as unzipped:
            with tarfile.open(fileobj=unzipped, mode="r|", bufsize=CHUNK) as archive:
                for member in archive:
                    # a stream is read once: memory must not grow with it
                    archive.members = []  # type: ignore[attr-defined]
                    entry = _entry(plugin, archive, member, entries, spool)
                    _place_entry(plugin, entry, member.name, entries)
            while unzipped.read(CHUNK):
                pass  # to its end, so that gzip's own checksum is compared
    except DAMAGED as error:
        raise damaged(plugin.tgz, error) from error
    _warn_of_large_files(plugin, entries)
    return entries


def _entry(
    plugin: PluginArchive,
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    entries: dict[str, Entry],
    spool: IO[bytes],
) -> Entry:
    path = _image_path(plugin, member.name)
    if member.isdir():
        return Entry(path=path, kind="folder")
    if member.issym():
        return Entry(path=path, kind="link", target=_safe_target(plugin, path, member))
    if member.islnk():
        shared = entries.get(_image_path(plugin, member.linkname, named_by=member.name))
        if shared is None or shared.kind != "file":
            _refuse(plugin, member.name, f"is a hard link to no earlier file: {member.linkname}")
        return Entry(
            path=path,
            kind="file",
            offset=shared.offset,
            size=shared.size,
            executable=shared.executable,
        )
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
        _refuse(plugin, member.name, "is a device, a pipe or another special file")
    offset = spool.tell()
    stream = archive.extractfile(member)
    while stream is not None and (data := stream.read(CHUNK)):
        spool.write(data)
    if spool.tell() - offset != member.size:
        raise damaged(plugin.tgz, EOFError(f"{member.name} ends early"))
    return Entry(
        path=path,
        kind="file",
        offset=offset,
        size=member.size,
        executable=bool(member.mode & _EXECUTABLE),
    )


def _image_path(plugin: PluginArchive, name: str, *, named_by: str = "") -> str:
    """``package/dist/index.js`` becomes ``<folder>/dist/index.js``.

    ``named_by`` is the hard link whose target ``name`` is, if it is one.
    """
    shown = f"{named_by} -> {name}" if named_by else name
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        _refuse(plugin, ascii(shown), "has a name that is not UTF-8")
    if name.startswith("/"):
        _refuse(plugin, shown, "has an absolute name")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        _refuse(plugin, shown, "has '..' in its name")
    if not parts or parts[0] != PACKAGE_FOLDER:
        _refuse(plugin, shown, f"lies outside the folder {PACKAGE_FOLDER}/")
    return "/".join([plugin.folder, *parts[1:]])


def _safe_target(plugin: PluginArchive, path: str, member: tarfile.TarInfo) -> str:
    """The link's target, which stays in the plugin whatever other links it leads through.

    ``..`` is taken only at the beginning: after a name it would be counted from wherever that name,
    if it is a link itself, leads to.
    """
    target = member.linkname
    parts = [part for part in target.split("/") if part not in ("", ".")]
    names = [part for part in parts if part != ".."]
    climbs = len(parts) - len(names)
    depth = path.count("/") - 1
    leaves = target.startswith("/") or climbs > depth or parts[climbs:] != names
    if leaves or not target.isprintable():
        _refuse(plugin, member.name, f"is a link that may leave the plugin: {target}")
    return "/".join(parts) or "."


def _place_entry(plugin: PluginArchive, entry: Entry, name: str, entries: dict[str, Entry]) -> None:
    known = entries.get(entry.path)
    if known is not None and not known.kind == entry.kind == "folder":
        _refuse(plugin, name, "occurs twice")
    parent = entry.path.rpartition("/")[0]
    while parent:
        above = entries.get(parent)
        if above is None:
            entries[parent] = Entry(path=parent, kind="folder")
        elif above.kind != "folder":
            _refuse(plugin, name, f"lies below {parent}, which is a {above.kind}")
        else:
            break  # its own parents were looked at when it came
        parent = parent.rpartition("/")[0]
    entries[entry.path] = entry


def _warn_of_large_files(plugin: PluginArchive, entries: dict[str, Entry]) -> None:
    large = [entry for entry in entries.values() if entry.size > INSTALLERS_LIMIT]
    if large:
        largest = max(large, key=lambda entry: entry.size)
        log.warning(
            "%s: %s has %d MB; portals refuse files of more than %d MB unless they are told "
            "otherwise (MAX_ENTRY_SIZE).",
            plugin.name,
            largest.path,
            largest.size // 1_000_000,
            INSTALLERS_LIMIT // 1_000_000,
        )


def _refuse(plugin: PluginArchive, name: str, why: str) -> NoReturn:
    raise unsafe_entry(plugin.tgz, name, why)


def unsafe_entry(tgz: Path, name: str, why: str) -> PackError:
    """Return the error for an entry that no image may hold."""
    return PackError(
        f"the packed plugin holds an unsafe entry: {name} {why}",
        place=Place(file=tgz, field=name),
        expected="files, folders, and links that stay within the plugin, each once",
        hint="pack the plugin with 'npm pack', which makes no such entries",
    )
