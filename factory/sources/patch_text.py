"""What a patch says, read without applying it: which files it touches, and its hunks.

All forms that GNU patch takes are read, by its rules: git's (``diff --git a/x b/x`` with its
extended headers, see git-diff(1), "Generating patch text with -p"), unified and context diffs with
their two lines of names, and what follows an ``Index:`` line. What comes before, between and after,
such as a mail's header, is passed over.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from factory.patterns import lazy_pattern
from factory.sources.patch_hunks import Form, Hunk, MalformedPatchError, take_hunk
from factory.sources.patch_lines import PatchLines, Wrapping, indentation
from factory.sources.patch_names import Date, read_git_names, read_header_name, read_index_name
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a patch says of a file before, or after: it is there, is empty or missing, is missing.
Presence: TypeAlias = Literal["there", "empty", "missing"]

_GIT = lazy_pattern(rb"diff --git |--- a/")
_MODE = lazy_pattern(rb"\s*([0-7]{6})\r?\n")
_IDS = lazy_pattern(rb"index ([0-9a-f]+)\.\.([0-9a-f]+)(?=\s)")
_EMPTY_ID = b"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
_NORMAL_COMMAND = lazy_pattern(rb"\d[\d,]*[acd][\d,]*[ \t]*\r?\n")
_ED_COMMAND = lazy_pattern(rb"(?:\d+(?:,\d+)?[cd]|\d*[ai]|[cd]|(?:\d+(?:,\d+)?)?s/\.//)[ \t]*\n")
_KIND_BITS = 0o170000
_REGULAR, _LINK = 0o100000, 0o120000


@dataclass(frozen=True, kw_only=True, slots=True)
class FilePatch:
    """What a patch does to one file. Names are stripped, and may be unusable.

    ``line`` is where in the patch its hunks begin. ``old`` is ``None`` for a name that is not
    written, or is ``/dev/null``, and so is ``new``; ``index`` is of an ``Index:`` line. Modes are
    those of stat(2), 0 where none is written.
    """

    line: int
    old: str | None = None
    new: str | None = None
    index: str | None = None
    before: Presence = "there"
    after: Presence = "there"
    old_mode: int = 0
    new_mode: int = 0
    is_git: bool = False
    renames: bool = False
    copies: bool = False
    is_binary: bool = False
    hunks: tuple[Hunk, ...] = ()

    @property
    def only_whitespace(self) -> bool:
        """Whether ignoring whitespace would leave nothing of the change."""
        return bool(self.hunks) and all(hunk.only_whitespace for hunk in self.hunks)

    @property
    def kind(self) -> Literal["file", "link", "other", "changes"]:
        """What the modes say that it is a patch of; ``changes`` if a link would become a file."""
        kinds = {mode & _KIND_BITS for mode in (self.old_mode, self.new_mode)} - {0}
        if len(kinds) > 1:
            return "changes"
        return {_REGULAR: "file", _LINK: "link"}.get(next(iter(kinds), _REGULAR), "other")  # type: ignore[return-value]

    @property
    def reversed(self) -> FilePatch:
        """The patch that takes this one back."""
        return FilePatch(
            line=self.line,
            old=self.new,
            new=self.old,
            index=self.index,
            before=self.after,
            after=self.before,
            old_mode=self.new_mode,
            new_mode=self.old_mode,
            is_git=self.is_git,
            renames=self.renames,
            copies=self.copies,
            is_binary=self.is_binary,
            hunks=tuple(hunk.reversed for hunk in self.hunks),
        )


def strip_level(data: bytes) -> int:
    """Return how many folders are to be stripped from a patch's names: ``a/`` and ``b/``, or none.

    This is what the catalogues' own build does: ``patch -p1`` where the text has ``diff --git`` or
    ``--- a/``, otherwise ``patch -p0``.
    """
    return 1 if _GIT.search(data) else 0


def read_patch(data: bytes, strip: int) -> tuple[FilePatch, ...]:
    """Return what a patch does, file by file; nothing if the text contains no patch.

    Raises:
        MalformedPatchError: a hunk is not as its form demands, or the patch is an ed script.
    """
    return tuple(_files(PatchLines(data), strip))


def _files(lines: PatchLines, strip: int) -> Iterator[FilePatch]:
    while not lines.is_at_end:
        header = _Header(strip=strip)
        form = _find_hunks(lines, header)
        if form is None:
            return
        if form == "ed":
            raise MalformedPatchError(
                "it is an ed script, which is a program and not a description of a change",
                lines.number + 1,
            )
        line = lines.number + 1
        hunks: list[Hunk] = []
        if form in {"unified", "context", "normal"}:
            while hunk := take_hunk(form, lines, header.wrapping):
                hunks.append(hunk)
        if form == "context" and hunks and not hunks[0].new and hunks[0].new_first == 1:
            header.says("new", "missing" if header.dates["new"] == "epoch" else "empty")
        yield header.file_patch(line=line, hunks=tuple(hunks), is_binary=form == "binary")


@dataclass(kw_only=True, slots=True)
class _Header:
    """What the lines before a file's hunks have said so far."""

    strip: int
    names: dict[str, str] = field(default_factory=dict)
    dates: dict[str, Date] = field(default_factory=lambda: {"old": "none", "new": "none"})
    presence: dict[str, Presence] = field(default_factory=lambda: {"old": "there", "new": "there"})
    modes: dict[str, int] = field(default_factory=lambda: {"old": 0, "new": 0})
    moves: set[str] = field(default_factory=set)
    is_git: bool = False
    is_extended: bool = False
    is_wanted: bool = True
    wrapping: Wrapping = field(default_factory=Wrapping)
    nesting: int = 0
    strip_return: bool = False

    def says(self, side: str, presence: Presence) -> None:
        """Note what is said of a side."""
        self.presence[side] = presence

    def swap(self) -> None:
        """Unified headers name the old file first, context headers name it by other signs."""
        old, new = self.names.pop("old", None), self.names.pop("new", None)
        swapped = {"old": new, "new": old}
        self.names |= {side: name for side, name in swapped.items() if name is not None}
        self.dates = {"old": self.dates["new"], "new": self.dates["old"]}

    def name(self, side: str, rest: bytes) -> Date | None:
        """Take a name from a header line; return what its date tells, or ``None`` for no name."""
        read = read_header_name(rest, self.strip)
        if read is None:
            return None
        if read.name is not None:
            self.names[side] = read.name
        return read.date

    def take(self, line: bytes, *, after_stars: bool) -> bool:
        """Take a line's content if it is a header's, and return whether it was."""
        with_return = line.endswith(b"\r\n")
        if line.startswith(b"*** ") and not after_stars:
            self.dates["old"] = self.name("old", line[4:]) or self.dates["old"]
        elif line.startswith(b"+++ "):
            # It is the new name, and changes its place when the first hunk comes.
            self.dates["old"] = self.name("old", line[4:]) or self.dates["old"]
            self.strip_return = with_return
        elif line.startswith(b"Index:"):
            if index := read_index_name(line[6:], self.strip):
                self.names["index"] = index
            self.strip_return = with_return
        elif line.startswith(b"diff --git "):
            for side in ("old", "new"):
                self.names.pop(side, None)
            if both := read_git_names(line[11:], self.strip):
                self.names["old"], self.names["new"] = both
            self.is_git = True
        elif not (self.is_git and self._take_extended(line)):
            unquoted = line
            while unquoted.startswith(b"- "):
                unquoted = unquoted[2:]
            if not unquoted.startswith(b"--- "):
                return False
            date = self.name("new", unquoted[4:])
            if date is not None and date != "none":
                self.dates["new"] = date
                self.nesting = (len(line) - len(unquoted)) // 2
            self.strip_return = with_return
        else:
            return True
        self.is_wanted = False
        return True

    def _take_extended(self, line: bytes) -> bool:
        """Take one of the lines that git writes below ``diff --git``."""
        if line.startswith(b"index "):
            if not (ids := _IDS.match(line)):
                return True
            self.says("old", _presence_of(ids[1]))
            self.says("new", _presence_of(ids[2]))
            if line[ids.end() :].strip():
                self.modes = dict.fromkeys(("old", "new"), _mode(line[ids.end() :]))
        elif line.startswith((b"old mode ", b"new mode ")):
            self.modes[line[:3].decode()] = _mode(line[9:])
        elif line.startswith(b"deleted file mode "):
            self.modes["old"] = _mode(line[18:])
            self.says("new", "missing")
        elif line.startswith(b"new file mode "):
            self.modes["new"] = _mode(line[14:])
            self.says("old", "missing")
        elif line.startswith((b"rename from ", b"rename to ", b"copy from ", b"copy to ")):
            # The names lack the prefix of the others, and are the same.
            self.moves.add(" ".join(line.decode(errors="replace").split(" ")[:2]))
        else:
            return False
        self.is_extended = True
        return True

    def file_patch(self, *, line: int, hunks: tuple[Hunk, ...], is_binary: bool) -> FilePatch:
        """Return what the header has said as a value."""
        names = self.names
        if "old" in names or "new" in names:
            names.pop("index", None)
        return FilePatch(
            line=line,
            old=names.get("old"),
            new=names.get("new"),
            index=names.get("index"),
            before=self.presence["old"],
            after=self.presence["new"],
            old_mode=self.modes["old"],
            new_mode=self.modes["new"],
            is_git=self.is_git,
            renames={"rename from", "rename to"} <= self.moves,
            copies={"copy from", "copy to"} <= self.moves,
            is_binary=is_binary,
            hunks=hunks,
        )


class _Line(NamedTuple):
    """A line of a header: its place, how far it is indented, and the rest of it."""

    at: int
    number: int
    columns: int
    content: bytes
    is_dos: bool


@dataclass(kw_only=True, slots=True)
class _Scan:
    """What has been seen on the way to a file's first hunk, beside its header's lines.

    ``command`` is a line that may begin a normal diff or an ed script; ``is_ed``: only the latter.
    """

    previous: _Line | None = None
    had_stars: bool = False
    was_command: bool = False
    is_command: bool = False
    command: _Line | None = None
    is_ed: bool = False

    def note_command(self, line: _Line, header: _Header) -> None:
        """Note a line that may be a command of a normal diff, or of an ed script."""
        self.was_command = self.is_command
        self.is_command = self.is_command or bool(_NORMAL_COMMAND.match(line.content))
        if header.is_wanted or self.command is not None:
            return
        is_ed = bool(_ED_COMMAND.match(line.content))
        if is_ed or self.is_command:
            self.command, self.is_ed = line, is_ed
            header.strip_return = line.is_dos

    def find_beginning(
        self, line: _Line, header: _Header
    ) -> tuple[Form | Literal["ed"], _Line] | None:
        """The form of the hunk that a line begins, or ends the beginning of, and its first line."""
        content = line.content
        if self.command is not None and content == b".\n":
            return "ed", self.command
        if content.startswith(b"@@ -"):
            header.swap()
            _note_presence(header, *_find_unified_ends(content))
            return "unified", line
        if self.previous is None:
            return None
        goes_on = self.had_stars and self.previous.columns == line.columns
        if goes_on and content.startswith(b"*** "):
            header.strip_return = line.is_dos
            _note_presence(header, content[4:5] == b"0" and not content[5:6].isdigit(), None)
            return "context", self.previous
        if self.was_command and content.startswith((b"< ", b"> ")):
            return "normal", self.previous
        return None


def _find_hunks(
    lines: PatchLines, header: _Header
) -> Form | Literal["ed", "binary", "nothing"] | None:
    """Read up to a file's first hunk; return the form that it has.

    ``nothing`` is a header of git's alone, such as a change of the mode. ``None`` is the end.
    """
    scan = _Scan()
    while raw := lines.take():
        columns, content = indentation(raw)
        # Comments before the line have been passed over.
        line = _Line(lines.at - len(raw), lines.number - 1, columns, content, raw.endswith(b"\r\n"))
        scan.note_command(line, header)
        if content.startswith(b"diff --git ") and header.is_extended:
            lines.go_to(line.at, line.number)
            return "nothing"
        if header.is_git and content.startswith(b"GIT binary patch"):
            return "binary"
        header.take(content, after_stars=scan.had_stars)
        if not header.is_wanted:
            if begun := scan.find_beginning(line, header):
                form, first = begun
                header.wrapping = Wrapping(
                    indent=columns, nesting=header.nesting, strip_return=header.strip_return
                )
                lines.go_to(first.at, first.number)
                return form
            scan.had_stars = content.startswith(b"********")
        scan.previous = line
    if scan.is_ed:
        return "ed"
    return "nothing" if header.is_extended else None


def _find_unified_ends(content: bytes) -> tuple[bool, bool]:
    """Whether the first hunk's header says that there are no old, or no new lines."""
    old = content[4:]
    new = old.lstrip(b"0123456789,").lstrip(b" ")
    nothing_old = old[:1] == b"0" and not old[1:2].isdigit()
    nothing_new = new[:2] == b"+0" and not new[2:3].isdigit()
    return nothing_old, nothing_new


def _note_presence(header: _Header, nothing_old: bool, nothing_new: bool | None) -> None:
    for side, nothing in (("old", nothing_old), ("new", nothing_new)):
        if nothing:
            header.says(side, "missing" if header.dates[side] == "epoch" else "empty")


def _presence_of(object_id: bytes) -> Presence:
    if not object_id.strip(b"0"):
        return "missing"
    return "empty" if _EMPTY_ID.startswith(object_id) else "there"


def _mode(text: bytes) -> int:
    match = _MODE.fullmatch(text)
    return int(match[1], 8) if match else 0
