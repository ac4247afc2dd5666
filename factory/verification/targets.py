"""What the words of a command line name: packed plugins, folders of them, images."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from factory.errors import UsageError
from factory.folders import entries_in, may_be_read, output_folders
from factory.oci.layout import LAYOUT_MARKER
from factory.oci.names import (
    ImageName,
    image_name,
)
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SCHEMES = ("oci://", "docker://")
PACKED = ".tgz"
ARCHIVED = ".tar"
PLUGIN_PATH = "!"


@dataclass(frozen=True, kw_only=True, slots=True)
class PackedTarget:
    """A packed plugin, ``.tgz``."""

    file: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class UnpackedFolder:
    """A plugin's folder: ``dist-dynamic``, or what an installer has staged."""

    folder: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Images on disk: a layout's folder, or a tar of one."""

    path: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteImage:
    """An image in a registry; ``plugin`` is its folder of interest, "" for all."""

    name: ImageName
    plugin: str = ""


Target: TypeAlias = PackedTarget | UnpackedFolder | Layout | RemoteImage


def find_targets(words: Iterable[str]) -> tuple[Target, ...]:
    """Return what the words name, a folder of outputs as everything in it.

    A folder of outputs may also hold one folder a workspace.

    Raises:
        UsageError: a word names nothing that can be verified.
    """
    found: list[Target] = []
    for word in words:
        if word.startswith(SCHEMES):
            name, _, plugin = word.partition(PLUGIN_PATH)
            found.append(RemoteImage(name=image_name(name), plugin=plugin.strip("/")))
            continue
        here = list(_on_disk(Path(word)))
        if not here:
            raise UsageError(
                "there is no plugin here",
                found=word if Path(word).exists() else f"{word}, which does not exist",
                expected="a .tgz, a folder of them, a plugin's folder, an OCI layout, or "
                "oci://registry/repository:tag",
                hint="build first: plugin-factory build --output-dir ./outputs",
            )
        found += here
    return tuple(dict.fromkeys(found))


def _on_disk(path: Path) -> Iterator[Target]:
    if path.is_file():
        yield Layout(path=path) if _is_archived_layout(path) else PackedTarget(file=path)
    elif (path / LAYOUT_MARKER).is_file():
        yield Layout(path=path)
    elif (path / "package.json").is_file():
        yield UnpackedFolder(folder=path)
    elif path.is_dir():
        yield from _outputs(path)
        for folder in output_folders(path)[1:]:
            if not folder.name.startswith(".") and not (folder / LAYOUT_MARKER).is_file():
                yield from _outputs(folder)


def _outputs(folder: Path) -> Iterator[Target]:
    for path in entries_in(folder):
        is_closed = path.is_dir() and not may_be_read(path)
        if path.name.startswith(".") or is_closed:
            continue
        if path.is_file() and path.suffix == PACKED:
            yield PackedTarget(file=path)
        elif (path / LAYOUT_MARKER).is_file() or _is_archived_layout(path):
            yield Layout(path=path)


def _is_archived_layout(path: Path) -> bool:
    if path.suffix != ARCHIVED or not path.is_file():
        return False
    try:
        with tarfile.open(path, "r:") as tar:
            first = tar.next()
    except (tarfile.TarError, OSError, EOFError):
        return False
    return first is not None
