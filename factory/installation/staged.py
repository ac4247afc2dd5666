"""What an earlier run has put into the portal's folder: a marker file in each plugin's folder.

A folder without a marker is somebody else's: it is neither replaced nor removed.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING

from factory.errors import Place, StorageError
from factory.notation.json_text import parse_object
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from factory.installation.plugin_list import ListedPlugin

MARKER = ".plugin-factory-install.json"
FORMAT = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Staged:
    """A staged plugin.

    ``identity`` is its package without version, ``key`` the digest of what the entry asked for,
    ``source`` that of what came for it: an image's manifest, an archive's integrity, a folder's
    content. ``version`` is that of its package.json.
    """

    folder: str
    identity: str
    package: str
    key: str
    source: str
    version: str


def entry_key(entry: ListedPlugin) -> str:
    """Return the digest of the fields of an entry that decide what is staged for it."""
    asked = {"package": str(entry.package), "integrity": entry.integrity}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def read_staged(root: Path) -> tuple[Staged, ...]:
    """Return what is staged in ``root``, by folder; nothing if there is no such folder.

    Raises:
        StorageError: the folder cannot be read.
    """
    try:
        names = sorted(os.listdir(root)) if root.exists() else []  # noqa: PTH208 - names alone
    except OSError as error:
        raise StorageError(
            f"the portal's folder cannot be read: {error.strerror}",
            place=Place(file=root),
            hint="name the folder that the portal loads plugins from",
        ) from error
    return tuple(_find(root, names))


def write_marker(folder: Path, staged: Staged) -> None:
    """Mark a folder as staged. An archive's own file of the marker's name is replaced.

    Raises:
        OSError: it cannot be written.
    """
    marker = folder / MARKER
    marker.unlink(missing_ok=True)
    record = {"format": FORMAT} | asdict(staged)
    del record["folder"]
    with marker.open("x", encoding="utf-8") as file:
        file.write(json.dumps(record, indent=2) + "\n")


def _find(root: Path, names: list[str]) -> Iterator[Staged]:
    for name in names:
        try:
            record = parse_object((root / name / MARKER).read_bytes())
            if record.pop("format") == FORMAT and not (root / name).is_symlink():
                yield Staged(folder=name, **{field: str(record[field]) for field in _FIELDS})
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            continue  # no folder, or none of ours


_FIELDS = ("identity", "package", "key", "source", "version")
