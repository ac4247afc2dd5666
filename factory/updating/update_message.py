"""What a change request says: a line for its subject, and the facts that a reviewer asks for.

Names and reasons come from repositories and registries: in the text they stand as code, in one
line each, so that they are neither markup nor mention anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.quantities import pluralize
from factory.sources.git_refs import FULL_ID
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory.updating.workspace_update import Revision, WorkspaceUpdate

_LONGEST_TITLE = 72
_LONGEST_FACT = 300
_SHORT = 12
_MOST_LINES = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """The title, without a full stop, and the body in Markdown."""

    title: str
    body: str


def message_of(update: WorkspaceUpdate) -> Message:
    """Return the message of a workspace's update."""
    return Message(title=_title(update), body="\n".join(_lines(update)))


def _title(update: WorkspaceUpdate) -> str:
    name = _plain(update.name)
    if update.chosen is None:
        return _shorten(f"Note the Backstage version of {name}")
    long = f"Update {name} to {_plain(update.chosen.label)}"
    if len(long) <= _LONGEST_TITLE:
        return long
    return _shorten(f"Update {name} to {update.chosen.version or _name_ref(update.chosen)}")


def _lines(update: WorkspaceUpdate) -> Iterator[str]:
    present, chosen = update.present, update.chosen
    yield f"Source: {_code(update.repo)}"
    if present and chosen:
        yield from _change(update, present, chosen)
        yield from _versions(present, chosen)
        if chosen.version and chosen.commit:
            yield f"Its author says that it was published from commit {_code(chosen.commit)}."
    elif present:
        yield f"The ref stays {_code(_name_ref(present))}; source.json notes its Backstage version."
    if present and (chosen or present).backstage:
        before, after = present.backstage or "unknown", (chosen or present).backstage
        yield f"Backstage: {before}" if before == after else f"Backstage: {before} to {after}"
    if update.arguments:
        yield ""
        yield f"Build arguments of {pluralize(len(update.arguments), 'plugin')}:"
        for change in update.arguments[:_MOST_LINES]:
            yield f"- {_code(change.path)}: {_code(change.after) if change.after else 'none'}"
    if update.refused:
        yield ""
        yield "Not chosen:"
        for refused in update.refused[:_MOST_LINES]:
            yield f"- {_code(refused.label)}: {_code('; '.join(refused.reasons[:3]))}"
        if len(update.refused) > _MOST_LINES:
            yield f"- and {len(update.refused) - _MOST_LINES} more"
    if update.remarks:
        yield ""
        yield "To know:"
        yield from (f"- {_code(remark)}" for remark in update.remarks[:_MOST_LINES])


def _change(update: WorkspaceUpdate, present: Revision, chosen: Revision) -> Iterator[str]:
    removed = next((edit.file.name for edit in update.edits if edit.after is None), "")
    if removed and present.ref == chosen.ref:
        yield f"{_code(_name_ref(present))} stays, and {removed} is removed. {_plain(update.why)}."
        return
    yield f"From {_code(_name_ref(present))} to {_code(_name_ref(chosen))}: {update.why}."
    if removed:
        yield f"{removed} was of the former version and is removed: the next build writes another."


def _versions(present: Revision, chosen: Revision) -> Iterator[str]:
    for name, version in chosen.versions.items():
        before = present.versions.get(name, "new")
        if before != version:
            yield f"- {_code(name)}: {_code(f'{before} to {version}')}"


def _name_ref(revision: Revision) -> str:
    ref = revision.ref or "the default branch"
    return revision.commit[:_SHORT] if FULL_ID.match(ref.lower()) else ref


def _code(text: str) -> str:
    return f"`{_plain(text)}`"


def _plain(text: str) -> str:
    """One line of printable text without what ends code in Markdown."""
    line = "".join(c if c.isprintable() else " " for c in text.replace("`", "'"))
    return " ".join(line.split())[:_LONGEST_FACT]


def _shorten(title: str) -> str:
    return title if len(title) <= _LONGEST_TITLE else f"{title[: _LONGEST_TITLE - 1]}…"
