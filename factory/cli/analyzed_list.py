"""plugins-list.yaml beside the arguments that ``analyze`` has computed: read, compared, written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.analysis.arguments import parse_arguments
from factory.config.plugins_list import PluginEntry, read_plugins_list, write_new_plugins_list
from factory.config.plugins_list_edit import rewrite_plugins_list
from factory.errors import (
    CheckError,
    ConfigurationError,
    Place,
    SourceError,
    StorageError,
    os_errors_as,
)
from factory.ui.printing import OUT

if TYPE_CHECKING:
    from pathlib import Path

    from factory.analysis.workspace_analysis import PluginAnalysis, WorkspaceAnalysis
    from factory.config.plugins_list import PluginsList


def read_list(file: Path, *, required: bool) -> PluginsList | None:
    """Return the list, whose arguments can be read, or None where there is none.

    Raises:
        ConfigurationError: it cannot be used, or is required and not there.
    """
    listed = read_plugins_list(file)
    if listed is None and required:
        raise ConfigurationError(
            f"there is no {file.name}",
            place=Place(file=file),
            hint="name it with --plugins-list, or create one with --write",
        )
    for entry in listed.entries if listed else ():
        parse_arguments(entry.arguments, listed.place(entry) if listed else None)
    return listed


def check_list(found: WorkspaceAnalysis, file: Path) -> None:
    """Compare the list with what was computed.

    Raises:
        CheckError: they differ.
    """
    changed = [plugin for plugin in found.plugins if plugin.changed]
    if changed:
        raise CheckError(
            f"{file.name} differs from the arguments computed for {found.host} "
            f"in {len(changed)} of {len(found.plugins)} plugins",
            place=Place(file=file),
            details="\n".join(_difference(changed)),
            hint="run the same command with --write instead of --check",
        )


def write_list(found: WorkspaceAnalysis, file: Path, exists: bool, *, quiet: bool) -> None:
    """Write what was computed into the list, or a new one, and print what changed unless quiet.

    Raises:
        StorageError: it cannot be written.
        SourceError: there is no plugin for a new list.
    """
    changed = [plugin for plugin in found.plugins if plugin.changed]
    backup = None
    with os_errors_as(StorageError(f"{file.name} cannot be written", place=Place(file=file))):
        if exists:
            wanted = {plugin.path: plugin.arguments for plugin in changed}
            backup = rewrite_plugins_list(file, wanted).backup
        elif not found.plugins:
            raise SourceError("the workspace has no plugin", place=Place(file=file.parent))
        else:
            entries = (PluginEntry(path=p.path, arguments=p.arguments) for p in found.plugins)
            write_new_plugins_list(file, tuple(entries))
    if quiet:
        return
    OUT.lines(*_difference(changed))
    saved = f" (the former is kept as {backup.name})" if backup else ""
    OUT.lines(f"{file}: {len(changed)} of {len(found.plugins)} plugins changed{saved}")


def _difference(changed: list[PluginAnalysis]) -> list[str]:
    lines = []
    for plugin in changed:
        if plugin.written is not None:
            lines.append(f"- {plugin.path}: {plugin.written}".rstrip())
        lines.append(f"+ {plugin.path}: {plugin.arguments}".rstrip())
    return lines
