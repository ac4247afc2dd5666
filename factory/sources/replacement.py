"""Files of a tree replaced all together, or not at all.

Every new content is first written beside its target, so that a full disk or a missing permission
shows before anything has changed. Then each is moved into place by one rename. If a move fails, the
ones before it are taken back. If the process is killed in between, a journal in the tree says what
was under way, and :func:`take_back` does the same in the next run.

It has its own journal: the tree is the user's, who may go on with it after a killed run, so that a
file is taken back only where its identity says that it is still ours. What
:mod:`factory.installation.swap` moves are whole folders of its own, and where these are tells how
far it came; what :mod:`factory.scaffolding.writing` writes are a few small files, which no later
run would come to take back.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from factory.errors import Place, SourceError, StorageError
from factory.notation.json_text import parse_object
from factory.sources.file_copy import copy_file
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

JOURNAL = ".plugin-factory-replacing.json"
_NEW_JOURNAL = f"{JOURNAL}.new"
_MARK = ".plugin-factory-"

# What a journal says: contents are being written beside their targets, are being moved, or have
# all been moved.
_Phase: TypeAlias = Literal["writing", "moving", "moved"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Replacement:
    """A file or link to put in place of ``target``; with no ``content`` the target is removed.

    The content keeps its mode. A target that is a link is replaced itself, never written through.
    """

    target: Path
    content: Path | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Move:
    """One replacement as the journal has it, with paths relative to the tree.

    ``new`` is the content beside its target and ``identity`` tells it from other files; both are
    None for a removal. ``old`` is a second name of what was there before. ``folders`` are made for
    it.
    """

    target: str
    new: str | None
    identity: str | None = None
    old: str | None
    folders: tuple[str, ...]


def replace_all(replacements: Iterable[Replacement], *, root: Path) -> None:
    """Put all contents in place, or leave everything as it was.

    Folders that are missing are made; folders below ``root`` that a removal leaves empty go.

    Raises:
        StorageError: a file cannot be written; nothing has changed.
    """
    items = tuple(replacements)
    if not items:
        return
    moves = tuple(_plan_move(item, root) for item in items)
    try:
        _note(root, "writing", moves)
        moves = tuple(_stage(item, move, root) for item, move in zip(items, moves, strict=True))
        _note(root, "moving", moves)
        for move in moves:
            _place(move, root)
        _note(root, "moved", moves)
    except BaseException as error:
        take_back(root)
        if isinstance(error, OSError):
            raise _not_written(error, root) from error
        raise
    _tidy(moves, root)
    for move in moves:
        if move.new is None:
            _remove_empty_folders((root / move.target).parent, root)


@contextlib.contextmanager
def replace_for_a_while(
    replacements: Iterable[Replacement], *, root: Path, originals: Path
) -> Iterator[None]:
    """Put contents in place for as long as the context is open, then what was there before.

    A run that is killed meanwhile leaves the journal, with which the next one takes them back.

    A file that was not there is removed again.

    Args:
        replacements: contents of files.
        root: the tree.
        originals: a folder in it for the files that are replaced, where nothing packs them.

    Raises:
        StorageError: a file cannot be written; nothing has changed.
    """
    items = tuple(replacements)
    if not items:
        yield
        return
    planned = (_plan_move(item, root) for item in items)
    moves = tuple(
        replace(move, old=str((originals / str(number)).relative_to(root))) if move.old else move
        for number, move in enumerate(planned)
    )
    try:
        try:
            originals.mkdir(parents=True, exist_ok=True)
            _note(root, "writing", moves)
            staged = zip(items, moves, strict=True)
            moves = tuple(_stage(item, move, root) for item, move in staged)
            _note(root, "moving", moves)
            for move in moves:
                _place(move, root)
        except OSError as error:
            raise _not_written(error, root) from error
        yield
    finally:
        take_back(root)
        _remove_if_empty(originals)


def take_back(root: Path) -> bool:
    """Undo what a replacement below ``root`` left half done; True if there was one.

    A file that somebody has changed since is left as it is.

    Raises:
        SourceError: there is a journal that no replacement has written.
        OSError: a file cannot be put back; the next call goes on from there.
    """
    (root / _NEW_JOURNAL).unlink(missing_ok=True)
    try:
        text = (root / JOURNAL).read_bytes()
    except FileNotFoundError:
        return False
    phase, moves = _read(text, root)
    if phase == "moving":
        for move in reversed(moves):
            target = root / move.target
            if _identity(target) != move.identity:
                continue  # not moved yet, taken back already, or somebody's work
            if move.old is None:
                target.unlink(missing_ok=True)
            elif os.path.lexists(root / move.old):
                (root / move.old).replace(target)
    _tidy(moves, root)
    return phase != "moved"


def _read(text: bytes, root: Path) -> tuple[_Phase, tuple[_Move, ...]]:
    """A journal's content. It may be anybody's, who would have us write outside of the tree."""
    try:
        journal = parse_object(text)
        moves = tuple(_read_move(each) for each in journal["moves"])
        real = root.resolve()
        for move in moves:
            for name in (move.target, move.new, move.old, *move.folders):
                if name is not None:
                    # A name that ends in ".." leads to a folder: no file can be there.
                    place = root / name if Path(name).name == ".." else (root / name).parent
                    place.resolve().relative_to(real)
        return journal["phase"], moves
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise SourceError(
            "the unfinished changes of an earlier run cannot be undone",
            place=Place(file=root / JOURNAL),
            found="a journal that the factory did not write",
            hint="look through the changes of the tree (git status), then remove the file",
        ) from error


def _read_move(said: dict[str, Any]) -> _Move:
    """What a journal says of a file; ValueError, TypeError or KeyError if it is another thing."""
    folders: Any = said["folders"]
    others = {name: value for name, value in said.items() if name != "folders"}
    names = [said["target"], *folders, *(value for value in others.values() if value is not None)]
    if not isinstance(folders, list) or not all(isinstance(name, str) for name in names):
        raise TypeError
    if any("\0" in name for name in names):
        raise ValueError
    return _Move(folders=tuple(folders), **others)


def _plan_move(item: Replacement, root: Path) -> _Move:
    target = item.target
    missing = [parent for parent in target.parents if not parent.exists()]
    return _Move(
        target=str(target.relative_to(root)),
        new=str(_beside(target, "new").relative_to(root)) if item.content else None,
        old=str(_beside(target, "old").relative_to(root)) if os.path.lexists(target) else None,
        folders=tuple(str(folder.relative_to(root)) for folder in reversed(missing)),
    )


def _stage(item: Replacement, move: _Move, root: Path) -> _Move:
    """Write the content beside its target, and give what is there a second name."""
    for folder in move.folders:
        (root / folder).mkdir(exist_ok=True)
    if move.old is not None:
        _second_name(item.target, root / move.old)
    if item.content is None or move.new is None:
        return move
    new = root / move.new
    new.unlink(missing_ok=True)
    copy_file(item.content, new)
    if not new.is_symlink():
        os.utime(new)
        new.chmod(stat.S_IMODE(new.stat().st_mode) | stat.S_IWUSR)
    with contextlib.suppress(OSError):
        before = item.target.lstat()
        os.chown(new, before.st_uid, before.st_gid, follow_symlinks=False)
    return replace(move, identity=_identity(new))


def _second_name(target: Path, name: Path) -> None:
    name.unlink(missing_ok=True)
    try:
        os.link(target, name, follow_symlinks=False)
    except OSError:  # a filesystem without hard links
        copy_file(target, name)


def _place(move: _Move, root: Path) -> None:
    if move.new is None:
        (root / move.target).unlink(missing_ok=True)
    else:
        (root / move.new).replace(root / move.target)


def _note(root: Path, phase: _Phase, moves: Sequence[_Move]) -> None:
    journal = {"phase": phase, "moves": [asdict(move) for move in moves]}
    new = root / _NEW_JOURNAL
    new.write_text(json.dumps(journal), encoding="utf-8")
    new.replace(root / JOURNAL)


def _tidy(moves: Sequence[_Move], root: Path) -> None:
    """Remove what was only needed for the way, the journal last."""
    for move in moves:
        for name in (move.new, move.old):
            if name is not None:
                (root / name).unlink(missing_ok=True)
    for move in moves:
        for folder in reversed(move.folders):
            _remove_if_empty(root / folder)
    (root / JOURNAL).unlink(missing_ok=True)


def _identity(path: Path) -> str | None:
    """What tells a file from another that is put in its place, or from itself once changed."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return f"{status.st_ino} {status.st_mtime_ns}"


def _beside(target: Path, what: str) -> Path:
    """A hidden name in the target's folder."""
    return target.with_name(f".{target.name}{_MARK}{what}")


def _not_written(error: OSError, root: Path) -> StorageError:
    name = Path(os.fsdecode(error.filename)) if error.filename else root
    return StorageError(
        "files could not be written, and all are unchanged",
        place=Place(file=name.parent if _MARK in name.name else name),
        found=error.strerror,
        hint="check the free space and the permissions of the folder",
    )


def _remove_empty_folders(folder: Path, root: Path) -> None:
    while folder != root and folder.is_relative_to(root) and _remove_if_empty(folder):
        folder = folder.parent


def _remove_if_empty(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        folder.rmdir()
        return True
    return False
