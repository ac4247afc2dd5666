"""A plain folder as the source: copied, never modified."""

from __future__ import annotations

import errno
import logging
import os
import stat
from functools import partial
from pathlib import Path

from factory.errors import Place, SourceError, StorageError
from factory.folders import tell_passed_over
from factory.sources.file_copy import copy_file, copy_mode_and_times
from factory.sources.workspace import has_workspaces

log = logging.getLogger(__name__)

# What an earlier build leaves: installed dependencies and exported plugins, both recreated.
LEFT_OUT = frozenset({"node_modules", "dist-dynamic"})
_MANIFEST, _LOST = "package.json", "lost+found"
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def copy_folder(source: Path, into: Path) -> None:
    """Copy a folder's content into an existing folder, without ``node_modules``, ``dist-dynamic``.

    Links stay links; one that names a place inside the source absolutely is made relative, so that
    writing through it in the copy never reaches the source. Sockets and devices are left out.

    Raises:
        SourceError: one of the folders contains the other, or a file cannot be read.
        StorageError: the disk is full, or the target cannot be written. What was copied by then is
            the caller's to remove.
    """
    source, into = source.resolve(), into.resolve()
    if into.is_relative_to(source) or source.is_relative_to(into):
        raise SourceError(
            "the source folder and the folder to build in contain one another",
            found=f"source {source}, --repo-path {into}",
            hint="use a --repo-path outside the source folder, or build in place with --use-local",
        )
    refuse = partial(_refuse_unless_beside_packages, source=source, into=into)
    for parent, folders, files in os.walk(source, onerror=refuse):
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT)
        here = Path(parent)
        target = into / here.relative_to(source)
        for name in folders + sorted(files):
            if name not in LEFT_OUT:
                _copy_entry(here / name, target / name, source)
    # Modes and times of the folders last: a folder may be read-only.
    for parent, folders, _ in os.walk(into, topdown=False):
        for name in folders:
            copied = Path(parent) / name
            if not copied.is_symlink():
                copy_mode_and_times(source / copied.relative_to(into), copied)


def _copy_entry(entry: Path, target: Path, source: Path) -> None:
    try:
        mode = entry.lstat().st_mode
        if stat.S_ISLNK(mode):
            target.symlink_to(_link_target(entry, source))
        elif stat.S_ISDIR(mode):
            target.mkdir()
        elif stat.S_ISREG(mode):
            copy_file(entry, target)
        else:
            log.warning("%s is neither a file, a folder nor a link: not copied", _show(entry))
    except OSError as error:
        raise _failure(error, entry) from error


def _link_target(link: Path, source: Path) -> str:
    written = os.readlink(link)  # noqa: PTH115 - as written, which Path would normalise
    if Path(written).is_absolute() and Path(written).is_relative_to(source):
        return os.path.relpath(written, link.parent)
    if _leaves(link, source):
        log.warning("the link %s leads out of the source folder (%s)", _show(link), _show(written))
    return written


def _refuse_unless_beside_packages(error: OSError, *, source: Path, into: Path) -> None:
    """Pass a folder over that may not be read and belongs to no package: it holds nothing of one.

    A volume's ``lost+found`` never does. A folder of the workspace's own, such as a database's, is
    in no package: a package.json with ``workspaces`` is that of all.
    """
    folder = Path(os.fsdecode(error.filename or "."))
    around = [each for each in folder.parents if each.is_relative_to(source)]
    manifest = next((each / _MANIFEST for each in around if (each / _MANIFEST).is_file()), None)
    belongs = manifest is not None and not has_workspaces(manifest)
    if not isinstance(error, PermissionError) or (belongs and folder.name != _LOST):
        raise _failure(error, folder) from error
    (into / folder.relative_to(source)).rmdir()
    tell_passed_over(os.fspath(folder))


def _leaves(link: Path, source: Path) -> bool:
    try:
        return not link.resolve().is_relative_to(source)
    except (OSError, RuntimeError):  # in circles: it leads nowhere
        return False


def _show(name: Path | str) -> str:
    """A name as text: it may hold any bytes, and a log takes UTF-8."""
    return os.fsencode(name).decode(errors="backslashreplace")


def _failure(error: OSError, entry: Path) -> SourceError | StorageError:
    if error.errno in _NO_SPACE:
        return StorageError(
            "the disk is full: the source folder could not be copied",
            place=Place(file=entry),
            found=error.strerror,
            hint="free some space (df -h shows where) and run the same command again",
        )
    if error.filename is not None and Path(os.fsdecode(error.filename)) == entry:
        return SourceError(
            "a file of the source folder cannot be read",
            place=Place(file=entry),
            found=error.strerror,
            hint="check its permissions",
        )
    return StorageError(
        "the source folder could not be copied",
        place=Place(file=entry),
        found=str(error),
        hint="check that --repo-path can be written",
    )
