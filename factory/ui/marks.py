"""The mark of each state: one character, the same in every view."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from factory.ui.text import Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from factory.ui.progress import State

# What runs has no mark: it moves.
MARKS: Mapping[State, Span] = MappingProxyType(
    {
        "waiting": Span("·", "dim"),
        "done": Span("✓", "good"),
        "failed": Span("✗", "bad"),
        "skipped": Span("-", "dim"),
        "stopped": Span("■", "warn"),
    }
)
