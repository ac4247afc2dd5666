"""What becomes of a workspace's source, as a value: what is chosen, what is not, and why."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from factory.reports.build_report import error_json
from factory.updating.file_edits import show_difference
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from factory.config.plugins_list_edit import ListChange
    from factory.errors import FactoryError
    from factory.updating.change_requests import ChangeRequest
    from factory.updating.file_edits import FileEdit

FORMAT = 1

Status: TypeAlias = Literal["outdated", "current", "kept", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision:
    """A ref, the commit that it is, and what is there; ``ref`` is None for a default branch.

    Of a published package ``ref`` is the version, range or tag that is wanted, ``version`` what
    that is, and ``commit`` what its author says that it was published from, or "".
    """

    ref: str | None
    commit: str
    version: str = ""
    label: str = ""
    backstage: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A ref, or a published version, that was not chosen, and why."""

    ref: str
    label: str
    commit: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkspaceUpdate:
    """What an update makes of a workspace.

    ``chosen`` is None where the present ref stays, and ``why`` says why in either case. ``edits``
    may be there for a ref that stays, too: what source.json notes of it is kept true. ``portal`` is
    that whose own source it is, "" for the one that all portals have.
    """

    name: str
    config_dir: Path
    repo: str = ""
    present: Revision | None = None
    chosen: Revision | None = None
    why: str = ""
    refused: tuple[Refused, ...] = ()
    remarks: tuple[str, ...] = ()
    arguments: tuple[ListChange, ...] = ()
    edits: tuple[FileEdit, ...] = ()
    portal: str = ""
    stays: bool = False
    request: ChangeRequest | None = None
    error: FactoryError | None = None

    @property
    def status(self) -> Status:
        """In a word; ``kept`` is a ref that is not moved whatever there is."""
        if self.error:
            return "failed"
        if self.edits:
            return "outdated"
        return "kept" if self.stays else "current"


def updates_json(
    updates: tuple[WorkspaceUpdate, ...],
    *,
    host: str,
    root: Path,
    exit_code: int,
    redact: Callable[[str], str],
) -> dict[str, Any]:
    """Return updates as ``factory/schemas/updates.schema.json`` has them."""
    return {
        "format": FORMAT,
        "host": host,
        "exit-code": exit_code,
        "outdated": sum(each.status == "outdated" for each in updates),
        "workspaces": [_workspace_json(each, root, redact) for each in updates],
    }


def _workspace_json(
    update: WorkspaceUpdate, root: Path, redact: Callable[[str], str]
) -> dict[str, Any]:
    request = update.request
    return {
        "name": update.name,
        "portal": update.portal or None,
        "status": update.status,
        "repo": update.repo,
        "why": update.why,
        "present": _revision_json(update.present),
        "chosen": _revision_json(update.chosen),
        "not-chosen": [
            {
                "ref": each.ref,
                "label": each.label,
                "commit": each.commit,
                "reasons": list(each.reasons),
            }
            for each in update.refused
        ],
        "remarks": list(update.remarks),
        "arguments": [
            {"path": each.path, "before": each.before, "after": each.after}
            for each in update.arguments
        ],
        "diff": "".join(
            f"{line}\n" for edit in update.edits for line in show_difference(edit, root)
        ),
        "change-request": {
            "branch": request.branch,
            "commit": request.commit,
            "patch": str(request.patch) if request.patch else None,
            "title": request.title,
            "body": request.body,
            "state": request.state,
        }
        if request
        else None,
        "error": error_json(update.error, redact) if update.error else None,
    }


def _revision_json(revision: Revision | None) -> dict[str, Any] | None:
    if revision is None:
        return None
    return {
        "ref": revision.ref,
        "commit": revision.commit,
        "label": revision.label,
        "backstage": revision.backstage or None,
        "versions": dict(revision.versions),
    }
