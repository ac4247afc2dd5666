"""The variables that the program was started with, hidden from the processes that it starts.

The kernel shows every process of the same user the block of memory that a program got its
variables in, as ``/proc/PID/environ`` (proc_pid_environ(5)): a script that a build runs could read
there what is held back from its own environment. So the block is overwritten once it has been read.
What libraries look up by themselves, such as the language and whom to trust, is set again.

Then the program is made undumpable (``PR_SET_DUMPABLE``, prctl(2)), so that other processes of the
user may not read its memory either. Root may read everything, whatever a program does about it.
"""

from __future__ import annotations

import contextvars
import ctypes
import os
import sys
from pathlib import Path

from factory.patterns import lazy_pattern
from factory.toolchain.child_environment import BASE_CHILD

_PR_SET_DUMPABLE = 4
# Fields of /proc/PID/stat, counted from the state on, which is the third (proc_pid_stat(5)).
_FIELDS_BEFORE = 3
_ARG_START, _ARG_END, _ENV_START, _ENV_END = 48, 49, 50, 51
_URL_LOGIN = lazy_pattern(rb"(?<=://)[^/\s@]+(?:@[^/\s@]+)*(?=@)")

# How wide and high the screen is, which typer looks up when it writes help.
_SCREEN = frozenset({"COLUMNS", "LINES"})

_OWNED = contextvars.ContextVar("owned", default=False)


def take_process() -> None:
    """Say that this process is the command line's alone, as a program's is and a test's is not.

    Then what it was started with is hidden from children, and all of its children are ours.
    """
    _OWNED.set(True)


def is_process_taken() -> bool:
    """Whether :func:`take_process` was called."""
    return _OWNED.get()


def hide_environment() -> bool:
    """Overwrite this process's initial environment, and logins in its command line.

    Everything that needs the variables has to have its copy: ``os.environ`` keeps only those that
    every child process sees, and the size of the screen. Returns whether the system lets it be
    done, as Linux does.
    """
    if sys.platform != "linux":
        return False
    try:
        places = _places()
    except (OSError, ValueError, IndexError):  # no /proc, or one that tells less
        return False

    start, end = places[_ENV_START], places[_ENV_END]
    kept = {name: value for name, value in os.environ.items() if _is_for_everybody(name)}
    os.environ.clear()
    if 0 < start < end:
        ctypes.memset(start, 0, end - start)
    os.environ.update(kept)
    start, end = places[_ARG_START], places[_ARG_END]
    if 0 < start < end:
        for login in _URL_LOGIN.finditer(ctypes.string_at(start, end - start)):
            ctypes.memset(start + login.start(), ord("*"), len(login[0]))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    return True


def _places() -> dict[int, int]:
    """Where in memory the words and the variables are that the program was started with."""
    text = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace")
    fields = text.rpartition(")")[2].split()
    wanted = (_ARG_START, _ARG_END, _ENV_START, _ENV_END)
    return {number: int(fields[number - _FIELDS_BEFORE]) for number in wanted}


def _is_for_everybody(name: str) -> bool:
    return name in _SCREEN or any(allowance.covers(name) for allowance in BASE_CHILD)
