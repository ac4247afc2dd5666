"""The assets of frontend plugins in one folder to serve, where old chunks live on for a while.

Somebody who has the portal open when a plugin is upgraded still loads chunks of the old version. So
a file whose name has a content hash stays for a given time after no plugin has it any more; a file
without a hash (a manifest, an entry script) is always that of the newest version.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from factory.errors import ConfigurationError, Place, StorageError
from factory.files import replace_file, write_whole
from factory.locking import exclusive
from factory.notation.json_text import parse_json
from factory.patterns import lazy_pattern
from factory.plugin_registry.frontend_plugins import FEDERATION_FOLDERS, FEDERATION_MANIFEST
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from factory.plugin_registry.frontend_plugins import StagedPlugin

# When each retained file was first not part of any plugin, in seconds since 1970.
STATE_FILE = ".retained.json"
# webpack's [contenthash] and [chunkhash] are hexadecimal, 8 digits or more, between dots or dashes.
_HASHED = lazy_pattern(r"(?:^|[.\-_])[0-9a-f]{8,64}(?=[.\-_])")


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedAssets:
    """What was done to the folder: names of files, relative to it."""

    added: tuple[str, ...]
    retained: tuple[str, ...]
    removed: tuple[str, ...]


def publish_assets(
    plugins: Sequence[StagedPlugin], folder: Path, *, retain: float, now: float
) -> PublishedAssets:
    """Bring the plugins' assets into ``folder``, below each plugin's folder name.

    New chunks come first, then what refers to them; old chunks go last. So a page that is loaded
    meanwhile finds all it asks for.

    Args:
        plugins: the staged plugins.
        folder: the folder to serve; made if it is not there, and changed by nobody else.
        retain: for how many seconds a chunk stays after the plugins that had it are gone.
        now: the time, in seconds since 1970.

    Raises:
        StorageError: the disk is full, or the folder cannot be written.
        ConfigurationError: the folder's record of retained files cannot be read.
        BusyError: another run publishes into the folder.
    """
    wanted = {
        f"{plugin.folder.name}/{name}": plugin.folder / name
        for plugin in plugins
        for name in _assets(plugin)
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with exclusive(folder, wait=False):
            since = _state(folder)
            there = set(_files(folder))
            in_order = sorted(wanted, key=lambda name: (not is_hashed(name), name))
            added = [name for name in in_order if _bring(wanted[name], folder / name)]
            unreferenced = {
                name: since.get(name, now) for name in sorted(there) if name not in wanted
            }
            expired = [
                name
                for name, began in unreferenced.items()
                if not is_hashed(name) or now - began >= retain
            ]
            kept = {name: began for name, began in unreferenced.items() if name not in expired}
            for name in expired:
                _remove(folder, name)
            write_whole(folder / STATE_FILE, json.dumps(kept, indent=2, sort_keys=True) + "\n")
    except OSError as error:
        raise StorageError(
            "the assets cannot be published",
            place=Place(file=folder),
            found=error.strerror or str(error),
            hint="free some space, or name another folder with --assets",
        ) from error
    return PublishedAssets(added=tuple(added), retained=tuple(kept), removed=tuple(expired))


def is_hashed(name: str) -> bool:
    """Return whether a file's name has a hash of its content in it: it never means another one."""
    return _HASHED.search(name.rpartition("/")[2]) is not None


def _assets(plugin: StagedPlugin) -> Iterator[str]:
    """What of a plugin a browser loads: the folders of both manifests."""
    folders = {plugin.assets}
    folders |= {
        plugin.folder / name
        for name in FEDERATION_FOLDERS
        if (plugin.folder / name / FEDERATION_MANIFEST).is_file()
    }
    for folder in sorted(folders):
        for name in _files(folder):
            yield (folder / name).relative_to(plugin.folder).as_posix()


def _files(folder: Path) -> Iterator[str]:
    """Every regular file below a folder, by its path from there; no links, and nothing hidden."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            file = Path(parent, name)
            if not name.startswith(".") and not file.is_symlink():
                yield file.relative_to(folder).as_posix()


def _bring(source: Path, target: Path) -> bool:
    """Copy a file unless it is there already; whole or not at all."""
    if target.is_file() and _is_same(source, target):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as content, replace_file(target) as copy:
        shutil.copyfileobj(content, copy)
    return True


def _is_same(source: Path, target: Path) -> bool:
    if source.stat().st_size != target.stat().st_size:
        return False
    return source.read_bytes() == target.read_bytes()


def _remove(folder: Path, name: str) -> None:
    file = folder / name
    file.unlink(missing_ok=True)
    for parent in file.parents:
        if parent == folder or any(parent.iterdir()):
            return
        parent.rmdir()


def _state(folder: Path) -> Mapping[str, float]:
    file = folder / STATE_FILE
    if not file.is_file():
        return {}
    try:
        document = parse_json(file.read_bytes())
        return {str(name): float(began) for name, began in document.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise ConfigurationError(
            "the record of retained files cannot be read",
            place=Place(file=file),
            found=str(error),
            hint="remove the file: every old chunk then counts as old from now on",
        ) from error
