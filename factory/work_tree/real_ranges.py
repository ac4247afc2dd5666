"""The real ranges that an export has to read in the package.json of the workspace's members.

rhdh-cli and the yarn that it starts in an exported package know nothing of the workspace's
catalogs, nor, up to 1.10.4, of its Backstage release. So ``catalog:`` and ``backstage:`` become
what they stand for, as ``yarn pack`` writes it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from factory.analysis.catalogs import CATALOG, read_catalogs
from factory.analysis.discovery import member_manifests
from factory.analysis.release_ranges import BACKSTAGE
from factory.analysis.resolutions import parse_resolutions
from factory.errors import Place, SourceError
from factory.notation.json_text import parse_object
from factory.values import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from factory.analysis.catalogs import Catalogs
    from factory.analysis.release_ranges import ReleaseRanges

_FIELDS = (
    "dependencies",
    "devDependencies",
    "peerDependencies",
    "optionalDependencies",
    "resolutions",
)


def find_real_ranges(project: Path, ranges: ReleaseRanges) -> dict[Path, str]:
    """Return the package.json of members that ask in the workspace's words, with real ranges.

    A range that neither a catalog, the lockfile nor the release gives a meaning to stays as it is.

    Args:
        project: the root of the yarn workspace.
        ranges: what ``backstage:^`` means in it.

    Returns:
        The texts that the files should have, by their paths.

    Raises:
        SourceError: a package.json or ``.yarnrc.yml`` cannot be used.
    """
    meanings = _Meanings(catalogs=read_catalogs(project), ranges=ranges)
    return {
        file: text
        for file in member_manifests(project)
        if (text := _with_real_ranges(file, meanings)) is not None
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class _Meanings:
    """What the words that only the workspace knows stand for."""

    catalogs: Catalogs
    ranges: ReleaseRanges

    def meaning(self, name: str, asked: str) -> str:
        if asked.startswith(BACKSTAGE):
            return self.ranges.meaning(name, asked)
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
