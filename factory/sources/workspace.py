"""The workspace inside a checkout: the folder whose package.json defines the yarn workspace."""

from __future__ import annotations

import difflib
import os
from pathlib import Path, PurePosixPath

from factory.errors import ConfigurationError, SourceError
from factory.notation.json_text import parse_object

_SUGGESTIONS = 5
_DEEPEST = 4
_NEVER_ENTERED = {"node_modules", "dist", "dist-dynamic"}


def resolve_workspace(root: Path, workspace_path: str) -> Path:
    """Return the workspace's folder inside a checkout; ``.`` is the checkout itself.

    Raises:
        ConfigurationError: the path is absolute or leaves the checkout as it is written.
        SourceError: there is no such folder in the checkout, or it is a link out of it.
    """
    written = PurePosixPath(workspace_path.strip())
    if written.is_absolute() or ".." in written.parts:
        raise ConfigurationError(
            "the workspace path does not stay inside the repository",
            found=repr(workspace_path),
            expected="a path relative to the repository's root, such as workspaces/todo, or .",
            hint="set workspace-path in source.json, or --workspace-path",
        )
    folder = root / written
    if not folder.is_dir():
        raise _unknown(root, str(written), is_file=folder.exists())
    if not folder.resolve().is_relative_to(root.resolve()):
        raise SourceError(
            f"the workspace {written} is a link out of the repository",
            found=str(folder.resolve()),
            expected=f"a folder inside {root}",
        )
    return folder


def workspaces_in(root: Path) -> tuple[str, ...]:
    """Return the paths in a checkout, at most four deep, whose package.json has ``workspaces``."""
    found: list[str] = []
    for parent, folders, files in os.walk(root):
        here = Path(parent).relative_to(root)
        folders[:] = sorted(
            name
            for name in folders
            if name not in _NEVER_ENTERED
            and not name.startswith(".")
            and len(here.parts) < _DEEPEST
        )
        if "package.json" in files and has_workspaces(Path(parent) / "package.json"):
            found.append(here.as_posix())
    return tuple(found)


def has_workspaces(package_json: Path) -> bool:
    """Whether a package.json is that of a workspace's root; one that cannot be read is not."""
    try:
        return "workspaces" in parse_object(package_json.read_bytes())
    except (OSError, ValueError):
        return False


def _unknown(root: Path, written: str, *, is_file: bool) -> SourceError:
    known = workspaces_in(root)
    near = difflib.get_close_matches(written, known, n=_SUGGESTIONS, cutoff=0.5)
    last = PurePosixPath(written).name
    near += [path for path in known if PurePosixPath(path).name == last and path not in near]
    some = near[:_SUGGESTIONS] or list(known[:_SUGGESTIONS])
    return SourceError(
        f"the workspace {written} is {'no folder' if is_file else 'not in the repository'}",
        found=f"workspaces there: {', '.join(known[:_SUGGESTIONS])}" if known else None,
        expected="a folder relative to the repository's root",
        hint=f"did you mean --workspace-path {' or '.join(some)}?" if some else None,
    )
