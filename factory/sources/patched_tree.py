"""A tree of files with changes that are only in memory yet, and safe ways through its links.

A patch is tried on such a tree, and the tree on disk is only touched when all patches have been
applied. Names are looked up as GNU patch does: links to folders are followed as long as they stay
inside the folder that the patch is applied in, and the last part of a name never is.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal, TypeAlias

from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping


# What HFS+ ignores in names: zero-width characters, and marks of the direction of writing.
_IGNORED = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF]
)
_NAMES = {".git", "git~1"}
_NTFS_END = lazy_pattern(r"(?::.*|[ .]+)$", re.DOTALL)


def is_git_folder(part: str) -> bool:
    """Whether one part of a path is git's own folder, on whatever filesystem."""
    for piece in part.split("\\"):
        name = piece.translate(_IGNORED).lower()
        while (shorter := _NTFS_END.sub("", name)) != name:
            name = shorter
        if name in _NAMES:
            return True
    return False


Kind: TypeAlias = Literal["file", "link", "folder", "other"]
_MOST_LINKS = 40


class UnsafeNameError(Exception):
    """A name that leads where a patch must not write; the message says why."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TreeEntry:
    """A file, or what else has a name. ``content`` of a link is where it leads.

    ``mode`` is ``None`` for a new file with the permissions that the user's files have. Two entries
    are the same only if they are one object.
    """

    kind: Kind
    content: bytes = b""
    mode: int | None = None


class PatchedTree:
    """A folder of the disk, ``root``, and the changes to it that are not written yet."""

    def __init__(self, root: Path, changes: Mapping[PurePosixPath, TreeEntry | None] | None = None):
        self.root = root
        self._changes = dict(changes or {})
        self._read: dict[PurePosixPath, TreeEntry | None] = {}

    def copy(self) -> PatchedTree:
        """Return the same tree, to try something on."""
        tree = PatchedTree(self.root, self._changes)
        tree._read = self._read
        return tree

    @property
    def changes(self) -> Mapping[PurePosixPath, TreeEntry | None]:
        """What has been changed, by its path from the root; ``None`` for what was removed."""
        return self._changes

    def entry(self, path: PurePosixPath) -> TreeEntry | None:
        """Return what is at a path from the root, without following a link there.

        Raises:
            OSError: it cannot be read.
        """
        if path in self._changes:
            return self._changes[path]
        if path not in self._read:
            self._read[path] = _entry_on_disk(self.root / path)
        return self._read[path]

    def put(self, path: PurePosixPath, entry: TreeEntry | None) -> None:
        """Put something at a path from the root, or remove what is there."""
        self._changes[path] = entry

    def find(self, name: str, folder: PurePosixPath) -> PurePosixPath:
        """Return where a name leads, as a path from the root; its last part need not be there.

        Args:
            name: relative to ``folder``, without ``..``.
            folder: the folder, from the root, that the way must not leave.

        Raises:
            UnsafeNameError: it leaves the folder, goes through a file, or into git's own folder.
            OSError: something on the way cannot be read.
        """
        parts = PurePosixPath(name).parts
        if not parts:
            raise UnsafeNameError("is a folder")
        if parts[0] == "/" or ".." in parts:
            raise UnsafeNameError("leaves the tree")
        path = self._follow(list(parts[:-1]), folder) / parts[-1]
        for part in path.parts:
            if is_git_folder(part):
                raise UnsafeNameError("is inside git's own folder")
        return path

    def _follow(self, parts: list[str], folder: PurePosixPath) -> PurePosixPath:
        here: list[str] = []
        links = 0
        while parts:
            part = parts.pop(0)
            if part == "..":
                if not here:
                    raise UnsafeNameError("leaves the tree through a link")
                here.pop()
                continue
            path = folder.joinpath(*here, part)
            entry = self.entry(path)
            if entry is None or entry.kind == "folder":
                here.append(part)
            elif entry.kind != "link":
                raise UnsafeNameError(f"goes through a file, {path}")
            else:
                links += 1
                target = PurePosixPath(os.fsdecode(entry.content))
                if links > _MOST_LINKS:
                    raise UnsafeNameError(f"goes through a link that goes in circles, {path}")
                if target.is_absolute():
                    here, target = [], self._inside(target, folder, path)
                parts[:0] = target.parts
        return folder.joinpath(*here)

    def _inside(
        self, target: PurePosixPath, folder: PurePosixPath, link: PurePosixPath
    ) -> PurePosixPath:
        """An absolute target as it is from the folder, if it names the folder itself."""
        there = os.path.realpath(self.root / folder)
        for parent in (target, *target.parents):
            if os.path.realpath(parent) == there:
                return target.relative_to(parent)
        raise UnsafeNameError(f"goes through a link, {link}, that leads out of the tree")


def _entry_on_disk(path: Path) -> TreeEntry | None:
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        return TreeEntry(kind="link", content=os.fsencode(path.readlink()), mode=mode)
    if stat.S_ISDIR(status.st_mode):
        return TreeEntry(kind="folder", mode=mode)
    if stat.S_ISREG(status.st_mode):
        return TreeEntry(kind="file", content=path.read_bytes(), mode=mode)
    return TreeEntry(kind="other", mode=mode)
