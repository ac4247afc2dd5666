"""Unpacking: what is written, and that it is whole or not there."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from factory.archives.limits import ArchiveLimits, archive_limits
from factory.archives.members import safe_members
from factory.archives.unpack import unpack
from factory.errors import ArtifactError, StorageError, UsageError
from tests.light import examples

from .hostile import END, entry, hard_link, link, pax, plain_tar, record, tgz


def written(folder: Path) -> dict[str, str]:
    """Files with their content, links with their target."""
    found: dict[str, str] = {}
    for parent, folders, files in os.walk(folder):
        for name in folders + files:
            path = Path(parent, name)
            shown = path.relative_to(folder).as_posix()
            if path.is_symlink():
                found[shown] = f"-> {path.readlink()}"
            elif path.is_file():
                found[shown] = path.read_text()
    return found


def test_the_selected_folder_becomes_the_destination(tmp_path: Path) -> None:
    archive = tar(entry("one/a.js", b"1"), entry("one/deep/b.js", b"2"), entry("two/c.js", b"3"))

    count = unpack(archive, tmp_path / "plugin", select="one")

    assert written(tmp_path / "plugin") == {"a.js": "1", "deep/b.js": "2"}
    assert count == 2


def tar(*entries: bytes) -> io.BytesIO:
    """A plain tar archive of these entries."""
    return io.BytesIO(b"".join(entries) + END)


@pytest.mark.parametrize("pack", [plain_tar, tgz])
def test_plain_and_gzipped_archives_are_read(pack: object, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(pack(entry("package/a.js", b"1")))  # type: ignore[operator]

    unpack(archive, tmp_path / "plugin", select="package")

    assert written(tmp_path / "plugin")["a.js"] == "1"


def test_a_gzip_file_of_several_members_is_read_to_its_end(tmp_path: Path) -> None:
    whole = plain_tar(entry("package/a.js", b"1"))
    parts = gzip.compress(whole[:700]) + gzip.compress(whole[700:])

    unpack(io.BytesIO(parts), tmp_path / "plugin", select="package")

    assert written(tmp_path / "plugin")["a.js"] == "1"


def test_modes_are_normal_and_set_id_bits_are_gone(tmp_path: Path) -> None:
    modes = {"plain": 0o600, "run": 0o4711, "sticky": 0o1666, "open": 0o666}
    archive = tar(*(entry(name, b"x", mode=mode) for name, mode in modes.items()))
    before = os.umask(0o022)
    try:
        unpack(archive, tmp_path / "plugin")
    finally:
        os.umask(before)

    found = {path.name: path.stat().st_mode & 0o7777 for path in (tmp_path / "plugin").iterdir()}
    assert found == {"plain": 0o644, "run": 0o755, "sticky": 0o644, "open": 0o644}


def test_links_within_the_plugin_are_kept(tmp_path: Path) -> None:
    archive = tar(
        link("package/node_modules/.bin/tool", "../tool/run.js"),
        entry("package/node_modules/tool/run.js", b"run"),
        hard_link("package/copy.js", "package/node_modules/tool/run.js"),
    )

    unpack(archive, tmp_path / "plugin", select="package")

    assert written(tmp_path / "plugin") == {
        "node_modules/.bin/tool": "-> ../tool/run.js",
        "node_modules/tool/run.js": "run",
        "copy.js": "run",
    }


def test_a_link_may_not_leave_the_plugin_for_its_neighbour(tmp_path: Path) -> None:
    archive = tar(entry("two/secret", b"x"), link("one/a", "../two/secret"))

    with pytest.raises(ArtifactError, match="one/a"):
        unpack(archive, tmp_path / "plugin", select="one")


def test_a_hard_link_may_not_reach_the_plugins_neighbour(tmp_path: Path) -> None:
    archive = tar(entry("two/secret", b"x"), hard_link("one/a", "two/secret"))

    with pytest.raises(ArtifactError, match="one/a"):
        unpack(archive, tmp_path / "plugin", select="one")


def test_long_and_foreign_names_are_read(tmp_path: Path) -> None:
    long_name = "package/" + "/".join(["directory-with-a-name"] * 9) + "/Übergröße.js"
    archive = tar(pax(record("path", long_name) + record("mtime", "1.5")), entry("short", b"x"))

    unpack(archive, tmp_path / "plugin", select="package")

    assert list(written(tmp_path / "plugin")) == [long_name.removeprefix("package/")]


def test_what_every_tar_writer_here_makes_is_read(tmp_path: Path) -> None:
    names = ["package/a.js", "package/" + "n" * 120 + "/ü.js"]
    for number, form in enumerate((tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)):
        output = io.BytesIO()
        with tarfile.open(fileobj=output, mode="w:gz", format=form) as archive:
            for name in names:
                info = tarfile.TarInfo(name)
                info.size = 1
                archive.addfile(info, io.BytesIO(b"x"))
        output.seek(0)

        unpack(output, tmp_path / str(number), select="package")

        assert len(written(tmp_path / str(number))) == len(names)


def test_an_existing_destination_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "plugin").mkdir()
    (tmp_path / "plugin/mine").write_text("mine")

    with pytest.raises(StorageError):
        unpack(tar(entry("a", b"x")), tmp_path / "plugin")

    assert written(tmp_path) == {"plugin/mine": "mine"}


def test_limits_can_be_moved(tmp_path: Path) -> None:
    archive = tgz(entry("package/a.js", b"x" * 500))

    with pytest.raises(ArtifactError, match=r"package/a\.js"):
        unpack(io.BytesIO(archive), tmp_path / "a", limits=ArchiveLimits(entry=499))
    with pytest.raises(ArtifactError, match=r"package/a\.js"):
        unpack(io.BytesIO(archive), tmp_path / "b", limits=ArchiveLimits(total=600))
    unpack(io.BytesIO(archive), tmp_path / "c", limits=ArchiveLimits(entry=1000))


@pytest.mark.parametrize("text", ["0", "-1", "40MB", "1e9", "\u0661"])
def test_a_limit_that_is_no_number_of_bytes_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        archive_limits(text)

    assert f"MAX_ENTRY_SIZE={text}" in str(refused.value)


def test_the_largest_entry_is_what_the_user_says() -> None:
    assert archive_limits("50000000").entry == 50_000_000
    assert archive_limits(None) == archive_limits("") == ArchiveLimits()


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_an_archive_cut_anywhere_is_refused(cut: int, tmp_path: Path) -> None:
    whole = tgz(entry("package/a.js", os.urandom(300)))

    with pytest.raises(ArtifactError):
        unpack(io.BytesIO(whole[:cut]), tmp_path / "plugin")

    assert not list(tmp_path.iterdir())


_PARTS = some.sampled_from(["..", ".", "", "a", "A", "b", "é", "e\u0301", "c:", "x\\y", "\0", "~"])
_NAMES = some.one_of(
    some.lists(_PARTS, min_size=1, max_size=5).map("/".join),
    some.text(alphabet=some.characters(codec="utf-8"), min_size=1, max_size=30),
)


@some.composite
def _entries(draw: some.DrawFn) -> bytes:
    name, target = draw(_NAMES), draw(_NAMES)
    kind = draw(some.sampled_from([b"0", b"0", b"0", b"1", b"2", b"2", b"5"]))
    records = record("path", name)
    if kind in (b"1", b"2"):
        records += record("linkpath", target)
    content = b"content" if kind == b"0" else b""
    return pax(records) + entry("short", content, type=kind)


@settings(
    max_examples=examples(400),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(entries=some.lists(_entries(), min_size=1, max_size=6), data=some.data())
def test_no_archive_writes_outside_its_destination(
    entries: list[bytes], data: some.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    around = tmp_path_factory.mktemp("around")
    (around / "stage").mkdir()
    (around / "a").write_text("mine")
    destination = around / "stage/plugin"
    select = data.draw(some.sampled_from(["", "a", "a/b"]))

    try:
        unpack(tar(*entries), destination, select=select)
    except ArtifactError:
        assert not os.path.lexists(destination)
    else:
        root = destination.resolve()
        for parent, folders, files in os.walk(destination):
            for name in folders + files:
                assert Path(parent, name).resolve().is_relative_to(root)
    assert (around / "a").read_text() == "mine"
    assert {path.name for path in around.iterdir()} == {"stage", "a"}
    assert {path.name for path in (around / "stage").iterdir()} <= {"plugin"}


@settings(max_examples=examples(300), deadline=None)
@given(position=some.integers(0, 10_000), value=some.integers(1, 255))
def test_a_flipped_byte_gives_a_refusal_or_entries_and_no_other_error(
    position: int, value: int
) -> None:
    whole = bytearray(plain_tar(link("package/l", "a"), entry("package/a", b"x" * 600)))
    whole[position % len(whole)] ^= value
    with contextlib.suppress(ArtifactError):
        for _, content in safe_members(io.BytesIO(whole), archive="flipped"):
            b"".join(content)
