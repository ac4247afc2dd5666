"""Change values in the text of a source.json and leave every other byte as it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from factory.errors import ConfigurationError, Place
from factory.notation.json_text import json_keys, parse_object
from factory.notation.limits import DocumentError
from factory.patterns import lazy_pattern

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping
    from pathlib import Path

# What follows a key: a colon, and its value where that is a text, a number or a word.
_VALUE = lazy_pattern(r'\s*:\s*(?P<value>"(?:[^"\\]|\\.)*"|[-+.\w]+)')
_TEXT = lazy_pattern(r'"(?:[^"\\]|\\.)*"')
_MARK = "\ufeff"


def edit_source_file(text: str, wanted: Mapping[str, str], file: Path) -> str:
    """Return the text of a source.json with the wanted values of fields of its own level.

    A field that is not there yet is written behind ``repo``, in the form of that line.

    Args:
        text: the file as it is, with or without a byte order mark.
        wanted: the text of each field to change.
        file: where the text comes from, for errors.

    Raises:
        ConfigurationError: the text is not JSON, or would say something other than what is wanted.
    """
    mark = _MARK if text.startswith(_MARK) else ""
    body = text.removeprefix(_MARK)
    before = read_source_object(body, file)
    edited = body
    for name, value in wanted.items():
        if before.get(name) != value:
            edited = _set(edited, name, value, file)
    after = read_source_object(edited, file)
    if after != {**before, **wanted} or list(after) != _expected_order(before, after):
        raise _cannot_edit(file, wanted)
    return mark + edited


def _set(text: str, name: str, value: str, file: Path) -> str:
    written = json.dumps(value, ensure_ascii=False)
    keys = {way[0]: offset for way, offset in json_keys(text) if len(way) == 1}
    if name in keys:
        found = _value_at(text, keys[name])
        if found is None:
            raise _cannot_edit(file, {name: value})
        return text[: found.start("value")] + written + text[found.end("value") :]
    found = _value_at(text, keys["repo"]) if "repo" in keys else None
    if found is None:
        raise _cannot_edit(file, {name: value})
    start = keys["repo"]
    line = text[text.rfind("\n", 0, start) + 1 : start]
    ending = "\r\n" if "\r\n" in text else "\n"
    gap = f",{ending}{line}" if not line.strip() and "\n" in text[:start] else ", "
    at = found.end("value")
    return f"{text[:at]}{gap}{json.dumps(name)}: {written}{text[at:]}"


def _value_at(text: str, key: int) -> re.Match[str] | None:
    behind = _TEXT.match(text, key)
    return _VALUE.match(text, behind.end()) if behind else None


def _expected_order(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The order of the fields: as it was, with new ones behind ``repo``, the last one first."""
    new = [name for name in after if name not in before]
    order: list[str] = []
    for name in before:
        order += [name, *new] if name == "repo" else [name]
    return order


def read_source_object(text: str, file: Path) -> dict[str, Any]:
    """Return what a source.json says, with or without a byte order mark, each key once.

    Raises:
        ConfigurationError: it is not a JSON object.
    """
    try:
        return parse_object(text.removeprefix(_MARK), each_key_once=True)
    except DocumentError as error:
        raise ConfigurationError(
            f"{file.name} is not valid JSON",
            place=Place(file=file, line=error.line, column=error.column),
            found=error.problem,
        ) from error


def _cannot_edit(file: Path, wanted: Mapping[str, str]) -> ConfigurationError:
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in wanted.items()]
    return ConfigurationError(
        f"{file.name} has a form that cannot be edited",
        place=Place(file=file),
        expected="fields of one level, each with a text",
        hint="write the lines below into it yourself",
        details="\n".join(lines),
    )
