"""A stream that the screen writes to, and that never ends a run.

A reader that goes away (``plugin-factory build | head``), a closed terminal or an encoding without
the character ✓ are not reasons for a build to fail.
"""

from __future__ import annotations

import io
import os
import threading
from typing import TYPE_CHECKING, TextIO

from factory.ui.text import harmless, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from factory.ui.text import Line

# One character for one, so that columns stay columns.
_PLAINER = str.maketrans("✓✗·…│■→", "+x.~|#>")


class Sink(io.TextIOBase):
    """Writes whole texts to ``stream``, one thread at a time, and forgets it when it is gone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._gone = False
        self._lock = threading.Lock()
        self._encoding = getattr(stream, "encoding", None) or "utf-8"

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream."""
        return self._encoding

    @property
    def draws(self) -> bool:
        """Whether the marks of the live view can be written."""
        try:
            "✓✗-·…│■⠋".encode(self._encoding)
        except (UnicodeEncodeError, LookupError):
            return False
        return True

    def isatty(self) -> bool:
        """Whether a person looks at it."""
        try:
            return self._stream.isatty()
        except ValueError:  # closed
            return False

    def fileno(self) -> int:
        """The file descriptor, if there is one."""
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Write a text and flush it; what cannot be encoded is written more plainly."""
        with self._lock:
            if not self._gone:
                try:
                    self._stream.write(self._writable(text))
                    self._stream.flush()
                except BrokenPipeError:
                    self._gone = True
                    self._forget()
                except (OSError, ValueError):
                    self._gone = True
        return len(text)

    def lines(self, lines: Iterable[Line]) -> None:
        """Write lines without their styles, at once, so that no other text comes between."""
        text = "".join(f"{harmless(plain(line))}\n" for line in lines)
        if text:
            self.write(text)

    def _writable(self, text: str) -> str:
        try:
            text.encode(self._encoding)
        except UnicodeEncodeError:
            simple = text.translate(_PLAINER)
            return simple.encode(self._encoding, "replace").decode(self._encoding)
        return text

    def _forget(self) -> None:
        # What is still in the stream's buffer would fail once more when Python exits, with a
        # message and an exit code of its own (https://docs.python.org/3/library/signal.html#note-on-sigpipe).
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        except (OSError, ValueError):
            pass
