"""What goes first when the cache is too large or too old, and what is never touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from factory.cache.memo import recall, remember
from factory.cache.pruning import (
    DEFAULT_LIMITS,
    CacheLimits,
    cache_limits,
    clear,
    info,
    prune,
)
from factory.cache.store import (
    Store,
    latest_parts,
    note_latest,
)
from factory.errors import UsageError

from .worker import PARTS, REMEMBERED, key_of, put

NOW = 1_800_000_000.0
DAY = 86400.0


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(folder=tmp_path / "cache/plugins")


def put_used(store: Store, number: int, days_ago: float, size: int = 1000) -> None:
    """Put a plugin that was last used then."""
    assert put(store, number, size)
    used_at(store, number, NOW - days_ago * DAY)


def used_at(store: Store, number: int, when: float) -> None:
    folder = store.path(key_of(number))
    (folder / "used").touch()
    for name in ("used", "entry.json"):
        os.utime(folder / name, (when, when))


def left(store: Store) -> list[int]:
    return [number for number in range(20) if store.has(key_of(number))]


def test_nothing_goes_within_the_limits(store: Store) -> None:
    for number in range(3):
        put_used(store, number, days_ago=number)
    assert prune(store, DEFAULT_LIMITS, now=NOW).entries == 0
    assert left(store) == [0, 1, 2]


def test_what_is_older_goes(store: Store) -> None:
    for number, days in enumerate([100, 91, 89, 0]):
        put_used(store, number, days_ago=days)
    pruned = prune(store, CacheLimits(max_age=90 * DAY), now=NOW)
    assert left(store) == [2, 3]
    assert pruned.entries == 2
    assert pruned.size > 2000


def test_what_was_not_used_for_longest_goes_first(store: Store) -> None:
    for number, days in enumerate([3, 1, 5, 2, 4]):
        put_used(store, number, days_ago=days, size=100_000)
    one = info(store).size // 5
    prune(store, CacheLimits(max_bytes=3 * one + 100), now=NOW)
    assert left(store) == [0, 1, 3]
    prune(store, CacheLimits(max_bytes=one + 100), now=NOW)
    assert left(store) == [1]


def test_a_use_counts(store: Store) -> None:
    for number, days in enumerate([30, 20, 10]):
        put_used(store, number, days_ago=days)
    assert store.get(key_of(0))  # now, by the machine's clock
    prune(store, CacheLimits(max_age=15 * DAY), now=NOW)
    assert left(store) == [2] if info(store).newest + 15 * DAY < NOW else [0, 2]  # type: ignore[operator]


def test_a_get_makes_an_entry_the_newest(store: Store) -> None:
    for number in range(3):
        assert put(store, number)
        used_at(store, number, 1000.0 + number)
    assert store.get(key_of(0))
    prune(store, CacheLimits(max_bytes=info(store).size - 1))
    assert left(store) == [0, 2]


def test_nothing_may_stay(store: Store) -> None:
    for number in range(3):
        put_used(store, number, days_ago=0)
    assert prune(store, CacheLimits(max_bytes=0), now=NOW).entries == 3
    assert left(store) == []


def test_a_clock_that_was_put_back(store: Store) -> None:
    put_used(store, 0, days_ago=-1000)
    put_used(store, 1, days_ago=1)
    assert prune(store, CacheLimits(max_age=30 * DAY), now=NOW).entries == 0
    # From now on it ages like the others.
    assert prune(store, CacheLimits(max_age=30 * DAY), now=NOW + 31 * DAY).entries == 2


def test_entries_without_a_document_go(store: Store) -> None:
    put_used(store, 0, days_ago=0)
    (store.path(key_of(0)) / "entry.json").unlink()
    (store.path(key_of(0)) / "used").unlink()
    assert prune(store, DEFAULT_LIMITS, now=NOW).entries == 1


def test_small_notes_age_too(store: Store) -> None:
    remember(store, key_of(1), [REMEMBERED])
    note_latest(store, "a plugin", key_of(1))
    assert info(store).notes == 2
    for file in store.folder.rglob("*.json"):
        os.utime(file, (NOW - 100 * DAY,) * 2)
    prune(store, DEFAULT_LIMITS, now=NOW)
    assert info(store).notes == 0
    assert recall(store, key_of(1)) is None


def test_notes_that_a_killed_process_was_about_to_write_go(store: Store) -> None:
    note_latest(store, "plugin", key_of(1))
    (note,) = store.folder.glob("latest/*/*.json")
    unfinished = note.with_name(f".{note.name[:50]}.plugin-factory-0123abcd")
    unfinished.write_text("{")
    prune(store, DEFAULT_LIMITS)
    assert not unfinished.exists()
    assert note.exists()


def test_what_is_not_the_caches_is_never_touched(store: Store) -> None:
    put_used(store, 0, days_ago=100)
    mine = [
        store.folder / "shopping.txt",
        store.folder / "entries/list",
        store.folder / f"entries/{key_of(0)[:2]}/mine",
        store.folder / "memo/ab/mine.json",
    ]
    for file in mine:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("mine")
    prune(store, CacheLimits(max_bytes=0, max_age=0), now=NOW)
    clear(store)
    assert all(file.read_text() == "mine" for file in mine)
    assert info(store).strange == ("shopping.txt",)


def test_clear_leaves_nothing(store: Store) -> None:
    for number in range(3):
        put(store, number)
    remember(store, key_of(1), [REMEMBERED])
    note_latest(store, "a plugin", key_of(1))
    assert clear(store).entries == 3
    assert not store.folder.exists()
    assert clear(store).entries == 0


def test_info(store: Store) -> None:
    empty = info(store)
    assert (empty.entries, empty.size, empty.oldest, empty.newest) == (0, 0, None, None)
    put_used(store, 0, days_ago=3)
    put_used(store, 1, days_ago=1)
    found = info(store)
    assert (found.entries, found.uses) == (2, 0)
    assert (found.oldest, found.newest) == (NOW - 3 * DAY, NOW - 1 * DAY)
    assert found.size == sum(f.stat().st_size for f in (store.folder / "entries").rglob("*.*"))
    store.get(key_of(0))
    store.get(key_of(0))
    assert info(store).uses == 2


def test_what_a_plugin_was_made_from_last(store: Store) -> None:
    assert latest_parts(store, "todo") is None
    put(store, 1)
    note_latest(store, "todo", key_of(1))
    assert latest_parts(store, "todo") == PARTS
    assert latest_parts(store, "other") is None
    prune(store, CacheLimits(max_bytes=0))
    assert latest_parts(store, "todo") is None


def test_limits_are_read_as_they_are_written() -> None:
    assert cache_limits("1.5GiB", "2w") == CacheLimits(max_bytes=3 << 29, max_age=14 * DAY)
    with pytest.raises(UsageError, match="--max-size is not a size"):
        cache_limits("ten", "2w")
    with pytest.raises(UsageError, match="--max-age is not a time span"):
        cache_limits("10G", "10")
