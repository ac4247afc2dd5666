"""What a child leaves running when it has left its process group: found, and ended with it.

A process that calls ``setsid``, or is forked twice, is no longer in the group that is ended with
its child. Where the system has it (Linux), this program becomes the parent of such orphans
(``PR_SET_CHILD_SUBREAPER``, prctl(2)), so that none is lost. Whose orphan it is tells a mark in its
environment, as CI runners mark theirs; one that has thrown the mark away is ended as soon as no
other child is at work, and at the latest with the program.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

MARK = "FACTORY_CHILD"
_PR_SET_CHILD_SUBREAPER = 36
_SECONDS = 2.0
_PAUSE = 0.01


class Descendants:
    """The children of this program, and what they leave; safe to use from many threads.

    It does nothing until :meth:`take_all` says that every child of the program is ours: a program
    that has children of its own would lose them.
    """

    def __init__(self) -> None:
        self.token = os.urandom(8).hex()
        self._lock = threading.RLock()
        self._working: set[int] = set()
        self._serving: set[int] = set()
        self._number = 0
        self._wanted = False
        self._adopts: bool | None = None

    def take_all(self) -> None:
        """Say that no other code of this program has children."""
        self._wanted = True

    def next_mark(self) -> str:
        """Return the value of ``MARK`` for one child's environment; "" where none is needed."""
        if not self._wanted:
            return ""
        with self._lock:
            self._number += 1
            return f"{self.token}-{self._number}"

    def start_child(
        self, start: Callable[[], subprocess.Popen[bytes]], *, serves: bool = False
    ) -> subprocess.Popen[bytes]:
        """Start a child, which is known from its first moment on.

        Args:
            start: starts it.
            serves: whether it is there for the others, and no orphan is its.
        """
        with self._lock:
            if self._adopts is None:
                self._adopts = self._wanted and _adopts_orphans()
            process = start()
            (self._serving if serves else self._working).add(process.pid)
            return process

    def end(self, pid: int, mark: str) -> None:
        """End what a child that has ended, and been waited for, leaves running."""
        with self._lock:
            self._working.discard(pid)
        self._end_orphans(mark)

    def end_all(self) -> None:
        """End every orphan, whosever it is."""
        with self._lock:
            self._working.clear()
        self._end_orphans("")

    def _end_orphans(self, mark: str) -> None:
        deadline = time.monotonic() + _SECONDS
        while self._adopts and time.monotonic() < deadline:
            with self._lock:
                alone = not self._working
                known = self._working | self._serving
                left = [pid for pid in _children(os.getpid()) if pid not in known]
                found = [pid for pid in left if not _reap(pid)]
                ours = [pid for pid in found if alone or _is_marked(pid, mark)]
                for pid in [*ours, *(each for own in ours for each in _below(own))]:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, signal.SIGKILL)
            if not ours:
                return
            time.sleep(_PAUSE)


def _adopts_orphans() -> bool:
    if sys.platform != "linux":
        return False

    return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def _children(pid: int) -> list[int]:
    """The children of a process, of each of its threads (proc_pid_task(5))."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - names alone, often
            with contextlib.suppress(OSError):
                text = Path(f"/proc/{pid}/task/{task}/children").read_text(encoding="ascii")
                found += map(int, text.split())
    return found


def _below(pid: int) -> Iterator[int]:
    for child in _children(pid):
        yield child
        yield from _below(child)


def _reap(pid: int) -> bool:
    """Whether a process had ended; it is waited for, since it is nobody else's."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _is_marked(pid: int, mark: str) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return f"{MARK}={mark}".encode() in environment.split(b"\0")


DESCENDANTS = Descendants()
"""Those of this program: a second would not know the children of the first."""
