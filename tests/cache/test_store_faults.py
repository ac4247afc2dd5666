"""A cache that is shared, killed, full, read-only, or removed under its users' hands."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from factory.cache.pruning import CacheLimits, holdings, prune
from factory.cache.store import Store
from factory.locking import exclusive
from tests.command_line import ROOT
from tests.mounts import INSIDE, read_only

from . import worker

SMALL = 'mount -t tmpfs -o size="$1" none "$2" || exit 99; shift 2; exec "$@"'


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(folder=tmp_path / "cache/plugins")


def command(store: Store, output: Path, *words: str) -> list[str]:
    output.mkdir(exist_ok=True)
    return [sys.executable, "-m", "tests.cache.worker", str(store.folder), str(output), *words]


def start(store: Store, output: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(store, output, *words),
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def ended(process: subprocess.Popen[str]) -> tuple[list[str], str]:
    """What a process printed; it must have ended well."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out.split("\n")[:-1], err


def run(command: list[str]) -> tuple[list[str], str]:
    done = subprocess.run(
        command, cwd=ROOT, text=True, capture_output=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1], done.stderr


def nothing_is_left(store: Store) -> bool:
    making = store.folder / "making"
    return not making.exists() or not list(making.iterdir())


def test_two_processes_put_the_same_key_at_once(store: Store, tmp_path: Path) -> None:
    both = [start(store, tmp_path / "out", "put", *["1", "2", "3"] * 10) for _ in range(2)]
    for process in both:
        said, warnings = ended(process)
        assert set(said) == {"put"}
        assert warnings == ""
    assert all(worker.restored(store, number, tmp_path) for number in (1, 2, 3))
    assert nothing_is_left(store)


def test_many_processes_put_get_and_prune_at_once(store: Store, tmp_path: Path) -> None:
    many = [start(store, tmp_path / "out", "work", "60") for _ in range(6)]
    for process in many:
        _, warnings = ended(process)
        assert "damaged" not in warnings
        assert "Traceback" not in warnings
    assert nothing_is_left(store)
    prune(store, CacheLimits(max_bytes=700_000))
    assert sum(one.size for one in holdings(store)) <= 700_000


def test_killed_at_any_moment(store: Store, tmp_path: Path) -> None:
    chance = random.Random(4)
    for _ in range(15):
        process = start(store, tmp_path / "out", "put-forever")
        assert process.stdout
        for _ in range(chance.randrange(4)):  # a slow machine needs longer to begin
            process.stdout.readline()
        time.sleep(chance.random() * 0.1)
        process.kill()
        process.communicate()
    found = [number for number in range(40) if store.has(worker.key_of(number))]
    assert found, "no process came to put anything"
    assert all(worker.restored(store, number, tmp_path, 2_000_000) for number in found)
    for left in (store.folder / "making").iterdir():
        os.utime(left, (1, 1))
    prune(store, CacheLimits())
    assert nothing_is_left(store)
    assert all(store.has(worker.key_of(number)) for number in found)


def test_what_another_process_is_making_is_left_to_it(store: Store) -> None:
    making = store.folder / "making/somebodys"
    making.mkdir(parents=True)
    with exclusive(making, wait=False):
        os.utime(making, (1, 1))
        prune(store, CacheLimits())
        assert making.exists()
    prune(store, CacheLimits())
    assert not making.exists()


def test_removed_while_running(store: Store, tmp_path: Path) -> None:
    workers = [start(store, tmp_path / "out", "work", "60") for _ in range(3)]
    while any(process.poll() is None for process in workers):
        shutil.rmtree(store.folder, ignore_errors=True)
        time.sleep(0.005)
    for process in workers:
        _, warnings = ended(process)
        assert "Traceback" not in warnings
    assert worker.put(store, 1)
    assert worker.restored(store, 1, tmp_path)


def test_cleared_while_running(store: Store, tmp_path: Path) -> None:
    process = start(store, tmp_path / "out", "work", "80")
    while process.poll() is None:
        run(command(store, tmp_path / "out", "clear"))
    _, warnings = ended(process)
    assert "Traceback" not in warnings


@pytest.mark.parametrize("size", ["4k", "100k", "300k"])
def test_a_full_disk(store: Store, tmp_path: Path, size: str) -> None:
    store.folder.mkdir(parents=True)
    words = command(store, tmp_path / "out", "all", "1")
    said, warnings = run([*INSIDE, SMALL, "sh", size, str(store.folder), *words])
    fits = size == "300k"
    assert said[:2] == (["put", "hit"] if fits else ["not put", "miss"])
    assert ("No space left on device" in warnings) == (not fits)
    assert len(warnings.splitlines()) == (not fits)


def test_a_disk_that_is_full_from_the_start_tells_it_once(store: Store, tmp_path: Path) -> None:
    store.folder.mkdir(parents=True)
    words = command(store, tmp_path / "out", "put", "1", "2", "3")
    said, warnings = run([*INSIDE, SMALL, "sh", "16k", str(store.folder), *words])
    assert said == ["not put"] * 3
    assert len(warnings.splitlines()) == 1


def test_a_folder_that_may_only_be_read(store: Store, tmp_path: Path) -> None:
    worker.put(store, 1)
    words = command(store, tmp_path / "out", "get", "1", "2")
    said, warnings = run([*read_only(store.folder), *words])
    assert said == ["hit", "miss"]
    assert warnings == ""
    words = command(store, tmp_path / "out", "all", "2")
    said, warnings = run([*read_only(store.folder), *words])
    assert said == ["not put", "miss", "forgotten", "pruned 0"]
    assert "Read-only file system" in warnings
    assert len(warnings.splitlines()) == 2  # that it cannot be written, nor kept within limits
    assert store.get(worker.key_of(1))


def test_a_damaged_entry_in_a_folder_that_may_only_be_read(store: Store, tmp_path: Path) -> None:
    worker.put(store, 1)
    (store.path(worker.key_of(1)) / "plugin-1.tgz").write_bytes(b"other")
    words = command(store, tmp_path / "out", "get", "1")
    said, warnings = run([*read_only(store.folder), *words])
    assert said == ["miss"]
    assert "is damaged and is not used" in warnings


def test_threads_share_a_store(store: Store, tmp_path: Path) -> None:
    failed: list[BaseException] = []

    def work() -> None:
        try:
            worker.work(store, tmp_path, 60)
        except BaseException as error:  # noqa: BLE001 - for the test's own thread
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert nothing_is_left(store)
