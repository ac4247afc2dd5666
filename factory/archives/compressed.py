"""A compressed archive as a stream of tar bytes, and how much of it comes out of how little."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import IO, TYPE_CHECKING, Any, cast

from factory.archives.refusal import damaged_archive, too_large_archive

if TYPE_CHECKING:
    from pathlib import Path

    from factory.archives.limits import ArchiveLimits

CHUNK = 256 * 1024
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_RATIO_COUNTS_AFTER = 64 * 1024 * 1024


class TarBytes:
    """The tar bytes of an archive, read forwards. Errors name ``archive``."""

    def __init__(self, file: IO[bytes], archive: Path | str, limits: ArchiveLimits) -> None:
        self.archive = archive
        self._limits = limits
        self._counted = _Counted(file)
        self._given = 0
        start = self._counted.peek(len(_ZSTD))
        if start.startswith(_ZSTD):
            raise damaged_archive(archive, "it is compressed with zstd, which is not supported")
        self._stream: Any = self._counted
        if start.startswith(_GZIP):
            unzipped = gzip.GzipFile(fileobj=cast("IO[bytes]", self._counted))
            # Headers and most files are small: they come out of a buffer, not each through Python.
            self._stream = io.BufferedReader(cast("io.RawIOBase", unzipped), CHUNK)

    def read(self, size: int) -> bytes:
        """Return exactly ``size`` bytes, or fewer at the end of the archive.

        Raises:
            ArtifactError: the compression is damaged, or unpacks to far more than it takes.
        """
        parts = []
        while size:
            try:
                data = self._stream.read(min(size, CHUNK))
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise damaged_archive(self.archive, str(error) or type(error).__name__) from error
            if not data:
                break
            parts.append(data)
            size -= len(data)
            self._given += len(data)
        if self._given > _RATIO_COUNTS_AFTER:
            self._refuse_bomb()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _refuse_bomb(self) -> None:
        allowed = self._limits.ratio * max(self._counted.count, 1)
        if self._given > allowed:
            raise too_large_archive(
                self.archive,
                "the whole archive",
                f"unpacks to more than {self._limits.ratio} times its size",
            )


class _Counted:
    """A file that knows how many bytes were read of it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._ahead = b""
        self.count = 0

    def peek(self, size: int) -> bytes:
        while len(self._ahead) < size and (data := self._file.read(size - len(self._ahead))):
            self._ahead += data
        return self._ahead

    def read(self, size: int = -1) -> bytes:
        if self._ahead:
            cut = len(self._ahead) if size < 0 else size
            data, self._ahead = self._ahead[:cut], self._ahead[cut:]
        else:
            data = self._file.read(size)
        self.count += len(data)
        return data
