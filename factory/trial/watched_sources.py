"""The sources that a plugin is made of, watched for what an author saves."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from factory.analysis.discovery import workspace_packages
from factory.analysis.embedding import members_below
from factory.analysis.manifest import MANIFEST_FILE, read_manifest
from factory.cache.tree import file_digest
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

# What tools write, and nobody edits.
_MADE = frozenset({"node_modules", "coverage", "build", "tsconfig.tsbuildinfo"})


@dataclass(frozen=True, kw_only=True, slots=True)
class FileState:
    """A file as it was seen; what was saved without a change has the same ``digest``.

    ``changed`` is its time of change in nanoseconds since the epoch, ``size`` in bytes.
    """

    changed: int
    size: int
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedChange:
    """The files that differ from what was seen before, and when the last of them was saved.

    ``saved`` is in seconds since the epoch; 0.0 where files were only removed.
    """

    files: tuple[str, ...]
    saved: float


def find_sources(workspace: Path, plugins: Iterable[str]) -> tuple[Path, ...]:
    """Return the folders of plugins and of the workspace's packages that they are made of.

    Args:
        workspace: the yarn workspace.
        plugins: paths of plugins in it.

    Raises:
        SourceError: a package.json cannot be used.
    """
    packages = workspace_packages(workspace)
    folders = [workspace / plugin for plugin in plugins]
    names = members_below((read_manifest(one / MANIFEST_FILE) for one in folders), packages)
    below = (packages[name].folder for name in sorted(names) if name in packages)
    return tuple(dict.fromkeys((*folders, *below)))


def see_files(
    folders: Iterable[Path], before: Mapping[str, FileState] | None = None
) -> dict[str, FileState]:
    """Return the state of every source file; one that was not written since keeps its digest.

    Left out are hidden files and folders, and what tools make: ``dist*`` and ``node_modules``.
    What disappears meanwhile, or cannot be read, is left out, too.
    """
    known = before or {}
    found: dict[str, FileState] = {}
    for path in _source_files(folders):
        try:
            status = os.stat(path)  # noqa: PTH116 - a Path a file costs more
            if not stat.S_ISREG(status.st_mode):
                continue
            seen = known.get(path)
            if seen and (seen.changed, seen.size) == (status.st_mtime_ns, status.st_size):
                found[path] = seen
                continue
            found[path] = FileState(
                changed=status.st_mtime_ns, size=status.st_size, digest=file_digest(path)
            )
        except OSError:
            continue
    return found


def find_change(
    before: Mapping[str, FileState], now: Mapping[str, FileState]
) -> SavedChange | None:
    """Return what was saved in between; None if no file has another content."""
    files = sorted(
        path
        for path in before.keys() | now.keys()
        if _digest_of(before.get(path)) != _digest_of(now.get(path))
    )
    if not files:
        return None
    saved = max((now[path].changed for path in files if path in now), default=0)
    return SavedChange(files=tuple(files), saved=saved / 1e9)


def _digest_of(state: FileState | None) -> str:
    return state.digest if state else ""


def _source_files(folders: Iterable[Path]) -> Iterator[str]:
    seen: set[str] = set()
    for root in folders:
        for folder, names, files in os.walk(root):
            names[:] = [name for name in names if _is_source(name)]
            for name in files:
                path = os.path.join(folder, name)  # noqa: PTH118 - a Path a file costs more
                if _is_source(name) and path not in seen:
                    seen.add(path)
                    yield path


def _is_source(name: str) -> bool:
    return not name.startswith((".", "dist")) and name not in _MADE
