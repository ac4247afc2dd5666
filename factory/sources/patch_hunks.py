"""One hunk of a patch, in whichever form it is written: unified, context, or normal.

The forms are those of diff (GNU diffutils manual, "Output Formats"). Where a form may leave
something out, or where mailers and editors have taken blanks away, it is read as GNU patch does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from factory.sources.patch_lines import PatchLines, Wrapping

Form: TypeAlias = Literal["unified", "context", "normal"]

_UNIFIED = lazy_pattern(rb"@@ -(\d+)(?:,(\d+))? ?\+(\d+)(?:,(\d+))? ?@")
_NORMAL = lazy_pattern(rb"(\d+)(?:,(\d+))?([^\d,\n])(\d+)(?:,(\d+))?")
_RANGE = lazy_pattern(rb"[^\d\n]*(\d+)(?:,[^\d\n]*(\d+))?")
_LARGEST = 2**63 - 16
# A patch may lack so many empty lines at its end.
_CHOPPED = 3


class MalformedPatchError(Exception):
    """A patch's text is not as its form demands; ``line`` counts from 1."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.line = line


class Marked(NamedTuple):
    """A line of a hunk: its mark, one of ``" -+!"``, and its bytes with their line feed."""

    mark: str
    text: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Hunk:
    """A hunk: lines that are looked for, and lines that come in their place.

    ``line`` is where in the patch its header is. ``first`` is the line of the file at which the old
    lines are expected, or before which new ones are put if there are no old ones; ``new_first`` is
    where the new lines are then. Both count from 1. ``prefix`` and ``suffix`` are how many lines of
    context are at its ends.
    """

    line: int
    header: str
    first: int
    new_first: int
    old: tuple[Marked, ...]
    new: tuple[Marked, ...]
    prefix: int
    suffix: int

    @property
    def reversed(self) -> Hunk:
        """The hunk that takes this one back."""
        return replace(
            self,
            first=self.new_first,
            new_first=self.first,
            old=tuple(
                Marked("-" if line.mark == "+" else line.mark, line.text) for line in self.new
            ),
            new=tuple(
                Marked("+" if line.mark == "-" else line.mark, line.text) for line in self.old
            ),
        )

    @property
    def only_whitespace(self) -> bool:
        """Whether ignoring whitespace would leave nothing of the change."""
        return [_squeeze(line) for line in self.old] == [_squeeze(line) for line in self.new]


def take_hunk(form: Form, lines: PatchLines, wrapping: Wrapping) -> Hunk | None:
    """Return the hunk that comes next, or ``None``, with nothing read, if there is none.

    Raises:
        MalformedPatchError: it begins, and does not go on, as its form demands.
    """
    before = lines.at, lines.number
    take = {"unified": _take_unified, "context": _take_context, "normal": _take_normal}[form]
    hunk = take(lines, wrapping)
    if hunk is None:
        lines.go_to(*before)
    return hunk


def _take_unified(lines: PatchLines, wrapping: Wrapping) -> Hunk | None:
    header = lines.take(wrapping)
    if not header.startswith(b"@@ -") or len(header) <= len(b"@@ -"):
        return None
    match = _UNIFIED.match(header)
    number = lines.number
    if match is None:
        raise MalformedPatchError("the header of the hunk cannot be read", number)
    first, old_count, new_first, new_count = (
        _number(each, number) if each else 1 for each in match.groups()
    )
    body = _UnifiedBody(old_count=old_count, new_count=new_count)
    while not body.is_whole:
        line = lines.take(wrapping)
        if not line:
            if body.missing_new > _CHOPPED:
                raise MalformedPatchError("the patch ends in the middle of a hunk", lines.number)
            line = b" \n"
        body.add(line, lines)
    if body.prefix is None:
        raise MalformedPatchError("a hunk changes nothing", number)
    return Hunk(
        line=number,
        header=_show(header),
        first=first + (not old_count),
        new_first=new_first + (not new_count),
        old=tuple(body.old),
        new=tuple(body.new),
        prefix=body.prefix,
        suffix=body.context,
    )


class _UnifiedBody:
    """The lines of a unified hunk, taken one by one until both sides have as many as it says."""

    def __init__(self, *, old_count: int, new_count: int) -> None:
        self._old_count, self._new_count = old_count, new_count
        self.old: list[Marked] = []
        self.new: list[Marked] = []
        self.prefix: int | None = None
        self.context = 0

    @property
    def is_whole(self) -> bool:
        """Whether no line is missing."""
        return len(self.old) >= self._old_count and not self.missing_new

    @property
    def missing_new(self) -> int:
        """How many of the new lines are missing."""
        return max(self._new_count - len(self.new), 0)

    def add(self, line: bytes, lines: PatchLines) -> None:
        """Take a line, and the note behind it that it has no line feed."""
        # Editors strip the blank of an empty context line, or make it a tab.
        mark, text = (" ", line) if line[:1] in b"\t\n" else (chr(line[0]), line[1:])
        mark = " " if mark == "=" else mark
        if mark not in " -+":
            raise MalformedPatchError("a line of a hunk has no mark", lines.number)
        if mark in " -":
            if len(self.old) >= self._old_count:
                raise MalformedPatchError("a hunk has more lines than its header", lines.number)
            if len(self.old) + 1 == self._old_count and lines.skip_no_newline_note():
                text = text[:-1]
            self.old.append(Marked(mark, text))
        if mark in " +":
            if len(self.new) >= self._new_count:
                raise MalformedPatchError("a hunk has more lines than its header", lines.number)
            if len(self.new) + 1 == self._new_count and lines.skip_no_newline_note():
                text = text[:-1]
            self.new.append(Marked(mark, text))
        if mark == " ":
            self.context += 1
        else:
            self.prefix = self.context if self.prefix is None else self.prefix
            self.context = 0


def _take_normal(lines: PatchLines, wrapping: Wrapping) -> Hunk | None:
    header = lines.take(wrapping)
    if not header[:1].isdigit():
        return None
    number = lines.number
    match = _NORMAL.match(header)
    if match is None:
        raise MalformedPatchError("the command of the hunk cannot be read", number)
    first = _number(match[1], number)
    kind = match[3]
    old_count = _number(match[2], number) + 1 - first if match[2] else int(kind != b"a")
    new_first = _number(match[4], number)
    new_last = _number(match[5], number) if match[5] else new_first
    if new_first > new_last or old_count < 0:
        raise MalformedPatchError("the numbers of the hunk run backwards", number)
    new_first += kind == b"d"
    old = [_mark_normal("-", b"<", lines, wrapping) for _ in range(old_count)]
    if old and lines.skip_no_newline_note():
        old[-1] = Marked("-", old[-1].text[:-1])
    if kind == b"c" and not lines.take(wrapping).startswith(b"-"):
        raise MalformedPatchError("--- is missing between the old and the new lines", lines.number)
    new = [_mark_normal("+", b">", lines, wrapping) for _ in range(new_last - new_first + 1)]
    if new and lines.skip_no_newline_note():
        new[-1] = Marked("+", new[-1].text[:-1])
    return Hunk(
        line=number,
        header=_show(header),
        first=first + (kind == b"a"),
        new_first=new_first,
        old=tuple(old),
        new=tuple(new),
        prefix=0,
        suffix=0,
    )


def _mark_normal(mark: str, sign: bytes, lines: PatchLines, wrapping: Wrapping) -> Marked:
    line = lines.take(wrapping)
    if not line.startswith((sign + b" ", sign + b"\t")):
        raise MalformedPatchError(f"a line with {sign.decode()} is missing", lines.number)
    return Marked(mark, line[2:])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Side:
    """The old or the new half of a context hunk; no lines if they were left out."""

    first: int
    count: int
    lines: tuple[Marked, ...]
    left_out: bool


def _take_context(lines: PatchLines, wrapping: Wrapping) -> Hunk | None:
    stars = lines.take(wrapping)
    if not stars.startswith(b"********"):
        return None
    header = lines.take(wrapping)
    number = lines.number
    if not header.startswith(b"*"):
        raise MalformedPatchError("*** with line numbers is missing", number)
    # Some diffs write 0,0 for no line.
    first, count = _range(header.replace(b"0,0 ", b"0 ") if b" 0,0 " in header else header, number)
    old = _take_old_side(first, count, lines, wrapping)
    new_first, new_count = _range(lines.take(wrapping), lines.number)
    new = _take_new_side(new_first, new_count, old, lines, wrapping)
    if (
        not old.left_out
        and not new.left_out
        and len(_contexts(old.lines)) != len(_contexts(new.lines))
    ):
        raise MalformedPatchError("the context of the old and the new lines differs", number)
    if old.left_out and old.count == 1 and not _contexts(new.lines):
        old = replace(old, first=old.first + 1, count=0)  # an old way to say: no line
    sides = _fill(old, new, number)
    prefix, suffix = _ends_of_context(old, new, number)
    return Hunk(
        line=number,
        header=_show(header),
        first=old.first,
        new_first=new.first,
        old=sides[0],
        new=sides[1],
        prefix=prefix,
        suffix=suffix,
    )


def _range(header: bytes, number: int) -> tuple[int, int]:
    """The first line and the number of lines in ``*** 3,5 ****`` or ``--- 3 ----``."""
    match = _RANGE.match(header)
    if match is None:
        raise MalformedPatchError("line numbers are missing", number)
    first = _number(match[1], number)
    if match[2] is None:
        return (first, 1) if first else (1, 0)
    count = _number(match[2], number) + 1 - first
    if count < 0:
        raise MalformedPatchError("the numbers of the hunk run backwards", number)
    return first, count


def _take_old_side(first: int, count: int, lines: PatchLines, wrapping: Wrapping) -> _Side:
    taken: list[Marked] = []
    for left in range(count, 0, -1):
        before = lines.at, lines.number
        line = lines.take(wrapping)
        if line.startswith(b"--"):
            lines.go_to(*before)
            if taken:
                raise MalformedPatchError("--- comes too early in a hunk", lines.number)
            return _Side(first=first, count=count, lines=(), left_out=True)
        taken.append(_context_line(line, lines, is_last=left == 1))
    # Some diffs put an empty line between the halves.
    before = lines.at, lines.number
    if lines.take(wrapping) != b"\n":
        lines.go_to(*before)
    before = lines.at, lines.number
    if not lines.take(wrapping).startswith(b"--"):
        raise MalformedPatchError("--- comes too late in a hunk, or is missing", lines.number)
    lines.go_to(*before)
    return _Side(first=first, count=count, lines=tuple(taken), left_out=False)


def _take_new_side(
    first: int, count: int, old: _Side, lines: PatchLines, wrapping: Wrapping
) -> _Side:
    before = lines.at, lines.number
    left_out = _Side(first=first, count=count, lines=(), left_out=True)
    may_be_left_out = count == len(_contexts(old.lines)) and not old.left_out
    taken: list[Marked] = []
    for left in range(count, 0, -1):
        line = lines.take(wrapping)
        if line.startswith((b"+", b"!")):
            may_be_left_out = False
        if may_be_left_out and not line.startswith((b"  ", b" \t")):
            lines.go_to(*before)
            return left_out
        if line.startswith(b"--"):
            raise MalformedPatchError("--- comes twice in a hunk", lines.number)
        if not line and left <= _CHOPPED:
            line = b"  \n"
        taken.append(_context_line(line, lines, is_last=left == 1))
    return _Side(first=first, count=count, lines=tuple(taken), left_out=False)


def _context_line(line: bytes, lines: PatchLines, *, is_last: bool) -> Marked:
    if line[:1] in {b"\t", b"\n"}:
        mark, text = " ", line
    else:
        mark, text = chr(line[0]) if line else "", line[1:]
        if mark not in {" ", "-", "+", "!"}:
            raise MalformedPatchError("a line of a hunk has no mark", lines.number)
        # The blank behind the mark goes; an empty line may have lost it.
        text = text[1:] if text[:1] in {b" ", b"\t"} else text
    if is_last and lines.skip_no_newline_note():
        text = text[:-1]
    return Marked(mark, text)


def _contexts(lines: tuple[Marked, ...]) -> list[Marked]:
    return [line for line in lines if line.mark == " "]


def _fill(old: _Side, new: _Side, number: int) -> tuple[tuple[Marked, ...], tuple[Marked, ...]]:
    """Both halves, the one that was left out made of the other's context."""
    old_lines = tuple(_contexts(new.lines)) if old.left_out else old.lines
    new_lines = tuple(_contexts(old.lines)) if new.left_out else new.lines
    if len(old_lines) != old.count or len(new_lines) != new.count:
        raise MalformedPatchError("the number of lines in a hunk differs from its header", number)
    return old_lines, new_lines


def _ends_of_context(old: _Side, new: _Side, number: int) -> tuple[int, int]:
    """How many lines of context a hunk begins and ends with: as many as both halves have."""
    prefixes, suffixes = [], []
    if not old.left_out:
        prefixes.append(_context_before_change(old.lines))
        suffixes.append(_context_before_change(old.lines[::-1]))
    if not new.left_out:
        suffixes.append(_context_before_change(new.lines[::-1]))
        if len(_contexts(new.lines)) < len(new.lines):
            prefixes.append(_context_before_change(new.lines))
    if not prefixes:
        raise MalformedPatchError("a hunk changes nothing", number)
    return min(prefixes), min(suffixes)


def _context_before_change(lines: tuple[Marked, ...]) -> int:
    return next((at for at, line in enumerate(lines) if line.mark != " "), len(lines))


def _number(digits: bytes, line: int) -> int:
    if len(digits) > len(str(_LARGEST)) or int(digits) > _LARGEST:
        raise MalformedPatchError("a line number is too large", line)
    return int(digits)


def _show(header: bytes) -> str:
    return header.decode(errors="replace").rstrip("\r\n")


def _squeeze(line: Marked) -> bytes:
    return b"".join(line.text.split())
