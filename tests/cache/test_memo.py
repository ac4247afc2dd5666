"""What is remembered of a workspace."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from factory.cache.memo import WorkspaceMemo, configuration_digest, memo_digest, recall, remember
from factory.cache.store import Store

from .worker import REMEMBERED, key_of

DIGEST = key_of(1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(folder=tmp_path / "cache/plugins")


def memo_file(store: Store) -> Path:
    (file,) = (store.folder / "memo").rglob("*.json")
    return file


def test_what_was_remembered_is_recalled(store: Store) -> None:
    assert recall(store, DIGEST) is None
    remember(store, DIGEST, [REMEMBERED])
    assert recall(store, DIGEST) == WorkspaceMemo(plugins=(REMEMBERED,), facts={})
    assert recall(store, key_of(2)) is None
    remember(store, DIGEST, [REMEMBERED, REMEMBERED], {"committed-at": 1})
    twice = WorkspaceMemo(plugins=(REMEMBERED, REMEMBERED), facts={"committed-at": 1})
    assert recall(store, DIGEST) == twice


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"digest": "x", "plugins": []}', "\0"])
def test_a_damaged_memo_is_none_and_goes(store: Store, text: str) -> None:
    remember(store, DIGEST, [REMEMBERED])
    memo_file(store).write_text(text)
    assert recall(store, DIGEST) is None
    remember(store, DIGEST, [REMEMBERED])
    assert recall(store, DIGEST)


def test_a_changed_memo_is_none(store: Store) -> None:
    remember(store, DIGEST, [REMEMBERED])
    file = memo_file(store)
    file.write_text(file.read_text().replace('"key": "k"', '"key": "x"'))
    assert recall(store, DIGEST) is None


def test_a_memo_under_another_name_is_none(store: Store) -> None:
    remember(store, DIGEST, [REMEMBERED])
    other = store.folder / "memo" / key_of(2)[:2] / f"{key_of(2)}.json"
    other.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(memo_file(store), other)
    assert recall(store, key_of(2)) is None


def test_a_memo_that_cannot_be_kept_is_told(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.folder.mkdir(parents=True)
    (store.folder / "memo").write_text("in the way")
    remember(store, DIGEST, [REMEMBERED])
    assert recall(store, DIGEST) is None
    assert "cannot be written" in caplog.text


def test_every_part_names_another_memo() -> None:
    parts: dict[str, object] = {"tree": "a", "options": {"host": None, "repair": True}}
    names = {
        memo_digest(parts),
        memo_digest({**parts, "tree": "b"}),
        memo_digest({**parts, "options": {"host": None, "repair": False}}),
        memo_digest({**parts, "host": "x"}),
    }
    assert len(names) == 4
    assert memo_digest(dict(reversed(parts.items()))) == memo_digest(parts)


def test_the_configuration_that_counts(tmp_path: Path) -> None:
    config = tmp_path / "config"
    (config / "patches").mkdir(parents=True)
    (config / "source.json").write_text("{}")
    before = configuration_digest(config)
    for name in (".env", "README.md", ".gitignore"):
        (config / name).write_text("another")
    assert configuration_digest(config) == before
    (config / "patches/a.patch").write_text("--- a\n")
    patched = configuration_digest(config)
    assert patched != before
    (config / "plugins/todo/overlay/dist").mkdir(parents=True)
    (config / "plugins/todo/overlay/dist/index.js").write_text("1;\n")
    assert configuration_digest(config) != patched


def test_a_configuration_that_is_mounted_as_links(tmp_path: Path) -> None:
    plain, mounted = tmp_path / "plain", tmp_path / "mounted"
    for folder in (plain / "patches", mounted / "..2026_01_01/patches"):
        folder.mkdir(parents=True)
        (folder / "a.patch").write_text("--- a\n")
    (mounted / "..data").symlink_to("..2026_01_01")
    (mounted / "patches").symlink_to("..data/patches")
    (mounted / "round").symlink_to(".")
    first = configuration_digest(mounted)
    assert first == configuration_digest(plain)
    (mounted / "..2026_01_01/patches/a.patch").write_text("--- b\n")
    assert configuration_digest(mounted) != first
