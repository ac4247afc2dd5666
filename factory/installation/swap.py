"""Staged plugins put into the portal's folder: all of them, or none.

A folder appears by a rename on the same filesystem. What it replaces is set aside until everything
is in place; if something fails all renames are taken back, and after a killed run the next one
does that. Unlike for :mod:`factory.sources.replacement`, where each folder is tells how far a swap
came: nobody else moves them, and a note of each step could be lost between two renames.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from factory.errors import Place, StorageError
from factory.files import write_whole
from factory.installation.portal_config import CONFIG_FILE
from factory.installation.staged import MARKER
from factory.notation.json_text import parse_object

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

log = logging.getLogger(__name__)

STAGING = ".plugin-factory-staging"
_NEW, _ASIDE, _JOURNAL = "new", "aside", "journal.json"


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
        _tidy_up(root, staging)


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
    folder = staging.parent
    try:
        write_whole(staging / CONFIG_FILE, config)
        journal = {name: path.name for name, path in new.items()}
        write_whole(folder / _JOURNAL, json.dumps(journal))
        for name in dict.fromkeys((*gone, *new)):
            if os.path.lexists(root / name):
                (root / name).rename(folder / _ASIDE / name)
            if name in new:
                new[name].rename(root / name)
        # The last of all, and what tells that the swap is whole: see _is_whole.
        (staging / CONFIG_FILE).replace(root / CONFIG_FILE)
    except BaseException as error:
        if not _is_whole(folder):
            with suppress(OSError):  # staging_folder tries again, and says so if that fails
                _take_back(root, folder)
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
                expected="no such folder, or one that an earlier run created",
                hint="move it elsewhere, and list it by its path if it is to be loaded",
            )


def _recover(root: Path, staging: Path) -> None:
    """Undo a swap that was killed halfway."""
    if not _is_whole(staging):
        _take_back(root, staging)
    if os.path.lexists(staging):
        shutil.rmtree(staging)


def _tidy_up(root: Path, staging: Path) -> None:
    """Remove the staging folder, unless there is a plugin in it that could not be put back."""
    try:
        if not _is_whole(staging):
            _take_back(root, staging)
    except OSError as error:
        log.warning(
            "a part of what was in %s is in %s, and could not be put back (%s): run "
            "'plugin-factory install' again",
            root,
            staging / _ASIDE,
            error.strerror or error,
        )
        return
    shutil.rmtree(staging, ignore_errors=True)


def _is_whole(staging: Path) -> bool:
    """Whether a swap that was begun there has come to its end: what is set aside may go then."""
    return (staging / _JOURNAL).is_file() and not (staging / _NEW / CONFIG_FILE).exists()


def _take_back(root: Path, staging: Path) -> None:
    """Undo what of a swap is done. What is where tells it: nothing is remembered between renames.

    A signal between a rename and a note of it would leave one without the other.

    Raises:
        OSError: something cannot be moved back.
    """
    for name, fresh in _journal(staging).items():
        if not os.path.lexists(staging / _NEW / fresh) and os.path.lexists(root / name):
            (root / name).rename(staging / _NEW / fresh)
    aside = staging / _ASIDE
    for folder in sorted(aside.iterdir()) if aside.is_dir() else ():
        if os.path.lexists(root / folder.name):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(root / folder.name))
        folder.rename(root / folder.name)


def _journal(staging: Path) -> dict[str, str]:
    """The folders that are to appear, and what they are called in the staging folder until then."""
    try:
        journal = parse_object((staging / _JOURNAL).read_bytes())
    except (OSError, ValueError):
        return {}  # the swap had not begun
    plain = {str(name): str(fresh) for name, fresh in journal.items()}
    return {name: fresh for name, fresh in plain.items() if _is_name(name) and _is_name(fresh)}


def _is_name(text: str) -> bool:
    return text not in ("", ".", "..") and "/" not in text and "\0" not in text


def _is_ours(folder: Path) -> bool:
    return not folder.is_symlink() and (folder / MARKER).is_file()


def _unwritable(root: Path, error: OSError) -> StorageError:
    return StorageError(
        f"the portal's folder cannot be written: {error.strerror or error}",
        place=Place(file=root),
        found=str(error.filename) if error.filename else None,
        hint="check the free disk space and the folder's permissions",
    )
