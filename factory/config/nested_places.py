"""Where a value deep inside a YAML file stands, for files that are more than a map of texts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import yaml

from factory.config.documents import field_name
from factory.config.field_names import UnknownField, find_unknown
from factory.errors import ConfigurationError, Place
from factory.schemas import SchemaName, find_violation, schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory.config.documents import Document


def place_of(document: Document, *steps: str) -> Place:
    """Return where the value behind ``steps`` stands: keys of maps, and numbers in lists from 0.

    A step that is not there ends the way: the place is that of the last one that is.
    """
    if document.root is None:
        return replace(document.place(*steps), field=field_name(steps) or None)
    node, line, column = document.root, None, None
    for step in steps:
        found = next(((mark, child) for name, mark, child in _children(node) if name == step), None)
        if not found:
            break
        mark, node = found
        line, column = mark.line + 1, mark.column + 1
    return Place(file=document.path, line=line, column=column, field=field_name(steps) or None)


def check_nested(document: Document, name: SchemaName) -> Document:
    """Return ``document`` if the schema allows it.

    Raises:
        ConfigurationError: naming the line, the field, what was found and what was expected.
    """
    wrong = find_violation(document.value, name)
    if wrong:
        raise ConfigurationError(
            f"{document.path.name} does not have the expected form",
            place=place_of(document, *wrong.path),
            found=wrong.found,
            expected=wrong.expected,
            hint="docs/reference/files.md shows every field",
        )
    return document


def with_merged_items(document: Document, *, list_field: str) -> Document:
    """Return ``document`` with ``<<`` carried out in the maps of the list ``list_field``.

    YAML 1.2 has no merging (https://yaml.org/type/merge.html is of 1.1), but portals that read
    their lists with PyYAML do it. What is deeper, a plugin's configuration, stays as 1.2 has it.
    """
    if not isinstance(document.value, dict) or not isinstance(document.value.get(list_field), list):
        return document
    items = [_merge_item(item) for item in document.value[list_field]]
    return replace(document, value={**document.value, list_field: items})


def _merge_item(item: Any) -> Any:
    if not isinstance(item, dict) or "<<" not in item:
        return item
    merged = item["<<"] if isinstance(item["<<"], list) else [item["<<"]]
    if not all(isinstance(each, dict) for each in merged):
        return item
    own = {key: value for key, value in item.items() if key != "<<"}
    return {key: value for each in (*reversed(merged), own) for key, value in each.items()}


def unknown_items_fields(
    document: Document, name: SchemaName, *, list_field: str
) -> list[tuple[Place, UnknownField]]:
    """Return what the maps in the list ``list_field`` have that the schema does not know."""
    known = schema(name)["properties"][list_field]["items"]["properties"]
    return [
        (place_of(document, list_field, str(number), field.name), field)
        for number, item in enumerate(document.value.get(list_field) or ())
        for field in find_unknown(item, known)
    ]


def _children(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Mark, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else str(key.start_mark)
            yield name, key.start_mark, value
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield str(number), value.start_mark, value
