"""``plugin-factory cache`` as a user types it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from factory.cache.store import Store
from tests.command_line import Ended, factory_command, run_here

from .worker import key_of, put


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(folder=tmp_path / "cache/plugins")


def environment(store: Store) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(store.folder.parent),
        "PLUGIN_FACTORY_CACHE_DIR": str(store.folder.parent),
    }


def start(store: Store, *words: str) -> Ended:
    ended = run_here(environment(store), "cache", *words)
    assert "Traceback" not in ended.stderr
    return ended


def answered(store: Store, *words: str, answer: str) -> Ended:
    """The command on a terminal, where somebody answers its question."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        factory_command(["cache", *words]),
        env=environment(store) | {"TERM": "dumb"},
        stdin=theirs,
        stderr=theirs,
        stdout=subprocess.PIPE,
        text=True,
    )
    os.close(theirs)
    shown = b""
    while b"[y/N]" not in shown:
        shown += os.read(ours, 1000)
    os.write(ours, answer.encode() + b"\n")
    out, _ = process.communicate(timeout=300)
    os.close(ours)
    return Ended(code=process.returncode, stdout=out, stderr=shown.decode())


def test_info_of_an_absent_cache(store: Store) -> None:
    ended = start(store, "info")
    assert (ended.code, ended.stderr) == (0, "")
    assert str(store.folder) in ended.stdout
    assert not store.folder.exists()


def test_info(store: Store) -> None:
    for number in (1, 2):
        put(store, number)
    store.get(key_of(1))
    (store.folder / "shopping.txt").write_text("milk")
    ended = start(store, "info")
    assert ended.code == 0
    lines = dict(line.split(":", 1) for line in ended.stdout.splitlines())
    assert lines["plugins"].strip() == "2"
    assert lines["restored"].strip() == "once"
    assert lines["not its own"].strip() == "shopping.txt"


def test_info_for_machines(store: Store) -> None:
    put(store, 1)
    found = json.loads(start(store, "info", "--json").stdout)
    assert found.pop("bytes") > 200_000
    assert found.pop("oldest") == found.pop("newest")
    assert found == {
        "folder": str(store.folder),
        "plugins": 1,
        "notes": 0,
        "installations": 0,
        "installation-bytes": 0,
        "restored": 0,
        "strange": [],
    }


def test_info_of_a_folder_that_is_named(store: Store, tmp_path: Path) -> None:
    put(store, 1)
    other = tmp_path / "other"
    assert (
        json.loads(start(store, "info", "--json", "--cache-dir", str(other)).stdout)["plugins"] == 0
    )


def test_prune(store: Store) -> None:
    for number in range(4):
        put(store, number)
        os.utime(store.path(key_of(number)) / "entry.json", (number + 1, number + 1))
    assert "removed 0 plugins" in start(store, "prune", "--max-age", "5000w").stdout
    ended = start(store, "prune", "--max-age", "5000w", "--max-size", "500k")
    assert ended.code == 0
    assert ended.stdout.startswith("removed 2 plugins")
    assert [number for number in range(4) if store.has(key_of(number))] == [2, 3]
    assert start(store, "prune").stdout.startswith("removed 2 plugins")  # nothing since 1970


@pytest.mark.parametrize(
    ("option", "value"), [("--max-size", "much"), ("--max-age", "old"), ("--max-age", "7")]
)
def test_prune_takes_sizes_and_ages(store: Store, option: str, value: str) -> None:
    put(store, 1)
    ended = start(store, "prune", option, value)
    assert ended.code == 2
    assert option in ended.stderr
    assert store.has(key_of(1))


def test_clear_asks_nobody_only_with_yes(store: Store) -> None:
    put(store, 1)
    ended = start(store, "clear")
    assert ended.code == 2
    assert "add --yes" in ended.stderr
    assert store.has(key_of(1))
    ended = start(store, "clear", "--yes")
    assert ended.code == 0
    assert ended.stdout.startswith("removed 1 plugin ")
    assert not store.folder.exists()
    assert start(store, "clear").code == 0  # nothing to ask about


def test_clear_asks_on_a_terminal(store: Store) -> None:
    put(store, 1)
    ended = answered(store, "clear", answer="n")
    assert "Remove 1 finished plugin (" in ended.stderr
    assert ended.stdout == "nothing was removed\n"
    assert store.has(key_of(1))
    assert answered(store, "clear", answer="y").stdout.startswith("removed 1 plugin ")
    assert not store.has(key_of(1))


def test_installations_are_counted_pruned_and_cleared(store: Store) -> None:
    installations = store.folder.parent / "installations"
    for number, letter in enumerate("ab"):
        entry = installations / (letter * 64)
        entry.mkdir(parents=True)
        (entry / "about.json").write_text('{"format": 1, "files": 2, "size": 1000000}')
        if not number:
            os.utime(entry / "about.json", (1, 1))
    found = json.loads(start(store, "info", "--json").stdout)
    assert (found["installations"], found["installation-bytes"]) == (2, 2_000_000)
    assert "installations: 2 (2.0 MB" in start(store, "info").stdout
    put(store, 1)
    assert "removed 1 installation\n" in start(store, "prune").stdout  # nothing since 1970
    refused = start(store, "clear")
    assert refused.code == 2
    assert "and 1 installation" in refused.stderr
    assert "removed 1 installation\n" in start(store, "clear", "--yes").stdout
    assert not list(installations.glob("[a-z]*"))


def test_tools_in_the_same_folder_stay(store: Store) -> None:
    put(store, 1)
    tool = store.folder.parent / "node/22.20.0/bin/node"
    tool.parent.mkdir(parents=True)
    tool.write_text("node")
    start(store, "clear", "--yes")
    assert tool.read_text() == "node"


def test_a_cache_that_cannot_be_read(store: Store) -> None:
    store.folder.parent.mkdir(parents=True)
    store.folder.write_text("in the way")
    for words in (("info",), ("prune",), ("clear", "--yes")):
        assert start(store, *words).code == 0  # there is nothing in it
    assert store.folder.read_text() == "in the way"
