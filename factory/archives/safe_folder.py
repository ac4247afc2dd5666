"""A plugin's folder on this machine, read as strictly as an archive: nothing in it is trusted.

Whoever copies, digests or verifies a folder walks it here, so that what one refuses none
of the others takes.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from factory.archives.names import fault_of_name, fold_name
from factory.archives.refusal import printable
from factory.errors import ArtifactError, Place

if TYPE_CHECKING:
    from collections.abc import Iterator


def walk_safely(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield everything in a folder, a folder before what is in it; links are not followed.

    Raises:
        ArtifactError: a link leads out of the folder; something is not a file, folder or link (a
            pipe, a device); a name is not valid everywhere, or differs from another one only in
            what some systems or readers do not see; or it cannot be read.
    """
    try:
        yield from _walk(folder)
    except OSError as error:
        raise unreadable(folder, error) from error


def unreadable(folder: Path, error: OSError) -> ArtifactError:
    """Return the error for a plugin's folder that cannot be read."""
    return ArtifactError(
        f"the plugin's folder cannot be read: {error.strerror or error}",
        place=Place(file=Path(error.filename or folder)),
        hint="relative paths start at the folder of the file that contains them",
    )


def _walk(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    root = folder.resolve()
    todo = [folder]
    while todo:
        here = todo.pop()
        seen: dict[str, str] = {}
        for path in sorted(here.iterdir()):
            if fault := fault_of_name(path.name):
                raise _unsafe(folder, path, fault)
            same = seen.setdefault(fold_name(path.name), path.name)
            if same != path.name:
                raise _unsafe(folder, path, f"has the same name as {printable(same)} for some")
            status = path.lstat()
            if stat.S_ISLNK(status.st_mode):
                target = path.readlink()
                led_to = Path(os.path.realpath(path))  # which a loop of links does not stop
                if target.is_absolute() or not led_to.is_relative_to(root):
                    raise _unsafe(folder, path, f"leads out of it, to {printable(str(target))}")
            elif stat.S_ISDIR(status.st_mode):
                todo.append(path)
            elif not stat.S_ISREG(status.st_mode):
                raise _unsafe(folder, path, "is neither a file nor a folder nor a link")
            yield path, status


def _unsafe(folder: Path, path: Path, why: str) -> ArtifactError:
    shown = printable(str(path.relative_to(folder)))
    return ArtifactError(
        f"the plugin's folder is not safe to load: {shown} {why}",
        place=Place(file=folder, field=shown),
        expected="files, folders, and links that stay within the plugin, under plain names",
        hint="export the plugin, and name the result: its folder dist-dynamic, or the .tgz",
    )
