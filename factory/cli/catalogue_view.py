"""What ``plugin-factory catalogue`` shows: findings, and files that change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from factory.catalogue.entities import COLLECTION, PACKAGE, PLUGIN
from factory.quantities import pluralize
from factory.ui.text import Span, Style

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from factory.catalogue.checks import CatalogueFinding, CheckedCatalogue
    from factory.catalogue.metadata import EntityText
    from factory.ui.printing import Printer

_COUNTED = {PACKAGE: "package", PLUGIN: "plugin", COLLECTION: "collection"}


def show_findings(checked: CheckedCatalogue, out: Printer) -> None:
    """Print each finding with its place and reasons, and a line about all."""
    lines = [
        (Span(text, style),)
        for finding in checked.findings
        for style, text in _finding_lines(finding)
    ]
    counts = ", ".join(pluralize(checked.count(kind), name) for kind, name in _COUNTED.items())
    bad = len(checked.findings)
    end = f"{counts} checked, " + (pluralize(bad, "mistake") if bad else "nothing to correct")
    out.styled_lines([*lines, (Span(end, "problem" if bad else "good"),)])


def findings_document(checked: CheckedCatalogue) -> dict[str, Any]:
    """Return what was checked and found, for machines."""
    return {
        "checked": {f"{name}s": checked.count(kind) for kind, name in _COUNTED.items()},
        "findings": [
            {
                "file": str(one.place.file),
                "line": one.place.line,
                "field": one.place.field,
                "problem": one.problem,
                "found": one.found or None,
                "expected": one.expected or None,
                "hint": one.hint or None,
            }
            for one in checked.findings
        ],
    }


def texts_document(texts: Sequence[EntityText]) -> dict[str, Any]:
    """Return which files change, for machines."""
    return {
        "entities": [
            {
                "file": str(text.file),
                "kind": text.kind,
                "name": text.name,
                "outcome": _outcome(text),
                "diff": text.diff() or None,
            }
            for text in texts
        ]
    }


def _outcome(text: EntityText) -> str:
    if text.is_new:
        return "new"
    return "changed" if text.changes else "kept"


def _finding_lines(finding: CatalogueFinding) -> Iterator[tuple[Style, str]]:
    yield "strong", str(finding.place)
    yield "problem", f"  {finding.problem}"
    shown = {"found": finding.found, "expected": finding.expected, "try": finding.hint}
    for name, text in shown.items():
        if text:
            yield "", f"  {name}: {text}"
    yield "", ""
