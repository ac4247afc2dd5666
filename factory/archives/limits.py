"""How much an archive may hold before it is taken for an attack on the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.errors import ArtifactError, UsageError
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_ENTRY_SIZE = "MAX_ENTRY_SIZE"


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveLimits:
    """What an archive may hold at most.

    Attributes:
        entry: bytes of one file. Portals take 40 million unless ``MAX_ENTRY_SIZE`` says otherwise.
        total: bytes of all files together; hard links count like the file that they name.
        entries: how many entries.
        ratio: bytes unpacked for each compressed byte, looked at after the first 64 MiB.
    """

    entry: int = 40_000_000
    total: int = 4_000_000_000
    entries: int = 100_000
    ratio: int = 200


DEFAULT_LIMITS = ArchiveLimits()


def archive_limits(max_entry_size: str | None) -> ArchiveLimits:
    """Return the limits with the largest entry that a user wrote (bytes), the default if empty.

    Raises:
        UsageError: it is not a whole number above zero.
    """
    text = (max_entry_size or "").strip()
    if not text:
        return DEFAULT_LIMITS
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise UsageError(
            "the largest size of an archive entry is not a number of bytes",
            found=f"{MAX_ENTRY_SIZE}={max_entry_size}",
            expected="a whole number above 0, for example 40000000",
        )
    size = int(text)
    return ArchiveLimits(entry=size, total=max(size, DEFAULT_LIMITS.total))


def refuse_large_image(layers: Sequence[int], limits: ArchiveLimits, image: str) -> None:
    """Raise if what an image packs is larger than what it unpacks to may be.

    Args:
        layers: the packed layers' sizes in bytes, as its manifest has them: nothing is fetched.
        limits: what it may unpack to.
        image: its name.

    Raises:
        ArtifactError: with the size that it has and may have.
    """
    size = sum(layers)
    if size > limits.total:
        raise ArtifactError(
            "the image is larger than allowed",
            found=f"{size} bytes in {len(layers)} layers: {image}",
            expected=f"at most {limits.total} bytes",
            hint="check the image's name: no plugin is that large",
        )
