"""Records in the OSV format, which GitHub, npm audit's sources and osv.dev write.

https://ossf.github.io/osv-schema/: of a record the packages of the ecosystem ``npm`` are taken,
with their ranges and lists of versions. What cannot be understood is refused: a range that is
passed over would leave affected plugins unnamed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from factory.advisories.advisory import (
    FIRST,
    NO_LIMIT,
    Advisory,
    AffectedPackage,
    EventKind,
    RangeEvent,
)
from factory.errors import ConfigurationError, Place
from factory.notation.json_text import parse_object
from factory.versions import is_version

if TYPE_CHECKING:
    from collections.abc import Iterator

_ECOSYSTEM = "npm"
_LARGEST = 16 * 1024 * 1024
# npm's own order of versions is that of semantic versions.
_ORDERED = frozenset({"SEMVER", "ECOSYSTEM"})
_KINDS: tuple[EventKind, ...] = get_args(EventKind)
STDIN = "-"


def read_record(where: str) -> Advisory:
    """Return the record in a file, or the one on the standard input for ``-``.

    Raises:
        ConfigurationError: it cannot be read, is another document, or is not about npm packages.
    """
    file = Path("standard input" if where == STDIN else where)
    try:
        content = _read(sys.stdin.buffer if where == STDIN else None, file)
        document = parse_object(content)
    except OSError as error:
        raise _refuse(file, "", error.strerror or str(error), "a file that can be read") from error
    except ValueError as error:
        raise _refuse(file, "", str(error), "an OSV record, which is a JSON object") from error
    return _Record(file, document).advisory()


def _read(stream: Any, file: Path) -> bytes:
    if stream is not None:
        content = bytes(stream.read(_LARGEST + 1))
    else:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"it has more than {_LARGEST} bytes")
    return content


class _Record:
    """A record's parts, each refused with the name of its field."""

    def __init__(self, file: Path, document: dict[str, Any]) -> None:
        self._file = file
        self._document = document

    def advisory(self) -> Advisory:
        """All of it that is about npm packages."""
        own = self._text(self._document, "id", "id")
        if not own:
            raise _refuse(self._file, "id", "nothing", "the record's name, such as GHSA-…")
        entries = self._list(self._document, "affected", "affected")
        found = list(self._packages(entries))
        if not found:
            raise _refuse(
                self._file,
                "affected",
                ", ".join(sorted(self._ecosystems(entries))) or "no package",
                f"at least one package of the ecosystem {_ECOSYSTEM}",
            )
        aliases = self._list(self._document, "aliases", "aliases")
        return Advisory(
            id=own,
            packages=tuple(found),
            aliases=tuple(one for one in aliases if isinstance(one, str)),
            summary=self._text(self._document, "summary", "summary"),
            withdrawn=self._text(self._document, "withdrawn", "withdrawn"),
        )

    def _packages(self, entries: list[Any]) -> Iterator[AffectedPackage]:
        for number, entry in enumerate(entries):
            at = f"affected[{number}]"
            package = self._table(self._table(entry, at).get("package"), f"{at}.package")
            if self._ecosystem(package, at) != _ECOSYSTEM:
                continue
            name = self._text(package, "name", f"{at}.package.name")
            if not name:
                raise _refuse(self._file, f"{at}.package.name", "nothing", "the package's name")
            yield self._package(name, entry, at)

    def _package(self, name: str, entry: dict[str, Any], at: str) -> AffectedPackage:
        versions = self._list(entry, "versions", f"{at}.versions")
        if not all(isinstance(one, str) for one in versions):
            raise _refuse(self._file, f"{at}.versions", repr(versions)[:80], "a list of versions")
        ranges: list[tuple[RangeEvent, ...]] = []
        other = False
        for number, each in enumerate(self._list(entry, "ranges", f"{at}.ranges")):
            field = f"{at}.ranges[{number}]"
            kind = self._text(self._table(each, field), "type", f"{field}.type")
            if kind in _ORDERED:
                ranges.append(self._events(each, field))
            elif kind == "GIT":
                other = True
            else:
                raise _refuse(self._file, f"{field}.type", kind or "nothing", "SEMVER or GIT")
        if not (ranges or versions or other):
            raise _refuse(self._file, at, "neither ranges nor versions", "which are affected")
        return AffectedPackage(
            name=name,
            ranges=tuple(ranges),
            versions=frozenset(versions),
            # Where versions are listed, they are all that ranges of commits come to.
            undecidable=other and not (ranges or versions),
        )

    def _events(self, given: dict[str, Any], at: str) -> tuple[RangeEvent, ...]:
        found = []
        for number, each in enumerate(self._list(given, "events", f"{at}.events")):
            field = f"{at}.events[{number}]"
            event = self._table(each, field)
            kinds = [kind for kind in _KINDS if kind in event]
            if len(kinds) != 1 or len(event) != 1:
                raise _refuse(self._file, field, repr(event)[:80], f"one of {', '.join(_KINDS)}")
            (kind,) = kinds
            version = self._text(event, kind, f"{field}.{kind}")
            special = {"introduced": FIRST, "limit": NO_LIMIT}.get(kind)
            if version != special and not is_version(version):
                raise _refuse(self._file, f"{field}.{kind}", version, "a semantic version")
            found.append(RangeEvent(kind=kind, version=version))
        if not any(event.kind == "introduced" for event in found):
            raise _refuse(self._file, f"{at}.events", "no 'introduced'", "where it begins")
        return tuple(found)

    def _ecosystems(self, entries: list[Any]) -> set[str]:
        packages = (self._table(entry["package"], "package") for entry in entries)
        return {self._text(package, "ecosystem", "ecosystem") for package in packages}

    def _ecosystem(self, package: dict[str, Any], at: str) -> str:
        return self._text(package, "ecosystem", f"{at}.package.ecosystem").partition(":")[0]

    def _table(self, value: object, at: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _refuse(self._file, at, repr(value)[:80], "an object")
        return value

    def _list(self, holder: dict[str, Any], name: str, at: str) -> list[Any]:
        value = holder.get(name) or []
        if not isinstance(value, list):
            raise _refuse(self._file, at, repr(value)[:80], "a list")
        return value

    def _text(self, holder: dict[str, Any], name: str, at: str) -> str:
        value = holder.get(name) or ""
        if not isinstance(value, str):
            raise _refuse(self._file, at, repr(value)[:80], "a text")
        return value


def _refuse(file: Path, field: str, found: str, expected: str) -> ConfigurationError:
    return ConfigurationError(
        "this is not an OSV record that can be used",
        place=Place(file=file, field=field or None),
        found=found,
        expected=expected,
        hint="take the record as osv.dev or GitHub gives it, or name PACKAGE@RANGE yourself",
    )
