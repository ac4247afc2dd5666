"""What ``plugin-factory verify`` has found, as lines for people."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from factory.quantities import counted
from factory.ui.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from factory.verification.findings import Finding, Verified

_WIDTH = 17
_STYLES = {"passed": "green", "skipped": "dim", "FAILED": "bold red"}


def show(results: Sequence[Verified], redact: Callable[[str], str]) -> None:
    """Print a block a plugin, a line a check; what failed has its reasons below it."""
    lines = [
        (style, redact(printable(text)))
        for result in results
        for style, text in (*_lines(result), ("", ""))
    ]
    lines.append(_summary(results))
    if not sys.stdout.isatty():
        for _, text in lines:
            print(text)
        return
    from rich.console import Console  # noqa: PLC0415 - late: only a terminal needs it
    from rich.text import Text  # noqa: PLC0415

    console = Console()
    for style, text in lines:
        console.print(Text(text, style=style))


def _lines(result: Verified) -> Iterator[tuple[str, str]]:
    about = f"  {result.name} {result.version} ({result.role})" if result.name else ""
    yield "bold", f"{result.artifact}{about}"
    for finding in result.findings:
        word = "FAILED" if finding.result == "failed" else finding.result
        yield _STYLES[word], f"  {word:8} {finding.check:{_WIDTH}} {finding.detail}".rstrip()
        yield from _reasons(finding)
    if error := result.error:
        for number, text in enumerate(str(error).splitlines()):
            yield _STYLES["FAILED"], f"  {'' if number else 'FAILED':8} {text}"


def _reasons(finding: Finding) -> Iterator[tuple[str, str]]:
    shown = {"found": finding.found, "expected": finding.expected, "try": finding.hint}
    for name, text in shown.items():
        if text:
            yield "", f"  {'':8} {'':{_WIDTH}} {name}: {text}"


def _summary(results: Sequence[Verified]) -> tuple[str, str]:
    bad = sum(not result.holds for result in results)
    plugins = counted(len(results), "plugin")
    if bad:
        return _STYLES["FAILED"], f"{plugins} verified, {bad} failed"
    return _STYLES["passed"], f"{plugins} verified, all checks hold"
