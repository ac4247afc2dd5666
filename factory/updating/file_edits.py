"""The files of a workspace that an update changes: as texts first, then written all or none."""

from __future__ import annotations

import contextlib
import difflib
from typing import TYPE_CHECKING

from factory.config.source_file import SOURCE_FILE
from factory.config.source_file_edit import edit_source_file, read_source_object
from factory.errors import ConfigurationError, Place, StorageError
from factory.files import read_text, sync_folder, write_beside
from factory.locking import exclusive
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import TypeAlias

    _Move: TypeAlias = tuple[Path, Path]

_REF, _REF_NAME, _BACKSTAGE = "repo-ref", "repo-ref-name", "repo-backstage-version"
_PACKAGE = "package"
_NOWHERE = "/dev/null"


@dataclass(frozen=True, kw_only=True, slots=True)
class FileEdit:
    """A file, its text as it was read, and the text that is to take its place.

    ``before`` is None where the file is not there yet, ``after`` where it is to be removed.
    """

    file: Path
    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedSourceFields:
    """What a source.json is to say; ``ref``, ``ref_name`` and ``package`` are None where they stay.

    ``backstage`` is "" where the source does not say a version.
    """

    package: str | None = None
    ref: str | None = None
    ref_name: str | None = None
    backstage: str = ""


def edit_source(folder: Path, wanted: WantedSourceFields) -> FileEdit | None:
    """Return how a workspace's source.json changes, or None if it says all of this already.

    The name of the ref and the Backstage version are notes: they are kept true where they stand,
    and not added where they do not.

    Args:
        folder: where the file is.
        wanted: what it is to say.

    Raises:
        ConfigurationError: the file cannot be read, or has a form that cannot be edited.
    """
    file = folder / SOURCE_FILE
    before = read_text(file, exactly=True)
    there = read_source_object(before, file)
    fields: dict[str, str] = {}
    if wanted.package is not None:
        fields[_PACKAGE] = wanted.package
    if wanted.ref is not None:
        fields[_REF] = wanted.ref
        if wanted.ref_name is not None and there.get(_REF_NAME):
            fields[_REF_NAME] = wanted.ref_name
    if wanted.backstage and there.get(_BACKSTAGE):
        fields[_BACKSTAGE] = wanted.backstage
    after = edit_source_file(before, fields, file)
    return None if after == before else FileEdit(file=file, before=before, after=after)


def remove_file(file: Path) -> FileEdit:
    """Return the removal of a file.

    Raises:
        ConfigurationError: it cannot be read.
    """
    return FileEdit(file=file, before=read_text(file, exactly=True), after=None)


def show_difference(edit: FileEdit, root: Path) -> list[str]:
    """Return a unified diff of an edit, its file named from ``root``; lines have no line feeds.

    A file that is removed becomes /dev/null, and a new one comes from there, as in git's
    differences.
    """
    name = edit.file.relative_to(root).as_posix()
    lines = difflib.unified_diff(
        (edit.before or "").splitlines(),
        (edit.after or "").splitlines(),
        fromfile=_NOWHERE if edit.before is None else f"a/{name}",
        tofile=_NOWHERE if edit.after is None else f"b/{name}",
        lineterm="",
    )
    return list(lines)


def write_edits(config_dir: Path, edits: Sequence[FileEdit]) -> None:
    """Write all edits of a workspace, or none.

    Raises:
        BusyError: another run writes there.
        ConfigurationError: a file was changed since it was read.
        StorageError: a file cannot be written; the others are as they were.
    """
    with exclusive(config_dir, wait=False, hint="wait until it has ended"):
        for edit in edits:
            is_there = edit.file.exists() or edit.file.is_symlink()
            if (read_text(edit.file, exactly=True) if is_there else None) != edit.before:
                raise ConfigurationError(
                    f"{edit.file.name} was changed while the update was prepared",
                    place=Place(file=edit.file),
                    hint="run the same command again",
                )
        try:
            _write_all(edits)
        except OSError as error:
            raise StorageError(
                "an update cannot be written; the workspace is as it was",
                place=Place(file=config_dir),
                found=error.strerror or str(error),
                hint="check the folder's permissions and the space left",
            ) from error


def _write_all(edits: Sequence[FileEdit]) -> None:
    """Write all texts and remove what is to go, or leave all files as they are.

    The new ones, and the former ones to go back to, are written beside the files before the first
    is replaced: so a full disk is met in time. What is to go takes the place of an empty file,
    which goes at the end; so even a link comes back as it was. What is new is put beside its place
    again, where that goes at the end.
    """
    with contextlib.ExitStack() as stack:
        steps: list[tuple[_Move, _Move]] = []
        for edit in edits:
            if edit.after is None:
                gone = stack.enter_context(write_beside(edit.file, ""))
                steps.append(((edit.file, gone), (gone, edit.file)))
            elif edit.before is None:
                new = stack.enter_context(write_beside(edit.file, edit.after))
                steps.append(((new, edit.file), (edit.file, new)))
            else:
                file = edit.file.resolve()
                mode = file.stat().st_mode & 0o777
                new = stack.enter_context(write_beside(file, edit.after, mode=mode))
                former = stack.enter_context(write_beside(file, edit.before, mode=mode))
                steps.append(((new, file), (former, file)))
        done: list[_Move] = []
        try:
            for (source, target), back in steps:
                source.replace(target)
                done.append(back)
        except OSError:
            for former, file in done:
                former.replace(file)
            raise
        for folder in {target.parent for (_, target), _ in steps}:
            sync_folder(folder)
