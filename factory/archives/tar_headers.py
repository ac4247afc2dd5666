"""A tar archive as the sequence of its entries, read strictly.

Lenient readers disagree about odd archives, and what one of them shows, another does not unpack.
Here an archive has one meaning or none. The formats are POSIX's ustar and pax
(https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html) and GNU's long names.
"""

from __future__ import annotations

import re
import tarfile
from typing import TYPE_CHECKING

from factory.archives.refusal import damaged_archive, unsafe_archive
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory.archives.compressed import TarBytes

BLOCK = tarfile.BLOCKSIZE
# A pax header holds a name, a link and times; a longer name than a page is not a file's.
LARGEST_EXTENSION = 64 * 1024
_PIECE = BLOCK * 512
_LARGEST_END = 1024 * 1024
# The numbers of a header as tar programs write them: mode, owners, size, time, checksum.
_NUMBERS = lazy_pattern(
    rb"([0-7]{7})\0[0-7]{7}\0[0-7]{7}\0([0-7]{11})\0[0-7]{11}\0([0-7]{6})\0 ", re.DOTALL
)
_NO_DEVICE = (bytes(16), b"0000000\0" * 2)
_RECORD = lazy_pattern(rb"(\d{1,9}) ([^=]+)=")
_END_OF_RECORD = ord("\n")
_OF_ONE_ENTRY = {"path", "linkpath", "size"}


@dataclass(frozen=True, kw_only=True, slots=True)
class RawEntry:
    """What an archive says of an entry. ``kind`` is the type flag of the header, one byte."""

    name: str
    kind: bytes
    size: int
    mode: int
    target: str


def raw_entries(tar: TarBytes) -> Iterator[tuple[RawEntry, Iterator[bytes]]]:
    """Yield each entry with the chunks of its content, which are to be read before the next.

    What is left unread is skipped.

    Raises:
        ArtifactError: the archive ends early, has bytes after its end, or a header that two
            programs could read differently.
    """
    said: dict[str, str] = {}
    any_read = False
    while (header := _header(tar, any_read=any_read)) is not None:
        any_read = True
        if header.size < 0:
            raise unsafe_archive(tar.archive, header.name, "has a negative size")
        if header.type in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.XGLTYPE):
            _take_pax(tar, header, said)
        elif header.type in (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):
            long_name = header.type == tarfile.GNUTYPE_LONGNAME
            text = _extension(tar, header).partition(b"\0")[0]
            _say(tar, said, "path" if long_name else "linkpath", text)
        else:
            entry = _entry(tar, header, said)
            said = {}
            content = _content(tar, entry)
            yield entry, content
            for _ in content:
                pass
    if said:
        raise damaged_archive(tar.archive, "it ends within the header of an entry")
    if not any_read:
        raise damaged_archive(tar.archive, "it holds nothing")


def _header(tar: TarBytes, *, any_read: bool) -> tarfile.TarInfo | None:
    block = tar.read(BLOCK)
    if (usual := usual_header(block)) is not None:
        return usual
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # typeshed lacks it
        _read_end(tar)
        return None
    except tarfile.HeaderError as error:
        if not block:
            why = "it ends without the blocks that end an archive" if any_read else "it is empty"
            raise damaged_archive(tar.archive, why) from error
        raise damaged_archive(tar.archive, f"a header is not valid: {error}") from error


def usual_header(block: bytes) -> tarfile.TarInfo | None:
    """Return the header of a plain file as Python reads it, or None if it is not quite usual.

    Python's own way takes several times as long, and archives have hundreds of files.
    """
    if len(block) != BLOCK or block[156:158] != tarfile.REGTYPE + b"\0":
        return None
    numbers = _NUMBERS.fullmatch(block, 100, 156)
    if numbers is None or block[329:345] not in _NO_DEVICE:
        return None
    # The checksum counts itself as blanks.
    if sum(block) - sum(block[148:156]) + 8 * ord(" ") != int(numbers[3], 8):
        return None
    name = _until_null(block[:100])
    prefix = _until_null(block[345:500])
    header = tarfile.TarInfo(f"{prefix}/{name}" if prefix else name)
    header.mode, header.size = int(numbers[1], 8), int(numbers[2], 8)
    return header


def _until_null(text: bytes) -> str:
    return text.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _read_end(tar: TarBytes) -> None:
    read = 0
    while data := tar.read(BLOCK * 16):
        read += len(data)
        if data.strip(b"\0") or read > _LARGEST_END:
            raise damaged_archive(tar.archive, "there is data after the archive's end")


def _entry(tar: TarBytes, header: tarfile.TarInfo, said: dict[str, str]) -> RawEntry:
    name = said.get("path", header.name)
    if header.type == tarfile.GNUTYPE_SPARSE:
        raise unsafe_archive(tar.archive, name, "is a sparse file")
    if said.get("size", str(header.size)) != str(header.size):
        raise unsafe_archive(tar.archive, name, "has two sizes, one in its pax header")
    if header.size and header.type not in tarfile.REGULAR_TYPES:
        raise unsafe_archive(tar.archive, name, "has content, but is not a file")
    return RawEntry(
        name=name,
        kind=header.type,
        size=header.size,
        mode=header.mode,
        target=said.get("linkpath", header.linkname),
    )


def _content(tar: TarBytes, entry: RawEntry) -> Iterator[bytes]:
    left = entry.size
    padding = -left % BLOCK
    while left:
        size = min(left, _PIECE)
        last = size == left
        data = tar.read(size + padding if last else size)
        if len(data) < (size + padding if last else size):
            raise damaged_archive(tar.archive, f"it ends within {entry.name}")
        left -= size
        yield data[:size] if last and padding else data


def _extension(tar: TarBytes, header: tarfile.TarInfo) -> bytes:
    if header.size > LARGEST_EXTENSION:
        raise unsafe_archive(tar.archive, header.name, f"is a header of {header.size} bytes")
    data = tar.read(header.size + -header.size % BLOCK)
    if len(data) < header.size:
        raise damaged_archive(tar.archive, "it ends within the header of an entry")
    return data[: header.size]


def _take_pax(tar: TarBytes, header: tarfile.TarInfo, said: dict[str, str]) -> None:
    data = _extension(tar, header)
    for_all = header.type == tarfile.XGLTYPE
    seen: set[str] = set()
    while data:
        record = _RECORD.match(data)
        length = int(record[1]) if record else 0
        if (
            not record
            or not record.end() < length <= len(data)
            or data[length - 1 : length] != b"\n"
        ):
            raise unsafe_archive(tar.archive, header.name, "is a malformed pax header")
        key, value = record[2].decode("utf-8", "replace"), data[record.end() : length - 1]
        data = data[length:]
        if key.startswith("GNU.sparse.") or (for_all and key in _OF_ONE_ENTRY) or key in seen:
            raise unsafe_archive(tar.archive, header.name, f"is a pax header that sets {key}")
        seen.add(key)
        if key in _OF_ONE_ENTRY:
            _say(tar, said, key, value)


def _say(tar: TarBytes, said: dict[str, str], key: str, value: bytes) -> None:
    text = value.decode("utf-8", "surrogateescape")
    if key in said:
        raise unsafe_archive(tar.archive, text, f"is the second {key} of one entry")
    said[key] = text
