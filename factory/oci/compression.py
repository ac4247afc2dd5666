"""Gzip whose bytes depend on its input alone, and the digests of both sides of it.

The header is written here, not by a library: RFC 1952 has fields for the time, the file name and
the operating system, which libraries fill in as they like.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from typing import BinaryIO

# Of bundled JavaScript, level 6 would save 2 % of the bytes for half as much time again.
LEVEL = 5
# ID1 ID2, CM deflate, no flags, MTIME 0, XFL 0, OS 255 (unknown): RFC 1952 section 2.3.
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_WORD = 0xFFFFFFFF


class DigestingGzip:
    """A sink that compresses what is written to it and hashes it before and after.

    Deflate itself is zlib's: two machines agree on the compressed bytes as long as both have the
    classic zlib (zlib-ng, which some distributions put in its place, deflates otherwise). The
    digest before compression, ``diff_id``, agrees everywhere.
    """

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        # Raw deflate, the largest window, zlib's default memory level: all named, none inherited.
        self._deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, -15, 8, zlib.Z_DEFAULT_STRATEGY)
        self._before = hashlib.sha256()
        self._after = hashlib.sha256()
        self._crc = 0
        self._length = 0
        self.size = 0
        self._emit(_HEADER)

    def write(self, data: bytes) -> None:
        """Compress ``data`` into the sink."""
        self._before.update(data)
        self._crc = zlib.crc32(data, self._crc)
        self._length += len(data)
        self._emit(self._deflate.compress(data))

    def finish(self) -> None:
        """Write what is left and the trailer; the sink stays open."""
        self._emit(self._deflate.flush())
        self._emit(struct.pack("<II", self._crc & _WORD, self._length & _WORD))

    @property
    def digest(self) -> str:
        """The digest of the compressed bytes so far."""
        return f"sha256:{self._after.hexdigest()}"

    @property
    def diff_id(self) -> str:
        """The digest of the bytes before compression (image-spec, `config.md`, DiffID)."""
        return f"sha256:{self._before.hexdigest()}"

    def _emit(self, data: bytes) -> None:
        self._after.update(data)
        self.size += len(data)
        self._sink.write(data)
