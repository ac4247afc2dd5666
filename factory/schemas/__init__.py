"""The JSON schemas that ship with the package, and validation by them.

Each file is a JSON Schema (draft 7) that an editor can use as it is; ``docs/reference/files.md``
says how. The same files are what the factory itself validates with, so the two cannot differ.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import fastjsonschema

from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

SchemaName: TypeAlias = Literal[
    "source",
    "plugins-list",
    "portals",
    "build-report",
    "run-report",
    "plan",
    "dynamic-plugins",
    "extensions-package",
    "extensions-plugin",
    "extensions-collection",
    "updates",
    "search",
    "upgrade",
    "affected",
    "inspection",
    "inspect-limits",
    "trial",
]

_TYPE_NAMES: dict[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "nothing (null)",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """A value that its schema does not allow.

    ``path`` leads to it from the document's root, ``expected`` is the schema's own description of
    what belongs there.
    """

    path: tuple[str, ...]
    found: str
    expected: str


def schema(name: SchemaName) -> dict[str, Any]:
    """Return one of the shipped schemas."""
    text = resources.files(__package__).joinpath(f"{name}.schema.json").read_text(encoding="utf-8")
    return cast("dict[str, Any]", json.loads(text))


def find_violation(document: object, name: SchemaName) -> Violation | None:
    """Return the first thing in ``document`` that the schema does not allow, if there is one."""
    try:
        _validator(name)(document)
    except fastjsonschema.JsonSchemaValueException as error:
        return Violation(
            path=_path(document, str(error.name).removeprefix("data")),
            found=describe_value(error.value),
            expected=_describe_expected(error.definition, str(error.rule), error.rule_definition),
        )
    return None


def describe_value(value: object) -> str:
    """Return a value as an error message shows it: its type in plain words, and what it is."""
    name = _TYPE_NAMES.get(type(value), type(value).__name__)
    if isinstance(value, dict | list | None):
        return name
    # YAML knows more than JSON: dates, bytes, sets.
    return f"{name}: {json.dumps(value, ensure_ascii=False, default=str)}"


@cache
def _validator(name: SchemaName) -> Callable[[object], object]:
    return cast(
        "Callable[[object], object]",
        fastjsonschema.compile(schema(name), handlers={"": _beside}, use_default=False),
    )


def _beside(reference: str) -> dict[str, Any]:
    """The schema that another one refers to by its file's name."""
    return schema(cast("SchemaName", reference.removesuffix(".schema.json")))


def _path(document: object, written: str) -> tuple[str, ...]:
    """The steps of ``.plugins/a.b[2]``, which only the document itself can tell apart."""
    steps: dict[str, object] = {}
    if isinstance(document, dict):
        steps = {f".{key}": (str(key), value) for key, value in document.items()}
    elif isinstance(document, list):
        steps = {f"[{number}]": (str(number), value) for number, value in enumerate(document)}
    for step in sorted(steps, key=len, reverse=True):
        if written.startswith(step):
            name, value = cast("tuple[str, object]", steps[step])
            return (name, *_path(value, written.removeprefix(step)))
    return ()


def _describe_expected(definition: object, rule: str, rule_definition: object) -> str:
    if rule == "required" and isinstance(rule_definition, list):
        return "the fields " + ", ".join(f'"{field}"' for field in rule_definition)
    if rule == "anyOf" and isinstance(rule_definition, list):
        ways = [each["required"] for each in rule_definition if each.keys() == {"required"}]
        if len(ways) == len(rule_definition):
            return "one of the fields " + ", ".join(f'"{" and ".join(way)}"' for way in ways)
    if isinstance(definition, dict) and "description" in definition:
        return str(definition["description"])
    return f"{rule} {json.dumps(rule_definition)}"
