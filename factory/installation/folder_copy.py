"""A plugin's folder on this machine: what it holds as a digest, and a copy that is safe to load."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from typing import TYPE_CHECKING

from factory.archives.safe_folder import unreadable, walk_safely
from factory.errors import ArtifactError, Place, StorageError

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK = 1024 * 1024


def folder_digest(folder: Path) -> str:
    """Return ``sha256:…`` of names, kinds and contents; times and owners do not count.

    Raises:
        ArtifactError: as :func:`copy_plugin_folder`.
    """
    digest = hashlib.sha256()
    try:
        for path, status in walk_safely(folder):
            name = path.relative_to(folder).as_posix()
            if stat.S_ISLNK(status.st_mode):
                digest.update(f"link {name}\0{os.fspath(path.readlink())}\0".encode())
            elif stat.S_ISREG(status.st_mode):
                executable = bool(status.st_mode & stat.S_IXUSR)
                digest.update(f"file {executable} {status.st_size} {name}\0".encode())
                with path.open("rb") as file:
                    while data := file.read(_CHUNK):
                        digest.update(data)
            else:
                digest.update(f"folder {name}\0".encode())
    except OSError as error:
        raise unreadable(folder, error) from error
    return f"sha256:{digest.hexdigest()}"


def copy_plugin_folder(folder: Path, destination: Path) -> None:
    """Copy a folder; ``destination`` is made, and gone again if that fails.

    Raises:
        ArtifactError: the folder is not safe to load: as :func:`walk_safely`.
        StorageError: it cannot be written.
    """
    if destination.resolve().is_relative_to(folder.resolve()):
        raise ArtifactError(
            "the plugin's folder contains the portal's folder",
            place=Place(file=folder),
            expected="the folder of one exported plugin",
        )
    entries = list(walk_safely(folder))
    try:
        destination.mkdir(mode=0o755)
        for path, status in entries:
            target = destination / path.relative_to(folder)
            if stat.S_ISLNK(status.st_mode):
                target.symlink_to(path.readlink())
            elif stat.S_ISDIR(status.st_mode):
                target.mkdir(mode=0o755)
            else:
                shutil.copyfile(path, target)
                target.chmod(0o755 if status.st_mode & stat.S_IXUSR else 0o644)
    except OSError as error:
        shutil.rmtree(destination, ignore_errors=True)
        raise StorageError(
            f"the plugin's folder cannot be copied: {error.strerror or error}",
            found=str(error.filename or destination),
            hint="check the free disk space and the permissions there",
        ) from error
    except BaseException:
        shutil.rmtree(destination, ignore_errors=True)
        raise
