"""What is inside a packed plugin, entry by entry, with everything unsafe refused.

No file of the archive is ever unpacked under its own name: the bytes go into one nameless file, and
an entry remembers where.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Literal, TypeAlias

from factory.archives.limits import Limits
from factory.archives.members import safe_members
from factory.archives.npm_package import PACKAGE_FOLDER, unreadable
from factory.errors import ArtifactError, PackError, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory.archives.members import SafeMember
    from factory.oci.archive import PluginArchive

log = logging.getLogger(__name__)

CHUNK = 256 * 1024
# What portals refuse by default when they unpack an image; bytes.
INSTALLERS_LIMIT = 40_000_000
# What a plugin may be is its author's business: only a portal has limits.
_NO_LIMITS = Limits(entry=1 << 62, total=1 << 62, entries=1 << 62, ratio=1 << 62)

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
        PackError: the archive is damaged, an entry is unsafe (the rules are those of
            :func:`~factory.archives.members.safe_members`), or lies outside ``package/``.
    """
    entries: dict[str, Entry] = {plugin.folder: Entry(path=plugin.folder, kind="folder")}
    try:
        compressed = plugin.tgz.open("rb")
    except OSError as error:
        raise unreadable(plugin.tgz, error) from error
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
    entries: dict[str, Entry],
    spool: IO[bytes],
) -> Entry:
    if member.kind == "folder":
        return Entry(path=path, kind="folder")
    if member.kind == "link":
        parts = [part for part in member.target.split("/") if part not in ("", ".")]
        return Entry(path=path, kind="link", target="/".join(parts) or ".")
    if member.kind == "hard link":
        shared = entries[_image_path(plugin, member.target)]
        return Entry(
            path=path,
            kind="file",
            offset=shared.offset,
            size=shared.size,
            executable=shared.executable,
        )
    offset = spool.tell()
    for data in content:
        spool.write(data)
    return Entry(
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


def _add_folders(path: str, entries: dict[str, Entry]) -> None:
    """Add the folders above a path that have no entry of their own."""
    while (path := path.rpartition("/")[0]) and path not in entries:
        entries[path] = Entry(path=path, kind="folder")


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
