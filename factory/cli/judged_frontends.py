"""In which frontend systems the frontends of a workspace will show, as their sources say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.analysis.discovery import FRONTEND_ROLES
from factory.analysis.manifest import MANIFEST_FILE
from factory.files import read_text
from factory.frontend.source_tree import ScriptFolder
from factory.frontend.source_verdict import judge_source
from factory.notation.json_text import parse_object

if TYPE_CHECKING:
    from pathlib import Path

    from factory.analysis.workspace_analysis import WorkspaceAnalysis
    from factory.frontend.verdict import FrontendVerdict


def judge_frontends(found: WorkspaceAnalysis, workspace: Path) -> dict[str, FrontendVerdict]:
    """Return the verdicts on the frontends among the analysed plugins, by their paths.

    Raises:
        FactoryError: a package.json cannot be read.
    """
    return {
        plugin.path: judge_source(
            ScriptFolder(root=workspace / plugin.path),
            parse_object(read_text(workspace / plugin.path / MANIFEST_FILE)),
        )
        for plugin in found.plugins
        if plugin.role in FRONTEND_ROLES
    }
