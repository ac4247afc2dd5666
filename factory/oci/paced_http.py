"""HTTP answers read strictly, and no slower than somebody means to send them.

A read time-out bounds the wait for the next bytes alone: a server that sends one byte a second
holds a client for days. Here an answer has a time for the whole, which only content that comes fast
enough extends. It counts below the parser, so that a status line, headers, chunk sizes, trailers
and interim answers without end are bounded, too.

Chunk sizes are those of RFC 9112 section 7.1: Python's parser takes ``-1`` and ``0x1_0`` as well.
"""

from __future__ import annotations

import contextlib
import contextvars
import http.client
import io
import select
import socket
import time
from dataclasses import field
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TICK = 0.2
_LONGEST_LINE = 8 * 1024
_CHUNK_SIZE = lazy_pattern(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
_MOST_TRAILERS = 100


@dataclass(kw_only=True, slots=True)
class Pace:
    """How long one answer may take; times in seconds.

    Attributes:
        checkpoint: called while nothing comes; raises to end the work.
        silence: until the first byte.
        window: from the first byte to the end, but for content: each ``enough`` bytes of it give
            another window.
        enough: bytes of content that a window must bring.
    """

    checkpoint: Callable[[], None]
    silence: float
    window: float
    enough: int
    _deadline: float = field(default=0.0)
    _begun: bool = False
    _content: int = 0
    _came: bool = False

    def seconds_left(self) -> float:
        """Return the seconds that are left now."""
        if not self._deadline:
            self._deadline = time.monotonic() + self.silence
        return self._deadline - time.monotonic()

    def note_bytes(self) -> None:
        """Take note that bytes, of whatever kind, have come."""
        self._came = True
        if not self._begun:
            self._begun = True
            self._deadline = time.monotonic() + self.window

    def note_content(self, content: int) -> None:
        """Take note of so many bytes of content."""
        self._content += content
        if self._content >= self.enough:
            self._content, self._came = 0, False
            self._deadline = time.monotonic() + self.window

    @property
    def trickles(self) -> bool:
        """Whether the time is over although bytes keep coming: not a broken network."""
        return self._begun and self._came and self.seconds_left() <= 0


_PACE: contextvars.ContextVar[Pace] = contextvars.ContextVar("pace")


@contextlib.contextmanager
def pace_requests(pace: Pace) -> Iterator[None]:
    """Let answers to what is asked within the block have this pace, also when they are read on."""
    token = _PACE.set(pace)
    try:
        yield
    finally:
        _PACE.reset(token)


def strict_pools(manager: urllib3.PoolManager) -> urllib3.PoolManager:
    """Return ``manager``, whose connections read as this module says."""
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
    return manager


class _PacedBytes(io.RawIOBase):
    """What a socket receives, for as long as the pace allows."""

    def __init__(self, sock: Any, pace: Pace) -> None:
        self._raw: Any = sock.makefile("rb", buffering=0)
        self._sock = sock
        self._pace = pace

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        self._wait()
        left = self._pace.seconds_left()
        if left <= 0:
            raise TimeoutError("the answer takes too long")
        self._sock.settimeout(left)
        count: int | None = self._raw.readinto(buffer)
        if count:
            self._pace.note_bytes()
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()

    def _wait(self) -> None:
        """Until there are bytes, with a look now and then whether the work is to end."""
        if not isinstance(self._sock, socket.socket) or self._sock.fileno() < 0:
            return  # TLS within TLS has no socket of its own
        pending = getattr(self._sock, "pending", None)
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        while not (pending and pending()) and self._pace.seconds_left() > 0:
            if poll.poll(_TICK * 1000):
                return
            self._pace.checkpoint()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:
        super().__init__(sock, *arguments, **named)
        pace = _PACE.get(None)
        if pace:
            self.fp.close()
            self.fp = io.BufferedReader(_PacedBytes(sock, pace), 64 * 1024)

    def _read_next_chunk_size(self) -> int:
        line = self.fp.readline(_LONGEST_LINE)
        found = _CHUNK_SIZE.fullmatch(line)
        if not found:
            raise http.client.HTTPException(f"a malformed chunk size: {line[:40]!r}")
        return int(found[1], 16)

    def _read_and_discard_trailer(self) -> None:
        for _ in range(_MOST_TRAILERS):
            if self.fp.readline(_LONGEST_LINE) in (b"\r\n", b"\n", b""):
                return
        raise http.client.HTTPException("endless trailers")


class _Connection(HTTPConnection):
    response_class = _Response


class _TlsConnection(HTTPSConnection):
    response_class = _Response


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection
