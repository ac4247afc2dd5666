"""Patches of a configuration directory applied to a tree: all of them, or none.

``git apply`` does the applying, on a copy of the files that the patches touch. Only when all have
applied are the results moved into the tree. A patch that the tree already has is recognised, so a
second run on the same tree changes nothing.
"""

from __future__ import annotations

import logging
import os
import stat
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal, TypeAlias

from factory.errors import PatchError, Place, StorageError
from factory.scratch_folder import scratch_folder
from factory.sources.file_copy import copy_file
from factory.sources.git_apply import IGNORING_WHITESPACE, GitApply
from factory.sources.link_target import leads_out
from factory.sources.patch_mismatch import does_not_apply
from factory.sources.patch_place import PlacedPatch, place
from factory.sources.patch_text import read_patch
from factory.sources.replacement import Replacement, replace_all
from factory.sources.same_file import is_executable, is_same_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from factory.toolchain.runner import Runner

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


def apply_patches(
    patches: tuple[Path, ...],
    *,
    root: Path,
    workspace: Path,
    runner: Runner,
    env: Mapping[str, str],
    overlaid: frozenset[Path] = frozenset(),
    log: Path | None = None,
) -> PatchResult:
    """Apply patches in order to a tree, or leave the tree as it is.

    Args:
        patches: the patch files (see :func:`find_patches`).
        root: the tree; nothing outside is written.
        workspace: the workspace's folder in it, which the patches' names are relative to; a patch
            whose names fit the root better is applied there.
        runner: starts git.
        env: git's whole environment (see ``git_environment``).
        overlaid: files that an overlay has replaced in an earlier run and will again (see
            ``already_overlaid``); what patches say of them no longer matters.
        log: a file to which git's output is appended.

    Raises:
        PatchError: a patch is none, does not apply, or writes outside the tree.
        StorageError: the disk is full, or a file cannot be written.
    """
    if not patches:
        return PatchResult()
    placed = _placed(patches, root=root, workspace=PurePosixPath(workspace.relative_to(root)))
    names = tuple(dict.fromkeys(name for patch in placed for name in patch.names))
    with _scratch_folder() as scratch:
        left = frozenset(PurePosixPath(path.relative_to(root)) for path in overlaid)
        git = GitApply(runner=runner, env=env, log=log, scratch=scratch, left=left)
        tree = scratch / "tree"
        _copy(names, root, tree)
        for patch in placed:
            (tree / patch.folder).mkdir(parents=True, exist_ok=True)
        states = _applied(placed, tree, git)
        changed = tuple(name for name in names if _differ(root / name, tree / name))
        _refuse_links_out(changed, tree, placed)
        replace_all([_replacement(name, root, tree) for name in changed], root=root)
    for patch, state in zip(placed, states, strict=True):
        logger.info("patch %s: %s", patch.path.name, state)
    return PatchResult(
        patches=tuple(
            AppliedPatch(name=patch.path.name, state=state)
            for patch, state in zip(placed, states, strict=True)
        ),
        files=tuple(sorted(map(str, changed))),
    )


def _placed(
    patches: tuple[Path, ...], *, root: Path, workspace: PurePosixPath
) -> tuple[PlacedPatch, ...]:
    placed: list[PlacedPatch] = []
    coming: set[PurePosixPath] = set()
    for path in patches:
        try:
            text = path.read_bytes().decode(errors="surrogateescape")
        except OSError as error:
            raise PatchError(
                "a patch cannot be read",
                place=Place(file=path),
                found=error.strerror,
                hint="check who may read it: ls -l shows the permissions",
            ) from error
        files = read_patch(text)
        if not files:
            raise PatchError(
                f"{path.name} holds no patch",
                place=Place(file=path),
                expected="the output of 'git diff', 'git format-patch' or 'diff -u'",
            )
        patch = place(path, files, root=root, workspace=workspace, coming=frozenset(coming))
        coming |= {target.new for target in patch.targets if target.new}
        placed.append(patch)
    return tuple(placed)


def _applied(placed: tuple[PlacedPatch, ...], tree: Path, git: GitApply) -> list[State]:
    """Apply to the copy what it does not have yet; return what was done for each patch."""
    have = _number_applied(placed, tree, git)
    states: list[State] = ["already applied"] * have
    for patch in placed[have:]:
        if git.forward(tree, patch):
            states.append("applied")
            continue
        with git.copy_of(tree) as trial:
            if git.backward(trial, patch):
                states.append("already applied")
                continue
        with git.copy_of(tree) as trial:
            failure = git(trial, patch, "--reject", "--verbose", IGNORING_WHITESPACE)
            raise does_not_apply(patch, tree, failure.completed.tail if failure else "")
    return states


def _number_applied(placed: tuple[PlacedPatch, ...], tree: Path, git: GitApply) -> int:
    """How many of the first patches the tree has already.

    A later patch may have changed what an earlier one did, so they are taken back from the last
    that may be there to the first: if all come off, all are on.
    """
    for number in range(len(placed), 0, -1):
        with git.copy_of(tree) as trial:
            if all(git.backward(trial, patch) for patch in reversed(placed[:number])):
                return number
    return 0


@contextmanager
def _scratch_folder() -> Iterator[Path]:
    try:
        with scratch_folder("patches") as folder:
            yield folder
    except OSError as error:
        raise StorageError(
            "the patches could not be tried on a copy of the files",
            place=Place(file=Path(tempfile.gettempdir())),
            found=error.strerror,
            hint="free some space there, or set TMPDIR to a folder with more",
        ) from error


def _copy(names: tuple[PurePosixPath, ...], root: Path, tree: Path) -> None:
    for name in names:
        target = tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (root / name).is_symlink() or (root / name).is_file():
            copy_file(root / name, target)


def _differ(one: Path, other: Path) -> bool:
    there = os.path.lexists(one), os.path.lexists(other)
    return there[0] != there[1] or (all(there) and not is_same_file(one, other))


def _replacement(name: PurePosixPath, root: Path, tree: Path) -> Replacement:
    target, content = root / name, tree / name
    if not os.path.lexists(content):
        return Replacement(target=target, content=None)
    regular = target.is_file() and not target.is_symlink() and not content.is_symlink()
    if regular and is_executable(target) == is_executable(content):
        # git knows two modes; what else the file's mode says is the user's.
        content.chmod(stat.S_IMODE(target.stat().st_mode))
    return Replacement(target=target, content=content)


def _refuse_links_out(
    changed: tuple[PurePosixPath, ...], tree: Path, placed: tuple[PlacedPatch, ...]
) -> None:
    for name in changed:
        link = tree / name
        if link.is_symlink() and leads_out(name, link.readlink()):
            guilty = next(patch for patch in placed if name in patch.names)
            raise PatchError(
                f"the patch {guilty.path.name} makes a link out of the tree: {name}",
                place=Place(file=guilty.path),
                found=str(link.readlink()),
                expected="a link to a place inside the tree",
            )
