"""What an export reads of the workspace's packages says real ranges while it runs.

rhdh-cli and the yarn that it starts in an exported package know nothing of a workspace's catalogs.
So the package.json of each member is rewritten once everything is installed and compiled, with the
ranges that ``catalog:`` stands for, as ``yarn pack`` writes them, and put back in the end.
"""

from __future__ import annotations

import contextlib
import json
import logging
from typing import TYPE_CHECKING, Any

from factory.analysis.catalogs import CATALOG, read_catalogs
from factory.analysis.discovery import member_manifests, project_folder
from factory.analysis.resolutions import parse_resolutions
from factory.scratch_folder import scratch_folder
from factory.sources.replacement import Replacement, replace_for_a_while

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from factory.analysis.catalogs import Catalogs

log = logging.getLogger(__name__)

_FIELDS = (
    "dependencies",
    "devDependencies",
    "peerDependencies",
    "optionalDependencies",
    "resolutions",
)
_ORIGINALS = "node_modules/.plugin-factory-originals"


@contextlib.contextmanager
def real_ranges(workspace: Path) -> Iterator[None]:
    """Have the package.json of every member say real ranges, for as long as the context is open.

    Raises:
        SourceError: a package.json or ``.yarnrc.yml`` cannot be used.
        StorageError: a package.json cannot be written.
    """
    project = project_folder(workspace) or workspace
    catalogs = read_catalogs(project)
    with contextlib.ExitStack() as stack:
        written = {
            file: text
            for file in member_manifests(project)
            if (text := _with_real_ranges(file, catalogs)) is not None
        }
        if written:
            folder = stack.enter_context(scratch_folder())
            replacements = []
            for number, (file, text) in enumerate(written.items()):
                content = folder / str(number)
                content.write_text(text, encoding="utf-8")
                content.chmod(file.stat().st_mode & 0o777)
                replacements.append(Replacement(target=file, content=content))
            log.debug("%d package.json have the ranges of catalogs meanwhile", len(written))
            stack.enter_context(
                replace_for_a_while(replacements, root=project, originals=project / _ORIGINALS)
            )
        yield


def _with_real_ranges(file: Path, catalogs: Catalogs) -> str | None:
    """The text of a package.json with real ranges; None if it asks for nothing by a catalog."""
    text = file.read_text(encoding="utf-8-sig")
    if CATALOG not in text:
        return None
    document: dict[str, Any] = json.loads(text)
    changed = False
    for field in _FIELDS:
        asked = document.get(field)
        if not isinstance(asked, dict):
            continue
        meant = {name: _meant(name, wanted, catalogs, field) for name, wanted in asked.items()}
        changed = changed or meant != asked
        document[field] = meant
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n" if changed else None


def _meant(name: str, wanted: Any, catalogs: Catalogs, field: str) -> Any:
    if not isinstance(wanted, str):
        return wanted
    if field == "resolutions":  # the keys are patterns: what is replaced comes last in them
        name = next(iter(parse_resolutions({name: wanted}).by_name), name)
    meant = catalogs.meaning(name, wanted)
    return meant.removeprefix("npm:") if meant != wanted and "@" not in meant else meant
