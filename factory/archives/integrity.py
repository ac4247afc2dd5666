"""Subresource integrity, as npm and portals write it: ``sha512-`` and the digest in base64.

Rules: https://www.w3.org/TR/sri-2/ - several may be given, separated by spaces; the strongest
algorithm decides, and one match of that algorithm is enough. Unlike a browser, nothing is ignored:
what is not understood is an error.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from pathlib import Path
from typing import IO

from factory.archives.refusal import printable
from factory.errors import ArtifactError, Place
from factory.values import dataclass

# Strongest first; bytes of a digest.
ALGORITHMS = {"sha512": 64, "sha384": 48, "sha256": 32}
_CHUNK = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Integrity:
    """The digests, one of which content must have; all of the one algorithm."""

    algorithm: str
    digests: tuple[bytes, ...]

    def __str__(self) -> str:
        """The integrity as one writes it."""
        return " ".join(integrity_text(self.algorithm, digest) for digest in self.digests)


def parse_integrity(text: str, *, place: Place | None = None) -> Integrity:
    """Return the strongest of the digests in ``text``.

    Raises:
        ArtifactError: there is none, or one is malformed or of another algorithm.
    """
    found: dict[str, list[bytes]] = {}
    for word in text.split():
        algorithm, dash, encoded = word.partition("-")
        if not dash or algorithm not in ALGORITHMS:
            raise _malformed_error(text, "its algorithm is not known", place)
        try:
            digest = base64.b64decode(encoded.partition("?")[0], validate=True)
        except binascii.Error as error:
            raise _malformed_error(text, "its digest is not base64", place) from error
        if len(digest) != ALGORITHMS[algorithm]:
            why = f"its digest has {len(digest)} bytes instead of {ALGORITHMS[algorithm]}"
            raise _malformed_error(text, why, place)
        found.setdefault(algorithm, []).append(digest)
    for algorithm in ALGORITHMS:
        if algorithm in found:
            return Integrity(algorithm=algorithm, digests=tuple(found[algorithm]))
    raise _malformed_error(text, "it is empty", place)


def check_integrity(
    file: Path | IO[bytes],
    expected: Integrity | str,
    *,
    name: str | None = None,
    place: Place | None = None,
) -> None:
    """Read ``file`` and compare it with ``expected``; memory does not grow with it.

    Args:
        file: a path, or a stream from where it stands.
        expected: the integrity, parsed or as text.
        name: what errors call the file, if not its path.
        place: where ``expected`` was written.

    Raises:
        ArtifactError: the content is another, or the integrity is malformed.
        OSError: the file cannot be read.
    """
    if isinstance(expected, str):
        expected = parse_integrity(expected, place=place)
    digest = _digest(file, expected.algorithm)
    if not any(hmac.compare_digest(digest, wanted) for wanted in expected.digests):
        shown = name or (str(file) if isinstance(file, Path) else "the content")
        raise ArtifactError(
            f"{shown} does not match its integrity",
            place=place,
            found=integrity_text(expected.algorithm, digest),
            expected=str(expected),
            hint="fetch it again; if it was changed on purpose, update the integrity",
        )


def integrity_of(file: Path | IO[bytes], algorithm: str = "sha512") -> str:
    """Return the integrity of a file's content, as text.

    Raises:
        OSError: the file cannot be read.
    """
    return integrity_text(algorithm, _digest(file, algorithm))


def integrity_text(algorithm: str, digest: bytes) -> str:
    """Return a digest as an integrity is written."""
    return f"{algorithm}-{base64.b64encode(digest).decode()}"


def _digest(file: Path | IO[bytes], algorithm: str) -> bytes:
    digest = hashlib.new(algorithm)
    if isinstance(file, Path):
        with file.open("rb") as stream:
            _feed(stream, digest)
    else:
        _feed(file, digest)
    return digest.digest()


def _feed(stream: IO[bytes], digest: hashlib._Hash) -> None:
    while data := stream.read(_CHUNK):
        digest.update(data)


def _malformed_error(text: str, why: str, place: Place | None) -> ArtifactError:
    return ArtifactError(
        f"the integrity cannot be used: {why}",
        place=place,
        found=printable(text),
        expected=f"one of {', '.join(f'{name}-' for name in ALGORITHMS)} and the digest in base64",
        hint="copy it from the .integrity file beside the .tgz, or from 'npm pack --json'",
    )
