"""Files of a tree replaced all together, or not at all.

Every new content is first written beside its target, so that a full disk or a missing permission
shows before anything has changed. Then each is moved into place by one rename. If a move fails, the
ones before it are taken back.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from factory.errors import Place, StorageError
from factory.sources.file_copy import copy_file

if TYPE_CHECKING:
    from collections.abc import Iterable

_MARK = ".plugin-factory-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Replacement:
    """A file or link to put in place of ``target``; with no ``content`` the target is removed.

    The content keeps its mode. A target that is a link is replaced itself, never written through.
    """

    target: Path
    content: Path | None


def replace_all(replacements: Iterable[Replacement], *, root: Path) -> None:
    """Put all contents in place, or leave everything as it was.

    Folders that are missing are made; folders below ``root`` that a removal leaves empty go.

    Raises:
        StorageError: a file cannot be written; nothing has changed.
    """
    saved: list[Path] = []
    try:
        with contextlib.ExitStack() as undo:
            staged = [(item.target, _stage(item, undo)) for item in replacements]
            for target, content in staged:
                _move(target, content, undo, saved)
            undo.pop_all()  # all is in place: nothing is to be undone any more
    except OSError as error:
        name = Path(os.fsdecode(error.filename)) if error.filename else root
        raise StorageError(
            "files could not be written, and all are as they were",
            place=Place(file=name.parent if _MARK in name.name else name),
            found=error.strerror,
            hint="check the free space and the permissions of the folder",
        ) from error
    for path in saved:
        path.unlink(missing_ok=True)
    for target, content in staged:
        if content is None:
            _remove_empty_folders(target.parent, root)


def _stage(item: Replacement, undo: contextlib.ExitStack) -> Path | None:
    """Write the content beside its target, with its own mode and the target's owner."""
    if item.content is None:
        return None
    for parent in reversed([p for p in item.target.parents if not p.exists()]):
        parent.mkdir()
        undo.callback(_remove_if_empty, parent)
    staged = _beside(item.target)
    undo.callback(staged.unlink, missing_ok=True)
    copy_file(item.content, staged)
    if not staged.is_symlink():
        os.utime(staged)
        staged.chmod(stat.S_IMODE(staged.stat().st_mode) | stat.S_IWUSR)
    with contextlib.suppress(OSError):
        before = item.target.lstat()
        os.chown(staged, before.st_uid, before.st_gid, follow_symlinks=False)
    return staged


def _move(
    target: Path, content: Path | None, undo: contextlib.ExitStack, saved: list[Path]
) -> None:
    if os.path.lexists(target):
        way_back = _beside(target)
        try:
            os.link(target, way_back, follow_symlinks=False)
        except OSError:  # a filesystem without hard links
            copy_file(target, way_back)
        saved.append(way_back)
        undo.callback(os.replace, way_back, target)
    else:
        undo.callback(target.unlink, missing_ok=True)
    if content is None:
        target.unlink(missing_ok=True)
    else:
        content.replace(target)


def _beside(target: Path) -> Path:
    """A name in the target's folder that nobody has."""
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}{_MARK}") as taken:
        return Path(taken.name)


def _remove_empty_folders(folder: Path, root: Path) -> None:
    while folder != root and folder.is_relative_to(root) and _remove_if_empty(folder):
        folder = folder.parent


def _remove_if_empty(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        folder.rmdir()
        return True
    return False
