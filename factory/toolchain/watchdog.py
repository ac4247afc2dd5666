"""What ends the children of a run whose own process is killed (kill -9, the out-of-memory killer).

Nobody can clean up after such an end, and children in groups of their own would go on writing into
the folders that the next run uses. So a small shell process listens to a pipe: it is told of each
child's group, and when the pipe closes, which it does whatever ends its writer, kills those that
are left. Then it looks for what has left its group, or was started in the last moment, by the mark
in its environment.
"""

from __future__ import annotations

import atexit
import contextlib
import subprocess
import threading

from factory.toolchain.descendants import DESCENDANTS, MARK

_SCRIPT = """
live=
while read -r what group; do
  # The program has come to its end.
  [ "$what" = . ] && [ -z "$live" ] && exit 0
  rest=
  for each in $live; do [ "$each" = "$group" ] || rest="$rest $each"; done
  live=$rest
  [ "$what" = + ] && live="$live $group"
done
for each in $live; do kill -s KILL -- "-$each"; done
for each in /proc/[0-9]*; do
  grep -qs "$1" "$each/environ" && kill -s KILL "${each#/proc/}"
done
"""
_SECONDS_TO_END = 2


class Watchdog:
    """Watches over process groups; started with the first, and ended with the program."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def watch(self, group: int) -> None:
        """Kill a process group if this program is killed from now on."""
        self._tell(f"+ {group}\n")

    def forget(self, group: int) -> None:
        """Do so no more: the group has ended, and its number may become another's."""
        self._tell(f"- {group}\n")

    def _tell(self, line: str) -> None:
        # Without a shell, or with one that has been killed, a build is better than none.
        with self._lock, contextlib.suppress(OSError, ValueError):
            if self._process is None:
                self._process = DESCENDANTS.start_child(_shell, serves=True)
                atexit.register(self._end)
            if self._process.stdin:
                self._process.stdin.write(line.encode())

    def _end(self) -> None:
        with self._lock, contextlib.suppress(OSError, subprocess.TimeoutExpired):
            if self._process and self._process.stdin:
                self._process.stdin.write(b".\n")
                self._process.stdin.close()
                self._process.wait(_SECONDS_TO_END)


def _shell() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ("/bin/sh", "-c", _SCRIPT, "watchdog", f"{MARK}={DESCENDANTS.token}"),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        bufsize=0,
        start_new_session=True,
    )


WATCHDOG = Watchdog()
"""The one of this program: a second would have nothing to do."""
