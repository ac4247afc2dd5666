"""What ``plugin-factory verify`` has found, as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.quantities import pluralize
from factory.ui.text import Span, Style

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from factory.ui.printing import Printer
    from factory.verification.findings import CheckFinding, Verified

_WIDTH = 17
_STYLES: dict[str, Style] = {"passed": "good", "skipped": "dim", "FAILED": "problem"}


def show(results: Sequence[Verified], out: Printer) -> None:
    """Print a block a plugin, a line a check; what failed has its reasons below it."""
    lines = [
        (Span(text, style),) for result in results for style, text in (*_lines(result), ("", ""))
    ]
    style, text = _summary(results)
    out.styled_lines([*lines, (Span(text, style),)])


def _lines(result: Verified) -> Iterator[tuple[Style, str]]:
    about = f"  {result.name} {result.version} ({result.role})" if result.name else ""
    yield "strong", f"{result.artifact}{about}"
    for finding in result.findings:
        word = "FAILED" if finding.result == "failed" else finding.result
        yield _STYLES[word], f"  {word:8} {finding.check:{_WIDTH}} {finding.detail}".rstrip()
        yield from _reasons(finding)
    if error := result.error:
        for number, text in enumerate(str(error).splitlines()):
            yield _STYLES["FAILED"], f"  {'' if number else 'FAILED':8} {text}"


def _reasons(finding: CheckFinding) -> Iterator[tuple[Style, str]]:
    shown = {"found": finding.found, "expected": finding.expected, "try": finding.hint}
    for name, text in shown.items():
        if text:
            yield "", f"  {'':8} {'':{_WIDTH}} {name}: {text}"


def _summary(results: Sequence[Verified]) -> tuple[Style, str]:
    bad = sum(not result.holds for result in results)
    plugins = pluralize(len(results), "plugin")
    if bad:
        return _STYLES["FAILED"], f"{plugins} verified, {bad} failed"
    return _STYLES["passed"], f"{plugins} verified, all checks passed"
