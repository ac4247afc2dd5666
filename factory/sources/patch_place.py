"""Where in a tree a patch belongs: below which folder, with how much of its names stripped.

Patches are written against the workspace or against the repository, and with ``a/`` and ``b/``
before their names or without. The names tell: the place where most of them fit is taken.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from factory.errors import PatchError, Place

if TYPE_CHECKING:
    from pathlib import Path

    from factory.sources.patch_text import FilePatch


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """One file that a patch touches: its names before and after, relative to the tree's root."""

    file: FilePatch
    old: PurePosixPath | None
    new: PurePosixPath | None

    @property
    def names(self) -> tuple[PurePosixPath, ...]:
        """The file's names, old before new, each once."""
        return tuple(dict.fromkeys(name for name in (self.old, self.new) if name))


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedPatch:
    """A patch, the folder (relative to the tree's root) it is applied in, and its strip level."""

    path: Path
    folder: PurePosixPath
    strip: int
    targets: tuple[Target, ...]

    @property
    def names(self) -> tuple[PurePosixPath, ...]:
        """The names of all files that the patch touches, relative to the tree's root."""
        return tuple(name for target in self.targets for name in target.names)


def place(
    path: Path,
    files: tuple[FilePatch, ...],
    *,
    root: Path,
    workspace: PurePosixPath,
    coming: frozenset[PurePosixPath] = frozenset(),
) -> PlacedPatch:
    """Return where a patch belongs.

    Args:
        path: the patch's own file.
        files: what it does.
        root: the tree.
        workspace: the workspace's folder, relative to the root; it goes before the root itself.
        coming: files that earlier patches make.

    Raises:
        PatchError: a name leaves the tree, by ``..`` or through a link in it.
    """
    folders = dict.fromkeys((workspace, PurePosixPath(".")))
    candidates = [
        placed
        for folder in folders
        for strip in _strips(files)
        if (placed := _placed(path, files, folder, strip)) is not None
    ]
    if not candidates:
        raise _refusal(path, _names(files)[0], "is no path inside the tree")
    best = max(candidates, key=lambda placed: _fit(placed, root, coming))
    for target in best.targets:
        for name in target.names:
            _refuse_unsafe(path, name, root)
    return best


def _names(files: tuple[FilePatch, ...]) -> list[str]:
    return [name for file in files for name in (file.old, file.new) if name is not None]


def _strips(files: tuple[FilePatch, ...]) -> tuple[int, ...]:
    """Strip levels, the likelier first: ``a/`` and ``b/`` speak for 1, plain names for 0."""
    plain = [file for file in files if not file.renamed]
    prefixed = [
        (file.old or "a/").startswith("a/") and (file.new or "b/").startswith("b/")
        for file in plain
    ]
    return (1, 0) if all(prefixed) else (0, 1)


def _placed(
    path: Path, files: tuple[FilePatch, ...], folder: PurePosixPath, strip: int
) -> PlacedPatch | None:
    targets: list[Target] = []
    for file in files:
        # git strips one less of `rename from` and its like, which carry no prefix.
        level = max(strip - 1, 0) if file.renamed else strip
        names = [_stripped(name, level) for name in (file.old, file.new)]
        if any(
            name is None and written is not None
            for name, written in zip(names, (file.old, file.new), strict=True)
        ):
            return None
        old, new = (folder / name if name else None for name in names)
        targets.append(Target(file=file, old=old, new=new))
    return PlacedPatch(path=path, folder=folder, strip=strip, targets=tuple(targets))


def _stripped(name: str | None, level: int) -> PurePosixPath | None:
    if name is None:
        return None
    rest = name
    for _ in range(level):
        _, slash, rest = rest.partition("/")
        if not slash:
            return None
    return PurePosixPath(rest) if rest else None


def _fit(placed: PlacedPatch, root: Path, coming: frozenset[PurePosixPath]) -> tuple[int, int]:
    """How many files are there under one of their names, and how many of their folders are."""
    files = folders = 0
    for target in placed.targets:
        files += any(name in coming or os.path.lexists(root / name) for name in target.names)
        folders += any((root / name).parent.is_dir() for name in target.names)
    return files, folders


def _refuse_unsafe(path: Path, name: PurePosixPath, root: Path) -> None:
    if name.is_absolute() or ".." in name.parts:
        raise _refusal(path, str(name), "leaves the tree")
    if any(part.lower() == ".git" for part in name.parts):
        raise _refusal(path, str(name), "is inside git's own folder")
    if (root / name).is_dir() and not (root / name).is_symlink():
        raise _refusal(path, str(name), "is a folder")
    for parent in name.parents:
        if (root / parent).is_symlink():
            raise _refusal(path, str(name), f"goes through a link, {parent}")


def _refusal(path: Path, name: str, reason: str) -> PatchError:
    return PatchError(
        f"the patch {path.name} writes where it must not: {name} {reason}",
        place=Place(file=path),
        found=name,
        expected="paths of files inside the workspace, or inside the repository",
    )
