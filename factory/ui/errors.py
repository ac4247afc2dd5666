"""How a :class:`~factory.errors.FactoryError` looks: the problem, its facts, and what to do next.

::

    error: the ref 'v9' does not exist in https://example.com/plugins.git
      in        /config/source.json:3 (repo-ref)
      found     v9
      expected  a branch, a tag or a commit id
      log       /outputs/logs/todo/source.log

      │ fatal: couldn't find remote ref v9

      try  git ls-remote https://example.com/plugins.git

Never a traceback: what a user cannot act on belongs into a log file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.errors import Interrupted
from factory.ui.text import Line, Span, pad, printable
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from factory.errors import FactoryError, Place


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorMessage:
    """An error as texts that are fit for a screen: secrets masked.

    ``gentle`` is an end that the user wanted (Ctrl-C), which needs no attention.
    """

    problem: str
    facts: tuple[tuple[str, str], ...] = ()
    details: str = ""
    hint: str = ""
    place: Place | None = None
    gentle: bool = False


def message_of(error: FactoryError, redact: Callable[[str], str]) -> ErrorMessage:
    """Return what is to be shown of ``error``."""
    facts = (
        ("in", str(error.place) if error.place else ""),
        ("found", error.found or ""),
        ("expected", error.expected or ""),
        ("log", str(error.log) if error.log else ""),
    )
    return ErrorMessage(
        problem=redact(error.problem),
        facts=tuple((name, redact(value)) for name, value in facts if value),
        details=redact(error.details or ""),
        hint=redact(error.hint or ""),
        place=error.place,
        gentle=isinstance(error, Interrupted),
    )


def error_lines(message: ErrorMessage) -> list[Line]:
    """Return the lines of an error, none of them wrapped: paths and commands are for copying."""
    first, *more = message.problem.splitlines() or [""]
    if message.gentle:
        lines: list[Line] = [(Span(printable(first), "warn"),)]
    else:
        lines = [(Span(f"error: {printable(first)}", "problem"),)]
    lines += [(Span(f"  {printable(line)}", "strong"),) for line in more]
    column = max((len(name) for name, _ in message.facts), default=0) + 2
    for name, value in message.facts:
        lines += _hanging(name, value, column)
    if message.details.strip():
        body = message.details.strip("\n").splitlines()
        lines += [(), *((Span("  │ ", "dim"), Span(printable(line))) for line in body)]
    if message.hint:
        if message.details.strip():
            lines.append(())
            column = len("try") + 2
        label, *continued = _hanging("try", message.hint, max(column, len("try") + 2))
        lines += [_hint_line(label), *map(_hint_line, continued)]
    return lines


def _hanging(name: str, value: str, column: int) -> list[Line]:
    """A fact with its name; further lines of the value stand below its first."""
    names = [name, *[""] * value.count("\n")]
    return [
        (Span(f"  {pad(label, column)}", "dim"), Span(printable(line)))
        for label, line in zip(names, value.split("\n"), strict=True)
    ]


def _hint_line(line: Line) -> Line:
    label, value = line
    return (label, Span(value.text, "accent"))
