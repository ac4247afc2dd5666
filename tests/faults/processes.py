"""The processes of a run, as the system shows them."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path


def processes_in(folder: Path) -> list[str]:
    """The processes that are at work below a folder, after a moment to end in."""
    until = time.monotonic() + 60
    while (found := processes_now_in(folder)) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def processes_now_in(folder: Path) -> list[str]:
    """The processes that are at work below a folder at this moment."""
    return sorted(line for _, line in _at_work(folder))


def kill_first(command: re.Pattern[str], folder: Path, *, over: threading.Event) -> bool:
    """Kill the first process at work in or below a folder with such a command, once there is one.

    False if there was none until ``over``.
    """
    while not over.is_set():
        for number, line in _at_work(folder):
            if command.search(line):
                os.kill(number, signal.SIGKILL)
                return True
        time.sleep(0.005)
    return False


def _at_work(folder: Path) -> Iterator[tuple[int, str]]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(folder):
                line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                yield int(process.name), line
        except OSError:  # it has just ended, or is a zombie
            continue
