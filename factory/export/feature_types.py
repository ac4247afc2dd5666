"""Entry points of a frontend plugin whose feature nobody can see by its type.

A portal with Backstage's new frontend system loads what module federation exposes, and reads
``backstage.features`` of package.json. Both are found out by TypeScript from the default export of
each entry point; where that does not type-check, Backstage leaves the entry point out, in silence.
``feature_types.cjs``, which node loads into rhdh-cli first, notes such entry points.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from factory.notation.json_text import parse_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

log = logging.getLogger(__name__)

_NOTES = "untyped-features.jsonl"


@dataclass(frozen=True, kw_only=True, slots=True)
class UntypedFeature:
    """An entry point, by its file, whose default export has a type that cannot be found out."""

    entry: str
    why: str


def forget_untyped_features(env: Mapping[str, str]) -> None:
    """Remove what an earlier export with the same ``TMPDIR`` has noted."""
    Path(env["TMPDIR"], _NOTES).unlink(missing_ok=True)


def find_untyped_features(env: Mapping[str, str]) -> tuple[UntypedFeature, ...]:
    """Return the entry points that were noted during an export, in their order.

    Args:
        env: the environment of the export; its ``TMPDIR`` is a folder of this process alone.
    """
    notes = Path(env["TMPDIR"], _NOTES)
    lines = notes.read_text(encoding="utf-8").splitlines() if notes.is_file() else []
    noted = (parse_object(line) for line in lines)
    return tuple(UntypedFeature(entry=str(one["entry"]), why=str(one["why"])) for one in noted)


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
