"""What a child prints, drained by a thread a stream: kept, masked, passed on, written to a log."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections import deque
from typing import IO, TYPE_CHECKING, Self

from factory.errors import Place, StorageError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from factory.redaction import Redactor

TAIL_LINES = 400
GRACE_SECONDS = 2.0


class Log:
    """A log file that is appended to, line by line; it may be on a disk that is full.

    Raises:
        StorageError: it cannot be written.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def __enter__(self) -> Self:
        with self._errors_told():
            self._opened = self._file.open("a", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # told when it was written
            self._opened.close()

    def write(self, text: str) -> None:
        """Append a text; a killed run leaves all that was written until then."""
        with self._errors_told():
            self._opened.write(text)
            self._opened.flush()

    @contextlib.contextmanager
    def _errors_told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                "a log file cannot be written",
                place=Place(file=self._file),
                found=error.strerror or str(error),
                hint="df -h shows which disk is full; ls -ld shows who may write",
            ) from error


class Streams:
    """Both output streams of one child, drained by a thread each."""

    def __init__(
        self, redact: Redactor, sink: Log | None, on_line: Callable[[str], None] | None
    ) -> None:
        self.stdout: list[str] = []
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._redact = redact
        self._sink = sink
        self._on_line = on_line
        self._lock = threading.Lock()
        self._broken: Exception | None = None

    def drain(self, process: subprocess.Popen[str], stdin: str | None) -> None:
        """Feed ``stdin`` and read both streams to their ends."""
        threads = [
            threading.Thread(target=self._read, args=(process, pipe, whole), daemon=True)
            for pipe, whole in ((process.stdout, self.stdout), (process.stderr, None))
        ]
        for thread in threads:
            thread.start()
        if stdin is not None and process.stdin:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(stdin)
                process.stdin.close()
        process.wait()
        for thread in threads:
            thread.join(GRACE_SECONDS)
        if any(thread.is_alive() for thread in threads):
            # A descendant still holds the pipe: the group ends with its leader.
            signal_group(process, signal.SIGKILL)
            for thread in threads:
                thread.join(GRACE_SECONDS)

    def raise_if_broken(self) -> None:
        """Raise what went wrong on our side of the pipes, if anything did."""
        if self._broken:
            raise self._broken

    def _read(self, process: subprocess.Popen[str], pipe: IO[str], whole: list[str] | None) -> None:
        with contextlib.suppress(ValueError):  # the pipe was closed under us
            for raw in pipe:
                if self._broken:
                    continue  # a child whose output nobody takes would wait for ever
                try:
                    self._take(self._redact(raw), whole)
                except Exception as error:  # noqa: BLE001 - raised again where run() was called
                    self._broken = error
                    signal_group(process, signal.SIGKILL)

    def _take(self, line: str, whole: list[str] | None) -> None:
        with self._lock:
            if whole is not None:
                whole.append(line)
            self.tail.append(line)
            if self._sink:
                self._sink.write(line)
        if self._on_line:
            self._on_line(line.rstrip("\r\n"))


def signal_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal to a child and all its descendants that have stayed in its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
