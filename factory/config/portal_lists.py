"""The forms that a portal's list of plugins has: the file itself, or what operators paste it into.

A list is a map of ``includes`` and ``plugins``. The portal reads it from ``dynamic-plugins.yaml``;
whoever runs the portal keeps it in the values of a Helm chart, or in the operator's ConfigMap.
"""

from __future__ import annotations

import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import yaml

from factory.config.documents import field_name
from factory.config.options import ListForm
from factory.errors import ConfigurationError, Place
from factory.notation.limits import DocumentError
from factory.notation.yaml_text import read_yaml, yaml_text
from factory.schemas import describe_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from factory.config.documents import Document
    from factory.notation.limits import Steps

LIST_FILE = "dynamic-plugins.yaml"
"""What the file is called, and the key of a ConfigMap that RHDH's operator takes it from."""

# RHDH's chart: https://github.com/redhat-developer/rhdh-chart, values.yaml; Butler's, and RHDH's
# own since 2.1, have the list under a key of its own.
_WAYS: Mapping[ListForm, Steps] = {
    ListForm.HELM: ("global", "dynamic"),
    ListForm.BUTLER: ("dynamicPlugins",),
}
_IN_CONFIG_MAP = ("data", LIST_FILE)
_CONFIG_MAP = "ConfigMap"
_HEAD = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: dynamic-plugins
data:
  dynamic-plugins.yaml: |
"""


def list_text(value: Mapping[str, Any], form: ListForm) -> str:
    """Return a list of plugins as YAML, in the form that is pasted into its place."""
    if form is ListForm.CONFIGMAP:
        return _HEAD + textwrap.indent(yaml_text(value), "    ")
    wrapped: Any = value
    for key in reversed(_WAYS.get(form, ())):
        wrapped = {key: wrapped}
    return yaml_text(wrapped)


def unwrap_list(document: Document) -> Document:
    """Return the list in a document of any of the forms; its places are those of the whole file.

    A document of none of them is returned as it is: what is wrong with it is the reader's to say.

    Raises:
        ConfigurationError: the list stands in two places, or a ConfigMap has none, or one that is
            not YAML.
    """
    value = document.value
    if not isinstance(value, dict) or _is_list(value):
        return document
    if value.get("kind") == _CONFIG_MAP:
        return _list_of_config_map(document)
    ways = [way for way in _WAYS.values() if _is_list(_value_at(value, way))]
    if len(ways) > 1:
        raise ConfigurationError(
            f"{document.path.name} has a list of plugins in two places",
            place=Place(file=document.path),
            found=" and ".join(field_name(way) for way in ways),
            expected="one list",
            hint="remove the one that your portal's chart does not read",
        )
    if not ways:
        return document
    return replace(
        document, value=_value_at(value, ways[0]), root=_node_at(document.root, ways[0]), lines={}
    )


def _is_list(value: object) -> bool:
    return isinstance(value, dict) and bool({"plugins", "includes"} & value.keys())


def _value_at(value: Any, way: Steps) -> Any:
    for step in way:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _node_at(node: yaml.Node | None, way: Steps) -> yaml.Node | None:
    for step in way:
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        node = next((value for key, value in pairs if key.value == step), None)
    return node


def _list_of_config_map(document: Document) -> Document:
    text = _value_at(document.value, _IN_CONFIG_MAP)
    node = _node_at(document.root, _IN_CONFIG_MAP)
    if not isinstance(text, str) or node is None:
        data = document.value.get("data")
        raise ConfigurationError(
            f"the ConfigMap has no {LIST_FILE}",
            place=Place(file=document.path, field=field_name(("data",))),
            found=", ".join(map(str, data)) if isinstance(data, dict) else describe_value(data),
            expected=f"the key {LIST_FILE} with the list as text, as RHDH's operator reads it",
        )
    lines, columns = _offsets(node)
    try:
        inner = read_yaml(text)
    except DocumentError as error:
        inside = error.line is not None and columns is not None
        raise ConfigurationError(
            f"{LIST_FILE} in {document.path.name} is not valid YAML",
            place=Place(
                file=document.path,
                line=lines + (error.line or 1) if inside else node.start_mark.line + 1,
                column=(error.column or 1) + (columns or 0) if inside else None,
                field=field_name(_IN_CONFIG_MAP),
            ),
            found=error.problem,
            expected=error.expected,
        ) from error
    if inner.root is not None:
        _shift(inner.root, node, lines, columns)
    return replace(document, value=inner.value or {}, root=inner.root, lines={})


def _offsets(node: yaml.Node) -> tuple[int, int | None]:
    """How many lines and columns are before a block's text; None where it is written otherwise."""
    mark = node.start_mark
    if getattr(node, "style", None) != "|" or not mark.buffer:
        return mark.line, None
    below = mark.buffer[mark.pointer :].split("\n")[1:]
    first = next((line for line in below if line.strip()), "")
    return mark.line + 1, len(first) - len(first.lstrip(" "))


def _shift(root: yaml.Node, around: yaml.Node, lines: int, columns: int | None) -> None:
    """Let the nodes of a text know where they stand in the file that the text is in."""
    seen: set[int] = set()
    pending = [root]
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        mark = node.start_mark
        node.start_mark = around.start_mark
        if columns is not None:
            node.start_mark = yaml.Mark(
                mark.name, mark.index, mark.line + lines, mark.column + columns, None, 0
            )
        for child in node.value if not isinstance(node, yaml.ScalarNode) else ():
            pending += child if isinstance(child, tuple) else (child,)
