"""A layer: the same bytes for the same plugin, and nothing unsafe in it."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import random
import tarfile
from typing import TYPE_CHECKING

import pytest

from factory.errors import PackError, StorageError
from factory.oci.layer import write_layer
from factory.oci.packed_plugin import (
    plugin_folder,
    read_plugin_archive,
)

from .plugin_archives import FILES, FRONTEND, TODO, member, pack, plugin, write_tgz

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "backstage-community-plugin-todo-backend"


def entries(layer: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(layer) as tar:
        return {info.name: info for info in tar}


def content(layer: Path, name: str) -> bytes:
    with tarfile.open(layer) as tar:
        stream = tar.extractfile(name)
        assert stream
        return stream.read()


@pytest.mark.parametrize(
    ("package", "folder"),
    [
        ("@backstage-community/plugin-todo-dynamic", "backstage-community-plugin-todo"),
        ("@backstage-community/plugin-todo", "backstage-community-plugin-todo"),
        ("plugin-dynamic-home-page-dynamic", "plugin-dynamic-home-page"),
    ],
)
def test_a_plugins_folder_is_called_after_the_package_without_dynamic(
    package: str, folder: str
) -> None:
    assert plugin_folder(package) == folder


def test_files_are_in_the_plugins_folder_with_their_contents(tmp_path: Path) -> None:
    write_layer([plugin(tmp_path / "a.tgz")], tmp_path / "layer")

    found = entries(tmp_path / "layer")
    assert list(found)[:3] == [FOLDER, f"{FOLDER}/README.md", f"{FOLDER}/dist"]
    assert all(
        content(tmp_path / "layer", f"{FOLDER}/{name}") == data for name, data in FILES.items()
    )


def test_owners_modes_and_times_are_normal(tmp_path: Path) -> None:
    extra = [
        (member("package/bin/run", 2, mode=0o4711, uid=1000, uname="me"), b"#!"),
        (member("package/private", 1, mode=0o600), b"x"),
        (member("package/bin", type=tarfile.DIRTYPE, mode=0o700), b""),
    ]
    write_layer([plugin(tmp_path / "a.tgz", extra=extra)], tmp_path / "layer")

    found = entries(tmp_path / "layer")
    assert {(e.uid, e.gid, e.uname, e.gname, e.mtime) for e in found.values()} == {
        (0, 0, "", "", 0)
    }
    assert {e.mode for e in found.values() if e.isdir()} == {0o755}
    assert found[f"{FOLDER}/bin/run"].mode == 0o755
    assert found[f"{FOLDER}/private"].mode == 0o644


def test_the_same_files_packed_otherwise_give_the_same_layer(tmp_path: Path) -> None:
    one = plugin(tmp_path / "a.tgz")
    names = list(FILES)
    random.Random(1).shuffle(names)
    other = write_tgz(
        tmp_path / "b.tgz",
        [
            (member("package", type=tarfile.DIRTYPE), b""),
            *[
                (member(f"./package/{n}", len(FILES[n]), mtime=7, uid=9, mode=0o664), FILES[n])
                for n in names
            ],
            (
                member("package/package.json", len(raw := _package_json(one.tgz)), mtime=8),
                raw,
            ),
        ],
    )

    first = write_layer([one], tmp_path / "1")
    second = write_layer([read_plugin_archive(other)], tmp_path / "2")

    assert first.blob.digest == second.blob.digest
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_the_layer_is_the_one_that_it_was_on_every_other_machine(tmp_path: Path) -> None:
    """The first digest may never change; the second changes with zlib, and with the level."""
    layer = write_layer([plugin(tmp_path / "a.tgz")], tmp_path / "layer")

    assert layer.diff_id == DIFF_ID
    assert layer.blob.digest == DIGEST


def test_digests_and_size_are_those_of_the_file(tmp_path: Path) -> None:
    layer = write_layer([plugin(tmp_path / "a.tgz")], tmp_path / "layer")

    data = (tmp_path / "layer").read_bytes()
    assert layer.blob.digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert layer.blob.size == len(data)
    assert layer.diff_id == f"sha256:{hashlib.sha256(gzip.decompress(data)).hexdigest()}"
    assert data[4:8] == b"\0\0\0\0"  # gzip's own time


def test_names_of_any_length_and_script_survive(tmp_path: Path) -> None:
    long = "/".join(["node_modules", "a" * 90, "b" * 120, "grüße-日本.js"])
    write_layer([plugin(tmp_path / "a.tgz", files={long: b"1"})], tmp_path / "layer")

    assert content(tmp_path / "layer", f"{FOLDER}/{long}") == b"1"


def test_a_hard_link_becomes_a_file_of_its_own(tmp_path: Path) -> None:
    link = member("package/copy.js", type=tarfile.LNKTYPE, linkname="package/README.md")
    linked = plugin(tmp_path / "a.tgz", extra=[(link, b"")])
    copied = plugin(tmp_path / "b.tgz", files=FILES | {"copy.js": FILES["README.md"]})

    one, two = write_layer([linked], tmp_path / "1"), write_layer([copied], tmp_path / "2")

    assert one.blob.digest == two.blob.digest


@pytest.mark.parametrize(
    ("name", "target"), [("l", "README.md"), ("dist/l", "../README.md"), ("dist/l", "./chunks")]
)
def test_a_link_within_the_plugin_is_kept(tmp_path: Path, name: str, target: str) -> None:
    link = member(f"package/{name}", type=tarfile.SYMTYPE, linkname=target)
    write_layer([plugin(tmp_path / "a.tgz", extra=[(link, b"")])], tmp_path / "layer")

    found = entries(tmp_path / "layer")[f"{FOLDER}/{name}"]
    assert found.issym()
    assert found.linkname == target.removeprefix("./")


@pytest.mark.parametrize(
    ("info", "why"),
    [
        (member("/etc/passwd"), "absolute"),
        (member("package/../evil"), "'..'"),
        (member("../evil"), "'..'"),
        (member("other/evil"), "outside"),
        (member("package/README.md"), "twice"),
        (member("package/dist"), "twice"),
        (member("package/README.md/x"), "below"),
        (member("package", 0), "twice"),
        (member("package/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3), "device"),
        (member("package/disk", type=tarfile.BLKTYPE), "device"),
        (member("package/pipe", type=tarfile.FIFOTYPE), "device"),
        (member("package/l", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "leave"),
        (member("package/l", type=tarfile.SYMTYPE, linkname="../other/x"), "leave"),
        (member("package/dist/l", type=tarfile.SYMTYPE, linkname="../../x"), "leave"),
        (member("package/l", type=tarfile.SYMTYPE, linkname="dist/../../x"), "leave"),
        (member("package/l", type=tarfile.LNKTYPE, linkname="/etc/passwd"), "absolute"),
        (member("package/l", type=tarfile.LNKTYPE, linkname="package/missing"), "hard link"),
        (member("package/\udcff"), "UTF-8"),
    ],
    ids=lambda value: value.name.replace("/", ".") if isinstance(value, tarfile.TarInfo) else "",
)
def test_an_unsafe_entry_is_refused_by_name(
    tmp_path: Path, info: tarfile.TarInfo, why: str
) -> None:
    archive = plugin(tmp_path / "a.tgz", extra=[(info, b"")])

    with pytest.raises(PackError) as caught:
        write_layer([archive], tmp_path / "layer")

    assert why in str(caught.value)
    assert info.name.encode("ascii", "backslashreplace").decode() in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tgz"]


def test_nothing_may_lie_below_a_link(tmp_path: Path) -> None:
    """Each link alone stays inside; an entry through it, or a second link, would not."""
    link = member("package/deep/link", type=tarfile.SYMTYPE, linkname="..")
    below = member("package/deep/link/x")

    with pytest.raises(PackError, match=r"lies below .*deep/link"):
        write_layer(
            [plugin(tmp_path / "a.tgz", extra=[(link, b""), (below, b"")])], tmp_path / "layer"
        )


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_an_archive_cut_short_is_refused(tmp_path: Path, share: float) -> None:
    noise = {"noise": os.urandom(100_000)}
    archive = plugin(tmp_path / "a.tgz", files=noise)
    data = archive.tgz.read_bytes()
    archive.tgz.write_bytes(data[: int(len(data) * share)])

    with pytest.raises(PackError, match="damaged or truncated"):
        write_layer([archive], tmp_path / "layer")


def test_an_archive_with_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    archive = plugin(tmp_path / "a.tgz")
    data = bytearray(archive.tgz.read_bytes())
    data[-6] ^= 1
    archive.tgz.write_bytes(data)

    with pytest.raises(PackError, match="damaged or truncated"):
        write_layer([archive], tmp_path / "layer")


@pytest.mark.parametrize(
    "data",
    [b"", b"not gzip", gzip.compress(b"not tar" * 100)],
    ids=["empty", "no gzip", "no tar"],
)
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.tgz").write_bytes(data)

    with pytest.raises(PackError, match=r"a\.tgz"):
        read_plugin_archive(tmp_path / "a.tgz")


@pytest.mark.parametrize(
    "package",
    [{"name": "a"}, {"name": "", "version": "1"}, {"name": "../..", "version": "1"}, [1]],
)
def test_a_package_json_that_names_no_package_is_refused(tmp_path: Path, package: object) -> None:
    pack(tmp_path / "a.tgz", package)  # type: ignore[arg-type]

    with pytest.raises(PackError):
        read_plugin_archive(tmp_path / "a.tgz")


def test_several_plugins_are_in_a_folder_each(tmp_path: Path) -> None:
    both = [plugin(tmp_path / "a.tgz"), plugin(tmp_path / "b.tgz", package=FRONTEND)]
    forth = write_layer(both, tmp_path / "1", root_files={"index.json": b"[]"})
    back = write_layer(both[::-1], tmp_path / "2", root_files={"index.json": b"[]"})

    assert {name.partition("/")[0] for name in entries(tmp_path / "1")} == {
        FOLDER,
        "backstage-community-plugin-todo",
        "index.json",
    }
    assert forth.blob.digest == back.blob.digest


def test_two_plugins_cannot_share_a_folder(tmp_path: Path) -> None:
    same = plugin(tmp_path / "b.tgz", package=TODO | {"name": TODO["name"][: -len("-dynamic")]})

    with pytest.raises(PackError, match="share the folder"):
        write_layer([plugin(tmp_path / "a.tgz"), same], tmp_path / "layer")


def test_a_folder_that_is_not_there_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="layer cannot be written"):
        write_layer([plugin(tmp_path / "a.tgz")], tmp_path / "missing" / "layer")


def test_an_archive_that_is_not_there_is_named(tmp_path: Path) -> None:
    archive = plugin(tmp_path / "a.tgz")
    archive.tgz.unlink()

    with pytest.raises(PackError, match="cannot be read: No such file"):
        write_layer([archive], tmp_path / "layer")
    with pytest.raises(PackError, match="cannot be read: No such file"):
        read_plugin_archive(archive.tgz)


def _package_json(tgz: Path) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(tgz.read_bytes())) as tar:
        stream = tar.extractfile("package/package.json")
        assert stream
        return stream.read()


DIFF_ID = "sha256:26ba0287aafe3db7a52a8a8dccc3736ac286287f44fbee580010cadd664d3021"
DIGEST = "sha256:d9f257194c5c15728a6fdc71531e19d360c7ed2b0f7147533710ab3d1956517c"
