"""The error for an archive, or an entry in it, that is not to be trusted."""

from __future__ import annotations

from pathlib import Path

from factory.errors import ArtifactError, Place

_LONGEST_SHOWN = 200


def unsafe_archive(archive: Path | str, entry: str, why: str) -> ArtifactError:
    """Return the error that refuses an archive for one of its entries."""
    shown = printable(entry)
    return ArtifactError(
        f"the archive is not safe to unpack: {shown} {why}",
        place=Place(file=archive, field=shown) if isinstance(archive, Path) else None,
        found=None if isinstance(archive, Path) else f"{shown} in {archive}",
        expected="files, folders, and links that stay within the plugin, each once",
        hint="do not use this archive; ask its author for another one",
    )


def too_large_archive(
    archive: Path | str, entry: str, why: str, variable: str = ""
) -> ArtifactError:
    """Return the error for an archive that unpacks to more than the limits allow."""
    error = unsafe_archive(archive, entry, why)
    error.expected = "an archive within the limits"
    if variable:
        error.hint = f"if you trust it, set {variable} to a larger number"
    return error


def damaged_archive(archive: Path | str, why: str) -> ArtifactError:
    """Return the error for an archive that cannot be read to its end."""
    return ArtifactError(
        "the archive is damaged or truncated",
        place=Place(file=archive) if isinstance(archive, Path) else None,
        found=why if isinstance(archive, Path) else f"{why}, in {archive}",
        expected="a complete tar archive, gzipped or plain",
        hint="fetch or build it again",
    )


def printable(name: str) -> str:
    """Return an entry's name with nothing in it that a terminal would obey, and not too long."""
    shown = name if name.isprintable() else ascii(name)[1:-1]
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}..."
