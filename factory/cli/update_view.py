"""What ``plugin-factory update`` has found and done, as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.quantities import join_names, pluralize
from factory.updating.file_edits import show_difference

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from factory.updating.file_edits import FileEdit
    from factory.updating.workspace_update import Revision, WorkspaceUpdate

_SHORT = 12
_SHOWN = 5
_FULL = 40
_OF_REMOVED = 4


def lines(updates: Sequence[WorkspaceUpdate], root: Path, *, verbose: bool, done: str) -> list[str]:
    """Return a block a workspace that has something to say, and the total.

    Args:
        updates: the workspaces.
        root: the configuration directory, from which files are named.
        verbose: tell everything of every workspace.
        done: what became of the edits: "written", say.
    """
    said: list[str] = []
    for update in updates:
        said += [*_block(update, root, verbose=verbose), ""]
    return [*said, _total(updates, done)]


def _block(update: WorkspaceUpdate, root: Path, *, verbose: bool) -> Iterator[str]:
    yield "  ".join(part for part in (update.name, update.status, update.repo) if part)
    if update.error:
        yield f"  {update.error.problem}"
        return
    if update.present:
        yield f"  present: {_describe(update.present)}"
    if update.chosen:
        yield f"  chosen:  {_describe(update.chosen)}"
    yield f"  why: {update.why}"
    shown = update.refused if verbose else update.refused[:_SHOWN]
    for refused in shown:
        reasons = refused.reasons if verbose else refused.reasons[:2]
        commit = f" ({refused.commit[:_SHORT]})" if refused.commit else ""
        yield f"  not chosen: {refused.label}{commit}"
        yield from (f"    {reason}" for reason in reasons)
        if len(refused.reasons) > len(reasons):
            yield f"    and {len(refused.reasons) - len(reasons)} more (--verbose shows all)"
    if len(update.refused) > len(shown):
        yield f"  not chosen: {len(update.refused) - len(shown)} more (--verbose shows all)"
    remarks = update.remarks if verbose else update.remarks[:2]
    yield from (f"  remark: {remark}" for remark in remarks)
    if len(update.remarks) > len(remarks):
        yield f"  remark: {len(update.remarks) - len(remarks)} more (--verbose shows all)"
    for edit in update.edits:
        yield from (f"  {line}" for line in _show(edit, root, verbose=verbose))
    if request := update.request:
        where = f"patch {request.patch}" if request.patch else f"branch {request.branch}"
        yield f"  {where} ({request.state}): {request.title}"


def _show(edit: FileEdit, root: Path, *, verbose: bool) -> Iterator[str]:
    """The difference; of a file that goes its beginning, unless all is to be told."""
    difference = show_difference(edit, root)
    shown = difference if verbose or edit.after is not None else difference[:_OF_REMOVED]
    yield from shown
    if len(difference) > len(shown):
        yield f" and {len(difference) - len(shown)} more lines (--verbose shows all)"


def _describe(revision: Revision) -> str:
    ref = revision.ref or "the default branch"
    parts = [ref if len(ref) != _FULL else ref[:_SHORT]]
    known = revision.version or revision.commit[:_SHORT]
    if known and not (revision.version or revision.commit).startswith(ref.lower()):
        parts.append(f"= {known}")
    versions = [f"{name} {version}" for name, version in revision.versions.items()]
    about = [join_names(versions, 3)] if versions else []
    about += [f"Backstage {revision.backstage}"] if revision.backstage else []
    return " ".join([*parts, f"({'; '.join(about)})"] if about else parts)


def _total(updates: Sequence[WorkspaceUpdate], done: str) -> str:
    count = {
        status: sum(each.status == status for each in updates)
        for status in ("outdated", "current", "kept", "failed")
    }
    said = ", ".join(f"{number} {status}" for status, number in count.items() if number)
    total = f"{pluralize(len(updates), 'workspace')}: {said}"
    return f"{total}; {done}" if count["outdated"] and done else total
