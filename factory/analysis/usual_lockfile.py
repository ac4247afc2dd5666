"""A yarn.lock as yarn 2 and newer write it, checked at once, entries made when asked for.

A lockfile has thousands of entries, of which most commands need some hundred. So one regular
expression goes over the text, which holds for what yarn writes and for nothing that the parser
would refuse or read otherwise (``factory/analysis/lockfile_parser.py``, which reads what is not
written so, and says what is wrong with it). The tests compare the two.
"""

from __future__ import annotations

from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from factory.analysis.lockfile import NO_NAMES, NOTHING, LockEntry, split_descriptor
from factory.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_HEAD = lazy_pattern(r"(?:#[^\n]*+\n|\n)*+__metadata:\n(?:  [A-Za-z]++: [0-9a-z]++\n)++\n*+")
# What may stand between quotes, so that nothing in a line has to be unescaped, and a name without.
_TEXT = r"[ !#-\[\]-~]"
_NAME = r'(?:"[!#-\[\]-~]++"|[!#-9;-\[\]-~]++)'
# The groups: the whole, the descriptors, version, resolution, sections, conditions. Sections are
# repeated without the possessive "+", with which Python before 3.11.5 finds nothing (gh-106052).
_ENTRY = lazy_pattern(
    rf"""((?:"((?!__metadata"){_TEXT}++)":|\? "((?!__metadata"){_TEXT}++)"
:)
  version: ([0-9A-Za-z.+_-]++)
  resolution: "({_TEXT}++)"
((?:  (?:dependencies|peerDependencies|bin):
(?:    {_NAME}: (?:"{_TEXT}*+"|{_TEXT}++)
)++|  (?:dependencies|peerDependencies)Meta:
(?:    {_NAME}:
(?:      [A-Za-z]++: [a-z]++
)++)++)*)(?:  checksum: [0-9A-Za-z/]++
)?+(?:  conditions: ([ !#-9;-\[\]-~]++)
)?+  languageName: [a-z]++
  linkType: [a-z]++
\n*+)"""
)
_OPTIONAL = "      optional: true"


class UsualEntries:
    """The entries of a lockfile that is written as usual, each made when it is asked for."""

    def __init__(self, found: Sequence[tuple[str, ...]], first_line: int) -> None:
        self._found = found
        self._first_line = first_line
        self._made: dict[int, LockEntry] = {}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._found)

    def __getitem__(self, index: int) -> LockEntry:
        """Return an entry, the same each time."""
        made = self._made.get(index)
        if made is None:
            made = self._made[index] = self._make(index)
        return made

    def descriptors(self) -> Sequence[Sequence[str]]:
        """Return the descriptors of each entry."""
        return self._descriptors

    def packages(self) -> Iterator[tuple[str, str, str]]:
        """Return name, version and resolution of each entry."""
        for _, _, _, version, resolution, *_ in self._found:
            yield split_descriptor(resolution)[0], version, resolution

    def lines(self) -> Sequence[int]:
        """Return the line that each entry begins at, counted from 1."""
        return self._lines

    @cached_property
    def _descriptors(self) -> list[list[str]]:
        return [(entry[1] or entry[2]).split(", ") for entry in self._found]

    @cached_property
    def _lines(self) -> list[int]:
        counts = [entry[0].count("\n") for entry in self._found]
        return list(accumulate(counts[:-1], initial=self._first_line))

    def _make(self, index: int) -> LockEntry:
        _, _, _, version, resolution, written, conditions = self._found[index]
        sections = _sections(written) if written else {}
        return LockEntry(
            name=split_descriptor(resolution)[0],
            version=version,
            resolution=resolution,
            descriptors=tuple(self._descriptors[index]),
            line=self._lines[index],
            dependencies=_pairs(sections.get("dependencies")),
            optional=_optional(sections.get("dependenciesMeta")),
            peer_dependencies=_pairs(sections.get("peerDependencies")),
            optional_peers=_optional(sections.get("peerDependenciesMeta")),
            conditions=conditions,
        )


def find_usual_entries(text: str) -> UsualEntries | None:
    """Return the entries of a lockfile, or None where any of it is not written as yarn writes it.

    Args:
        text: the lockfile, with line feeds only.
    """
    head = _HEAD.match(text)
    if head is None:
        return None
    found = _ENTRY.findall(text, head.end())
    # Nothing stands between the entries, or behind the last.
    if not found or sum([len(entry[0]) for entry in found]) != len(text) - head.end():
        return None
    return UsualEntries(found, text.count("\n", 0, head.end()) + 1)


def _sections(written: str) -> Mapping[str, list[str]]:
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    # Quotes stand around names and values only.
    for line in written.replace('"', "").split("\n"):
        if line[:4] == "    ":
            lines.append(line)
        elif line:
            lines = sections[line[2:-1]] = []
    return sections


def _pairs(lines: list[str] | None) -> Mapping[str, str]:
    return dict([line[4:].split(": ", 1) for line in lines]) if lines else NOTHING


def _optional(lines: list[str] | None) -> frozenset[str]:
    if not lines:
        return NO_NAMES
    found = []
    name = ""
    for line in lines:
        if line[:6] != "      ":
            name = line[4:-1]
        elif line == _OPTIONAL:
            found.append(name)
    return frozenset(found)
