"""A plugin's configuration, held against what the plugin ships: a table of each rule."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.frontend.extension_ids import ExtensionIds
from factory.plugin_config.proof import prove_config
from factory.plugin_config.shipped import ShippedConfig, read_shipped_config
from factory.plugin_config.unknown_keys import find_unknown_keys

from ..frontend.bundles import scalprum, write_bundle

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "todo": {
            "type": "object",
            "properties": {
                "limit": {"type": "number"},
                "provider": {"$ref": "#/definitions/provider"},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "list": {"type": "array", "items": {"type": "object"}},
            },
        }
    },
    "definitions": {
        "provider": {
            "oneOf": [
                {"type": "object", "properties": {"url": {"type": "string"}}},
                {"type": "object", "properties": {"file": {"type": "string"}}},
            ]
        }
    },
}
SHIPPED = ShippedConfig(
    schemas=(SCHEMA,),
    name="team.todo",
    modules=frozenset({"PluginRoot", "Card"}),
    exports=frozenset({"TodoPage", "TodoCard", "todoPlugin"}),
    extensions=(
        ExtensionIds(
            namespace="todo",
            ids=frozenset({"page:todo", "page:todo/list", "card:todo", "nav:todo"}),
            open_kinds=frozenset({"api"}),
        ),
    ),
)


def mounted(**fields: Any) -> dict[str, Any]:
    route = {"path": "/todo", **fields}
    return {"dynamicPlugins": {"frontend": {"team.todo": {"dynamicRoutes": [route]}}}}


PROBLEMS: dict[str, tuple[Any, list[str]]] = {
    "what fits": ({"todo": {"limit": 5, "provider": {"url": "x"}}}, []),
    "a wrong type": ({"todo": {"limit": "many"}}, ['todo.limit: "many", not number']),
    "a misspelt key": ({"todo": {"limitt": 5}}, ["todo.limitt: an unknown field, not limit"]),
    "a misspelt key of a branch": (
        {"todo": {"provider": {"urll": "x"}}},
        ["todo.provider.urll: an unknown field, not url"],
    ),
    "keys of an open map": ({"todo": {"labels": {"limitt": "x"}}}, []),
    "keys of others": ({"app": {"title": "x"}, "todoo": {"x": 1}}, []),
    # dynamicPlugins.frontend
    "a page that is there": (mounted(importName="TodoPage"), []),
    "a module that is there": (mounted(module="Card", importName="TodoCard"), []),
    "a page that is not there": (
        mounted(importName="TodosPage"),
        [
            ('dynamicPlugins.frontend.team.todo.dynamicRoutes.0.importName: "TodosPage", not '
            "a name that a module of the bundle exports, such as TodoPage")
        ],
    ),
    "a module that is not there": (
        mounted(module="Crad", importName="TodoCard"),
        [
            ('dynamicPlugins.frontend.team.todo.dynamicRoutes.0.module: the module "Crad", not '
            "a module that the bundle exposes: Card, PluginRoot")
        ],
    ),
    "another plugin's": (
        {"dynamicPlugins": {"frontend": {"team.other": {}}}},
        [
            ("dynamicPlugins.frontend.team.other: the configuration of team.other, not "
            "team.todo, the name in the plugin's manifest")
        ],
    ),
    "nested deep": (
        {"dynamicPlugins": {"frontend": {"team.todo": {"a": [{"b": {"importName": "X"}}]}}}},
        [
            ('dynamicPlugins.frontend.team.todo.a.0.b.importName: "X", not '
            "a name that a module of the bundle exports")
        ],
    ),
    # app.extensions
    "extensions": (
        {"app": {"extensions": ["page:todo", {"card:todo": False}, {"nav:todo": {"config": {}}}]}},
        [],
    ),
    "extensions in a map": (
        {"app": {"extensions": {"page:todo": {}}}},
        ['app.extensions: {"page:todo": {}}, not a list'],
    ),
    "two extensions in one entry": (
        {"app": {"extensions": [{"a": True, "b": True}]}},
        [
            ('app.extensions.0: {"a": true, "b": true}, not an extension\'s id, or a map with that '
            "key")
        ],
    ),
    "settings that are none": (
        {"app": {"extensions": [{"page:todo": 5}]}},
        [("app.extensions.0.page:todo: 5, not true, false, or a map with 'config', 'disabled' or "
         "'attachTo'")],
    ),
    "an extension that is not there": (
        {"app": {"extensions": ["page:todo", "page:todo/lits"]}},
        ['app.extensions.1: no extension has the id "page:todo/lits", not page:todo/list'],
    ),
    "one unlike all that are there": (
        {"app": {"extensions": [{"entity-content:todo/xyz": False}]}},
        [('app.extensions.0: no extension has the id "entity-content:todo/xyz", not '
          "an extension of todo: card:todo, nav:todo, page:todo, page:todo/list")],
    ),
    "one of a kind of which there may be more": ({"app": {"extensions": ["api:todo/x"]}}, []),
    "one of another plugin": ({"app": {"extensions": ["page:catalog", "page:todos"]}}, []),
    "an id with blanks": ({"app": {"extensions": [" a"]}}, [('app.extensions.0: " a", not an '
                                                            "extension's id")]),
}  # fmt: skip


@pytest.mark.parametrize("case", PROBLEMS)
def test_a_problem_is_told_with_its_place(case: str) -> None:
    config, expected = PROBLEMS[case]
    found = prove_config(config, SHIPPED).problems
    assert [f"{'.'.join(one.way)}: {one.found}, not {one.expected}" for one in found] == expected


def test_keys_that_nobody_describes_are_told_and_no_mistake() -> None:
    proved = prove_config({"todo": {"refresh": 5}}, SHIPPED)
    assert proved.problems == ()
    assert proved.undescribed == (("todo", "refresh"),)


def test_what_two_schemas_describe_is_known_from_both() -> None:
    other = {"properties": {"todo": {"properties": {"refresh": {"type": "number"}}}}}
    shipped = ShippedConfig(schemas=(SCHEMA, other))
    assert prove_config({"todo": {"refresh": 5, "limit": 1}}, shipped).undescribed == ()


UNTOLD: dict[str, tuple[list[str], dict[str, Any], list[str]]] = {
    "all are known": (["page:todo"], {}, []),
    "there may be more": (
        ["api:todo/x"], {},
        [("whether there is an extension api:todo/x is not known: the plugin may have more "
          "extensions than its source says")],
    ),
    "another plugin's": (
        ["page:catalog", "sign-in-page:app"], {},
        ["of other plugins than todo: page:catalog, sign-in-page:app"],
    ),
    "nothing is known": (
        ["page:todo"], {"extensions": (), "extensions_note": "there is no bundle"},
        ["whether there is an extension page:todo is not known: there is no bundle"],
    ),
    "a backend": (["page:todo"], {"extensions": ()}, []),
}  # fmt: skip


@pytest.mark.parametrize("case", UNTOLD)
def test_what_cannot_be_told_of_extensions_is_said(case: str) -> None:
    listed, shipped, expected = UNTOLD[case]
    proved = prove_config({"app": {"extensions": listed}}, replace(SHIPPED, **shipped))
    assert proved.problems == ()
    assert list(proved.untold) == expected


def test_variables_are_those_that_a_portal_replaces() -> None:
    config = {"a": "${ONE}/${TWO:-x}", "b": ["$${THREE}", {"$env": "FOUR"}], "c": "${not one}"}
    assert prove_config(config, ShippedConfig()).variables == ("FOUR", "ONE", "TWO")


def test_what_is_not_known_is_not_held_against_a_configuration() -> None:
    unknown = ShippedConfig(name="team.todo")
    assert prove_config(mounted(module="Any", importName="Thing"), unknown).problems == ()


SHAPES: dict[str, tuple[dict[str, str], dict[str, Any], int, str]] = {
    # the files, package.json, how many schemas, and why there is none
    "rhdh-cli's, of a backend": ({"dist/configSchema.json": json.dumps(SCHEMA)}, {}, 1, ""),
    "rhdh-cli's, of a frontend": (
        {"dist-scalprum/configSchema.json": json.dumps(SCHEMA)}, {}, 1, "",
    ),
    "Backstage's": (
        {"dist/.config-schema.json": json.dumps({"schemas": [{"path": "x", "value": SCHEMA}]})},
        {}, 1, "",
    ),
    "in package.json": ({}, {"configSchema": SCHEMA}, 1, ""),
    "named by package.json": ({"config.schema.json": json.dumps(SCHEMA)},
                              {"configSchema": "config.schema.json"}, 1, ""),
    "TypeScript": ({"config.d.ts": ""}, {"configSchema": "config.d.ts"}, 0, "is TypeScript"),
    "none": ({}, {}, 0, "ships no configuration schema"),
    "an empty one": ({"dist-scalprum/configSchema.json": "{}"}, {}, 0, "ships no"),
    "one that is not there": ({}, {"configSchema": "gone.json"}, 0, "there is no gone.json"),
    "one outside": ({}, {"configSchema": "../../etc/passwd.json"}, 0, "there is no"),
    "one that is none": ({"dist/configSchema.json": "["}, {}, 0, "cannot be read"),
    "a list": ({"dist/configSchema.json": "[]"}, {}, 0, "is not a JSON object"),
}  # fmt: skip


@pytest.mark.parametrize("case", SHAPES)
def test_a_schema_is_found_wherever_tools_put_it(case: str, tmp_path: Path) -> None:
    files, package, count, note = SHAPES[case]
    shipped = read_shipped_config(tmp_path, write_bundle(tmp_path, files, **package))
    assert len(shipped.schemas) == count
    assert note in shipped.note
    assert bool(note) == bool(shipped.note)


def test_modules_and_exports_are_read_of_the_bundle(tmp_path: Path) -> None:
    root = 'n.r(t),n.d(t,{TodoPage:()=>i.my,"todoPlugin":()=>i.ee});'
    files = scalprum(PluginRoot=root, Card="n.d(t,{TodoCard:function(){return c}})")
    shipped = read_shipped_config(tmp_path, write_bundle(tmp_path, files))
    assert shipped.name == "team.todo"
    assert shipped.modules == frozenset({"PluginRoot", "Card"})
    assert shipped.exports >= {"TodoPage", "TodoCard", "todoPlugin"}


def test_a_bundle_that_does_not_name_its_modules_leaves_them_open(tmp_path: Path) -> None:
    shipped = read_shipped_config(tmp_path, write_bundle(tmp_path, scalprum()))
    assert shipped.modules is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "#", "#/properties/a", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "a",
                    "properties",
                    "$ref",
                    "allOf",
                    "oneOf",
                    "if",
                    "additionalProperties",
                    "app",
                    "extensions",
                    "dynamicPlugins",
                    "frontend",
                    "team.todo",
                    "importName",
                    "module",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(config=VALUES, schema=VALUES)
@settings(max_examples=80, deadline=None)
def test_any_configuration_and_any_schema_end(config: Any, schema: Any) -> None:
    if isinstance(config, dict) and isinstance(schema, dict):
        shipped = ShippedConfig(schemas=(schema,), name="team.todo", exports=frozenset("a"))
        assert prove_config(config, shipped).problems is not None


def test_a_schema_that_refers_to_itself_ends() -> None:
    schema = {"$ref": "#", "properties": {"a": {"$ref": "#"}}}
    config: dict[str, Any] = {"b": 1}
    for _ in range(100):
        config = {"a": config}
    assert len(list(find_unknown_keys(config, [schema]))) <= 1
