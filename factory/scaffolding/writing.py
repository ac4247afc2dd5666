"""Several files written as one: all of them, or none.

Each is first written under a temporary name beside its place. When all are there, they are moved;
when a move fails, or a signal ends the run, what was moved is taken back. There is no journal as in
:mod:`factory.sources.replacement`: no later run is bound to come to this directory, and each file
that a killed one has moved is whole.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from factory.errors import ConfigurationError, Place, StorageError
from factory.files import (
    move_new,
    sync_folder,
    write_beside,
)
from factory.values import dataclass

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
            "a folder exists where a file is to be written"
            if folders
            else "files exist already, and are not overwritten",
            place=Place(file=wrong[0].parent),
            found="\n".join(str(file) for file in wrong),
            hint="name another directory, or use --force to replace exactly these"
            if not folders
            else "name another directory",
        )
    return tuple(PlacedFile(path=file, replaced=file in there) for file in files)


def place_all(files: Mapping[Path, str]) -> None:
    """Write the files in their order, replacing what is there; if one fails, all stays as it was.

    Whatever ends the work, a signal too, takes back what was done: each step is noted before it is
    taken. A file that is replaced is there, old or new, at every moment, and keeps its permissions.

    Raises:
        StorageError: a folder cannot be made or written, or the disk is full.
    """
    # The last one ends first: names are taken back, then texts beside them, then folders.
    with (
        contextlib.ExitStack() as folders,
        contextlib.ExitStack() as staging,
        contextlib.ExitStack() as undo,
    ):
        try:
            staged = {}
            for file, text in files.items():
                real = _real(file)
                _make_folders(real.parent, folders)
                mode = real.stat().st_mode & 0o777 if real.is_file() else None
                staged[real] = staging.enter_context(write_beside(real, text, mode=mode))
            for file, temporary in staged.items():
                _move(temporary, file, staging, undo)
        except OSError as error:
            raise StorageError(
                "the configuration cannot be written; nothing was changed",
                place=Place(file=Path(error.filename)) if error.filename else None,
                found=error.strerror or str(error),
                hint="name a writable directory with free space",
            ) from error
        undo.pop_all()
        folders.pop_all()
        for folder in {file.parent for file in staged}:
            sync_folder(folder)


def _real(file: Path) -> Path:
    """Where a file's text goes: a symbolic link stays one."""
    return file.resolve() if file.is_symlink() else file


def _make_folders(folder: Path, undo: contextlib.ExitStack) -> None:
    for missing in reversed([each for each in (folder, *folder.parents) if not each.exists()]):
        undo.callback(_quietly, missing.rmdir)
        missing.mkdir()


def _move(
    temporary: Path, file: Path, staging: contextlib.ExitStack, undo: contextlib.ExitStack
) -> None:
    if file.exists():
        former = file.with_name(f"{temporary.name}.former")
        staging.callback(_quietly, former.unlink)
        _keep_as(former, file)
        undo.callback(_quietly, partial(former.replace, file))
        temporary.replace(file)
    else:
        undo.callback(_take_away, file, temporary.stat())
        move_new(temporary, file)


def _keep_as(former: Path, file: Path) -> None:
    """Give a file a second name, or a copy where there are no hard links."""
    try:
        former.hardlink_to(file)
    except OSError:
        shutil.copy2(file, former)


def _take_away(file: Path, ours: os.stat_result) -> None:
    """Remove a file if it is the one that was put there, and nobody's else."""
    with contextlib.suppress(OSError):
        if os.path.samestat(file.lstat(), ours):
            file.unlink()


def _quietly(action: Callable[[], object]) -> None:
    with contextlib.suppress(OSError):
        action()
