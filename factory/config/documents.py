"""JSON and YAML files read so that every error can name its line.

Both readers refuse duplicate keys: the second would silently win.
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

import yaml

from factory.config.field_names import UnknownField, find_unknown
from factory.errors import ConfigurationError, Place
from factory.files import read_text
from factory.notation.json_text import json_keys, parse_json
from factory.notation.limits import DocumentError, RepeatedKeyError
from factory.notation.yaml_text import YamlDocument, read_yaml, read_yaml_1_1
from factory.schemas import SchemaName, find_violation, schema
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from factory.notation.limits import Steps


_FIRST_PRINTABLE = 0x20
_SURROGATES = frozenset(map(chr, range(0xD800, 0xE000)))
_YAML_TEXT = "tag:yaml.org,2002:str"


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A parsed file, and the line and column of its keys (counted from 1), by the way to each.

    ``lines`` has all keys of a JSON file, and the top-level ones of a YAML file. ``root`` is the
    YAML node that the value was made of; :mod:`factory.config.nested_places` finds the lines below
    the top level with it.
    """

    path: Path
    value: Any
    lines: Mapping[Steps, tuple[int, int]]
    root: yaml.Node | None = field(default=None, repr=False, compare=False)

    def place(self, *fields: str) -> Place:
        """Return where a field is: its line, or that of the innermost field around it."""
        ways = [fields[:length] for length in range(len(fields), 0, -1)]
        known = next((self.lines[way] for way in ways if way in self.lines), None)
        line, column = known or (None, None)
        return Place(file=self.path, line=line, column=column, field=".".join(fields) or None)


def field_name(steps: Steps) -> str:
    """Return how messages write the way to a field: ``plugins[2].disabled``."""
    text = ""
    for step in steps:
        text += f"[{step}]" if step.isdecimal() else f".{step}"
    return text.removeprefix(".")


def read_json(path: Path) -> Document:
    """Parse a JSON file.

    Raises:
        ConfigurationError: it is not JSON (with line and column), or repeats a key.
    """
    text = read_text(path)
    try:
        value = parse_json(text)
    except DocumentError as error:
        raise _malformed_error(error, "JSON", text, path) from error
    lines: dict[Steps, tuple[int, int]] = {}
    for way, offset in json_keys(text):
        line = text.count("\n", 0, offset) + 1
        column = offset - (text.rfind("\n", 0, offset) + 1) + 1
        if way in lines:
            place = Place(file=path, line=line, column=column, field=field_name(way))
            raise _duplicate(place, way[-1], lines[way][0])
        lines[way] = (line, column)
    return Document(path=path, value=value, lines=lines)


def read_yaml_map(path: Path) -> Document:
    """Parse a YAML 1.1 file whose root is a map of plain keys; an empty file is an empty map.

    Raises:
        ConfigurationError: it is not YAML (with line and column), or repeats a key.
    """
    text = read_text(path)
    try:
        document = read_yaml_1_1(text)
    except DocumentError as error:
        raise _malformed_error(error, "YAML", text, path) from error
    lines = _yaml_keys(document.root, path)
    value = {} if document.value is None else document.value
    return Document(path=path, value=value, lines=lines, root=document.root)


def read_app_config(path: Path) -> Document:
    """Parse a YAML file that is, or carries, configuration of a portal: YAML 1.2 as it reads it.

    Raises:
        ConfigurationError: it is not YAML 1.2 (with line and column), or a map repeats a key.
    """
    text = read_text(path)
    try:
        document = read_yaml(text)
    except RepeatedKeyError as error:
        place = Place(file=path, line=error.line, column=error.column, field=field_name(error.way))
        raise _duplicate(place, error.way[-1], error.first_line) from error
    except DocumentError as error:
        raise _malformed_error(error, "YAML", text, path) from error
    value = {} if document.value is None else document.value
    return Document(path=path, value=value, lines=_core_keys(document), root=document.root)


def validate(document: Document, name: SchemaName) -> Document:
    """Return ``document`` if the schema allows it.

    Raises:
        ConfigurationError: naming the field, what was found and what was expected.
    """
    wrong = find_violation(document.value, name)
    if wrong:
        raise ConfigurationError(
            f"{document.path.name} does not have the expected form",
            place=document.place(*wrong.path),
            found=wrong.found,
            expected=wrong.expected,
            hint=_hint(document, name),
        )
    return document


def _hint(document: Document, name: SchemaName) -> str:
    known = schema(name).get("properties")
    is_map = isinstance(document.value, dict)
    unknown = find_unknown(document.value, known) if known and is_map else ()
    meant = [f'"{each.meant}" for "{each.name}"' for each in unknown if each.meant]
    if meant:
        return f"write {', '.join(meant)}; docs/reference/files.md shows every field"
    return "docs/reference/files.md shows every field"


def refuse_unprintable(document: Document, field: str, value: str) -> None:
    """Raise if a value has a control character, or half of a surrogate pair: no name has one.

    Raises:
        ConfigurationError: naming the field.
    """
    odd = next((c for c in value if ord(c) < _FIRST_PRINTABLE or c in _SURROGATES), None)
    if odd is not None:
        raise ConfigurationError(
            f"a text in {document.path.name} has a character that cannot be printed",
            place=replace(document.place(field), field=_escape(field)),
            found=f"U+{ord(odd):04X} in {_escape(value)}",
            expected="printable text",
        )


def unknown_fields(document: Document, name: SchemaName) -> tuple[UnknownField, ...]:
    """Return the top-level fields that the schema does not know, in the file's order."""
    return find_unknown(document.value, schema(name).get("properties", {}))


def _yaml_keys(root: yaml.Node | None, path: Path) -> dict[Steps, tuple[int, int]]:
    """Where the keys of a YAML 1.1 map stand, each of which has to be text."""
    lines: dict[Steps, tuple[int, int]] = {}
    if not isinstance(root, yaml.MappingNode):
        return lines
    for key, _ in root.value:
        line, column = key.start_mark.line + 1, key.start_mark.column + 1
        if not isinstance(key, yaml.ScalarNode) or key.tag != _YAML_TEXT:
            written = key.value if isinstance(key, yaml.ScalarNode) else None
            raise ConfigurationError(
                "a key of the map is not plain text",
                place=Place(file=path, line=line, column=column),
                found=written or None,
                expected=f"text: '{written}'" if written else "text",
            )
        if (key.value,) in lines:
            place = Place(file=path, line=line, column=column, field=key.value)
            raise _duplicate(place, key.value, lines[key.value,][0])
        lines[key.value,] = (line, column)
    return lines


def _core_keys(document: YamlDocument) -> dict[Steps, tuple[int, int]]:
    """Where the top-level keys of a YAML 1.2 map stand."""
    if not isinstance(document.value, dict) or document.root is None:
        return {}
    marks = (key.start_mark for key, _ in document.root.value)
    places = ((mark.line + 1, mark.column + 1) for mark in marks)
    return {(key,): place for key, place in zip(document.value, places, strict=True)}


def _malformed_error(
    error: DocumentError, notation: str, text: str, path: Path
) -> ConfigurationError:
    found = _line_of(text, error.line) if error.line else None
    return ConfigurationError(
        f"{path.name} is not valid {notation}",
        place=Place(file=path, line=error.line, column=error.column, field=error.field),
        found=error.problem if error.expected else found,
        expected=error.expected or error.problem,
    )


def _escape(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii")


def _duplicate(place: Place, key: str, first_line: int) -> ConfigurationError:
    return ConfigurationError(
        f'"{key}" appears twice in {place.file.name}',
        place=place,
        found=f"the same key on line {first_line}",
        expected="each key only once",
        hint="remove one of the two",
    )


def _line_of(text: str, line: int) -> str | None:
    lines = text.splitlines()
    return lines[line - 1].strip() or None if 0 < line <= len(lines) else None
