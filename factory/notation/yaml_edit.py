"""Change values in a YAML 1.2 text and leave every other byte as it is.

Comments, blank lines, order and quoting are the author's. A value is replaced where it stands, a
new key goes behind the others of its map, a new item behind the others of its list. What comes out
is read again and compared with what is wanted before anybody sees it.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from factory.notation.limits import DocumentError
from factory.notation.yaml_text import parse_yaml, parse_yaml_1_1, read_yaml, yaml_text
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory.notation.limits import Steps
    from factory.notation.yaml_text import YamlDocument

_STEP = 2
_KINDS: dict[type[yaml.Node], str] = {
    yaml.MappingNode: "a map",
    yaml.SequenceNode: "a list",
    yaml.ScalarNode: "a value",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SetValue:
    """The value behind ``way`` is to be ``value``; maps on the way are made where there are none.

    A text, number, truth value or nothing replaces such a one; a map or a list comes only where
    there is nothing yet.
    """

    way: Steps
    value: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class AddItems:
    """The list behind ``way`` is to have these texts too, behind those that it has."""

    way: Steps
    items: tuple[str, ...]


YamlChange: TypeAlias = SetValue | AddItems
_Piece: TypeAlias = tuple[int, int, str]


def edit_yaml(text: str, changes: Sequence[YamlChange]) -> str:
    """Return the text with the changes made, one after the other.

    A change that holds already changes nothing.

    Raises:
        DocumentError: the text is not one YAML 1.2 document whose root is a map, or is written in
            such a way that a change would change something else too.
    """
    document = read_yaml(text)
    for change in changes:
        text, document = _edit(text, document, change)
    return text


def _edit(text: str, document: YamlDocument, change: YamlChange) -> tuple[str, YamlDocument]:
    before = {} if document.value is None else document.value
    if not isinstance(before, dict):
        raise DocumentError("the document is not a map", expected="a map")
    expected = _with_change(before, change)
    if _is_same(expected, before):
        return text, document
    piece = _piece(text, document.root, change, before)
    edited = text[: piece[0]] + piece[2] + text[piece[1] :]
    with contextlib.suppress(DocumentError):
        after = read_yaml(edited)
        if _is_same(after.value, expected):
            return edited, after
    raise _uneditable(change)


def _uneditable(change: YamlChange) -> DocumentError:
    return DocumentError(
        "the document has a form that cannot be edited",
        field=".".join(change.way),
        expected="plain maps and lists, without aliases (*name)",
    )


def _is_same(left: Any, right: Any) -> bool:
    """Whether two values are one in JSON: true is not 1, and 1 is not 1.0."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def _copy(value: Any) -> Any:
    """A value whose maps and lists are its own: those that two aliases share are two."""
    if isinstance(value, dict):
        return {key: _copy(each) for key, each in value.items()}
    return [_copy(each) for each in value] if isinstance(value, list) else value


def _with_change(before: dict[str, Any], change: YamlChange) -> dict[str, Any]:
    """The value that is wanted, as a copy.

    Raises:
        DocumentError: there is something other than a map on the way, or at its end something that
            the change would lose.
    """
    wanted: dict[str, Any] = _copy(before)
    here = wanted
    for number, step in enumerate(change.way[:-1], 1):
        below = here.get(step)
        if below is None:
            below = here[step] = {}
        if not isinstance(below, dict):
            raise DocumentError(
                "a value stands where a map belongs",
                field=".".join(change.way[:number]),
                expected="a map",
            )
        here = below
    last = change.way[-1]
    now = here.get(last)
    if isinstance(change, AddItems):
        if not isinstance(now, list | None):
            raise DocumentError("it is not a list", field=".".join(change.way), expected="a list")
        here[last] = [*(now or []), *(one for one in change.items if one not in (now or []))]
        if not here[last] and now is None:
            return before
    elif isinstance(now, dict | list) and now != change.value:
        raise DocumentError(
            "a map or a list stands where a value belongs",
            field=".".join(change.way),
            expected=json.dumps(change.value, ensure_ascii=False, default=str),
        )
    else:
        here[last] = change.value
    return wanted


def _piece(text: str, root: yaml.Node | None, change: YamlChange, before: dict[str, Any]) -> _Piece:
    """The piece of the text that gives way, as start and end, and what comes instead."""
    if not isinstance(root, yaml.MappingNode):
        at = _end_of_empty(text)
        gap = "" if not text[:at] or text[:at].endswith("\n") else "\n"
        return at, at, gap + _block(_nest(change.way, _wanted_value(change)), 0, text)
    node, known = root, 0
    key: yaml.Node | None = None
    value: yaml.Node | None = root
    for step in change.way:
        found = next((pair for pair in node.value if _names(pair[0], step)), None)
        if found is None:
            break
        key, value = found
        known += 1
        if not isinstance(value, yaml.MappingNode):
            break
        node = value
    rest = change.way[known:]
    if key is not None and value is not None and _is_alias(key, value):
        raise _uneditable(change)
    if value is None or isinstance(value, yaml.MappingNode):
        return _added_key(text, node, _nest(rest, _wanted_value(change)))
    if isinstance(value, yaml.SequenceNode) and isinstance(change, AddItems):
        have = _value_at(before, change.way)
        return _added_items(text, value, [one for one in change.items if one not in have])
    if not isinstance(value, yaml.ScalarNode) or key is None:
        raise DocumentError(_KINDS[type(value)], field=".".join(change.way))
    new = _nest(rest, _wanted_value(change))
    return _replace(text, (key, value), new, flow=bool(node.flow_style))


def _wanted_value(change: YamlChange) -> Any:
    if isinstance(change, SetValue):
        return change.value
    return list(dict.fromkeys(change.items))


def _nest(way: Steps, value: Any) -> Any:
    for step in reversed(way):
        value = {step: value}
    return value


def _value_at(value: Any, way: Steps) -> Any:
    for step in way:
        value = value[step]
    return value


def _names(key: yaml.Node, step: str) -> bool:
    return isinstance(key, yaml.ScalarNode) and key.value == step


def _is_alias(key: yaml.Node, value: yaml.Node) -> bool:
    """Whether a value stands before its key: the key has another's, by ``*name``."""
    return bool(value.start_mark.index < key.end_mark.index)


def _end_of_empty(text: str) -> int:
    """Where a document without a value ends: at a line of three dots, or with the text."""
    at = 0
    for line in text.splitlines(keepends=True):
        if line.startswith("..."):
            return at
        at += len(line)
    return at


def _added_key(text: str, node: yaml.MappingNode, new: dict[str, Any]) -> _Piece:
    if node.flow_style:
        written = json.dumps(new, ensure_ascii=False)[1:-1]
        at = _end_of(text, *node.value[-1]) if node.value else node.end_mark.index - 1
        return at, at, f", {written}" if node.value else written
    column = node.value[0][0].start_mark.column
    return _line_after(text, _end_of(text, *node.value[-1]), _block(new, column, text))


def _added_items(text: str, node: yaml.SequenceNode, items: Sequence[str]) -> _Piece:
    if node.flow_style:
        written = ", ".join(json.dumps(one, ensure_ascii=False) for one in items)
        at = _end_of(text, None, node.value[-1]) if node.value else node.end_mark.index - 1
        return at, at, f", {written}" if node.value else written
    column = node.start_mark.column
    lines = "".join(f"{' ' * column}- {_scalar(one)}{_ending(text)}" for one in items)
    return _line_after(text, _end_of(text, None, node.value[-1]), lines)


def _line_after(text: str, at: int, lines: str) -> _Piece:
    """Lines behind the one that ``at`` is in, whatever comment is at its end."""
    newline = text.find("\n", at)
    if newline < 0:
        return len(text), len(text), _ending(text) + lines.removesuffix(_ending(text))
    return newline + 1, newline + 1, lines


def _replace(text: str, pair: tuple[yaml.Node, yaml.ScalarNode], new: Any, *, flow: bool) -> _Piece:
    key, old = pair
    start, end = old.start_mark.index, old.end_mark.index
    if old.style in {"|", ">"}:
        end = start + len(text[start:end].rstrip())
    if isinstance(new, dict | list):
        if flow or not new:
            written = json.dumps(new, ensure_ascii=False)
        else:
            # Below the key; a comment behind the old value stays in the key's line.
            column = key.start_mark.column + _STEP
            place = _line_after(text, end, _block(new, column, text))
            if start == end:
                return place
            comment = text[end : place[0]]
            return start, place[1], comment.lstrip(" ") + place[2]
    else:
        written = _scalar(new, like=old.style or "", flow=flow)
    if start == end:
        colon = text.find(":", key.end_mark.index) + 1
        return colon, colon, f" {written}"
    return start, end, written


def _block(value: dict[str, Any] | list[Any], column: int, text: str) -> str:
    written = yaml_text(value)
    lines = "".join(
        f"{' ' * column}{line}\n" if line else "\n" for line in written.split("\n")[:-1]
    )
    return lines.replace("\n", _ending(text))


def _ending(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _end_of(text: str, key: yaml.Node | None, value: yaml.Node) -> int:
    """Where a value ends: its last character, not where the next one begins."""
    if key is not None and _is_alias(key, value):
        return int(key.end_mark.index)
    if isinstance(value, yaml.ScalarNode):
        start, end = value.start_mark.index, value.end_mark.index
        return int(start + len(text[start:end].rstrip()))
    if getattr(value, "flow_style", False) or not value.value:
        return int(value.end_mark.index)
    if isinstance(value, yaml.MappingNode):
        return _end_of(text, *value.value[-1])
    return _end_of(text, None, value.value[-1])


def _scalar(value: Any, *, like: str = "", flow: bool = False) -> str:
    """A value on one line, in the quotes that the old one had, or in those that it needs."""
    if not isinstance(value, str):
        return json.dumps(value)
    is_simple = value.isprintable() and "\n" not in value
    if like == "'" and is_simple:
        return "'" + value.replace("'", "''") + "'"
    if like == '"' or not is_simple:
        return json.dumps(value, ensure_ascii=False)
    with contextlib.suppress(DocumentError):
        if not flow and parse_yaml_1_1(value) == value == parse_yaml(value):
            return value
    return "'" + value.replace("'", "''") + "'"
