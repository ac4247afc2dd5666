"""One run at a time, also across processes, and whatever becomes of the holder."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from factory.errors import BusyError, StorageError, Terminated
from factory.locking import exclusive

if TYPE_CHECKING:
    from pathlib import Path

HOLDER = """
import sys, time
from pathlib import Path
from factory.locking import exclusive
with exclusive(Path(sys.argv[1]), wait=False):
    print("held", flush=True)
    time.sleep(60)
"""


def test_another_process_keeps_us_out_until_it_is_killed(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        with pytest.raises(BusyError), exclusive(tmp_path, wait=False):
            pass
        process.kill()
    with exclusive(tmp_path, wait=False):
        pass


def test_waiting_says_so_once_and_ends_when_the_holder_does(tmp_path: Path) -> None:
    lock, said, order = tmp_path / "lock", [], []
    release = threading.Event()

    def hold() -> None:
        with exclusive(lock, wait=True):
            order.append("first")
            release.wait(300)
            order.append("first ends")

    holder = threading.Thread(target=hold)
    holder.start()
    while not order:
        time.sleep(0.01)

    def waits() -> None:
        said.append("waiting")
        release.set()

    with exclusive(lock, wait=True, on_wait=waits):
        order.append("second")
    holder.join()
    assert said == ["waiting"]
    assert order == ["first", "first ends", "second"]


def test_waiting_can_be_ended(tmp_path: Path) -> None:
    def cancelled() -> None:
        raise Terminated("ended")

    with (
        exclusive(tmp_path / "lock", wait=False),
        pytest.raises(Terminated),
        exclusive(tmp_path / "lock", wait=True, while_waiting=cancelled),
    ):
        pass


def test_a_lock_file_that_its_holder_removes_is_made_anew(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    entered = threading.Event()

    def wait() -> None:
        with exclusive(lock, wait=True):
            entered.set()

    with exclusive(lock, wait=False):
        waiter = threading.Thread(target=wait)
        waiter.start()
        time.sleep(0.2)
        lock.unlink()
    assert entered.wait(300)
    waiter.join()
    assert lock.exists()


def test_a_folder_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(StorageError, match="cannot be locked"),
        exclusive(tmp_path / "missing" / "lock", wait=False),
    ):
        pass
