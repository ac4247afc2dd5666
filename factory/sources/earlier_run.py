"""What an earlier run left in a workspace's folder: may it go, or has the user worked in it since?

In a run of several workspaces, ``<repo-path>/<name>/`` is made by the run, and recreated by the
next one. A mark beside the clones says that the folder is a run's, and since when it has been left
alone. What is newer than that is somebody's work. While a run is at work in it, and after one that
was killed, all that is in the folder is the run's.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from factory.files import (
    remove_unfinished,
    write_whole,
)
from factory.notation.json_text import parse_object
from factory.sources.destination import empty
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARKS = ".worktrees"
# What tools write, at any time: no work of anybody's.
_MADE_BY_TOOLS = frozenset(
    {".git", ".yarn", "node_modules", "dist", "dist-dynamic", "dist-scalprum", "dist-types"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlierRun:
    """A workspace's folder, and the mark that tells whose it is."""

    folder: Path
    mark: Path

    def begins(self) -> None:
        """Say that a run is at work in the folder; call this while it is empty, or may go.

        Raises:
            OSError: the mark cannot be written.
        """
        self._write(ended=False)

    def note_end(self) -> None:
        """Say that the run has left the folder as it is now.

        Raises:
            OSError: the mark cannot be written.
        """
        self._write(ended=True)

    def changes(self) -> tuple[Path, ...] | None:
        """Return what has changed in the folder since a run left it; None if it is not a run's.

        A file or folder counts that has been written, added, or removed from since.
        """
        known = self._read()
        if known is None or not self._is_same_folder(known):
            return None
        if not known.get("ended"):
            return ()
        since = self.mark.stat().st_mtime_ns
        return tuple(sorted(path for path in _walk(self.folder) if _changed_at(path) > since))

    def empty(self) -> None:
        """Empty the folder, so that it is a run's until the last of it is gone.

        Raises:
            StorageError: something in it cannot be removed.
        """
        empty(self.folder, last=".git")

    def _write(self, *, ended: bool) -> None:
        status = self.folder.stat()
        known = {"inode": status.st_ino, "changed": status.st_ctime_ns, "ended": ended}
        self.mark.parent.mkdir(parents=True, exist_ok=True)
        remove_unfinished(self.mark.parent)
        write_whole(self.mark, json.dumps(known) + "\n")

    def _read(self) -> dict[str, object] | None:
        try:
            return parse_object(self.mark.read_bytes())
        except (OSError, ValueError):
            return None

    def _is_same_folder(self, known: dict[str, object]) -> bool:
        """Whether it is still the folder of the mark, and not another at its place."""
        git = self.folder / ".git"
        if git.is_file():
            text = git.read_text(encoding="utf-8", errors="replace")
            clones = self.mark.parent.parent.resolve()
            return Path(text.removeprefix("gitdir: ").strip()).resolve().is_relative_to(clones)
        # A copy of a plain folder: git has left no word in it, so that the folder itself counts.
        status = self.folder.stat()
        same = status.st_ino == known.get("inode") and not git.exists()
        return same and (not known.get("ended") or status.st_ctime_ns == known.get("changed"))


def earlier_run(folder: Path, clones_dir: Path) -> EarlierRun:
    """Return what is to be known of a workspace's folder; its name is the workspace's."""
    return EarlierRun(folder=folder, mark=clones_dir / _MARKS / f"{folder.name}.json")


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _MADE_BY_TOOLS]
        here = Path(parent)
        yield here
        yield from (here / name for name in files if name not in _MADE_BY_TOOLS)


def _changed_at(path: Path) -> int:
    try:
        return path.lstat().st_mtime_ns
    except FileNotFoundError:  # removed meanwhile
        return 0
