"""What yarn has installed in a workspace already, so that it is not asked to do the same again.

Yarn takes ten seconds to find that there is nothing to do. So it is noted, beside the packages,
what it has read when it was last there, and how the packages lay in their folders afterwards. As
long as both are the same it would change nothing: what is in the files of a package, yarn does not
look at either. A folder is told by its inode and its time, which no repository can bring along.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from typing import TYPE_CHECKING

from factory.cache.installations import machine_variables
from factory.export.bundling import PLACE
from factory.export.shared_installation import (
    INSTALL_STATE,
    MODULES,
    find_folders,
    installation_inputs,
)
from factory.files import read_end, replace_file
from factory.notation.json_text import parse_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from factory.toolchain.assembled import Toolchain

_NOTE = f"{PLACE}/installed.json"
_FORMAT = 1
_LARGEST = 1 << 16
# What a workspace was installed for: with patches and without, say.
_MOST_KEYS = 8


def present_key(workspace: Path, toolchain: Toolchain) -> str | None:
    """Return what tells what yarn would install; None where yarn has to find out itself.

    Raises:
        OSError: a file cannot be read.
    """
    if toolchain.yarn.is_classic:  # finds it out in no time
        return None
    return installation_inputs(workspace, toolchain, machine_variables(toolchain.environment))


def is_present(workspace: Path, key: str) -> bool:
    """Whether yarn has installed here what a key tells, and the packages lie as it left them."""
    keys, state = _read_note(workspace)
    try:
        return key in keys and state == _state_of(workspace)
    except OSError:  # something is missing
        return False


def note_present(workspace: Path, keys: Iterable[str]) -> None:
    """Note that yarn has just put everything into its place, where that can be noted.

    Args:
        workspace: its folder.
        keys: tell what yarn has read, and what it would read now.
    """
    modules = workspace / MODULES
    note = workspace / _NOTE
    if modules.is_symlink() or note.parent.is_symlink() or not modules.is_dir():
        return
    noted, before = _read_note(workspace)
    # The disk is full, or somebody else's.
    with contextlib.suppress(OSError):
        state = _state_of(workspace)
        known = list(dict.fromkeys([*(noted if before == state else ()), *keys]))
        said = {"format": _FORMAT, "state": state, "keys": known[-_MOST_KEYS:]}
        note.parent.mkdir(exist_ok=True)
        # In the place of a link, too, wherever that leads.
        with replace_file(note) as file:
            file.write(json.dumps(said).encode())


def _read_note(workspace: Path) -> tuple[list[str], str]:
    """The keys that are noted, and the state that they are of; none if there is no such note."""
    try:
        said = parse_object(read_end(workspace / _NOTE, _LARGEST).text())
    except (OSError, ValueError):
        return [], ""
    keys, state = said.get("keys"), said.get("state")
    if said.get("format") != _FORMAT or not isinstance(keys, list) or not isinstance(state, str):
        return [], ""
    return [str(key) for key in keys], state


def _state_of(workspace: Path) -> str:
    """A digest of which packages are where, down to each one's own.

    Raises:
        OSError: a folder cannot be read.
    """
    digest = hashlib.sha256()
    for folder in find_folders(workspace):
        modules = folder / MODULES
        if modules.is_dir():
            for line in _packages(str(modules)):
                digest.update(line)
    for name in (INSTALL_STATE, f"{MODULES}/.yarn-state.yml"):
        digest.update(_line(name, os.stat(workspace / name)))  # noqa: PTH116 - as all others
    return digest.hexdigest()


def _packages(modules: str) -> Iterator[bytes]:
    """A line for each package of a folder of packages, and of those in these."""
    with os.scandir(modules) as entries:
        found = sorted(
            ((entry.name, entry.path, entry.stat(follow_symlinks=False)) for entry in entries),
            key=lambda each: each[0],
        )
    for name, path, status in found:
        if name.startswith("."):
            continue
        if name.startswith("@") and stat.S_ISDIR(status.st_mode):
            yield name.encode()
            yield from _packages(path)
            continue
        yield _line(path, status)
        if stat.S_ISDIR(status.st_mode):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                yield from _packages(f"{path}/{MODULES}")


def _line(name: str, status: os.stat_result) -> bytes:
    return f"{name}\0{status.st_mode:o} {status.st_ino} {status.st_mtime_ns}\n".encode(
        "utf-8", "surrogateescape"
    )
