"""The one parser for yarn.lock, and the errors that say what is wrong with one.

It reads line by line, in three shapes: berry with bare ranges (``node-gyp: latest``), berry with
protocols (``node-gyp: "npm:latest"``) and classic (version 1). The grammar is yarn's own, a small
part of YAML (yarn's ``parseSyml``).
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NoReturn

from factory.analysis.lockfile import (
    NO_NAMES,
    NOTHING,
    LockEntry,
    Lockfile,
    ParsedEntries,
    split_descriptor,
)
from factory.analysis.manifest import MANIFEST_FILE, read_manifest
from factory.analysis.usual_lockfile import find_usual_entries
from factory.errors import DependenciesError, Place
from factory.notation.json_text import parse_json
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from factory.analysis.lockfile import Generation

LOCKFILE = "yarn.lock"
OTHER_LOCKFILES = {
    "package-lock.json": (
        "npm",
        "run 'yarn import' (yarn 1) or 'yarn install' to write a yarn.lock",
    ),
    "npm-shrinkwrap.json": ("npm", "run 'yarn install' to write a yarn.lock"),
    "pnpm-lock.yaml": ("pnpm", "run 'yarn install' to write a yarn.lock"),
    "bun.lock": ("bun", "run 'bun install --yarn', or 'yarn install', to write a yarn.lock"),
    "bun.lockb": ("bun", "run 'bun install --yarn', or 'yarn install', to write a yarn.lock"),
}
_CONFLICT_MARKS = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")
# Yarn 1 writes this and nothing else where there is nothing to lock.
_CLASSIC_HEAD = lazy_pattern(r"(?:#[^\n]*\n)*# yarn lockfile v1\n")
_CLASSIC_MARK = lazy_pattern(r"^# yarn lockfile v1\b", re.MULTILINE)
_CLASSIC_KEY = lazy_pattern(r'"((?:[^"\\]|\\.)*)"|([^,\s"][^,"]*)')
_INSTALL = "run 'yarn install' in the workspace and commit the yarn.lock that it writes"


def find_lockfile(workspace: Path) -> Path:
    """Return the yarn.lock that rhdh-cli uses for a plugin of ``workspace``.

    It is the folder's own, or that of the nearest folder above whose package.json has
    ``workspaces``.

    Raises:
        DependenciesError: there is none; it says what to do with another package manager's.
    """
    if (workspace / LOCKFILE).is_file():
        return workspace / LOCKFILE
    for folder in workspace.resolve().parents:
        manifest = folder / MANIFEST_FILE
        if manifest.is_file() and read_manifest(manifest).workspaces:
            if (folder / LOCKFILE).is_file():
                return folder / LOCKFILE
            break
    for name, (manager, hint) in OTHER_LOCKFILES.items():
        if (workspace / name).exists():
            raise DependenciesError(
                f"the workspace is locked by {manager}, and rhdh-cli exports only with yarn",
                place=Place(file=workspace / name),
                expected=LOCKFILE,
                hint=f"{hint} in the workspace, and commit it or add it as an overlay",
            )
    raise DependenciesError(
        "the workspace has no yarn.lock",
        place=Place(file=workspace / LOCKFILE),
        hint=_INSTALL,
    )


def generation_of(file: Path) -> Generation:
    """Return which yarn wrote the lockfile; where there is none, or it cannot be read, berry."""
    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            head = opened.read(1000)
    except OSError:
        return "berry"
    return "classic" if _CLASSIC_MARK.search(head) else "berry"


def read_lockfile(file: Path) -> Lockfile:
    """Return the lockfile at ``file``.

    Raises:
        DependenciesError: it cannot be read or is not a complete yarn.lock; names the line.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DependenciesError(
            "the lockfile is not UTF-8 text",
            place=Place(file=file, line=error.object.count(b"\n", 0, error.start) + 1),
            found=f"byte 0x{error.object[error.start]:02x}",
            hint=_INSTALL,
        ) from error
    except OSError as error:
        raise DependenciesError(
            "the lockfile cannot be read",
            place=Place(file=file),
            found=error.strerror or str(error),
            hint="check its permissions: ls -l shows them",
        ) from error
    return parse_lockfile(text, file)


def parse_lockfile(text: str, file: Path) -> Lockfile:
    """Return the lockfile that ``text`` holds; ``file`` is only named.

    Raises:
        DependenciesError: as for :func:`read_lockfile`.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    usual = find_usual_entries(text)
    if usual is not None:
        return Lockfile(file=file, generation="berry", found=usual)
    return parse_line_by_line(text, file)


def parse_line_by_line(text: str, file: Path) -> Lockfile:
    """Return the lockfile that ``text`` holds, whichever yarn wrote it, all entries taken apart.

    Raises:
        DependenciesError: as for :func:`read_lockfile`.
    """
    if not text.strip():
        raise DependenciesError("the lockfile is empty", place=Place(file=file), hint=_INSTALL)
    _refuse_conflicts(text, file)
    _refuse_other_formats(text, file)
    berry = "\n__metadata:" in text or text.startswith("__metadata:")
    reader = _LockfileReader(file=file, lines=text.split("\n"), separator=": " if berry else " ")
    if reader.lines[-1]:
        # Yarn ends the file with a line break; a cut inside the last value would go unnoticed.
        reader.fail(
            "the lockfile is incomplete: its last line has no line break",
            len(reader.lines) - 1,
            "a line break at the end of the file",
        )
    finish = _berry_entry if berry else _classic_entry
    entries = [finish(reader, entry) for entry in reader.entries() if entry.key != "__metadata"]
    if not entries and not _CLASSIC_HEAD.match(text):
        raise DependenciesError(
            "the lockfile contains no packages", place=Place(file=file), hint=_INSTALL
        )
    generation: Generation = "berry" if berry else "classic"
    return Lockfile(file=file, generation=generation, found=ParsedEntries(entries))


def _refuse_conflicts(text: str, file: Path) -> None:
    # Plain searches: a regular expression takes longer than all the rest of this file's checks.
    starts = [0] if text.startswith(_CONFLICT_MARKS) else []
    starts += [at + 1 for mark in _CONFLICT_MARKS if (at := text.find("\n" + mark)) >= 0]
    if starts:
        start = min(starts)
        raise DependenciesError(
            "the lockfile contains an unresolved merge conflict",
            place=Place(file=file, line=text.count("\n", 0, start) + 1),
            found=text[start:].partition("\n")[0],
            hint="run 'yarn install', which resolves conflicts of yarn.lock, and commit the result",
        )


def _refuse_other_formats(text: str, file: Path) -> None:
    start = text.lstrip()
    first = start.partition("\n")[0][:80]
    manager = ""
    if start.startswith("{"):
        manager = "bun" if '"lockfileVersion": 1,' in start and '"workspaces"' in start else "npm"
    elif start.startswith("lockfileVersion:"):
        manager = "pnpm"
    if manager or start.startswith("<"):
        raise DependenciesError(
            f"this is the lockfile of {manager}, not of yarn"
            if manager
            else "this is not a yarn.lock",
            place=Place(file=file, line=1),
            found=first,
            expected="the yarn.lock of the workspace",
            hint=_INSTALL,
        )


@dataclass(slots=True)
class _Section:
    """The lines of one section of an entry; ``first`` is the index of the first."""

    first: int
    lines: list[str]


_EMPTY = _Section(first=0, lines=[])


@dataclass(slots=True)
class _RawEntry:
    """An entry as it stands in the file; ``index`` is that of its first line."""

    key: str
    index: int
    fields: dict[str, str]
    sections: dict[str, _Section]

    def section(self, name: str) -> _Section:
        return self.sections.get(name, _EMPTY)


@dataclass(frozen=True, slots=True)
class _LockfileReader:
    """The grammar of both generations: entries, their fields and sections, two spaces a level.

    They differ in what stands between a name and its value: ``": "`` in berry, ``" "`` in classic.
    """

    file: Path
    lines: list[str]
    separator: str

    def fail(self, problem: str, index: int, expected: str, found: str = "") -> NoReturn:
        raise DependenciesError(
            problem,
            place=Place(file=self.file, line=index + 1),
            found=found or self.lines[index].strip(),
            expected=expected,
            hint=_INSTALL,
        )

    def entries(self) -> Iterator[_RawEntry]:
        """The entries in order. A line with no indentation begins one, unless it is a comment."""
        lines = self.lines
        # A key longer than 1024 characters is written as "? key" with a line of its own for ":".
        starts = [index for index, line in enumerate(lines) if line and line[0] not in " #:"]
        indented = next((index for index, line in enumerate(lines) if line[:1] == " "), len(lines))
        if indented < (starts[0] if starts else len(lines)):
            self.fail("a line does not belong to an entry", indented, "'\"name@range\":'")
        for start, end in pairwise([*starts, len(lines)]):
            yield self._entry(start, end)

    def _entry(self, start: int, end: int) -> _RawEntry:
        lines, separator = self.lines, self.separator
        entry = _RawEntry(key=self._key(start), index=start, fields={}, sections={})
        section: _Section | None = None
        for index in range(start + 1, end):
            line = lines[index]
            if line[:4] == "    ":
                if section is None:
                    self.fail(
                        "a line does not belong to a section", index, "a field with two spaces"
                    )
                section.lines.append(line)
            elif line[:2] == "  ":
                if line[-1] == ":":
                    section = entry.sections[line[2:-1]] = _Section(first=index + 1, lines=[])
                    continue
                section = None
                name, found, value = line[2:].partition(separator)
                if not found:
                    self.fail(
                        "a line is not a field of an entry", index, f"'  name{separator}value'"
                    )
                entry.fields[name] = value
        return entry

    def _key(self, index: int) -> str:
        line = self.lines[index]
        if line.startswith("? "):
            return self.unquote(line[2:], index)
        if not line.endswith(":"):
            self.fail("a line is not an entry of a yarn.lock", index, "'\"name@range\":'")
        # A classic key quotes each descriptor for itself.
        return line[:-1] if self.separator == " " else self.unquote(line[:-1], index)

    def unquote(self, value: str, index: int) -> str:
        if value[:1] != '"':
            return value
        if value[-1] == '"' and "\\" not in value and len(value) > 1:
            return value[1:-1]
        try:
            text: str = parse_json(value)
        except ValueError:
            self.fail("a quotation mark is not closed", index, 'a closing "')
        return text

    def field(self, entry: _RawEntry, name: str) -> str:
        """The value of a field that every entry has."""
        if name not in entry.fields:
            self.fail(
                "the lockfile is incomplete: an entry ends too early",
                entry.index,
                f"'{name}' in every entry",
                f"{entry.key} without '{name}'",
            )
        return self.unquote(entry.fields[name], entry.index)

    def pairs(self, section: _Section) -> Mapping[str, str]:
        if not section.lines:
            return NOTHING
        unquoted, separator = self.unquote, self.separator
        found = {}
        for index, line in enumerate(section.lines, section.first):
            name, between, value = line[4:].partition(separator)
            if not between:
                self.fail("a line is not a dependency", index, f"'    name{separator}range'")
            if name[:1] == '"':
                name = unquoted(name, index)
            found[name] = unquoted(value, index) if value[:1] == '"' else value
        return found

    def optional(self, section: _Section) -> frozenset[str]:
        """The names below which ``optional: true`` stands."""
        if not section.lines:
            return NO_NAMES
        found = []
        name = ""
        for index, line in enumerate(section.lines, section.first):
            if line[:6] != "      ":
                name = self.unquote(line[4:].removesuffix(":"), index)
            elif line.strip() == "optional: true":
                found.append(name)
        return frozenset(found)


def _berry_entry(reader: _LockfileReader, entry: _RawEntry) -> LockEntry:
    resolution = reader.field(entry, "resolution")
    reader.field(entry, "linkType")  # yarn writes it last: without it the entry is cut
    conditions = entry.fields.get("conditions", "")
    return LockEntry(
        name=split_descriptor(resolution)[0],
        version=reader.field(entry, "version"),
        resolution=resolution,
        descriptors=tuple(entry.key.split(", ")),
        line=entry.index + 1,
        dependencies=reader.pairs(entry.section("dependencies")),
        optional=reader.optional(entry.section("dependenciesMeta")),
        peer_dependencies=reader.pairs(entry.section("peerDependencies")),
        optional_peers=reader.optional(entry.section("peerDependenciesMeta")),
        conditions=reader.unquote(conditions, entry.index) if conditions else "",
    )


def _classic_entry(reader: _LockfileReader, entry: _RawEntry) -> LockEntry:
    descriptors = tuple(quoted or bare for quoted, bare in _CLASSIC_KEY.findall(entry.key))
    if not descriptors:
        reader.fail("a line does not name a package", entry.index, "'name@range:'", entry.key)
    optional = reader.pairs(entry.section("optionalDependencies"))
    return LockEntry(
        name=_find_own_name(descriptors[0]),
        version=reader.field(entry, "version"),
        resolution=reader.unquote(entry.fields.get("resolved", ""), entry.index),
        descriptors=descriptors,
        line=entry.index + 1,
        dependencies={**reader.pairs(entry.section("dependencies")), **optional},
        optional=frozenset(optional),
    )


def _find_own_name(descriptor: str) -> str:
    """The name behind ``alias@npm:name@range``, or the descriptor's own."""
    name, asked = split_descriptor(descriptor)
    inner = asked.removeprefix("npm:")
    return split_descriptor(inner)[0] if inner != asked and inner.find("@", 1) > 0 else name
