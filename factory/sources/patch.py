"""Patches of a configuration directory applied to a tree: all of them, or none.

They are applied in memory, by the rules of GNU patch (:mod:`factory.sources.patching`); no program
is needed for it. Only when all have been applied are the results moved into the tree. A patch that
the tree already has is recognised, so a second run on the same tree changes nothing.
"""

from __future__ import annotations

import logging
import os
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal, TypeAlias

from factory.errors import PatchError, Place, StorageError
from factory.scratch_folder import scratch_folder
from factory.sources.file_copy import leads_out
from factory.sources.hunk_fit import Distance
from factory.sources.patch_hunks import MalformedPatchError
from factory.sources.patch_mismatch import does_not_apply
from factory.sources.patch_text import FilePatch, read_patch, strip_level
from factory.sources.patched_tree import PatchedTree, TreeEntry, UnsafeNameError
from factory.sources.patching import Manner, RefusedPatch, apply_patch
from factory.sources.replacement import Replacement, replace_all
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

logger = logging.getLogger(__name__)

PATCHES_FOLDER = "patches"
_SUFFIXES = {".patch", ".diff"}

State: TypeAlias = Literal["applied", "already applied"]


@dataclass(frozen=True, kw_only=True, slots=True)
class AppliedPatch:
    """One patch: the name of its file, and whether it was applied now or had been before."""

    name: str
    state: State


@dataclass(frozen=True, kw_only=True, slots=True)
class PatchResult:
    """All patches in order, and the files that have changed, relative to the tree's root."""

    patches: tuple[AppliedPatch, ...] = ()
    files: tuple[str, ...] = ()


def find_patches(config_dir: Path) -> tuple[Path, ...]:
    """Return the patches of a configuration directory in the order of their names."""
    folder = config_dir / PATCHES_FOLDER
    if not folder.is_dir():
        return ()
    return tuple(
        sorted(
            entry
            for entry in folder.iterdir()
            if entry.suffix in _SUFFIXES and not entry.name.startswith(".") and entry.is_file()
        )
    )


def names_in_patches(patches: Iterable[Path]) -> frozenset[PurePosixPath]:
    """Return the names of files that patches may change, as they are written, stripped.

    Raises:
        PatchError: a patch cannot be read, or is not valid.
    """
    parts = [part for path in patches for part in _read(path).parts]
    named = {name for part in parts for name in (part.old, part.new, part.index) if name}
    return frozenset(PurePosixPath(name) for name in named)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Patch:
    """A patch's file and what it says."""

    path: Path
    strip: int
    parts: tuple[FilePatch, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    """A tree with a patch, or without it, and how far off the patch's hunks were."""

    tree: PatchedTree
    distance: Distance


def apply_patches(
    patches: tuple[Path, ...],
    *,
    root: Path,
    workspace: Path,
    overlaid: frozenset[Path] = frozenset(),
    is_fresh: bool = False,
) -> PatchResult:
    """Apply patches, in their order, to a tree, or leave the tree as it is.

    Args:
        patches: the patch files (see :func:`find_patches`).
        root: the tree; nothing outside is written.
        workspace: the workspace's folder in it, which the patches' names are relative to; a patch
            that does not apply there, or whose names begin with the workspace's own path, is
            applied in the root.
        overlaid: files that an overlay has replaced in an earlier run and will again (see
            ``already_overlaid``); what patches say of them no longer matters.
        is_fresh: whether the tree has just been brought, so that no run of ours can have patched
            it: then a patch counts as applied already only if it does not apply.

    Raises:
        PatchError: a patch is not valid, does not apply, or writes outside the tree.
        StorageError: the disk is full, or a file cannot be written.
    """
    if not patches:
        return PatchResult()
    desk = _Desk(
        workspace=PurePosixPath(workspace.relative_to(root)),
        left=frozenset(PurePosixPath(path.relative_to(root)) for path in overlaid),
    )
    read = tuple(_read(path) for path in patches)
    tree = PatchedTree(root)
    with _reading(root):
        states, patched = desk.apply_all(read, tree, is_fresh=is_fresh)
        changed = {
            name: entry for name, entry in patched.changes.items() if _differs(entry, tree, name)
        }
    _refuse_links_out(changed)
    with _scratch_folder() as scratch:
        replace_all(
            [
                _replacement(root / name, entry, scratch / str(number))
                for number, (name, entry) in enumerate(changed.items())
            ],
            root=root,
        )
    for patch, state in zip(read, states, strict=True):
        logger.info("patch %s: %s", patch.path.name, state)
    return PatchResult(
        patches=tuple(
            AppliedPatch(name=patch.path.name, state=state)
            for patch, state in zip(read, states, strict=True)
        ),
        files=tuple(sorted(str(name) for name in changed)),
    )


def _read(path: Path) -> _Patch:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PatchError(
            "a patch cannot be read",
            place=Place(file=path),
            found=error.strerror,
            hint="check its permissions: ls -l shows them",
        ) from error
    strip = strip_level(data)
    try:
        parts = read_patch(data, strip)
    except MalformedPatchError as error:
        raise PatchError(
            f"the patch {path.name} is damaged: {error}; the tree is unchanged",
            place=Place(file=path, line=error.line),
            expected="the output of 'git diff', 'git format-patch' or 'diff -u'",
            hint="create the patch again; if it was edited by hand, the numbers in its @@ lines no "
            "longer fit",
        ) from error
    if not data:
        logger.warning("the patch %s is empty", path)
    elif not parts:
        raise PatchError(
            f"{path.name} contains no patch",
            place=Place(file=path),
            expected="the output of 'git diff', 'git format-patch' or 'diff -u'",
        )
    return _Patch(path=path, strip=strip, parts=parts)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Desk:
    """Where patches are applied: in the workspace's folder, or in the root; and what is left."""

    workspace: PurePosixPath
    left: frozenset[PurePosixPath]

    def apply_all(
        self, patches: tuple[_Patch, ...], tree: PatchedTree, *, is_fresh: bool
    ) -> tuple[list[State], PatchedTree]:
        """Apply what a tree does not have yet; return what was done for each, and the new tree."""
        if is_fresh:
            try:
                return self._apply_rest(patches, tree, 0, is_fresh=True)
            except PatchError:
                if not (have := self._number_applied(patches, tree)):
                    raise
                return self._apply_rest(patches, tree, have, is_fresh=True)
        have = self._number_applied(patches, tree)
        return self._apply_rest(patches, tree, have, is_fresh=False)

    def _apply_rest(
        self, patches: tuple[_Patch, ...], tree: PatchedTree, have: int, *, is_fresh: bool
    ) -> tuple[list[State], PatchedTree]:
        states: list[State] = ["already applied"] * have
        for patch in patches[have:]:
            forward = self._forward(patch, tree)
            if not isinstance(forward, PatchError) and is_fresh:
                states.append("applied")
                tree = forward.tree
                continue
            backward = self._backward(patch, tree)
            if backward is not None and (
                isinstance(forward, PatchError) or backward.distance <= forward.distance
            ):
                states.append("already applied")
            elif isinstance(forward, PatchError):
                raise forward
            else:
                states.append("applied")
                tree = forward.tree
        return states, tree

    def _number_applied(self, patches: tuple[_Patch, ...], tree: PatchedTree) -> int:
        """How many of the first patches the tree has already.

        A later patch may have changed what an earlier one did, so they are taken back from the last
        that may be there to the first: if all come off, all are on. What fits better the other way
        round is not: lines that a patch removes may stand elsewhere in the file, too.
        """
        for number in range(len(patches), 0, -1):
            off = self._in_turn(self._backward, patches[:number][::-1], tree)
            if off is None:
                continue
            on = self._in_turn(self._forward, patches[:number], tree)
            return number if on is None or off <= on else 0
        return 0

    def _in_turn(
        self,
        step: Callable[[_Patch, PatchedTree], _Outcome | PatchError | None],
        patches: tuple[_Patch, ...],
        tree: PatchedTree,
    ) -> Distance | None:
        """How far off the hunks of several patches are together; ``None`` if one does not fit."""
        distance = Distance()
        for patch in patches:
            outcome = step(patch, tree)
            if not isinstance(outcome, _Outcome):
                return None
            tree = outcome.tree
            distance += outcome.distance
        return distance

    def _forward(self, patch: _Patch, tree: PatchedTree) -> _Outcome | PatchError:
        """Apply a patch in the workspace, or else in the root; the error is the better place's."""
        refused: list[tuple[PurePosixPath, RefusedPatch]] = []
        for folder in self._places(patch, tree):
            trial = tree.copy()
            try:
                distance = apply_patch(patch.parts, trial, folder, left=self.left)
            except RefusedPatch as error:
                refused.append((folder, error))
            else:
                return _Outcome(tree=trial, distance=distance)
        # A patch that has come as far as its hunks belongs there.
        folder, refusal = next((each for each in refused if each[1].hunk), refused[0])
        return does_not_apply(patch.path, refusal, folder=folder, strip=patch.strip)

    def _backward(self, patch: _Patch, tree: PatchedTree) -> _Outcome | None:
        """Take a patch back, if the tree has it: all of it, in its place or another."""
        parts = tuple(part.reversed for part in reversed(patch.parts))
        # Not counting whitespace, every tree has a patch of whitespace alone.
        blanks_matter = all(part.only_whitespace for part in parts)
        for exactly in (True,) if blanks_matter else (True, False):
            for folder in self._places(patch, tree):
                trial = tree.copy()
                manner = Manner(exactly=exactly, is_strict=True)
                try:
                    distance = apply_patch(parts, trial, folder, manner=manner, left=self.left)
                except RefusedPatch:
                    continue
                return _Outcome(tree=trial, distance=distance)
        return None

    def _places(self, patch: _Patch, tree: PatchedTree) -> tuple[PurePosixPath, ...]:
        """Where a patch may belong, the likelier place first.

        The root is one if it has the patch's files and the workspace has none of them, or if all
        names begin with the workspace's own path.
        """
        top = PurePosixPath()
        names = [name for part in patch.parts for name in (part.old, part.new, part.index) if name]
        if self.workspace == top or not names:
            return (self.workspace,)
        if all(PurePosixPath(name).is_relative_to(self.workspace) for name in names):
            return (top, self.workspace)
        in_workspace, in_root = (
            any(_is_there(tree, folder, name) for name in names) for folder in (self.workspace, top)
        )
        return (self.workspace, top) if in_root and not in_workspace else (self.workspace,)


def _is_there(tree: PatchedTree, folder: PurePosixPath, name: str) -> bool:
    try:
        return tree.entry(tree.find(name, folder)) is not None
    except UnsafeNameError:
        return False


@contextmanager
def _reading(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PatchError(
            "a file that a patch is for cannot be read",
            place=Place(file=Path(os.fsdecode(error.filename)) if error.filename else root),
            found=error.strerror,
            hint="check its permissions",
        ) from error


@contextmanager
def _scratch_folder() -> Iterator[Path]:
    try:
        with scratch_folder("patches") as folder:
            yield folder
    except OSError as error:
        raise StorageError(
            "the patched files could not be written",
            place=Place(file=Path(tempfile.gettempdir())),
            found=error.strerror,
            hint="free some space there, or set TMPDIR to a folder with more",
        ) from error


def _differs(entry: TreeEntry | None, tree: PatchedTree, name: PurePosixPath) -> bool:
    """Whether something is not what the tree on disk has there, as git sees it."""
    before = tree.entry(name)
    if entry is None or before is None:
        return entry is not before
    is_runnable = [bool((each.mode or 0) & stat.S_IXUSR) for each in (entry, before)]
    return (entry.kind, entry.content) != (before.kind, before.content) or (
        entry.kind == "file" and is_runnable[0] != is_runnable[1]
    )


def _replacement(target: Path, entry: TreeEntry | None, scratch: Path) -> Replacement:
    if entry is None:
        return Replacement(target=target, content=None)
    if entry.kind == "link":
        scratch.symlink_to(os.fsdecode(entry.content))
        return Replacement(target=target, content=scratch)
    scratch.write_bytes(entry.content)
    mode = entry.mode
    if target.is_file() and not target.is_symlink():
        there = stat.S_IMODE(target.stat().st_mode)
        if mode is None or bool(mode & stat.S_IXUSR) == bool(there & stat.S_IXUSR):
            mode = there  # a patch knows two modes; what else the file's mode says is the user's
    if mode is not None:
        scratch.chmod(mode)
    return Replacement(target=target, content=scratch)


def _refuse_links_out(changed: dict[PurePosixPath, TreeEntry | None]) -> None:
    for name, entry in changed.items():
        if entry is None or entry.kind != "link":
            continue
        target = Path(os.fsdecode(entry.content))
        if leads_out(name, target):
            raise PatchError(
                f"a patch creates a link out of the tree: {name}",
                found=str(target),
                expected="a link to a place inside the tree",
            )
