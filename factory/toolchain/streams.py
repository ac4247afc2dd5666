"""What a child prints, drained by a thread a stream: kept, masked, passed on, written to a log.

All of it within limits of memory and disk; what is beyond them is read, so that the child goes on,
and dropped with a word.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import signal
import threading
from collections import deque
from typing import IO, TYPE_CHECKING, Self

from factory.errors import Place, StorageError
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from factory.redaction import Redactor


LINE_LIMIT = 100_000
"""Characters of a line that are kept; a bundler's longest lines are a tenth of it."""

_LINES = lazy_pattern(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class OutputLine:
    """A line with its line break, if it has one, and how many of its characters are not in it."""

    text: str
    left_out: int = 0


class LineCutter:
    """Cuts bytes into lines: UTF-8, with any of the three line breaks; what is not UTF-8 is �.

    Args:
        redact: masks secrets in a line. Of a line that is cut, ``margin`` characters at the end are
            dropped after masking: a secret that is cut in two is not recognised.
        margin: the length of the longest secret.
    """

    def __init__(self, redact: Callable[[str], str], margin: int, limit: int = LINE_LIMIT) -> None:
        self._redact = redact
        self._margin = margin
        self._limit = limit
        utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._decoder = io.IncrementalNewlineDecoder(utf8, translate=True)
        self._begun: list[str] = []
        self._kept = 0
        self._left_out = 0

    def feed(self, data: bytes, *, end: bool = False) -> Iterator[OutputLine]:
        """Return the lines that end in ``data``, or with it."""
        for piece in _LINES.findall(self._decoder.decode(data, final=end)):
            ended = piece.endswith("\n")
            self._keep(piece[:-1] if ended else piece)
            if ended:
                yield self._line("\n")
        if end and (self._begun or self._left_out):
            yield self._line("")

    def _keep(self, text: str) -> None:
        room = self._limit + self._margin - self._kept
        kept = text[: max(room, 0)]
        if kept:
            self._begun.append(kept)
        self._kept += len(kept)
        self._left_out += len(text) - len(kept)

    def _line(self, ending: str) -> OutputLine:
        text, left_out = "".join(self._begun), self._left_out
        self._begun, self._kept, self._left_out = [], 0, 0
        masked = self._redact(text)
        if left_out or len(text) > self._limit:
            shown = masked[: max(min(len(masked) - self._margin, self._limit), 0)]
            left_out = max(left_out + len(text) - len(shown), 1)
            masked = f"{shown} … {left_out} more characters of this line are left out"
        return OutputLine(masked + ending, left_out)


TAIL_LINES = 400
TAIL_CHARACTERS = 1_000_000
ANSWER_CHARACTERS = 32_000_000
"""How much of the standard output is kept: an answer of a program, such as JSON, is far smaller."""
SHOWN_CHARACTERS = 2_000
LOG_BYTES = 200_000_000
GRACE_SECONDS = 2.0
_READ_BYTES = 1 << 16


class Log:
    """A log file that is appended to, line by line; it may be on a disk that is full.

    A child may add ``LOG_BYTES`` to it, and no more.

    Raises:
        StorageError: it cannot be written.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._room = LOG_BYTES

    def __enter__(self) -> Self:
        with self._errors_told():
            self._opened = self._file.open("a", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # told when it was written
            self._opened.close()

    def write(self, text: str) -> None:
        """Append a text, which is in the file after :meth:`flush`."""
        if self._room <= 0:
            return
        self._room -= len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
        if self._room <= 0:
            text += f"\n… more than {LOG_BYTES} bytes: the rest is left out\n"
        try:
            self._opened.write(text)
        except OSError as error:
            raise self._unwritable(error) from error

    def flush(self) -> None:
        """Put what was written into the file: a killed run leaves it."""
        with self._errors_told():
            self._opened.flush()

    @contextlib.contextmanager
    def _errors_told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> StorageError:
        return StorageError(
            "a log file cannot be written",
            place=Place(file=self._file),
            found=error.strerror or str(error),
            hint="df -h shows which disk is full; ls -ld shows the permissions",
        )


class Streams:
    """Both output streams of one child, drained by a thread each."""

    def __init__(
        self, redact: Redactor, sink: Log | None, on_line: Callable[[str], None] | None
    ) -> None:
        self.stdout: list[str] = []
        self.is_whole = True
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._stdout_room = ANSWER_CHARACTERS
        self._tail_room = TAIL_CHARACTERS
        self._redact = redact
        self._sink = sink
        self._on_line = on_line
        self._lock = threading.Lock()
        self._broken: Exception | None = None

    def drain(self, process: subprocess.Popen[bytes], stdin: str | None) -> None:
        """Feed ``stdin`` and read both streams to their ends."""
        threads = [
            threading.Thread(target=self._read, args=(process, pipe, is_stdout), daemon=True)
            for pipe, is_stdout in ((process.stdout, True), (process.stderr, False))
        ]
        for thread in threads:
            thread.start()
        if stdin is not None and process.stdin:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(stdin.encode())
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

    def _read(self, process: subprocess.Popen[bytes], pipe: IO[bytes], is_stdout: bool) -> None:
        cutter = LineCutter(self._redact, self._redact.longest)
        with contextlib.suppress(OSError, ValueError):  # the pipe was closed under us
            descriptor = pipe.fileno()
            while data := os.read(descriptor, _READ_BYTES):
                self._pass_on(process, cutter, data, is_stdout=is_stdout)
        self._pass_on(process, cutter, b"", is_stdout=is_stdout, end=True)

    def _pass_on(
        self,
        process: subprocess.Popen[bytes],
        cutter: LineCutter,
        data: bytes,
        *,
        is_stdout: bool,
        end: bool = False,
    ) -> None:
        if self._broken:
            return  # a child whose output nobody takes would wait for ever
        try:
            for line in cutter.feed(data, end=end):
                self._take(line.text, is_stdout=is_stdout, is_whole=not line.left_out)
            if self._sink:  # once for all lines that came together
                with self._lock:
                    self._sink.flush()
        except Exception as error:  # noqa: BLE001 - raised again where run() was called
            self._broken = error
            signal_group(process, signal.SIGKILL)

    def _take(self, line: str, *, is_stdout: bool, is_whole: bool) -> None:
        with self._lock:
            if is_stdout:
                self._stdout_room -= len(line)
                self.is_whole &= is_whole and self._stdout_room >= 0
                if self._stdout_room >= 0:
                    self.stdout.append(line)
            self._remember(line)
            if self._sink:
                self._sink.write(line)
        if self._on_line:
            shown = line.rstrip("\r\n")
            cut = len(shown) > SHOWN_CHARACTERS
            self._on_line(f"{shown[:SHOWN_CHARACTERS]}…" if cut else shown)

    def _remember(self, line: str) -> None:
        """Keep the last lines, and no more of them than there is room for."""
        if len(self.tail) == TAIL_LINES:
            self._tail_room += len(self.tail.popleft())
        self.tail.append(line)
        self._tail_room -= len(line)
        while self._tail_room < 0 and len(self.tail) > 1:
            self._tail_room += len(self.tail.popleft())


def signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to a child and all its descendants that have stayed in its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
