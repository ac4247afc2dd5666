"""Archives that attack whoever unpacks them, made here: each with the entry that gives it away.

Headers are written by hand where a library would not write them.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PACKAGE = {
    "name": "@scope/plugin-example-backend-dynamic",
    "version": "1.0.0",
    "main": "dist/index.cjs.js",
    "backstage": {"role": "backend-plugin"},
}
MEGABYTE = 1_000_000
END = b"\0" * 1024


@dataclass(frozen=True, kw_only=True)
class Hostile:
    """An archive, and what its refusal must name: the entry, or words of the reason."""

    archive: Callable[[], bytes]
    names: str

    def __call__(self) -> bytes:
        """The archive's bytes."""
        return self.archive()


def entry(name: str, content: bytes = b"", **fields: Any) -> bytes:
    """One entry with its content; ``fields`` are those of tarfile's header."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    info.mode = 0o644
    for field, value in fields.items():
        setattr(info, field, value)
    header = info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
    return header + content + b"\0" * (-len(content) % 512)


def pax(records: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    """A pax header with these records."""
    return entry("PaxHeader/of-it", records, type=kind)


def record(key: str, value: str) -> bytes:
    """One record of a pax header; its length counts itself."""
    text = f" {key}={value}\n".encode()
    length = len(text) + 1
    while len(str(length)) + len(text) != length:
        length += 1
    return str(length).encode() + text


def link(name: str, target: str) -> bytes:
    """A symbolic link."""
    return entry(name, type=tarfile.SYMTYPE, linkname=target)


def hard_link(name: str, target: str) -> bytes:
    """A hard link."""
    return entry(name, type=tarfile.LNKTYPE, linkname=target)


def special(name: str, kind: bytes) -> bytes:
    """A device, a pipe, or something unheard of."""
    return entry(name, type=kind)


def broken_header(name: str) -> bytes:
    """An entry whose checksum is wrong."""
    data = bytearray(entry(name))
    data[1] ^= 1
    return bytes(data)


def plain_tar(*entries: bytes, end: bytes = END) -> bytes:
    """A tar archive: a plugin's package.json, and then these entries."""
    package = entry("package/package.json", json.dumps(PACKAGE).encode())
    return package + b"".join(entries) + end


def tgz(*entries: bytes, end: bytes = END) -> bytes:
    """The same, gzipped."""
    return gzip.compress(plain_tar(*entries, end=end), mtime=0)


def _of(names: str, *entries: bytes, end: bytes = END) -> Hostile:
    return Hostile(archive=lambda: tgz(*entries, end=end), names=names)


def _gzip_bomb() -> bytes:
    """Files within the limit each, that together are a thousand times the archive."""
    content = b"\0" * 39 * MEGABYTE
    output = io.BytesIO()
    with gzip.GzipFile(fileobj=output, mode="wb", compresslevel=9, mtime=0) as stream:
        stream.write(plain_tar(end=b""))
        for number in range(3):
            stream.write(entry(f"package/zeros-{number}", content))
        stream.write(END)
    return output.getvalue()


def _many_entries() -> bytes:
    one = entry("package/000000999999")
    output = io.BytesIO()
    with gzip.GzipFile(fileobj=output, mode="wb", compresslevel=1, mtime=0) as stream:
        stream.write(plain_tar(end=b""))
        for number in range(100_001):
            # digits that always add up to the same: so does the header's checksum
            name = f"package/{number:06d}{999_999 - number:06d}".encode()
            stream.write(name.ljust(100, b"\0") + one[100:512])
        stream.write(END)
    return output.getvalue()


def _huge_entry() -> bytes:
    # the size alone: nobody is to wait for the content
    info = tarfile.TarInfo("package/huge.js")
    info.size = 40 * MEGABYTE + 1
    return gzip.compress(plain_tar(info.tobuf(tarfile.GNU_FORMAT), end=b""), mtime=0)


def _size_beyond_all_disks() -> bytes:
    info = tarfile.TarInfo("package/exabyte.js")
    info.size = 1 << 60
    return gzip.compress(plain_tar(info.tobuf(tarfile.GNU_FORMAT), end=b""), mtime=0)


def _cut(part: Callable[[bytes], int], *, of_tar: bool) -> Callable[[], bytes]:
    def archive() -> bytes:
        whole = plain_tar(entry("package/cut.js", b"x" * 3000), entry("package/late.js", b"y"))
        if of_tar:
            return gzip.compress(whole[: part(whole)], mtime=0)
        packed = gzip.compress(whole, mtime=0)
        return packed[: part(packed)]

    return archive


CORPUS: dict[str, Hostile] = {
    "traversal": _of("package/../../evil", entry("package/../../evil", b"x")),
    "traversal at the beginning": _of("../evil", entry("../evil", b"x")),
    "traversal within": _of("package/a/../evil", entry("package/a/../evil", b"x")),
    "traversal of a folder": _of("package/../up", entry("package/../up", type=tarfile.DIRTYPE)),
    "absolute": _of("/tmp/evil", entry("/tmp/evil", b"x")),
    "absolute with two slashes": _of("//evil", entry("//evil", b"x")),
    "backslashes": _of("evil", entry("package\\..\\..\\evil", b"x")),
    "drive": _of("C:evil", entry("C:evil", b"x")),
    "control character": _of("evil", entry("package/\x1b[2Jevil", b"x")),
    "line break in a name": _of("evil", entry("package/evil\nother", b"x")),
    "no UTF-8": _of("evil", entry("package/evil\udcff", b"x")),
    "name too long for a disk": _of("nnnn", entry("package/" + "n" * 300, b"x")),
    "link to an absolute path": _of("package/evil", link("package/evil", "/etc/passwd")),
    "link out": _of("package/evil", link("package/evil", "../../../etc/passwd")),
    "link out of the package": _of("package/evil", link("package/evil", "../other")),
    "link to a drive": _of("package/evil", link("package/evil", "C:/windows")),
    "link with a backslash": _of("package/evil", link("package/evil", "..\\..\\x")),
    "link that turns round": _of("package/evil", link("package/evil", "dist/../../x")),
    "link to nothing": _of("package/evil", link("package/evil", "")),
    "file below a link": _of(
        "package/out/evil", link("package/out", "dist"), entry("package/out/evil", b"x")
    ),
    "file below a link of other case": _of(
        "package/OUT/evil", link("package/out", "dist"), entry("package/OUT/evil", b"x")
    ),
    "link where files were": _of(
        "package/dist", entry("package/dist/a.js", b"x"), link("package/dist", "lib")
    ),
    "chain of links": _of("package/b", link("package/a", "dist"), link("package/b", "a/evil")),
    "chain of links, the other way round": _of(
        "package/b", link("package/b", "a/evil"), link("package/a", "dist")
    ),
    "links in a circle": _of("package/a", link("package/a", "b"), link("package/b", "a")),
    "link to itself": _of("package/a", link("package/a", "a")),
    "hard link out": _of("package/evil", hard_link("package/evil", "../../etc/passwd")),
    "hard link to an absolute path": _of("package/evil", hard_link("package/evil", "/etc/shadow")),
    "hard link to what comes later": _of(
        "package/evil", hard_link("package/evil", "package/late"), entry("package/late", b"x")
    ),
    "hard link to a link": _of(
        "package/evil", link("package/a", "dist"), hard_link("package/evil", "package/a")
    ),
    "file over a link": _of(
        "package/a", link("package/a", "package.json"), entry("package/a", b"x")
    ),
    "character device": _of("package/null", special("package/null", tarfile.CHRTYPE)),
    "block device": _of("package/sda", special("package/sda", tarfile.BLKTYPE)),
    "pipe": _of("package/pipe", special("package/pipe", tarfile.FIFOTYPE)),
    "unknown kind": _of("package/what", special("package/what", b"Z")),
    "contiguous file": _of("package/what", special("package/what", tarfile.CONTTYPE)),
    "sparse file": _of("package/sparse", special("package/sparse", tarfile.GNUTYPE_SPARSE)),
    "sparse file by pax": _of(
        "GNU.sparse", pax(record("GNU.sparse.major", "1")), entry("package/sparse", b"x")
    ),
    "occurs twice": _of("package/a.js", entry("package/a.js", b"1"), entry("package/a.js", b"2")),
    "occurs twice, spelled differently": _of(
        "package/a.js", entry("package/a.js", b"1"), entry("./package//a.js", b"2")
    ),
    "package.json twice": _of("package/package.json", entry("package/package.json", b"{}")),
    "clash of case": _of("package/README", entry("package/readme"), entry("package/README")),
    "clash of case in a folder": _of(
        "package/Dist", entry("package/dist/a.js"), entry("package/Dist/b.js")
    ),
    "clash of accents": _of("caf", entry("package/caf\u00e9"), entry("package/cafe\u0301")),
    "clash of sharp s": _of("STRASSE", entry("package/stra\u00dfe"), entry("package/STRASSE")),
    "file as a folder": _of("package/a/b", entry("package/a", b"x"), entry("package/a/b", b"x")),
    "file named as a folder": _of("package/a/", entry("package/a/", b"x", type=b"0")),
    "folder with content": _of("package/a", entry("package/a", b"x" * 512, type=tarfile.DIRTYPE)),
    "link with content": _of(
        "package/a", entry("package/a", b"x" * 512, type=tarfile.SYMTYPE, linkname="b")
    ),
    "the root as a file": _of("root", entry(".", b"x")),
    "path from a pax header": _of(
        "../../evil", pax(record("path", "package/../../evil")), entry("package/good.js", b"x")
    ),
    "absolute path from a pax header": _of(
        "/evil", pax(record("path", "/evil")), entry("package/good.js", b"x")
    ),
    "link target from a pax header": _of(
        "package/a", pax(record("linkpath", "../../evil")), link("package/a", "dist")
    ),
    "NUL in a pax header": _of(
        "evil", pax(record("path", "package/a\0/../../evil")), entry("package/a", b"x")
    ),
    "size from a pax header": _of(
        "package/a", pax(record("size", "1024")), entry("package/a", b"x" * 512)
    ),
    "path for all from a pax header": _of(
        "path", pax(record("path", "package/evil"), tarfile.XGLTYPE), entry("package/a", b"x")
    ),
    "two paths": _of(
        "package/evil",
        pax(record("path", "package/good")),
        entry("././@LongLink", b"package/evil\0", type=tarfile.GNUTYPE_LONGNAME),
        entry("package/a", b"x"),
    ),
    "path twice in a pax header": _of(
        "path", pax(record("path", "package/a") + record("path", "../b")), entry("package/a", b"x")
    ),
    "malformed pax header": _of("pax", pax(b"9999 path=evil\n"), entry("package/a", b"x")),
    "huge pax header": _of("PaxHeader", pax(record("comment", "x" * 100_000)), entry("package/a")),
    "pax header of nothing": _of("truncated", pax(record("path", "package/evil"))),
    "long name from GNU": _of(
        "package/../../evil",
        entry("././@LongLink", b"package/../../evil\0", type=tarfile.GNUTYPE_LONGNAME),
        entry("package/good.js", b"x"),
    ),
    "gzip bomb": Hostile(archive=_gzip_bomb, names="times its size"),
    "many entries": Hostile(archive=_many_entries, names="entries"),
    "huge entry": Hostile(archive=_huge_entry, names="package/huge.js"),
    "size beyond all disks": Hostile(archive=_size_beyond_all_disks, names="package/exabyte.js"),
    "empty file": Hostile(archive=lambda: b"", names="empty"),
    "nothing but an end": Hostile(archive=lambda: gzip.compress(END), names="nothing"),
    "no archive": Hostile(archive=lambda: b"<html>Not found</html>", names="damaged"),
    "no archive, gzipped": Hostile(archive=lambda: gzip.compress(b"x" * 2048), names="damaged"),
    "zstd": Hostile(archive=lambda: b"\x28\xb5\x2f\xfd" + b"\0" * 50, names="zstd"),
    "wrong checksum of a header": _of("damaged", broken_header("package/a")),
    "something after the end": _of("after", end=END + entry("package/evil", b"x")),
    "something after the compression": Hostile(
        archive=lambda: tgz() + b"evil" * 100, names="damaged"
    ),
    "wrong checksum of the compression": Hostile(
        archive=lambda: tgz()[:-8] + b"\0" * 8, names="damaged"
    ),
    "no end": _of("truncated", entry("package/a"), end=b""),
    "cut in a header": Hostile(archive=_cut(lambda _: 1024 + 100, of_tar=True), names="truncated"),
    "cut in a content": Hostile(
        archive=_cut(lambda _: 1024 + 512 + 2000, of_tar=True), names="package/cut.js"
    ),
    "cut in the padding": Hostile(
        archive=_cut(lambda _: 1024 + 512 + 3010, of_tar=True), names="package/cut.js"
    ),
    "cut in the compression's head": Hostile(
        archive=_cut(lambda _: 5, of_tar=False), names="truncated"
    ),
    "cut in the compression": Hostile(
        archive=_cut(lambda whole: len(whole) // 2, of_tar=False), names="truncated"
    ),
    "cut before the compression's checksum": Hostile(
        archive=_cut(lambda whole: len(whole) - 4, of_tar=False), names="truncated"
    ),
}
