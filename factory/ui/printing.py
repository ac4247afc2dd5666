"""The one place through which commands print: lines, tables, JSON documents, files for programs.

What a command has to say is data of others: names, versions, paths. Lines and tables are made
harmless whole (:mod:`factory.ui.harmless`); a document keeps its meaning to the letter. Secrets are
masked in both.
"""

from __future__ import annotations

import json
import sys
from dataclasses import field
from typing import TYPE_CHECKING, TextIO

from factory.ui.sink import Sink
from factory.ui.text import (
    Line,
    Span,
    harmless,
    harmless_json,
    show_raw,
)
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence


@dataclass(frozen=True, kw_only=True, slots=True)
class Printer:
    """Prints on a stream, masked; ``environment`` tells what a terminal's colours may be."""

    redact: Callable[[str], str] = str
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    stream: TextIO | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether a person looks at what is printed."""
        return self._sink().isatty()

    def lines(self, *lines: str) -> None:
        """Print lines; a line break in one does not start a new line."""
        self._sink().write("".join(f"{show_raw(self.redact(line))}\n" for line in lines))

    def styled_lines(self, lines: Iterable[Line]) -> None:
        """Print lines of spans, with their styles on a terminal."""
        masked = [tuple(Span(self.redact(s.text), s.style) for s in line) for line in lines]
        if not self.is_terminal:
            self._sink().lines(masked)
            return
        from factory.ui.live import console_on, print_on  # noqa: PLC0415 - Rich is for terminals

        print_on(console_on(self._sink(), self.environment), masked)

    def tabs(self, rows: Iterable[Sequence[str]]) -> None:
        """Print rows whose cells are apart by a tab, for programs that cut lines there."""
        for row in rows:
            cells = "\t".join(show_raw(self.redact(cell)) for cell in row)
            self._sink().write(f"{harmless(cells)}\n")

    def table(self, rows: Sequence[Sequence[Line]], *, head: Sequence[str] = ()) -> None:
        """Print a table on a terminal; each cell is a line, which may be wrapped."""
        from rich.table import Table  # noqa: PLC0415 - Rich is for terminals

        from factory.ui.live import console_on, rich_text  # noqa: PLC0415

        table = Table(*head, box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=bool(head))
        for row in rows:
            cells = (tuple(Span(self.redact(s.text), s.style) for s in cell) for cell in row)
            table.add_row(*(rich_text(cell) for cell in cells))
        console_on(self._sink(), self.environment).print(table)

    def document(self, value: object) -> None:
        """Print a JSON document; secrets in its texts are masked before it is written."""
        text = json.dumps(_mask(value, self.redact), indent=2, ensure_ascii=False)
        self.json_text(f"{text}\n")

    def json_text(self, text: str) -> None:
        """Print a JSON document that is text already."""
        self._sink().write(harmless_json(text))

    def page(self, text: str) -> None:
        """Print a page of text for people, such as Markdown: each of its lines made harmless."""
        self._sink().write("".join(f"{show_raw(line)}\n" for line in text.split("\n")[:-1]))
        if last := text.rpartition("\n")[2]:
            self._sink().write(show_raw(last))

    def file(self, text: str) -> None:
        """Print what a program is to read from a file, and whose form its maker has seen to."""
        self._sink().write("".join(harmless(line) for line in text.splitlines(keepends=True)))

    def _sink(self) -> Sink:
        return Sink(sys.stdout if self.stream is None else self.stream)


def _mask(value: object, redact: Callable[[str], str]) -> object:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {redact(str(name)): _mask(each, redact) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_mask(each, redact) for each in value]
    return value


OUT = Printer()
"""The standard output of a command that knows no secret."""


def say(line: str) -> None:
    """Print a line beside the result: on the standard error."""
    Printer(stream=sys.stderr).lines(line)
