"""Configuration against a plugin's schema, compared with the reference library for JSON Schema."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.plugin_config.config_schema import find_config_problems
from tests.slow_libraries import draft_7_with

SCALARS = st.sampled_from(["x", "5", "1.5", "true", "", 0, 1, 7, 2.5, True, False, None])
KEYS = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(["object", "array", "string", "number", "integer", "boolean", "null"])


def schemas() -> st.SearchStrategy[Any]:
    leaves = st.booleans() | st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=2, unique=True),
            "required": st.lists(KEYS, max_size=2, unique=True),
            "minItems": st.integers(0, 2),
        },
    )
    return st.recursive(
        leaves,
        lambda inner: st.fixed_dictionaries(
            {},
            optional={
                "type": TYPES,
                "properties": st.dictionaries(KEYS, inner, max_size=2),
                "additionalProperties": inner,
                "items": inner | st.lists(inner, max_size=2),
                "anyOf": st.lists(inner, min_size=1, max_size=2),
                "allOf": st.lists(inner, min_size=1, max_size=2),
            },
        ),
        max_leaves=6,
    )


def is_scalar(_checker: object, value: object) -> bool:
    return not isinstance(value, dict | list)


def is_number(_checker: object, value: object) -> bool:
    if isinstance(value, dict | list):
        return False
    return value in ("5", "1.5") or not isinstance(value, str)


def is_whole(_checker: object, value: object) -> bool:
    return is_number(_checker, value) and value not in ("1.5", 2.5)


def is_truth(_checker: object, value: object) -> bool:
    return not isinstance(value, dict | list) and value in (None, 0, 1, "true", "false")


def is_nothing(_checker: object, value: object) -> bool:
    return not isinstance(value, dict | list) and value in (None, 0, "")


@cache
def coercing() -> Any:
    """The reference, with what ajv makes of scalars: https://ajv.js.org/coercion.html.

    One that is true is never nothing.
    """
    return draft_7_with(
        {
            "string": is_scalar,
            "number": is_number,
            "integer": is_whole,
            "boolean": is_truth,
            "null": is_nothing,
        }
    )


def problems(value: Any, schema: Any) -> list[str]:
    found = find_config_problems({"x": value}, {"properties": {"x": schema}})
    return [f"{'.'.join(one.way)}: {one.found}, not {one.expected}" for one in found]


@given(value=VALUES, schema=schemas())
@settings(max_examples=100, deadline=None)
def test_what_fits_is_what_fits_for_the_reference(value: Any, schema: Any) -> None:
    assert (problems(value, schema) == []) == coercing()(schema).is_valid(value)


@pytest.mark.parametrize(
    ("value", "schema", "found"),
    [
        ("b", {"enum": ["a", "c"]}, ['x: "b", not "a", "c"']),
        ("5", {"enum": [5]}, []),
        (True, {"const": 1}, ["x: true, not 1"]),
        ("${X}", {"enum": ["a"], "type": "string"}, []),
        ("${X}", {"type": "object"}, ['x: "${X}", not object']),
        ({"$file": "./x"}, {"type": "string"}, []),
        ({"a": 1}, {"type": "string"}, ["x: a map, not string"]),
        (5, {"maximum": 4}, ["x: 5, not maximum 4"]),
        (5, {"exclusiveMinimum": 5}, ["x: 5, not exclusiveMinimum 5"]),
        ({"a": "x"}, {"$ref": "#/properties/y"}, []),
        (
            {"kind": "b", "n": "x"},
            {
                "oneOf": [
                    {"type": "string"},
                    {"properties": {"n": {"type": "number"}}},
                ]
            },
            ['x.n: "x", not number'],
        ),
    ],
)
def test_a_problem_is_told_with_what_belongs_there(
    value: Any, schema: Any, found: list[str]
) -> None:
    assert problems(value, schema) == found


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"x": {"$ref": "#/properties/x"}}},
        {"anyOf": [{"$ref": "#"}, {"$ref": "#"}], "type": "string"},
        {"allOf": [{"$ref": "#"}] * 50},
    ],
)
def test_a_schema_without_end_is_given_up(schema: Any) -> None:
    (problem,) = find_config_problems({"x": 1}, schema)
    assert "nested too deeply" in problem.found


@pytest.mark.parametrize(
    "schema",
    [
        {"type": 5, "properties": [], "required": "x", "enum": 3, "anyOf": {}, "items": 7},
        {"minimum": "x", "$ref": 5},
        {"$ref": "https://example.com/schema"},
        {"required": [1, {}], "additionalProperties": "x", "patternProperties": {"(": 1}},
    ],
)
def test_a_schema_that_is_none_allows_everything_it_does_not_say(schema: Any) -> None:
    assert problems({"a": 1}, schema) == []


def test_of_the_root_only_what_is_given_counts() -> None:
    schema = {"required": ["other"], "additionalProperties": False, "properties": {"x": {}}}
    assert find_config_problems({"x": 1, "app": {}}, schema) == ()
