"""Several files written as one: all of them, or none.

Each is first written under a temporary name beside its place. When all are there, they are moved;
when a move fails, what was moved is taken back.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from factory.errors import ConfigurationError, Place, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedFile:
    """A file that was written, or would be, and whether one was there before."""

    path: Path
    replaced: bool


def refuse_existing(files: Sequence[Path], *, force: bool) -> tuple[PlacedFile, ...]:
    """Return what writing the files means, if it may be done.

    Raises:
        ConfigurationError: some exist and ``force`` is false; or one is a folder.
    """
    there = [file for file in files if os.path.lexists(file)]
    folders = [file for file in there if file.is_dir()]
    if folders or (there and not force):
        wrong = folders or there
        raise ConfigurationError(
            "there is a folder where a file is to be written"
            if folders
            else "files are there already, and are not overwritten",
            place=Place(file=wrong[0].parent),
            found="\n".join(str(file) for file in wrong),
            hint="give another directory, or --force to replace exactly these"
            if not folders
            else "give another directory",
        )
    return tuple(PlacedFile(path=file, replaced=file in there) for file in files)


def place_all(files: Mapping[Path, str]) -> None:
    """Write the files in their order, replacing what is there; if one fails, all stays as it was.

    Raises:
        StorageError: a folder cannot be made or written, or the disk is full.
    """
    with contextlib.ExitStack() as undo:
        try:
            staged = {_real(file): _staged(_real(file), text, undo) for file, text in files.items()}
            for file, temporary in staged.items():
                _move(temporary, file, undo)
        except OSError as error:
            raise StorageError(
                "the configuration cannot be written; nothing was changed",
                place=Place(file=Path(error.filename)) if error.filename else None,
                found=error.strerror or str(error),
                hint="give a directory that can be written and has room",
            ) from error
        undo.pop_all()
    for file in staged:
        _quietly(_former(file).unlink)


def _real(file: Path) -> Path:
    """Where a file's text goes: a symbolic link stays one."""
    return file.resolve() if file.is_symlink() else file


def _staged(file: Path, text: str, undo: contextlib.ExitStack) -> Path:
    missing = [folder for folder in file.parents if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir()
        undo.callback(_quietly, folder.rmdir)
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    temporary = Path(name)
    undo.callback(_quietly, temporary.unlink)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
        stream.write(text)
    temporary.chmod(0o644)
    return temporary


def _move(temporary: Path, file: Path, undo: contextlib.ExitStack) -> None:
    if file.exists():
        former = _former(file)
        _quietly(former.unlink)
        file.rename(former)
        undo.callback(former.replace, file)
    # A link, unlike a rename, never replaces what somebody has put there meanwhile.
    file.hardlink_to(temporary)
    undo.callback(_quietly, file.unlink)
    temporary.unlink()


def _former(file: Path) -> Path:
    return file.with_name(f".{file.name}.former")


def _quietly(action: Callable[[], object]) -> None:
    with contextlib.suppress(OSError):
        action()
