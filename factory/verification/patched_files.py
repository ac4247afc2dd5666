"""Whether a bundled package carries the patches that the lockfile says it has.

A patch is taken back from the files as they are: each of its hunks, and those of the patches that
were applied before it, must be found there. That needs neither the unpatched package nor yarn.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from factory.analysis.locked_workspace import find_locked_patches
from factory.sources.hunk_fit import HunkMismatchError, patch_content
from factory.sources.patch_hunks import MalformedPatchError
from factory.sources.patch_text import read_patch
from factory.sources.patched_tree import PatchedTree, TreeEntry, UnsafeNameError

if TYPE_CHECKING:
    from pathlib import Path

    from factory.sources.patch_text import FilePatch

# A patch is text that people read: none is longer.
_LARGEST = 16 << 20
_TOP = PurePosixPath()
_STRIP = 1  # yarn writes and takes names with a/ and b/


def difference_to_patches(folder: Path, locator: str, root: Path) -> str | None:
    """Return what is wrong with a package's patches, or None if they are all in its files.

    Args:
        folder: the bundled package.
        locator: the package's in yarn.lock; without ``patch:`` it has no patches.
        root: the folder of yarn.lock.
    """
    tree = PatchedTree(folder.resolve())
    for patch in reversed(find_locked_patches(locator)):
        if patch.optional or not patch.path:
            continue  # yarn's own, or one that need not apply
        try:
            changes = _read_changes(root / patch.path)
        except (OSError, MalformedPatchError):
            return f"with a patch that cannot be read ({patch.path})"
        for change in reversed(changes):
            try:
                _take_back(change, tree)
            except (OSError, HunkMismatchError, UnsafeNameError):
                return f"without its patch {patch.path}"
    return None


def _read_changes(file: Path) -> tuple[FilePatch, ...]:
    if not file.is_file() or file.stat().st_size > _LARGEST:
        raise OSError(f"{file} is not a patch")
    return read_patch(file.read_bytes(), _STRIP)


def _take_back(change: FilePatch, tree: PatchedTree) -> None:
    """Undo in the tree what a patch did to one file.

    Raises:
        HunkMismatchError: it had not been done.
        UnsafeNameError: a name leads out of the package.
        OSError: a file cannot be read.
    """
    old, new = change.old or change.new, change.new or change.old
    if old is None or new is None:
        raise UnsafeNameError("a file without a name")
    before, after = tree.find(old, _TOP), tree.find(new, _TOP)
    found = tree.entry(after)
    if change.after == "missing":
        if found is not None:
            raise HunkMismatchError(1)
        content = b""
    elif found is None or found.kind != "file":
        raise HunkMismatchError(1)
    else:
        content = found.content
    undone = patch_content(content, change.reversed, exactly=True, is_strict=True).content
    if before != after:
        tree.put(after, None)
    tree.put(before, None if change.before == "missing" else TreeEntry(kind="file", content=undone))
