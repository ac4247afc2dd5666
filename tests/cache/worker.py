"""What other processes do to a cache: ``python -m tests.cache.worker FOLDER OUTPUT ACTION…``."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from pathlib import Path

from factory.cache.key import digest_of_value
from factory.cache.memo import MemoPlugin, recall, remember
from factory.cache.pruning import CacheLimits, clear, info, prune
from factory.cache.store import Store

PARTS = {"source": {"plugins/todo": "aa"}}
REMEMBERED = MemoPlugin(
    path="p", name="n", version="1", role="r", arguments="", written="", key="k"
)


def key_of(number: int) -> str:
    return digest_of_value(number)


def content_of(number: int, size: int) -> bytes:
    """Bytes that are the same in every process."""
    return (b"%d " % number) * (size // len(b"%d " % number))


def put(store: Store, number: int, size: int = 200_000) -> bool:
    """Put plugin ``number``; whether that worked."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"plugin-{number}.tgz")
        file.write_bytes(content_of(number, size))
        return store.put(key_of(number), [file], parts=PARTS, record={"n": number}) is not None


def restored(store: Store, number: int, output: Path, size: int = 200_000) -> bool:
    """Restore plugin ``number`` and see that it is itself; whether it was a hit."""
    entry = store.get(key_of(number))
    with tempfile.TemporaryDirectory(dir=output) as folder:
        paths = entry and store.restore(entry, Path(folder))
        if not paths:
            return False
        assert paths[0].read_bytes() == content_of(number, size), "other bytes"
    return True


def work(store: Store, output: Path, rounds: int) -> None:
    """Everything at once, in an order of this process's own."""
    seed = os.getpid()
    for step in range(rounds):
        number = (seed * 7 + step * 5) % 6
        match (seed + step) % 5:
            case 0 | 1:
                put(store, number)
            case 2 | 3:
                restored(store, number, output)
            case _:
                prune(store, CacheLimits(max_bytes=700_000))
                info(store)


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")


def main(folder: str, output: str, action: str, *numbers: str) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    store, out = Store(folder=Path(folder)), Path(output)
    first = int(numbers[0]) if numbers else 0
    match action:
        case "put":
            for number in map(int, numbers):
                say("put" if put(store, number) else "not put")
        case "put-forever":
            for number in range(1_000_000):
                put(store, number % 40, 2_000_000)
                say(number)
                sys.stdout.flush()
        case "get":
            for number in map(int, numbers):
                say("hit" if restored(store, number, out) else "miss")
        case "work":
            work(store, out, first)
        case "all":
            say("put" if put(store, first) else "not put")
            say("hit" if restored(store, first, out) else "miss")
            remember(store, key_of(first), [REMEMBERED])
            say("remembered" if recall(store, key_of(first)) else "forgotten")
            say("pruned", prune(store, CacheLimits(max_bytes=0)).entries)
        case "clear":
            clear(store)


if __name__ == "__main__":
    main(*sys.argv[1:])
