"""A plugin's folder on this machine: what it holds as a digest, and a copy that is safe to load."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from factory.errors import ArtifactError, Place, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK = 1024 * 1024


def folder_digest(folder: Path) -> str:
    """Return ``sha256:…`` of names, kinds and contents; times and owners do not count.

    Raises:
        ArtifactError: as :func:`copy_plugin_folder`.
    """
    digest = hashlib.sha256()
    try:
        for path, status in _walked(folder):
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
        raise _unreadable(folder, error) from error
    return f"sha256:{digest.hexdigest()}"


def copy_plugin_folder(folder: Path, destination: Path) -> None:
    """Copy a folder; ``destination`` is made, and gone again if that fails.

    Raises:
        ArtifactError: a link leads out of the folder, or something is no file, folder or link.
        StorageError: it cannot be written.
    """
    if destination.resolve().is_relative_to(folder.resolve()):
        raise ArtifactError(
            "the plugin's folder holds the portal's folder",
            place=Place(file=folder),
            expected="the folder of one exported plugin",
        )
    entries = _listed(folder)
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
            hint="check the space on the disk, and who may read and write there",
        ) from error
    except BaseException:
        shutil.rmtree(destination, ignore_errors=True)
        raise


def _listed(folder: Path) -> list[tuple[Path, os.stat_result]]:
    try:
        return list(_walked(folder))
    except OSError as error:
        raise _unreadable(folder, error) from error


def _walked(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Everything in the folder, a folder before what is in it; links are not followed."""
    root = folder.resolve()
    todo = [folder]
    while todo:
        here = todo.pop()
        for path in sorted(here.iterdir()):
            status = path.lstat()
            if stat.S_ISLNK(status.st_mode):
                target = path.readlink()
                led_to = Path(os.path.realpath(path))  # which a loop of links does not stop
                if target.is_absolute() or not led_to.is_relative_to(root):
                    raise _unsafe(folder, path, f"leads out of it, to {target}")
            elif stat.S_ISDIR(status.st_mode):
                todo.append(path)
            elif not stat.S_ISREG(status.st_mode):
                raise _unsafe(folder, path, "is neither a file nor a folder nor a link")
            yield path, status


def _unsafe(folder: Path, path: Path, why: str) -> ArtifactError:
    return ArtifactError(
        f"the plugin's folder is not safe to load: {path.relative_to(folder)} {why}",
        place=Place(file=path),
        expected="files, folders, and links that stay within the plugin",
        hint="export the plugin, and name what that makes: its folder dist-dynamic, or the .tgz",
    )


def _unreadable(folder: Path, error: OSError) -> ArtifactError:
    return ArtifactError(
        f"the plugin's folder cannot be read: {error.strerror or error}",
        place=Place(file=Path(error.filename or folder)),
        hint="relative paths count from the folder of the file that they are written in",
    )
