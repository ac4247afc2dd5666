"""Staged plugins put into the portal's folder: all of them, or none.

A folder appears by a rename on the same filesystem. What it replaces is set aside until everything
is in place; if something fails all renames are taken back, and after a killed run the next one
does that.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from factory.errors import Place, StorageError
from factory.installation.portal_config import CONFIG_FILE
from factory.installation.staged import MARKER
from factory.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

STAGING = ".plugin-factory-staging"
_NEW, _ASIDE = "new", "aside"


@contextmanager
def staging_folder(root: Path) -> Iterator[Path]:
    """Yield an empty folder within ``root``, which is gone afterwards.

    What a killed run has left there is tidied up first.

    Raises:
        StorageError: ``root`` cannot be written.
    """
    staging = root / STAGING
    try:
        _recover(root, staging)
        (staging / _NEW).mkdir(parents=True)
        (staging / _ASIDE).mkdir()
    except OSError as error:
        raise _unwritable(root, error) from error
    try:
        yield staging / _NEW
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def swap_in(
    root: Path,
    staging: Path,
    *,
    new: Mapping[str, Path],
    gone: Collection[str],
    config: str,
) -> None:
    """Put the folders ``new`` in place, take those named ``gone`` away, write the configuration.

    Args:
        root: the portal's folder.
        staging: what :func:`staging_folder` gave.
        new: paths within ``staging`` by the name that each gets.
        gone: names of folders of earlier runs that are to go; those that ``new`` replaces may be
            among them.
        config: the text of ``app-config.dynamic-plugins.yaml``.

    Raises:
        StorageError: something cannot be moved; ``root`` is as it was. Or a folder that somebody
            else has put there has one of the names.
    """
    refuse_foreign(root, new)
    aside = staging.parent / _ASIDE
    moved: list[tuple[Path, Path]] = []
    try:
        write_whole(staging / CONFIG_FILE, config)
        for name in dict.fromkeys((*gone, *new)):
            if (root / name).exists():
                _move(root / name, aside / name, moved)
            if name in new:
                _move(new[name], root / name, moved)
        (staging / CONFIG_FILE).replace(root / CONFIG_FILE)
    except BaseException as error:
        for source, target in reversed(moved):
            target.rename(source)
        if isinstance(error, OSError):
            raise _unwritable(root, error) from error
        raise


def refuse_foreign(root: Path, names: Collection[str]) -> None:
    """Check that no folder that somebody else has put into ``root`` has one of ``names``.

    Raises:
        StorageError: one has.
    """
    for name in names:
        folder = root / name
        if os.path.lexists(folder) and not _is_ours(folder):
            raise StorageError(
                f"{folder} is in the way: it was not put there by 'plugin-factory install'",
                place=Place(file=folder),
                expected="no such folder, or one that an earlier run has made",
                hint="move it elsewhere, and list it by its path if it is to be loaded",
            )


def _recover(root: Path, staging: Path) -> None:
    """Undo a swap that was killed halfway: what was set aside comes back if its place is free."""
    aside = staging / _ASIDE
    for folder in aside.iterdir() if aside.is_dir() else ():
        if not os.path.lexists(root / folder.name):
            folder.rename(root / folder.name)
    if os.path.lexists(staging):
        shutil.rmtree(staging)


def _is_ours(folder: Path) -> bool:
    return not folder.is_symlink() and (folder / MARKER).is_file()


def _move(source: Path, target: Path, moved: list[tuple[Path, Path]]) -> None:
    source.rename(target)
    moved.append((source, target))


def _unwritable(root: Path, error: OSError) -> StorageError:
    return StorageError(
        f"the portal's folder cannot be written: {error.strerror or error}",
        place=Place(file=root),
        found=str(error.filename) if error.filename else None,
        hint="check the space on the disk, and who may write the folder",
    )
