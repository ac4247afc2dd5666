"""Results for machines, and the exit code that they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from factory.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory.verification.findings import CheckFinding, Verified


def results_document(results: Sequence[Verified]) -> dict[str, Any]:
    """Return the results as plain JSON values; ``--json`` prints them."""
    return {
        "holds": all(result.holds for result in results),
        "plugins": [_plugin(result) for result in results],
    }


def exit_code(results: Sequence[Verified]) -> int:
    """Return 0 if everything holds, else the smallest code of what went wrong."""
    codes = [result.error.exit_code for result in results if result.error]
    if any(result.failures for result in results):
        codes.append(CheckError.exit_code)
    return min(codes, default=0)


def _plugin(result: Verified) -> dict[str, Any]:
    document: dict[str, Any] = {
        "artifact": result.artifact,
        "name": result.name or None,
        "version": result.version or None,
        "role": result.role or None,
        "holds": result.holds,
        "frontend-systems": result.frontend.verdict.as_json() if result.frontend else None,
        "checks": [_finding(finding) for finding in result.findings],
    }
    if error := result.error:
        document["error"] = {
            "kind": error.kind,
            "problem": error.problem,
            "found": error.found,
            "expected": error.expected,
            "hint": error.hint,
        }
    return document


def _finding(finding: CheckFinding) -> dict[str, str]:
    fields = {
        "check": finding.check,
        "result": finding.result,
        "detail": finding.detail,
        "found": finding.found,
        "expected": finding.expected,
        "hint": finding.hint,
    }
    return {name: text for name, text in fields.items() if text}
