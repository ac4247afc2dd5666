"""An archive unpacked into a folder of its own, whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias

from factory.archives.limits import DEFAULT_LIMITS, ArchiveLimits
from factory.archives.members import SafeMember, safe_members
from factory.archives.names import clean_name
from factory.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Look: TypeAlias = Callable[[str, SafeMember, Iterator[bytes]], Iterator[bytes]]


def unpack(
    file: Path | IO[bytes],
    destination: Path,
    *,
    select: str = "",
    archive: Path | str | None = None,
    limits: ArchiveLimits = DEFAULT_LIMITS,
    look: Look | None = None,
) -> int:
    """Unpack an archive's folder ``select`` as ``destination``; return how many files it holds.

    ``destination`` must not be there yet. Give a name beside the final one and rename it when this
    returns. Files get mode 0644 or 0755, folders 0755, less
    what the umask takes; the owner is whoever unpacks. Entries
    outside ``select`` are looked at like all others, but not written.

    Args:
        file: the archive, gzipped or plain tar; a path, or a stream at its start.
        destination: the folder to make; its parents exist.
        select: the archive's folder whose content is wanted: ``package`` for an npm archive, a
            plugin's folder for the layer of an image, nothing for everything.
        archive: what errors call it, if not the path.
        limits: how much it may hold.
        look: is given each entry within ``select``, by its name there, with the chunks of its
            content, and passes them on: who has to read the content too reads it with this.

    Raises:
        ArtifactError: the archive is unsafe or damaged (see :func:`safe_members`); ``destination``
            is gone again.
        StorageError: ``destination`` exists, or cannot be written.
    """
    shown = archive if archive is not None else file if isinstance(file, Path) else "the archive"
    try:
        destination.mkdir(mode=0o755)
    except OSError as error:
        raise _unwritable(destination, error) from error
    try:
        if isinstance(file, Path):
            with file.open("rb") as stream:
                return _write_all(stream, destination, clean_name(select), shown, limits, look)
        return _write_all(file, destination, clean_name(select), shown, limits, look)
    except OSError as error:
        shutil.rmtree(destination, ignore_errors=True)
        raise _unwritable(destination, error) from error
    except BaseException:
        shutil.rmtree(destination, ignore_errors=True)
        raise


def _write_all(  # noqa: PLR0917 - what `unpack` was given
    stream: IO[bytes],
    destination: Path,
    select: str,
    shown: Path | str,
    limits: ArchiveLimits,
    look: Look | None,
) -> int:
    links: list[tuple[str, str]] = []
    made = {""}  # folders that are there, so that the system is not asked for each file
    files = 0
    for member, content in safe_members(stream, archive=shown, limits=limits, root=select):
        name = _below(member.name, select)
        if name is None:
            continue
        passed = look(name, member, content) if look else content
        path = f"{destination}/{name}"
        folder = name.rpartition("/")[0]
        if folder not in made:
            (destination / folder).mkdir(mode=0o755, parents=True, exist_ok=True)
            made.add(folder)
        if member.kind == "folder":
            Path(path).mkdir(mode=0o755, exist_ok=True)
        elif member.kind == "link":
            links.append((path, member.target))
        elif member.kind == "hard link":
            os.link(destination / (_below(member.target, select) or ""), path)
        else:
            _write(path, passed, executable=member.executable)
            files += 1
    # Last, so that nothing was ever written through one.
    for path, target in links:
        Path(path).symlink_to(target)
    return files


def _below(name: str, select: str) -> str | None:
    if not select:
        return name
    return name.removeprefix(f"{select}/") if name.startswith(f"{select}/") else None


def _write(path: str, content: Iterator[bytes], *, executable: bool) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    with open(os.open(path, flags, 0o755 if executable else 0o644), "wb", buffering=0) as stream:  # noqa: PTH123 - of a descriptor
        for chunk in content:
            left = memoryview(chunk)
            while left:
                left = left[stream.write(left) :]


def _unwritable(destination: Path, error: OSError) -> StorageError:
    return StorageError(
        f"the archive cannot be unpacked: {error.strerror or error}",
        found=str(error.filename or destination),
        hint="check the free disk space and the folder's permissions",
    )
