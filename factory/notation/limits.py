"""The limits that a document from elsewhere has to keep to, and what is wrong with one."""

from __future__ import annotations

from typing import TypeAlias

Steps: TypeAlias = tuple[str, ...]
"""The way to a value: keys of maps, and numbers in lists from 0."""

DEEPEST = 100
"""How many maps and lists may stand in one another: readers and writers here are recursive."""

LARGEST = 100_000
"""How many values a document may have once its aliases are written out, text by 64 characters."""

_TEXT_OF_ONE_VALUE = 64


class DocumentError(ValueError):
    """A document that cannot be read, or that is not read because it exceeds a limit.

    A ``ValueError``, as what :func:`json.loads` raises: readers of remote documents have one thing
    to catch. ``line`` and ``column`` count from 1. ``problem`` completes "the document is not
    valid: …"; ``field`` is the way to it, with dots,
    ``expected`` what belongs there.
    """

    def __init__(
        self,
        problem: str,
        *,
        line: int | None = None,
        column: int | None = None,
        field: str | None = None,
        expected: str | None = None,
    ) -> None:
        at = f" at line {line}, column {column}" if line and column else ""
        super().__init__(f"{problem}{at}")
        self.problem = problem
        self.line = line
        self.column = column
        self.field = field
        self.expected = expected


class RepeatedKeyError(DocumentError):
    """A map has the key that ``way`` leads to twice: which of them counts is left to the reader."""

    def __init__(self, way: Steps, *, line: int, column: int, first_line: int) -> None:
        problem = f'"{way[-1]}" appears twice in one map'
        super().__init__(problem, line=line, column=column, expected="each key only once")
        self.way = way
        self.first_line = first_line


def decode_text(content: bytes) -> str:
    """Return the text of a document: UTF-8, with or without a byte order mark.

    Raises:
        DocumentError: it is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(
            f"the byte 0x{content[error.start]:02x} at offset {error.start} is not UTF-8",
            expected="UTF-8 text",
        ) from error


def too_deep(line: int | None = None, column: int | None = None) -> DocumentError:
    """Return the error for a document whose maps and lists are nested too deeply."""
    return DocumentError(
        "maps and lists are nested too deeply",
        line=line,
        column=column,
        expected=f"at most {DEEPEST} levels",
    )


def size_of_text(text: str) -> int:
    """Return how many values a text counts as."""
    return 1 + len(text) // _TEXT_OF_ONE_VALUE
