"""An archive is the same bytes, whoever packed what is in it, when and how."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from factory.errors import PackError
from factory.export.normal_archive import write_normal_archive

FILES = {
    "package/package.json": b"{}",
    "package/dist/b.js": b"b" * 100_000,
    "package/dist/a.js": b"a",
    "package/bin/run": b"#!/bin/sh\n",
    f"package/{'long/' * 40}\N{GREEK SMALL LETTER LAMDA}.js": b"deep",
}


def pack(
    target: Path,
    names: list[str],
    *,
    umask: int = 0o022,
    mtime: int = 0,
    owner: str = "",
    level: int = 9,
) -> Path:
    with tarfile.open(target, "w:gz", compresslevel=level) as archive:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = len(FILES[name])
            entry.mode = (0o777 if name.startswith("package/bin/") else 0o666) & ~umask
            entry.mtime, entry.uname, entry.uid = mtime, owner, len(owner)
            archive.addfile(entry, io.BytesIO(FILES[name]))
    return target


@pytest.fixture
def normal(tmp_path: Path) -> Path:
    target = tmp_path / "normal.tgz"
    write_normal_archive(pack(tmp_path / "npm.tgz", list(FILES)), target)
    return target


@pytest.mark.parametrize(
    "options", [{"umask": 0o077}, {"mtime": 1_700_000_000}, {"owner": "somebody"}, {"level": 1}]
)
def test_who_packed_it_how_and_when_makes_no_difference(
    normal: Path, tmp_path: Path, options: dict[str, int]
) -> None:
    other = pack(tmp_path / "other.tgz", list(reversed(FILES)), **options)  # type: ignore[arg-type]
    write_normal_archive(other, tmp_path / "other-normal.tgz")
    assert (tmp_path / "other-normal.tgz").read_bytes() == normal.read_bytes()


def test_it_holds_the_same_files_the_manifest_first(normal: Path) -> None:
    with tarfile.open(normal) as archive:
        entries = archive.getmembers()
        contents = {
            each.name: (archive.extractfile(each) or io.BytesIO()).read() for each in entries
        }
    assert contents == FILES
    assert entries[0].name == "package/package.json"
    names = [each.name for each in entries[1:]]
    assert names == sorted(names)
    modes = {each.name: each.mode for each in entries}
    assert modes.pop("package/bin/run") == 0o755
    assert set(modes.values()) == {0o644}


def test_nothing_is_left_beside_it(normal: Path) -> None:
    assert sorted(each.name for each in normal.parent.iterdir()) == ["normal.tgz", "npm.tgz"]


def test_without_a_manifest_it_is_refused(tmp_path: Path) -> None:
    packed = pack(tmp_path / "npm.tgz", ["package/dist/a.js"])
    with pytest.raises(PackError, match="has no package"):
        write_normal_archive(packed, tmp_path / "normal.tgz")


def test_a_link_is_refused(tmp_path: Path) -> None:
    packed = tmp_path / "npm.tgz"
    with tarfile.open(packed, "w:gz") as archive:
        link = tarfile.TarInfo("package/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(PackError, match="something other than files"):
        write_normal_archive(packed, tmp_path / "normal.tgz")


def test_a_broken_archive_is_refused(tmp_path: Path) -> None:
    packed = pack(tmp_path / "npm.tgz", list(FILES))
    packed.write_bytes(packed.read_bytes()[:200])
    with pytest.raises(PackError, match="is not a readable archive"):
        write_normal_archive(packed, tmp_path / "normal.tgz")
