"""What an export reads of the workspace's packages says real ranges while it runs.

rhdh-cli and the yarn that it starts in an exported package know nothing of the workspace's
catalogs, nor of its Backstage release. So the package.json of each member is rewritten once
everything is installed and compiled, with the ranges that ``catalog:`` and ``backstage:`` stand
for, as ``yarn pack`` writes them, and put back in the end.
"""

from __future__ import annotations

import contextlib
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from factory.analysis.catalogs import CATALOG, read_catalogs
from factory.analysis.discovery import member_manifests, project_folder
from factory.analysis.lockfile import effective_range
from factory.analysis.resolutions import parse_resolutions
from factory.errors import Place, SourceError
from factory.notation.json_text import parse_object
from factory.scratch_folder import scratch_folder
from factory.sources.replacement import Replacement, replace_for_a_while

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from factory.analysis.catalogs import Catalogs
    from factory.analysis.lockfile import Lockfile

log = logging.getLogger(__name__)

BACKSTAGE = "backstage:"

_FIELDS = (
    "dependencies",
    "devDependencies",
    "peerDependencies",
    "optionalDependencies",
    "resolutions",
)
_ORIGINALS = "node_modules/.plugin-factory-originals"


@contextlib.contextmanager
def real_ranges(workspace: Path, lockfile: Lockfile) -> Iterator[None]:
    """Have the package.json of every member say real ranges, for as long as the context is open.

    A range that neither a catalog nor the lockfile gives a meaning to stays as it is.

    Raises:
        SourceError: a package.json or ``.yarnrc.yml`` cannot be used.
        StorageError: a package.json cannot be written.
    """
    project = project_folder(workspace) or workspace
    meanings = _Meanings(catalogs=read_catalogs(project), lockfile=lockfile)
    with contextlib.ExitStack() as stack:
        written = {
            file: text
            for file in member_manifests(project)
            if (text := _with_real_ranges(file, meanings)) is not None
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Meanings:
    """What the words that only the workspace knows stand for."""

    catalogs: Catalogs
    lockfile: Lockfile

    def meaning(self, name: str, asked: str) -> str:
        if asked.startswith(BACKSTAGE):
            entry = self.lockfile.resolve(name, asked)
            return effective_range(asked, entry.descriptors) if entry else asked
        meant = self.catalogs.meaning(name, asked)
        return meant.removeprefix("npm:") if meant != asked and "@" not in meant else meant


def _with_real_ranges(file: Path, meanings: _Meanings) -> str | None:
    """The text of a package.json with real ranges; None if all that it asks for is npm's words."""
    text = file.read_text(encoding="utf-8-sig")
    if CATALOG not in text and BACKSTAGE not in text:
        return None
    try:
        document = parse_object(text)
    except ValueError as error:
        raise SourceError(
            "a package.json is not valid JSON",
            place=Place(file=file),
            found=str(error),
            hint="correct the file, or patch it if it comes from a repository that is not yours",
        ) from error
    changed = False
    for field in _FIELDS:
        asked = document.get(field)
        if not isinstance(asked, dict):
            continue
        meant = {
            name: _find_meaning(name, wanted, meanings, field) for name, wanted in asked.items()
        }
        changed = changed or meant != asked
        document[field] = meant
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n" if changed else None


def _find_meaning(name: str, wanted: Any, meanings: _Meanings, field: str) -> Any:
    if not isinstance(wanted, str):
        return wanted
    if field == "resolutions":  # the keys are patterns: what is replaced comes last in them
        name = next(iter(parse_resolutions({name: wanted}).by_name), name)
    return meanings.meaning(name, wanted)
