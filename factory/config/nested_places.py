"""Where a value deep inside a YAML file stands, for files that are more than a map of texts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from factory.errors import ConfigurationError, Place
from factory.schemas import SchemaName, schema, violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    import yaml

    from factory.config.documents import Document

Steps: TypeAlias = tuple[str, ...]


def place_of(document: Document, *steps: str) -> Place:
    """Return where the value behind ``steps`` stands: keys of maps, and numbers in lists from 0.

    A step that is not there ends the way: the place is that of the last one that is.
    """
    node, line, column = document.root, None, None
    for step in steps:
        # The last: what "<<" merged into a map stands before the map's own keys.
        found = [(mark, child) for name, mark, child in _children(node) if name == step]
        if not found:
            break
        mark, node = found[-1]
        line, column = mark.line + 1, mark.column + 1
    return Place(file=document.path, line=line, column=column, field=_written(steps) or None)


def checked(document: Document, name: SchemaName) -> Document:
    """Return ``document`` if the schema allows it and no map below its root repeats a key.

    Raises:
        ConfigurationError: naming the line, the field, what was found and what was expected.
    """
    _refuse_repeated(document)
    wrong = violation(document.value, name)
    if wrong:
        raise ConfigurationError(
            f"{document.path.name} does not have the form that it should",
            place=place_of(document, *wrong.path),
            found=wrong.found,
            expected=wrong.expected,
            hint="docs/reference/files.md shows every field",
        )
    return document


def unknown_items_fields(document: Document, name: SchemaName, *, list_field: str) -> list[Place]:
    """Return where maps in the list ``list_field`` have fields that the schema does not know."""
    items = schema(name)["properties"][list_field]["items"]
    return [
        place_of(document, list_field, str(number), field)
        for number, item in enumerate(document.value.get(list_field) or ())
        for field in item
        if field not in items["properties"]
    ]


def _refuse_repeated(document: Document) -> None:
    todo: list[tuple[Steps, yaml.Node | None]] = [((), document.root)]
    seen: set[int] = set()  # an alias leads to a node again, and may lead to itself
    while todo:
        steps, node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        lines: dict[str, int] = {}
        for name, mark, child in _children(node):
            if node and not node.start_mark.index <= mark.index < node.end_mark.index:
                continue  # merged in by "<<" from where it is written
            if name in lines:
                raise ConfigurationError(
                    f'"{name}" stands twice in one map of {document.path.name}',
                    place=replace(
                        place_of(document, *steps, name), line=mark.line + 1, column=mark.column + 1
                    ),
                    found=f"the same key on line {lines[name]}",
                    expected="each key once",
                    hint="remove one of the two",
                )
            lines[name] = mark.line + 1
            todo.append(((*steps, name), child))


def _children(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Mark, yaml.Node]]:
    import yaml  # noqa: PLC0415 - late: --help does not need it

    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else str(key.start_mark)
            yield name, key.start_mark, value
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield str(number), value.start_mark, value


def _written(steps: Steps) -> str:
    """``plugins[2].disabled``."""
    text = ""
    for step in steps:
        text += f"[{step}]" if step.isdecimal() else f".{step}"
    return text.removeprefix(".")
