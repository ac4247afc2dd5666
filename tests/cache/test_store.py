"""Entries that come back as they went in, and what becomes of damaged ones."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from factory.cache.entry import ENTRY_FILE, PARTS_FILE
from factory.cache.key import digest_of_value
from factory.cache.store import RESTORING_PREFIX, Store
from factory.export.packing import PACKING_PREFIX

PARTS = {"source": {"plugins/todo": "aa"}}
RECORD = {"exported-name": "todo-dynamic", "repairs": ["--embed-package a"], "ü": None}
FILES = {
    "todo-dynamic-1.0.0.tgz": os.urandom(3_000_000),
    "todo-dynamic-1.0.0.tgz.integrity": b"sha512-abc\n",
    "empty": b"",
}
KEY = digest_of_value("a plugin")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(folder=tmp_path / "cache/plugins")


def outputs(folder: Path) -> tuple[Path, ...]:
    """The files of a finished plugin in an output directory."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    return tuple(folder / name for name in FILES)


def put(store: Store, folder: Path, key: str = KEY) -> None:
    assert store.put(key, outputs(folder), parts=PARTS, record=RECORD)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def restored(store: Store, folder: Path) -> dict[str, bytes] | None:
    """What an empty output directory holds after a restore, or None for a miss."""
    folder.mkdir()
    entry = store.get(KEY)
    if entry is None or store.restore(entry, folder) is None:
        assert contents(folder) == {}
        return None
    return contents(folder)


def test_what_was_put_comes_back_bit_for_bit(store: Store, tmp_path: Path) -> None:
    put(store, tmp_path / "made")
    entry = Store(folder=store.folder).get(KEY)
    assert entry
    assert entry.record == RECORD
    assert entry.parts() == PARTS
    assert [file.name for file in entry.files] == list(FILES)
    assert entry.size == sum(map(len, FILES.values()))
    output = tmp_path / "output"
    output.mkdir()
    paths = store.restore(entry, output)
    assert paths == tuple(output / name for name in FILES)
    assert contents(output) == FILES
    assert {file.stat().st_mode & 0o777 for file in output.iterdir()} == {0o644}


def test_a_restore_replaces_what_is_there(store: Store, tmp_path: Path) -> None:
    put(store, tmp_path / "made")
    output = tmp_path / "output"
    output.mkdir()
    for name in FILES:
        (output / name).write_bytes(b"old")
    (output / "mine").write_bytes(b"mine")
    entry = store.get(KEY)
    assert entry
    assert store.restore(entry, output)
    assert contents(output) == FILES | {"mine": b"mine"}


def test_nobody_changes_the_cache_through_what_was_restored(store: Store, tmp_path: Path) -> None:
    put(store, tmp_path / "made")
    first = restored(store, tmp_path / "first")
    for file in (tmp_path / "first").iterdir():
        file.write_bytes(b"changed in place")
    assert restored(store, tmp_path / "second") == first


def test_an_absent_cache_is_a_miss_and_stays_absent(store: Store) -> None:
    assert store.get(KEY) is None
    assert not store.has(KEY)
    assert not store.folder.exists()


def test_the_first_of_a_key_is_kept(store: Store, tmp_path: Path) -> None:
    put(store, tmp_path / "made")
    other = tmp_path / "other.tgz"
    other.write_bytes(b"other")
    entry = store.put(KEY, [other], parts=PARTS, record={})
    assert entry
    assert [file.name for file in entry.files] == list(FILES)
    assert not list((store.folder / "making").iterdir())


def test_a_damaged_entry_makes_room_for_a_sound_one(store: Store, tmp_path: Path) -> None:
    put(store, tmp_path / "made")
    (store.path(KEY) / "empty").write_bytes(b"no more")
    put(store, tmp_path / "made")
    assert restored(store, tmp_path / "output") == FILES


def test_the_folder_says_that_it_is_a_cache(store: Store, tmp_path: Path) -> None:
    put(store, tmp_path / "made")
    tag = (store.folder / "CACHEDIR.TAG").read_text()
    assert tag.startswith("Signature: 8a477f597d28d172789f06886806bc55")


NAMES = [*FILES, ENTRY_FILE, PARTS_FILE]


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes() or b"\0")
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1] if file.stat().st_size else b"\0")


def empty(file: Path) -> None:
    file.write_bytes(b"" if file.stat().st_size else b"\0")


def put_a_folder_there(file: Path) -> None:
    file.unlink()
    file.mkdir()


def link_to_nothing(file: Path) -> None:
    file.unlink()
    file.symlink_to("nothing")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "damage", [flip, truncate, empty, Path.unlink, put_a_folder_there, link_to_nothing]
)
def test_a_damaged_file_makes_a_miss_and_removes_the_entry(
    store: Store,
    tmp_path: Path,
    name: str,
    damage: object,
    caplog: pytest.LogCaptureFixture,
) -> None:
    put(store, tmp_path / "made")
    assert callable(damage)
    damage(store.path(KEY) / name)
    assert restored(store, tmp_path / "output") is None
    assert not store.path(KEY).exists()
    assert "is damaged and is removed" in caplog.text
    put(store, tmp_path / "made")
    assert restored(store, tmp_path / "again") == FILES


def test_an_entry_under_another_key_is_none(store: Store, tmp_path: Path) -> None:
    put(store, tmp_path / "made")
    other = digest_of_value("another plugin")
    store.path(other).parent.mkdir(parents=True)
    shutil.copytree(store.path(KEY), store.path(other))
    assert store.get(other) is None
    assert store.get(KEY)


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "a/b", "..", "", ".hidden", "a\0b"])
def test_a_document_that_names_other_places_is_no_entry(
    store: Store, tmp_path: Path, name: str
) -> None:
    put(store, tmp_path / "made")
    document = json.loads((store.path(KEY) / ENTRY_FILE).read_text())
    document["entry"]["files"][0]["name"] = name
    document["digest"] = digest_of_value(document["entry"])
    (store.path(KEY) / ENTRY_FILE).write_text(json.dumps(document))
    assert store.get(KEY) is None


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", '{"digest": 1}', "[" * 100_000, "\ufeff{}"]
)
def test_rubbish_for_a_document(store: Store, tmp_path: Path, text: str) -> None:
    put(store, tmp_path / "made")
    (store.path(KEY) / ENTRY_FILE).write_text(text)
    assert store.get(KEY) is None


def test_what_rots_between_get_and_restore(store: Store, tmp_path: Path) -> None:
    put(store, tmp_path / "made")
    output = tmp_path / "output"
    output.mkdir()
    entry = store.get(KEY)
    assert entry
    flip(entry.folder / entry.files[0].name)
    assert store.restore(entry, output) is None
    assert contents(output) == {}
    assert store.get(KEY) is None


def test_what_disappears_between_get_and_restore(store: Store, tmp_path: Path) -> None:
    put(store, tmp_path / "made")
    output = tmp_path / "output"
    output.mkdir()
    entry = store.get(KEY)
    assert entry
    shutil.rmtree(store.folder)
    assert store.restore(entry, output) is None
    assert contents(output) == {}


def test_rubbish_in_the_folder_is_left_alone(store: Store, tmp_path: Path) -> None:
    for path in ("entries/note.txt", "entries/ab/x", "memo", "making/old", "shopping.txt"):
        file = store.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("rubbish")
    put(store, tmp_path / "made")
    assert restored(store, tmp_path / "output") == FILES
    assert (store.folder / "shopping.txt").read_text() == "rubbish"


def test_a_file_in_the_place_of_an_entry(store: Store, tmp_path: Path) -> None:
    store.path(KEY).parent.mkdir(parents=True)
    store.path(KEY).write_text("rubbish")
    assert store.get(KEY) is None
    put(store, tmp_path / "made")
    assert restored(store, tmp_path / "output") == FILES


@pytest.mark.parametrize("path", ["", "entries", "making", f"entries/{KEY[:2]}"])
def test_a_file_in_the_place_of_a_folder_is_told_once(
    store: Store, tmp_path: Path, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = store.folder / path
    in_the_way.parent.mkdir(parents=True, exist_ok=True)
    in_the_way.write_text("in the way")
    for _ in range(2):
        assert store.put(KEY, outputs(tmp_path / "made"), parts=PARTS, record=RECORD) is None
        assert store.get(KEY) is None
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "the build continues" in caplog.text
    assert in_the_way.read_text() == "in the way"


def test_an_output_directory_that_cannot_be_written_is_the_callers_affair(
    store: Store, tmp_path: Path
) -> None:
    put(store, tmp_path / "made")
    entry = store.get(KEY)
    assert entry
    with pytest.raises(FileNotFoundError):
        store.restore(entry, tmp_path / "absent")
    assert store.get(KEY)


def test_what_a_killed_restore_leaves_goes_with_what_packing_leaves() -> None:
    assert RESTORING_PREFIX.startswith(PACKING_PREFIX)


def test_uses_are_counted(store: Store, tmp_path: Path) -> None:
    put(store, tmp_path / "made")
    for _ in range(3):
        assert store.get(KEY)
    assert (store.path(KEY) / "used").stat().st_size == 3
