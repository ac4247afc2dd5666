"""Two folders that hold one package: a portal knows plugins by their package's name alone.

With two of one name the backend's scanner stops the portal at its start, whatever their versions
and wherever they came from; so they are refused before anything is put in place.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from factory.archives.names import fold_name
from factory.archives.npm_package import LARGEST_PACKAGE_JSON, PACKAGE_JSON
from factory.errors import Place, StorageError
from factory.notation.json_text import parse_object

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from factory.installation.fetching import FetchedPlugin

# What the portal's own installer leaves in each folder, so that it knows it again.
_OTHER_INSTALLERS = ("dynamic-plugin-config.hash", "dynamic-plugin-image.hash")


def refuse_doubles(root: Path, brought: Sequence[FetchedPlugin], *, gone: Collection[str]) -> None:
    """Check that no two folders of the portal will hold one package.

    Args:
        root: the portal's folder.
        brought: what became of the listed plugins.
        gone: folders of earlier runs that are about to be removed.

    Raises:
        StorageError: two listed plugins are one package, or one is already in a folder that
            somebody else has put there. Both are named.
    """
    staged: dict[str, FetchedPlugin] = {}
    folders: set[str] = set(gone)
    for one in brought:
        folder = one.end.folder
        if one.before:
            folders.add(one.before.folder)
        if not folder:
            continue
        folders.add(folder)
        name = one.obtained.name if one.obtained else package_name(root / folder)
        for key in filter(None, (fold_name(name), f"/{fold_name(folder)}")):
            if key in staged and staged[key].end.folder:
                raise _both_listed(staged[key], one, name)
            staged[key] = one
    for path in _folders(root):
        if path.name in folders or path.name.startswith("."):
            continue
        name = package_name(path)
        if name and fold_name(name) in staged:
            raise _beside(staged[fold_name(name)], path, name)


def package_name(folder: Path) -> str:
    """Return the name in a folder's package.json, "" if there is none to be had."""
    file = folder / PACKAGE_JSON
    try:
        if not file.is_file() or file.stat().st_size > LARGEST_PACKAGE_JSON:
            return ""
        name = parse_object(file.read_bytes()).get("name")
    except (OSError, ValueError):
        return ""
    return name if isinstance(name, str) else ""


def _folders(root: Path) -> list[Path]:
    try:
        return sorted(path for path in root.iterdir() if path.is_dir())
    except OSError as error:
        raise StorageError(
            f"the portal's folder cannot be read: {error.strerror or error}",
            place=Place(file=root),
            hint="check its permissions",
        ) from error


def _both_listed(first: FetchedPlugin, second: FetchedPlugin, name: str) -> StorageError:
    return StorageError(
        f"two plugins of the list are the same package, {name}: a portal does not start with both",
        place=second.end.entry.place,
        found=" and ".join(
            f"{one.end.entry.package} ({one.end.version})" for one in (first, second)
        ),
        expected="each package once, whatever its version",
        hint="remove one of the two from the list, or set disabled: true",
    )


def _beside(listed: FetchedPlugin, path: Path, name: str) -> StorageError:
    other = any(os.path.lexists(path / hash_file) for hash_file in _OTHER_INSTALLERS)
    whose = "left by the portal's own installer" if other else "put there by someone else"
    return StorageError(
        f"{name} is already in the portal's folder: a portal does not start with it twice",
        place=listed.end.entry.place,
        found=f"{path}, {whose}, beside {listed.end.entry.package}",
        expected="each package once, whatever its version",
        hint=f"remove the folder, if it is not needed: rm -r '{path}'",
    )
