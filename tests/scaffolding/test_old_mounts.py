"""What a portal of the old system mounts, as values: everything is translated or listed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.frontend.module_statements import read_module
from factory.scaffolding.bridge_script import BridgeScript, write_bridge_script
from factory.scaffolding.mounts_reader import read_old_mounts
from factory.scaffolding.old_mounts import MountedExport, OldMounts

MODULES = {"PluginRoot": "src/index.ts", "Card": "src/card.tsx"}
EXPORTS = {"src/index.ts": frozenset({"TodoPage", "EntityTodoContent", "isTodo", "api", "Icon"})}
PLUGIN = MountedExport(path="src/plugin.ts", name="todoPlugin")


def mounted(**mounts: Any) -> OldMounts:
    return read_old_mounts(mounts, MODULES, EXPORTS)


def bridge(mounts: OldMounts, *, has_titles: bool = True) -> BridgeScript:
    return write_bridge_script(
        mounts, PLUGIN, plugin_id="todo", folder="src", has_titles=has_titles
    )


def left(mounts: OldMounts) -> dict[str, str]:
    return {one.way: one.why for one in mounts.left}


def test_a_route_becomes_a_page_with_its_menu_item() -> None:
    menu = {"text": "Todo", "icon": "chat"}
    found = mounted(dynamicRoutes=[{"path": "/todo", "importName": "TodoPage", "menuItem": menu}])
    assert not found.left
    script = bridge(found)
    assert 'convertLegacyPageExtension(bridgeMount(legacy1, "TodoPage"), ' in script.text
    assert '{ name: "todo", path: "/todo" }' in script.text
    assert 'title: "Todo", icon: compatWrapper(createElement(BridgeIcon, { id: "chat" }))' in (
        script.text
    )
    assert 'import { TodoPage as legacy1 } from "./index";' in script.text
    assert script.extensions == (("dynamicRoutes[0]", "page:todo/todo"),)


def test_an_icon_of_the_plugin_is_taken_from_it() -> None:
    page = {"path": "/t", "importName": "TodoPage", "menuItem": {"text": "T", "icon": "todoIcon"}}
    icons = [{"name": "todoIcon", "importName": "Icon"}, {"name": "other", "importName": "api"}]
    found = mounted(dynamicRoutes=[page], appIcons=icons)
    assert list(left(found)) == ["appIcons[1]"]
    assert "icon: compatWrapper(createElement(bridgeMount(legacy2, 'Icon')))" in bridge(found).text


def test_cards_of_the_overview_keep_their_condition() -> None:
    test = {"anyOf": [{"isKind": ["api", "component"]}, {"hasAnnotation": "acme/x"}, "isTodo"]}
    card = {
        "mountPoint": "entity.page.overview/cards",
        "importName": "EntityTodoContent",
        "config": {"if": test, "layout": {"gridColumn": "span 4"}, "props": {"a": [1]}},
    }
    found = mounted(mountPoints=[card])
    assert list(left(found)) == ["mountPoints[0].config.layout"]
    text = bridge(found).text
    assert (
        'filter: bridgeTests("anyOf", [bridgeTest("isKind", ["api", "component"]), '
        'bridgeTest("hasAnnotation", ["acme/x"]), legacy2 as unknown as EntityTest])'
    ) in text
    assert 'bridgeMount(legacy1, "EntityTodoContent", {"a": [1]})' in text


def test_a_tab_with_its_card_becomes_content() -> None:
    tab = {"path": "/todo", "title": "Todo", "mountPoint": "entity.page.todo"}
    card = {"mountPoint": "entity.page.todo/cards", "importName": "EntityTodoContent"}
    found = mounted(entityTabs=[tab], mountPoints=[card])
    assert not found.left
    assert (
        'convertLegacyEntityContentExtension(bridgeMount(legacy1, "EntityTodoContent"), '
        '{ name: "todo", path: "/todo", title: "Todo" })'
    ) in bridge(found).text


def test_several_cards_of_a_tab_are_one_content() -> None:
    tab = {"path": "/todo", "title": "Todo", "mountPoint": "entity.page.todo"}
    only = {"allOf": [{"isKind": "template"}]}
    cards = [
        {"mountPoint": "entity.page.todo/cards", "importName": name, "config": {"if": only}}
        for name in ("TodoPage", "EntityTodoContent")
    ]
    script = bridge(mounted(entityTabs=[tab], mountPoints=cards))
    assert script.text.count("convertLegacyEntityContentExtension(") == 1
    assert "bridgeCards([" in script.text
    assert dict(script.extensions)["mountPoints[1]"] == "entity-content:todo/todo"


def test_a_tab_that_plugins_share_is_one_of_the_plugins_own() -> None:
    found = mounted(
        mountPoints=[{"mountPoint": "entity.page.ci/cards", "importName": "EntityTodoContent"}]
    )
    assert "shared by plugins" in left(found)["mountPoints[0].mountPoint"]
    assert '{ name: "todo", path: "/todo", title: "CI" }' in bridge(found).text


def test_listeners_and_apis_are_translated() -> None:
    found = mounted(
        mountPoints=[{"mountPoint": "application/listener", "importName": "TodoPage"}],
        apiFactories=[{"importName": "api"}],
    )
    assert not found.left
    text = bridge(found).text
    assert "AppRootElementBlueprint.make({" in text
    assert "...bridgeApis(legacy0, [legacy2])," in text


@pytest.mark.parametrize(
    ("mounts", "way", "why"),
    [
        ({"menuItems": {"todo": {"parent": "x"}}}, "menuItems.todo", "sidebar"),
        ({"themes": [{"id": "x"}]}, "themes[0]", "ThemeBlueprint"),
        ({"signInPage": {"importName": "X"}}, "signInPage", "SignInPageBlueprint"),
        ({"routeBindings": {"bindings": []}}, "routeBindings", "app.routes.bindings"),
        ({"unheardOf": 5}, "unheardOf", "no counterpart"),
        ({"dynamicRoutes": {"path": "/x"}}, "dynamicRoutes", "not a list"),
        ({"dynamicRoutes": ["x"]}, "dynamicRoutes[0]", "not a map"),
        ({"dynamicRoutes": [{"path": "x"}]}, "dynamicRoutes[0]", "not a path"),
        (
            {"dynamicRoutes": [{"path": "/x", "importName": "Todo"}]},
            "dynamicRoutes[0]",
            "exports no Todo",
        ),
        (
            {"dynamicRoutes": [{"path": "/x", "module": "Other"}]},
            "dynamicRoutes[0]",
            "not exposed; those are: Card, PluginRoot",
        ),
        (
            {"dynamicRoutes": [{"path": "/x", "module": "Card", "importName": "a } from 'x';//"}]},
            "dynamicRoutes[0]",
            "not the name of an export",
        ),
        (
            {"mountPoints": [{"mountPoint": "entity.context.menu", "importName": "TodoPage"}]},
            "mountPoints[0]",
            "no counterpart",
        ),
        (
            {"apiFactories": [{"importName": "nothing"}]},
            "apiFactories[0]",
            "exports no nothing",
        ),
        (
            {"entityTabs": [{"path": "/x", "title": "X", "mountPoint": "entity.page.x"}]},
            "entityTabs[0]",
            "nothing is mounted",
        ),
    ],
)  # fmt: skip
def test_what_has_no_counterpart_is_listed(mounts: Any, way: str, why: str) -> None:
    found = read_old_mounts(mounts, MODULES, EXPORTS)
    assert why in left(found)[way]
    assert all(one.page.startswith("https://backstage.io/docs/") for one in found.left)


@pytest.mark.parametrize(
    "config",
    [
        [],
        {"props": []},
        {"props": {"__proto__": {"x": 1}}},
        {"props": {"x": float("inf")}},
        {"if": []},
        {"if": {"noneOf": []}},
        {"if": {"allOf": "isKind"}},
        {"if": {"allOf": [{"isOwner": "me"}]}},
        {"if": {"allOf": [{"hasAnnotation": ["a", "b"]}]}},
        {"if": {"allOf": ["notExported"]}},
        {"if": {"allOf": [], "anyOf": []}},
    ],
)
def test_a_component_whose_configuration_is_not_understood_is_not_mounted(config: Any) -> None:
    card = {"mountPoint": "entity.page.overview/cards", "importName": "TodoPage", "config": config}
    found = mounted(mountPoints=[card])
    assert not found.overview
    assert list(left(found)) == ["mountPoints[0]"]


HOSTILE = st.sampled_from(
    ["/x", "Todo", "'", '"', "`${1}`", "*/", "\u2028", "\n", "</script>", "\\", "\ud800", "default"]
)
TEXT = HOSTILE | st.text(max_size=8)
NAMES = st.sampled_from(["TodoPage", "EntityTodoContent", "isTodo", "missing"]) | TEXT
VALUE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
TEST = st.one_of(
    st.sampled_from(["isTodo", "missing"]),
    st.dictionaries(st.sampled_from(["isKind", "isType", "hasAnnotation"]), TEXT, min_size=1),
    VALUE,
)
CONFIG = st.fixed_dictionaries(
    {},
    optional={
        "props": VALUE,
        "layout": VALUE,
        "if": VALUE | st.dictionaries(
            st.sampled_from(["allOf", "anyOf", "oneOf"]), st.lists(TEST, max_size=3), min_size=1
        ),
        "other": VALUE,
    },
)  # fmt: skip
POINTS = st.sampled_from(
    [
        "entity.page.overview/cards", "entity.page.ci/cards", "entity.page.todo/cards",
        "entity.page.todo/context", "application/listener", "search.page.results",
    ]
)  # fmt: skip
COMMON = {"importName": NAMES, "module": st.sampled_from(["PluginRoot", "Card"]) | TEXT}
ROUTE = st.fixed_dictionaries(
    {"path": st.just("/todo") | TEXT},
    optional={**COMMON, "config": CONFIG | VALUE, "menuItem": VALUE | st.fixed_dictionaries(
        {"text": TEXT}, optional={"icon": TEXT, "importName": NAMES, "parent": TEXT}
    )},
)  # fmt: skip
MOUNT = st.fixed_dictionaries(
    {"mountPoint": POINTS | TEXT}, optional={**COMMON, "config": CONFIG | VALUE}
)
TAB = st.fixed_dictionaries(
    {"path": st.just("/todo") | TEXT, "title": TEXT},
    optional={"mountPoint": st.just("entity.page.todo") | TEXT, "priority": VALUE},
)
MOUNTS = st.fixed_dictionaries(
    {},
    optional={
        "dynamicRoutes": st.lists(ROUTE | VALUE, max_size=3),
        "mountPoints": st.lists(MOUNT | VALUE, max_size=4),
        "entityTabs": st.lists(TAB | VALUE, max_size=2),
        "apiFactories": st.lists(st.fixed_dictionaries({}, optional=COMMON) | VALUE, max_size=2),
        "appIcons": st.lists(
            st.fixed_dictionaries({"name": TEXT}, optional=COMMON) | VALUE, max_size=2
        ),
        "themes": st.lists(VALUE, max_size=2),
        "menuItems": st.dictionaries(TEXT, VALUE, max_size=2),
        "signInPage": VALUE,
    },
)


@settings(max_examples=50, deadline=None)
@given(mounts=MOUNTS)
def test_nothing_is_lost(mounts: dict[str, Any]) -> None:
    found = read_old_mounts(mounts, MODULES, EXPORTS)
    script = bridge(found)
    made = {way for way, _ in script.extensions}
    assert made == set(found.ways)
    # An icon is in the page that shows it.
    known = [*made, *left(found)]
    shown = sum(isinstance(page.icon, MountedExport) for page in found.pages)
    icons = len(mounts.get("appIcons", ()))
    assert sum(way.startswith("appIcons[") for way in left(found)) >= icons - shown
    for name in ("dynamicRoutes", "mountPoints", "entityTabs", "apiFactories", "themes"):
        for number in range(len(mounts.get(name, ()))):
            assert any(way.startswith(f"{name}[{number}]") for way in known), (name, number)


@settings(max_examples=50, deadline=None)
@given(mounts=MOUNTS, has_titles=st.booleans())
def test_a_script_is_read_to_its_end_whatever_the_configuration_says(
    mounts: dict[str, Any], has_titles: bool
) -> None:
    found = read_old_mounts(mounts, MODULES, EXPORTS)
    script = bridge(found, has_titles=has_titles)
    script.text.encode()
    module = read_module(script.text, elements=True)
    assert list(module.exports) == ["default"]
    assert {"convertLegacyPlugin", "legacy0"} <= set(module.declared)
    names = {name for _, name in script.extensions}
    shared = sum(len(tab.cards) - (tab.way == tab.cards[0].way) for tab in found.tabs)
    assert len(names) == len(script.extensions) - shared - max(0, len(found.apis) - 1)
