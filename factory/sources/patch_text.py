"""What a patch says, read without applying it: which files it touches, and its hunks.

Both forms in use are read: git's (``diff --git a/x b/x`` with its extended headers, see
git-diff(1), "Generating patch text with -p") and the traditional one (``---``/``+++``). What comes
before, between and after, such as a mail's header, is passed over, as git does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_SIMPLE_ESCAPES = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f"}
_EXECUTABLE = "100755"
NOTHING = "/dev/null"


@dataclass(frozen=True, kw_only=True, slots=True)
class Hunk:
    """One hunk: its header, the line it expects to begin at, and its lines with their marks.

    ``line`` is where in the patch its header is, counted from 1.
    """

    line: int
    header: str
    start: int
    lines: tuple[str, ...]

    @property
    def before(self) -> tuple[str, ...]:
        """The lines that the hunk expects to find."""
        return tuple(line[1:] for line in self.lines if line[:1] in {" ", "-"})

    @property
    def after(self) -> tuple[str, ...]:
        """The lines that the hunk leaves."""
        return tuple(line[1:] for line in self.lines if line[:1] in {" ", "+"})


@dataclass(frozen=True, kw_only=True, slots=True)
class FilePatch:
    """What a patch does to one file. Names are as written, before any prefix is stripped.

    ``old`` is ``None`` for a new file, ``new`` for a deleted one. ``renamed`` names (from ``rename
    from`` and its like) carry no ``a/`` or ``b/``. Modes are git's, such as ``100755``.
    """

    old: str | None
    new: str | None
    renamed: bool = False
    old_mode: str | None = None
    new_mode: str | None = None
    hunks: tuple[Hunk, ...] = ()

    @property
    def only_whitespace(self) -> bool:
        """Whether ignoring whitespace would leave nothing of the change."""
        return bool(self.hunks) and all(
            [_squeezed(line) for line in hunk.before] == [_squeezed(line) for line in hunk.after]
            for hunk in self.hunks
        )

    @property
    def changes_mode(self) -> bool:
        """Whether the executable bit changes."""
        modes = (self.old_mode, self.new_mode)
        return None not in modes and modes.count(_EXECUTABLE) == 1

    @property
    def leaves_executable(self) -> bool:
        """Whether the file is executable afterwards."""
        return self.new_mode == _EXECUTABLE


def read_patch(text: str) -> tuple[FilePatch, ...]:
    """Return what a patch does, file by file; nothing if the text holds no patch."""
    return tuple(_files(_Lines(text.split("\n"))))


class _Lines:
    """The lines of a patch, and how far it has been read."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._at = 0

    def peek(self, ahead: int = 0) -> str | None:
        """The next line, or ``None`` at the end."""
        at = self._at + ahead
        return self._lines[at] if at < len(self._lines) else None

    def take(self) -> str:
        """The next line, which then counts as read."""
        self._at += 1
        return self._lines[self._at - 1]

    @property
    def taken(self) -> int:
        """How many lines have been read."""
        return self._at


def _files(lines: _Lines) -> Iterator[FilePatch]:
    while (line := lines.peek()) is not None:
        if line.startswith("diff --git "):
            yield _git_file(lines)
        elif _is_traditional_header(lines):
            old, new = _traditional_names(lines)
            yield FilePatch(old=old, new=new, hunks=tuple(_hunks(lines)))
        else:
            lines.take()


def _git_file(lines: _Lines) -> FilePatch:
    old, new = _names_of_git_header(lines.take().removeprefix("diff --git "))
    created = deleted = renamed = False
    old_mode = new_mode = None
    while (line := lines.peek()) is not None:
        if line.startswith("diff --git ") or _is_traditional_header(lines):
            break
        word, _, rest = line.rstrip("\r").rpartition(" ")
        if word == "new file mode":
            created, new_mode = True, rest
        elif word == "deleted file mode":
            deleted, old_mode = True, rest
        elif word == "old mode":
            old_mode = rest
        elif word == "new mode":
            new_mode = rest
        elif line.startswith(("rename from ", "copy from ")):
            old, renamed = _unquoted(line.partition(" from ")[2]), True
        elif line.startswith(("rename to ", "copy to ")):
            new, renamed = _unquoted(line.partition(" to ")[2]), True
        lines.take()
    hunks: tuple[Hunk, ...] = ()
    if _is_traditional_header(lines):
        written_old, written_new = _traditional_names(lines)
        if not renamed:
            old, new = written_old or old, written_new or new
        hunks = tuple(_hunks(lines))
    return FilePatch(
        old=None if created else old,
        new=None if deleted else new,
        renamed=renamed,
        old_mode=old_mode,
        new_mode=new_mode,
        hunks=hunks,
    )


def _is_traditional_header(lines: _Lines) -> bool:
    first, second = lines.peek() or "", lines.peek(1) or ""
    return first.startswith("--- ") and second.startswith("+++ ")


def _traditional_names(lines: _Lines) -> tuple[str | None, str | None]:
    old = _traditional_name(lines.take())
    new = _traditional_name(lines.take())
    return old, new


def _traditional_name(line: str) -> str | None:
    """A name, which a tab and a date may follow; ``None`` for no file."""
    written = line[4:].rstrip("\r")
    name = _unquoted(written) if written.startswith('"') else written.partition("\t")[0].rstrip(" ")
    return None if name == NOTHING else name


def _names_of_git_header(rest: str) -> tuple[str, str]:
    """Both names of ``a/x b/x``. Without quotes they are the same name, which may hold spaces."""
    rest = rest.rstrip("\r")
    quoted = _QUOTED.findall(rest)
    if len(quoted) == 2:  # noqa: PLR2004 - the old and the new name
        return _unescaped(quoted[0]), _unescaped(quoted[1])
    middle = len(rest) // 2
    if rest[middle : middle + 1] == " ":
        return rest[:middle], rest[middle + 1 :]
    old, _, new = rest.partition(" ")
    return old, new


def _unquoted(name: str) -> str:
    match = _QUOTED.match(name)
    return _unescaped(match[1]) if match else name.rstrip("\r")


def _unescaped(name: str) -> str:
    def character(match: re.Match[bytes]) -> bytes:
        code = match[1]
        return bytes([int(code, 8)]) if len(code) > 1 else _SIMPLE_ESCAPES.get(code, code)

    return _ESCAPE.sub(character, name.encode()).decode(errors="surrogateescape")


def _hunks(lines: _Lines) -> Iterator[Hunk]:
    while (match := _HUNK.match(lines.peek() or "")) is not None:
        header = lines.take().rstrip("\r")
        line_number = lines.taken
        old_left, new_left = int(match[2] or 1), int(match[4] or 1)
        taken: list[str] = []
        while (old_left > 0 or new_left > 0) and (line := lines.peek()) is not None:
            mark = line[:1] or " "  # editors strip the blank of an empty context line
            if mark not in {" ", "-", "+", "\\"}:
                break
            old_left -= mark in {" ", "-"}
            new_left -= mark in {" ", "+"}
            taken.append(lines.take() or " ")
        if (lines.peek() or "").startswith("\\"):
            lines.take()
        yield Hunk(line=line_number, header=header, start=int(match[1]), lines=tuple(taken))


def _squeezed(line: str) -> str:
    return "".join(line.split())
