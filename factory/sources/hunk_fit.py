"""Where the hunks of a patch fit into a file, and what the file is with them.

The rules are GNU patch's (its manual, "Helping patch Find Inexact Matches"): a hunk is looked for
where its header says, as far from there as the one before it was, and then further and further
away; if it is nowhere, up to two lines of context at each of its ends are left out of account. A
hunk with less context at one end than at the other is taken to be at that end of the file.
Differences in blanks and tabs do not count (``patch -l``).
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, NamedTuple

from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from factory.sources.patch_hunks import Hunk, Marked
    from factory.sources.patch_text import FilePatch

_MOST_FUZZ = 2
_BLANKS = lazy_pattern(rb"[ \t]+")


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Distance:
    """How far from what a patch says its hunks were found: lines left out, then lines away."""

    fuzz: int = 0
    offset: int = 0

    def __add__(self, other: Distance) -> Distance:
        return Distance(fuzz=self.fuzz + other.fuzz, offset=self.offset + other.offset)


@dataclass(frozen=True, kw_only=True, slots=True)
class Patched:
    """A file's new content, and how far from the expected places the hunks were."""

    content: bytes
    distance: Distance


class HunkMismatchError(Exception):
    """A hunk fits nowhere into a file; ``number`` counts the file's hunks from 1."""

    def __init__(self, number: int) -> None:
        super().__init__(f"hunk {number} does not match")
        self.number = number


def patch_content(
    content: bytes, patch: FilePatch, *, exactly: bool = False, is_strict: bool = False
) -> Patched:
    """Return a file's content with all hunks of a patch.

    Args:
        content: what the file is; nothing if there is none.
        patch: what is to be changed.
        exactly: whether differences in blanks count.
        is_strict: whether all lines of context must be there; then a hunk may be anywhere.

    Raises:
        HunkMismatchError: one of them does not fit.
    """
    file = _File(content=content, exactly=exactly, is_strict=is_strict)
    for number, hunk in enumerate(patch.hunks, start=1):
        limit = 0 if is_strict else min(_MOST_FUZZ, max(hunk.prefix, hunk.suffix))
        where, fuzz = next(
            ((at, fuzz) for fuzz in range(limit + 1) if (at := file.find(hunk, fuzz))), (0, 0)
        )
        # A patch that makes a file does not fit a file that has something in it.
        is_there = where == 1 and patch.before == "missing" and bool(content)
        if not where or is_there or not file.put(hunk, where):
            raise HunkMismatchError(number)
        file.distance += Distance(fuzz=fuzz, offset=abs(file.shift))
    return Patched(content=file.finish(), distance=file.distance)


@dataclass(kw_only=True)
class _File:
    """A file that is read from its start to its end, and written anew on the way.

    ``done`` lines of it have been written or left out, and ``shift`` is by how many lines the last
    hunk was away from where its header says.
    """

    content: bytes
    exactly: bool
    is_strict: bool
    done: int = 0
    shift: int = 0
    distance: Distance = field(default_factory=Distance)

    def __post_init__(self) -> None:
        self._lines = self.content.split(b"\n")
        last = self._lines.pop()
        self._lines = [line + b"\n" for line in self._lines] + ([last] if last else [])
        self._keys = [self._key(line) for line in self._lines]
        self._written: list[bytes] = []
        self._is_at_line_start = True

    def find(self, hunk: Hunk, fuzz: int) -> int:
        """The line, counted from 1, at which a hunk's old lines are; 0 if they are nowhere."""
        guess = hunk.first + self.shift
        if not hunk.old:
            return guess
        context = max(hunk.prefix, hunk.suffix)
        before, after = fuzz + hunk.prefix - context, fuzz + hunk.suffix - context
        if self.is_strict:
            before = after = 0
        keys = [self._key(line.text) for line in hunk.old]
        size, total = len(keys), len(self._lines)
        highest, lowest = total - (size - after) + 1, self.done + 1
        most_down, most_up = highest - guess, guess - lowest
        most = max(most_down, most_up)
        if guess <= most_up:
            most_up = guess - 1

        def fits(at: int, fuzz_before: int, fuzz_after: int) -> bool:
            count = max(size - fuzz_before - fuzz_after, 0)
            return self._keys_at(at + fuzz_before, count) == keys[fuzz_before:][:count]

        if before < 0 and hunk.first <= 1:
            return self._find_at_start(hunk, fits, after, guess, most_down)
        before = max(before, 0)
        if after < 0:
            offset = guess - (total - size + 1)
            return (
                self._find(guess, -offset)
                if offset <= most_up and fits(guess - offset, before, 0)
                else 0
            )
        least = guess - highest if most_down < 0 else guess - lowest if most_up < 0 else 0
        for offset in range(least, most + 1):
            for step, limit in ((offset, most_down), (-offset, most_up)):
                if offset <= limit and fits(guess + step, before, after):
                    return self._find(guess, step)
        return 0

    def _find_at_start(
        self,
        hunk: Hunk,
        fits: Callable[[int, int, int], bool],
        after: int,
        guess: int,
        most_down: int,
    ) -> int:
        """A hunk with less context before than after it, which begins with the file."""
        whole = len(hunk.old) == len(self._lines) and hunk.prefix >= self.done
        if after < 0 and not whole:
            return 0
        offset = 1 - guess
        if self.done <= hunk.prefix and offset <= most_down and fits(1, 0, after):
            return self._find(guess, offset)
        return 0

    def put(self, hunk: Hunk, where: int) -> bool:
        """Write what is before a hunk, and its new lines; False if it overlaps one before."""
        changes = _changes(hunk)
        if changes is None:
            return False
        for change in changes:
            if not self._copy_to(where - 1 + change.at):
                return False
            self.done += change.removed
            for text in change.added:
                if change.is_last and not self._is_at_line_start:
                    self._written.append(b"\n")
                self._write(text)
        return True

    def finish(self) -> bytes:
        """The whole new content."""
        if self.done < len(self._lines):
            self._copy_to(len(self._lines))
        return b"".join(self._written)

    def _find(self, guess: int, step: int) -> int:
        self.shift += step
        return guess + step

    def _keys_at(self, first: int, count: int) -> list[bytes]:
        """Lines of the file; there are empty ones behind its end, and before its start."""
        if first >= 1 and first + count - 1 <= len(self._keys):
            return self._keys[first - 1 : first - 1 + count]
        return [
            self._keys[at - 1] if 1 <= at <= len(self._keys) else b""
            for at in range(first, first + count)
        ]

    def _key(self, line: bytes) -> bytes:
        """What of a line counts."""
        if self.exactly:
            return line
        return _BLANKS.sub(b" ", line.removesuffix(b"\n")).rstrip(b" ")

    def _copy_to(self, last: int) -> bool:
        if self.done > last:
            return False
        for line in self._lines[self.done : last]:
            if not self._is_at_line_start:
                self._written.append(b"\n")
            self._write(line)
        self.done = last
        return True

    def _write(self, text: bytes) -> None:
        self._written.append(text)
        self._is_at_line_start = text.endswith(b"\n")


class _Change(NamedTuple):
    """Lines that go and lines that come before the ``at``-th old line of a hunk.

    ``is_last``: it comes after all old lines, maybe behind a line that has no line feed.
    """

    at: int
    removed: int
    added: list[bytes]
    is_last: bool = False


def _changes(hunk: Hunk) -> list[_Change] | None:
    """What a hunk changes, in order; ``None`` if its two halves do not go together."""
    old, new = hunk.old, hunk.new
    at_old = at_new = 0
    changes: list[_Change] = []
    while at_old < len(old):
        mark = old[at_old].mark
        if mark == "-":
            changes.append(_Change(at_old, 1, []))
            at_old += 1
            continue
        if at_new == len(new):
            break
        if new[at_new].mark == "+":
            changes.append(_Change(at_old, 0, [new[at_new].text]))
            at_new += 1
            continue
        if new[at_new].mark != mark:
            return None
        leaving = coming = 1
        if mark == "!":
            leaving, coming = _run(old, at_old, mark), _run(new, at_new, mark)
            added = [line.text for line in new[at_new : at_new + coming]]
            changes.append(_Change(at_old, leaving, added))
        at_old, at_new = at_old + leaving, at_new + coming
    last = [line.text for line in new[at_new : at_new + _run(new, at_new, "+")]]
    return [*changes, _Change(at_old, 0, last, is_last=True)] if last else changes


def _run(lines: tuple[Marked, ...], at: int, mark: str) -> int:
    """How many lines from here on have a mark."""
    end = at
    while end < len(lines) and lines[end].mark == mark:
        end += 1
    return end - at
