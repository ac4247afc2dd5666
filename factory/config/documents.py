"""JSON and YAML files read so that every error can name its line.

Both readers refuse duplicate keys: the second would silently win.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from factory.errors import ConfigurationError, Place
from factory.schemas import SchemaName, schema, violation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import yaml


_FIRST_PRINTABLE = 0x20
_SURROGATES = frozenset(map(chr, range(0xD800, 0xE000)))
_YAML_TEXT = "tag:yaml.org,2002:str"


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A parsed file, and the line and column of each of its top-level keys (counted from 1).

    ``root`` is the YAML node that the value was made of; :mod:`factory.config.nested_places` finds
    the lines below the top level with it.
    """

    path: Path
    value: Any
    lines: Mapping[str, tuple[int, int]]
    root: yaml.Node | None = field(default=None, repr=False, compare=False)

    def place(self, *fields: str) -> Place:
        """Return where a top-level field is, or the file itself when it is not there."""
        line, column = self.lines.get(fields[0], (None, None)) if fields else (None, None)
        return Place(file=self.path, line=line, column=column, field=".".join(fields) or None)


def read_text(path: Path, *, exactly: bool = False) -> str:
    """Return a file's text; ``exactly`` keeps its line ends and a byte order mark.

    Raises:
        ConfigurationError: it cannot be read, or is not UTF-8.
    """
    encoding, newline = ("utf-8", "") if exactly else ("utf-8-sig", None)
    try:
        with path.open(encoding=encoding, newline=newline) as stream:
            return stream.read()
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path.name} is not UTF-8 text",
            place=Place(file=path),
            found=f"byte 0x{error.object[error.start]:02x} at offset {error.start}",
            hint="save it as UTF-8",
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"{path.name} cannot be read",
            place=Place(file=path),
            found=error.strerror or str(error),
        ) from error


def read_json(path: Path) -> Document:
    """Parse a JSON file.

    Raises:
        ConfigurationError: it is not JSON (with line and column), or repeats a key.
    """
    text = read_text(path)
    repeated: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(items)
        if len(value) != len(items):
            names = [name for name, _ in items]
            repeated.extend(name for name in value if names.count(name) > 1)
        return value

    try:
        value = json.loads(text, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise ConfigurationError(
            f"{path.name} is not valid JSON",
            place=Place(file=path, line=error.lineno, column=error.colno),
            found=_line_of(text, error.lineno),
            expected=error.msg,
        ) from error
    except (RecursionError, ValueError) as error:  # nested too deep, a number of 5,000 digits
        raise ConfigurationError(
            f"{path.name} cannot be read", place=Place(file=path), found=str(error)
        ) from error
    if repeated:
        line, column = _json_key(text, repeated[0], occurrence=-1) or (None, None)
        raise _duplicate(Place(file=path, line=line, column=column, field=repeated[0]))
    names = value if isinstance(value, dict) else {}
    found = {name: _json_key(text, name) for name in names}
    return Document(
        path=path, value=value, lines={name: at for name, at in found.items() if at is not None}
    )


def read_yaml_map(path: Path) -> Document:
    """Parse a YAML file whose root is a map of plain keys; an empty file is an empty map.

    Raises:
        ConfigurationError: it is not YAML (with line and column), or repeats a key.
    """
    import yaml  # noqa: PLC0415 - late: --help does not need it

    text = read_text(path)
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        lines = _yaml_keys(root, path)
        value = loader.construct_document(root) if root is not None else {}
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise ConfigurationError(
            f"{path.name} is not valid YAML",
            place=Place(file=path, line=line, column=mark.column + 1 if mark else None),
            found=_line_of(text, line) if line else None,
            expected=error.problem,
        ) from error
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        raise ConfigurationError(
            f"{path.name} is not valid YAML",
            place=Place(
                file=path,
                line=before.count("\n") + 1,
                column=len(before) - (before.rfind("\n") + 1) + 1,
            ),
            found=f"the character U+{int(error.character):04X}",
            expected="text",
        ) from error
    except (yaml.YAMLError, RecursionError, ValueError, LookupError, AttributeError) as error:
        # PyYAML passes on what Python says of a value such as 2024-13-45 or !!bool maybe.
        raise ConfigurationError(
            f"{path.name} is not valid YAML", place=Place(file=path), found=str(error)
        ) from error
    return Document(path=path, value={} if value is None else value, lines=lines, root=root)


def validated(document: Document, name: SchemaName) -> Document:
    """Return ``document`` if the schema allows it.

    Raises:
        ConfigurationError: naming the field, what was found and what was expected.
    """
    wrong = violation(document.value, name)
    if wrong:
        raise ConfigurationError(
            f"{document.path.name} does not have the form that it should",
            place=document.place(*wrong.path),
            found=wrong.found,
            expected=wrong.expected,
            hint="docs/reference/files.md shows every field",
        )
    return document


def refuse_unprintable(document: Document, field: str, value: str) -> None:
    """Raise if a value has a control character, or half of a surrogate pair: no name has one.

    Raises:
        ConfigurationError: naming the field.
    """
    odd = next((c for c in value if ord(c) < _FIRST_PRINTABLE or c in _SURROGATES), None)
    if odd is not None:
        raise ConfigurationError(
            f"a text in {document.path.name} has a character that cannot be printed",
            place=replace(document.place(field), field=_escaped(field)),
            found=f"U+{ord(odd):04X} in {_escaped(value)}",
            expected="printable text",
        )


def unknown_fields(document: Document, name: SchemaName) -> tuple[str, ...]:
    """Return the top-level fields that the schema does not know, in the file's order."""
    known = schema(name).get("properties", {})
    return tuple(field for field in document.value if field not in known)


def _yaml_keys(root: yaml.Node | None, path: Path) -> dict[str, tuple[int, int]]:
    import yaml  # noqa: PLC0415 - late: --help does not need it

    lines: dict[str, tuple[int, int]] = {}
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
        if key.value in lines:
            raise _duplicate(Place(file=path, line=line, column=column, field=key.value))
        lines[key.value] = (line, column)
    return lines


def _escaped(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii")


def _duplicate(place: Place) -> ConfigurationError:
    return ConfigurationError(
        f'"{place.field}" stands in {place.file.name} twice',
        place=place,
        expected="each key once",
        hint="remove one of the two",
    )


def _json_key(text: str, key: str, *, occurrence: int = 0) -> tuple[int, int] | None:
    matches = list(re.finditer(re.escape(json.dumps(key, ensure_ascii=False)) + r"\s*:", text))
    if not matches:
        return None
    start = matches[occurrence].start()
    return text.count("\n", 0, start) + 1, start - (text.rfind("\n", 0, start) + 1) + 1


def _line_of(text: str, line: int) -> str | None:
    lines = text.splitlines()
    return lines[line - 1].strip() or None if 0 < line <= len(lines) else None
