"""A patch applied to a tree in memory: which file each part of it is for, and what comes of it.

The rules are those of GNU patch 2.7 with ``-l -f``, whose manual says what it does without saying
all of it; the tests compare with the program itself. Two things differ. A patch is applied whole or
not at all: where GNU patch would leave rejects behind, it is refused. And there is no place outside
the tree, or in git's own folder, that is written.
"""

from __future__ import annotations

import os
from dataclasses import field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from factory.sources.hunk_fit import Distance, HunkMismatchError, patch_content
from factory.sources.patch_names import best_name, count_folders, is_safe_name
from factory.sources.patched_tree import PatchedTree, TreeEntry, UnsafeNameError
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory.sources.patch_text import FilePatch, Presence

_PERMISSIONS, _EXECUTABLE = 0o777, 0o100
_RANKS: dict[Presence, int] = {"there": 0, "empty": 1, "missing": 2}


@dataclass(kw_only=True, eq=False)
class RefusedPatch(Exception):  # noqa: N818 - the caller makes it an error for the user
    """Why a part of a patch does not apply.

    Args:
        patch: the part.
        reason: why, in words that begin with the file's name.
        name: the file, relative to the folder that the patch was applied in; ``None`` if no name
            in the patch fits.
        hunk: the number of the hunk that does not match, from 1; 0 for another reason.
        content: what the file was when it was tried.
        is_unsafe: whether it would write where it must not.
    """

    patch: FilePatch
    reason: str
    name: str | None = None
    hunk: int = 0
    content: bytes = b""
    is_unsafe: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Manner:
    """How a patch is applied: as GNU patch does, unless something else is said.

    ``exactly``: differences in blanks count. ``is_strict``: files and modes must be what the patch
    says that they were, and all of its context must be there.
    """

    exactly: bool = False
    is_strict: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Chosen:
    """The file that a part of a patch is for: where it is read, and where the result goes."""

    key: str
    name: str
    path: PurePosixPath
    entry: TreeEntry | None


@dataclass(kw_only=True)
class _Run:
    """One patch on its way through a tree.

    ``queued`` is what git-style parts have made of files: each of them is about the files as they
    were before the patch, so that nothing of it is seen until a file is changed a second time, or a
    part in another style comes.
    """

    tree: PatchedTree
    folder: PurePosixPath
    left: frozenset[PurePosixPath]
    queued: list[tuple[PurePosixPath, TreeEntry]] = field(default_factory=list)
    touched: set[TreeEntry] = field(default_factory=set)
    doomed: dict[TreeEntry, PurePosixPath] = field(default_factory=dict)

    def flush(self) -> None:
        for path, entry in self.queued:
            self.put(path, entry)
        self.queued.clear()

    def put(self, path: PurePosixPath, entry: TreeEntry) -> None:
        before = self.tree.entry(path)
        if before is not None:
            self.doomed.pop(before, None)
        self.tree.put(path, entry)

    def finish(self) -> None:
        self.flush()
        for path in self.doomed.values():
            self.tree.put(path, None)


def apply_patch(
    patches: Sequence[FilePatch],
    tree: PatchedTree,
    folder: PurePosixPath,
    *,
    manner: Manner | None = None,
    left: frozenset[PurePosixPath] = frozenset(),
) -> Distance:
    """Apply all parts of a patch to a tree, and return how far off its hunks were.

    Args:
        patches: the parts, as :func:`factory.sources.patch_text.read_patch` returns them.
        tree: what is changed; when the patch is refused, some of it may have been.
        folder: what names count from, as a path from the tree's root; nothing outside is changed.
        manner: how closely it must fit; without it, as GNU patch does.
        left: files, from the root, that stay as they are, whatever the patch says of them.

    Raises:
        RefusedPatch: a part does not apply.
        OSError: a file cannot be read.
    """
    run = _Run(tree=tree, folder=folder, left=left)
    distance = Distance()
    for patch in patches:
        try:
            distance += _apply_part(patch, run, manner or Manner())
        except UnsafeNameError as error:
            raise RefusedPatch(
                patch=patch, reason=f"{_first_name(patch)} {error}", is_unsafe=True
            ) from error
    run.finish()
    return distance


def _apply_part(patch: FilePatch, run: _Run, manner: Manner) -> Distance:
    chosen = _choose(patch, run)
    if chosen.path in run.left:
        return Distance()
    target, target_path = _target(patch, chosen, run)
    if patch.is_git:
        chosen = _see_again(chosen, target_path, run)
    elif run.queued:
        run.flush()
        chosen = replace(chosen, entry=run.tree.entry(chosen.path))
    entry = chosen.entry
    _refuse_other_kinds(patch, chosen, run.tree.entry(target_path))
    if manner.is_strict:
        _refuse_unlike(patch, chosen)
    content = entry.content if entry else b""
    try:
        patched = patch_content(content, patch, exactly=manner.exactly, is_strict=manner.is_strict)
    except HunkMismatchError as error:
        if patch.before == "missing" and content:
            raise RefusedPatch(
                patch=patch, reason=f"{chosen.name} is to be created, and already exists"
            ) from error
        raise RefusedPatch(
            patch=patch,
            reason=f"hunk {error.number} of {len(patch.hunks)} for {chosen.path} does not match",
            name=chosen.name,
            hunk=error.number,
            content=content,
        ) from error
    if not patched.content and (patch.after == "missing" or patch.kind == "link"):
        if (gone := run.tree.entry(target_path)) is not None:
            run.doomed[gone] = target_path
        return patched.distance
    if patch.after == "missing":
        raise RefusedPatch(
            patch=patch,
            reason=f"{target} is to be removed, and contains more than the patch says",
            name=target,
        )
    _write(patch, chosen, target_path, patched.content, run)
    return patched.distance


def _write(
    patch: FilePatch, chosen: _Chosen, target: PurePosixPath, content: bytes, run: _Run
) -> None:
    sets_mode = bool(patch.new_mode) and patch.old_mode != patch.new_mode
    if not (patch.hunks or sets_mode or patch.copies or patch.renames):
        return
    mode = chosen.entry.mode if chosen.entry else None
    made = TreeEntry(
        kind="link" if patch.kind == "link" else "file",
        content=content,
        mode=patch.new_mode & _PERMISSIONS if sets_mode else mode,
    )
    if patch.is_git and patch.before != "missing":
        run.queued.append((target, made))
    else:
        run.put(target, made)
    if patch.renames and chosen.entry is not None:
        run.doomed[chosen.entry] = chosen.path


def _choose(patch: FilePatch, run: _Run) -> _Chosen:
    """The file to patch: the best of the names that exist, or one to make.

    POSIX, patch(1), "Filename Determination", as GNU patch has it.
    """
    written = {"old": patch.old, "new": patch.new, "index": patch.index}
    names = {key: name for key, name in written.items() if name is not None}
    entries = {key: _existing(name, run) for key, name in names.items()}
    existing = {key: name for key, name in names.items() if entries[key] is not None}
    key = best_name(existing)
    if key is None and names and _looks_reversed(patch):
        key = list(names)[-1]
    if key is None and patch.before != "there":
        key = _fewest_new_folders(names, run)
    if patch.renames or patch.copies:
        other = patch.new
        if key not in {"old", "new"} or other is None or not is_safe_name(other):
            raise RefusedPatch(
                patch=patch,
                reason=f"{_first_name(patch)} cannot be renamed or copied: "
                "the patch does not have both names",
            )
    if key is None:
        raise _without_file(patch, names)
    name = names[key]
    return _Chosen(key=key, name=name, path=run.tree.find(name, run.folder), entry=entries[key])


def _looks_reversed(patch: FilePatch) -> bool:
    """Whether a patch removes or empties a file, none of which is there."""
    if patch.after == "empty" and patch.before == "missing":
        return False
    return _RANKS[patch.after] > 0


def _existing(name: str, run: _Run) -> TreeEntry | None:
    if not is_safe_name(name):
        return None
    try:
        entry = run.tree.entry(run.tree.find(name, run.folder))
    except UnsafeNameError:
        return None
    return None if entry is None or entry in run.doomed else entry


def _fewest_new_folders(names: dict[str, str], run: _Run) -> str | None:
    missing = {key: count_folders(name) - _folders_there(name, run) for key, name in names.items()}
    fewest = min(missing.values(), default=0)
    return best_name({key: name for key, name in names.items() if missing[key] == fewest})


def _folders_there(name: str, run: _Run) -> int:
    """How many of the folders that a name goes through are there."""
    count = 0
    for at in range(1, len(name)):
        if name[at] != "/" or name[at - 1] == "/":
            continue
        if not is_safe_name(name[:at]):
            break
        path = PurePosixPath(name[:at])
        try:
            # A link to a folder is one; a name such as "." has no last part.
            found = run.tree.find(str(path / "x"), run.folder).parent
            entry = run.tree.entry(found)
        except UnsafeNameError:
            break
        if found != run.folder and (entry is None or entry.kind != "folder"):
            break
        count += 1
    return count


def _target(patch: FilePatch, chosen: _Chosen, run: _Run) -> tuple[str, PurePosixPath]:
    """Where the result goes: to the new name of a rename or a copy, otherwise in place."""
    if (patch.renames or patch.copies) and patch.new is not None:
        return patch.new, run.tree.find(patch.new, run.folder)
    return chosen.name, chosen.path


def _see_again(chosen: _Chosen, target: PurePosixPath, run: _Run) -> _Chosen:
    """See to it that of two changes to one file the second is made to the first one's result."""
    there = chosen.entry if target == chosen.path else run.tree.entry(target)
    if there is None:
        return chosen
    if there in run.touched:
        run.flush()
        there = run.tree.entry(target)
        chosen = replace(chosen, entry=run.tree.entry(chosen.path))
    if there is not None:
        run.touched.add(there)
    return chosen


def _refuse_other_kinds(patch: FilePatch, chosen: _Chosen, target: TreeEntry | None) -> None:
    wanted = patch.kind
    reason = None
    if patch.is_binary:
        reason = f"{chosen.name} is changed by a binary patch of git's, which patch(1) cannot apply"
    elif wanted == "changes":
        reason = f"{chosen.name} would change from a file to a link, or from a link to a file"
    elif chosen.entry is not None and (wanted == "other" or chosen.entry.kind != wanted):
        reason = f"{chosen.name} is not a {wanted} but a {chosen.entry.kind}"
    elif target is not None and target.kind in {"folder", "other"}:
        reason = f"{chosen.name} would be written where there is a folder"
    if reason:
        raise RefusedPatch(patch=patch, reason=reason, name=chosen.name)


def _refuse_unlike(patch: FilePatch, chosen: _Chosen) -> None:
    """Refuse unless a file is what a patch says: there or missing, of that name, of that mode."""
    entry = chosen.entry
    changes_mode = bool(patch.old_mode) and (patch.old_mode ^ patch.new_mode) & _EXECUTABLE
    mode = patch.old_mode if entry is None or entry.mode is None else entry.mode
    has_mode = not (mode ^ patch.old_mode) & _EXECUTABLE
    if (
        (entry is None) != (patch.before == "missing")
        or (patch.renames and chosen.key != "old")
        or (changes_mode and not has_mode)
    ):
        raise RefusedPatch(patch=patch, reason=f"{chosen.name} is not as it was", name=chosen.name)


def _without_file(patch: FilePatch, names: dict[str, str]) -> RefusedPatch:
    unsafe = [name for name in names.values() if not is_safe_name(name)]
    if unsafe:
        return RefusedPatch(patch=patch, reason=f"{unsafe[0]} leaves the tree", is_unsafe=True)
    if not names:
        return RefusedPatch(patch=patch, reason="it does not name a file")
    return RefusedPatch(
        patch=patch, reason=f"{_first_name(patch)}: No such file", name=_first_name(patch)
    )


def _first_name(patch: FilePatch) -> str:
    name = patch.old or patch.new or patch.index or "a file without a name"
    return os.fsencode(name).decode(errors="replace")
