"""A package as ``npm pack`` packs it: what is where in it, and the errors where one is broken."""

from __future__ import annotations

import gzip
import json
import os
import re
import tarfile
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING

from factory.errors import PackError, Place
from factory.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PACKAGE_FOLDER = "package"
"""The folder of the archive that all of it is in."""

PACKAGE_JSON = "package.json"
LARGEST_PACKAGE_JSON = 4 * 1024 * 1024
"""Bytes; nothing longer is read."""

INTEGRITY_SUFFIX = ".integrity"
"""What the file beside an archive, which has its integrity, is called in addition."""

MODULES = "node_modules"

_DAMAGED = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile)
_BLOCK = 1 << 18
_ARCHIVE = lazy_pattern(r"[A-Za-z0-9_@~-][A-Za-z0-9_.@~+-]*\.tgz")
# A scope and a name that are one path component each; the registry's own, stricter, rules are
# applied to what a package can be published as, not here.
_NAME = lazy_pattern(r"(@[A-Za-z0-9~-][\w.~-]*/)?[A-Za-z0-9~-][\w.~-]*", re.ASCII)


def archive_of_npm(said: str) -> Mapping[str, object]:
    """Return what ``npm pack --json`` says of the one archive that it has made.

    Its ``filename`` is the name of a file, and no path.

    Raises:
        ValueError: it says something else.
    """
    try:
        described = json.loads(said)[0]
        name = described["filename"]
    except (LookupError, TypeError, RecursionError) as error:
        raise ValueError("it does not describe an archive") from error
    if not isinstance(described, dict) or not isinstance(name, str) or not _ARCHIVE.fullmatch(name):
        raise ValueError("it does not name an archive")
    return described


def is_package_name(text: str) -> bool:
    """Whether a package can be called so: ``name`` or ``@scope/name``."""
    return _NAME.fullmatch(text) is not None


def installed_packages(root: Path) -> Iterator[Path]:
    """Yield the folder of each package that is in a ``node_modules`` of a folder, at any depth.

    Args:
        root: a folder, or a ``node_modules`` itself. Links are not followed.
    """
    for parent, folders, _ in os.walk(root):
        folders.sort()
        if Path(parent).name != MODULES:
            continue
        for name in folders:
            folder = Path(parent, name)
            scoped = [folder / one for one in sorted(os.listdir(folder))]  # noqa: PTH208 - names
            for package in scoped if name.startswith("@") else [folder]:
                if (package / PACKAGE_JSON).is_file() and not package.is_symlink():
                    yield package


def packed_entries(tgz: Path) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """Yield the entries of a package that we or npm packed, in one pass, nothing unpacked.

    With each comes the content of a file, to be read before the next; other entries have none.
    What others packed is read by :func:`factory.archives.members.safe_members`.

    Raises:
        PackError: the archive cannot be read, or not to its end, gzip's checksum included.
    """
    try:
        with gzip.open(tgz) as unzipped:
            with tarfile.open(fileobj=unzipped, mode="r|") as archive:
                for member in archive:
                    # a stream is read once: what is behind us need not stay in memory
                    archive.members = []  # type: ignore[attr-defined]
                    yield member, archive.extractfile(member) if member.isreg() else None
            while unzipped.read(_BLOCK):
                pass
    except _DAMAGED as error:
        raise _damaged_error(tgz, error) from error
    except OSError as error:
        raise unreadable_error(tgz, error) from error


def _damaged_error(tgz: Path, error: Exception) -> PackError:
    return PackError(
        "the packed plugin is damaged or truncated",
        place=Place(file=tgz),
        found=str(error) or type(error).__name__,
        expected="a complete gzipped tar archive",
        hint="delete the file and build the plugin again",
    )


def unreadable_error(tgz: Path, error: OSError) -> PackError:
    """Return the error for a packed plugin that cannot be opened."""
    return PackError(
        f"the packed plugin cannot be read: {error.strerror or error}",
        place=Place(file=tgz),
        hint="build the plugin first, or check the file's permissions",
    )
