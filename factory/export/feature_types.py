"""Entry points of a frontend plugin whose feature nobody can see by its type.

A portal with Backstage's new frontend system loads what module federation exposes, and reads
``backstage.features`` of package.json. Both are found out by TypeScript from the default export of
each entry point; where that does not type-check, Backstage leaves the entry point out, in silence.
``feature_types.cjs``, which node loads into rhdh-cli first, notes such entry points.
"""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from factory.files import read_end
from factory.notation.json_text import parse_object
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

log = logging.getLogger(__name__)

_NOTES = "untyped-features.jsonl"
_MOST = 1 << 18


@dataclass(frozen=True, kw_only=True, slots=True)
class UntypedFeature:
    """An entry point, by its file, whose default export has a type that cannot be found out."""

    entry: str
    why: str


def find_untyped_features(env: Mapping[str, str]) -> tuple[UntypedFeature, ...]:
    """Return the entry points that were noted during an export, in their order.

    A build may have written there, too; other lines are passed over.

    Args:
        env: the environment of the export; its ``TMPDIR`` was empty when that began.
    """
    try:
        lines = read_end(Path(env["TMPDIR"], _NOTES), _MOST).text().split("\n")
    except OSError:
        return ()
    return tuple(note for line in lines if (note := _parse_note(line)) is not None)


def _parse_note(line: str) -> UntypedFeature | None:
    with contextlib.suppress(ValueError):
        noted = parse_object(line)
        entry, why = noted.get("entry"), noted.get("why")
        if isinstance(entry, str) and isinstance(why, str):
            return UntypedFeature(entry=entry, why=why)
    return None


def warn_of_untyped_features(untyped: Iterable[UntypedFeature], plugin: str) -> None:
    """Warn of entry points that a portal with the new frontend system will not be told of."""
    for each in untyped:
        log.warning(
            "%s: what %s exports by default is not taken for a feature of the new frontend system, "
            "and its entry point is left out of backstage.features: %s",
            plugin,
            each.entry,
            each.why,
        )
