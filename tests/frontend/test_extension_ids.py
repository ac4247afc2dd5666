"""Which extensions a plugin of the new frontend system makes, as its source has them."""

from __future__ import annotations

import pytest

from factory.frontend.default_features import ScriptReader
from factory.frontend.extension_ids import ExtensionIds, find_extension_ids
from factory.frontend.source_tree import MappedScripts

API = """import {
  ApiBlueprint, PageBlueprint, createExtension, createExtensionBlueprint, createFrontendModule,
  createFrontendPlugin,
} from '@backstage/frontend-plugin-api';
"""
COMPAT = """import {
  convertLegacyPlugin, convertLegacyPageExtension,
} from '@backstage/core-compat-api';
import { todoPlugin, TodoPage } from './plugin';
"""
OLD = """import { createPlugin } from '@backstage/core-plugin-api';
export const todoPlugin = createPlugin({ id: 'todo', apis: [] });
export const TodoPage = todoPlugin.provide({});
"""


def plugin(extensions: str, declared: str = "", *, maker: str = "createFrontendPlugin") -> str:
    head = f"{API}{declared}\nexport default "
    return f"{head}{maker}({{ pluginId: 'todo', extensions: [{extensions}] }});"


def find(source: str, **others: str) -> tuple[ExtensionIds, ...] | None:
    files = {"src/index.tsx": source} | {f"src/{name}.tsx": text for name, text in others.items()}
    return find_extension_ids(ScriptReader(MappedScripts(texts=files)), ["src/index.tsx"])


# The source, what it makes, and the kinds of which there may be more: "*" for all of them.
SOURCES = {
    "nothing": (plugin(""), [], ""),
    "no list of extensions": (
        f"{API}export default createFrontendPlugin({{ id: 'todo' }})", [], "",
    ),
    "one without a name": (
        plugin("PageBlueprint.make({ params: { path: '/' } })"), ["page:todo"], "",
    ),
    "one with a name": (plugin("PageBlueprint.make({ name: 'list' })"), ["page:todo/list"], ""),
    "one that is made with overrides": (
        plugin("PageBlueprint.makeWithOverrides({ name: 'list', factory(o, { a }) { return a } })"),
        ["page:todo/list"], "",
    ),
    "one in a constant": (
        plugin("page", "const page = PageBlueprint.make({ name: 'list' });"),
        ["page:todo/list"], "",
    ),
    "several, with elements in them": (
        plugin(
            "page, api,",
            "const page = PageBlueprint.make({ params: { loader: () => <A b={1}>x, y</A> } });"
            "const api = ApiBlueprint.make({ name: 'client', params: define => define({}) });",
        ),
        ["api:todo/client", "page:todo"], "",
    ),
    "one by hand": (
        plugin("createExtension({ kind: 'nav', name: 'x' }), createExtension({ name: 'y' })"),
        ["nav:todo/x", "todo/y"], "",
    ),
    "one of another namespace": (
        plugin("createExtension({ namespace: 'app', kind: 'nav', name: 'x' })"), ["nav:app/x"], "",
    ),
    "a blueprint of its own": (
        plugin("Nav.make({ name: 'x' })", "const Nav = createExtensionBlueprint({ kind: 'nav' });"),
        ["nav:todo/x"], "",
    ),
    "a name that is computed": (plugin("PageBlueprint.make({ name: `${x}` })"), [], "page"),
    "a name elsewhere": (plugin("PageBlueprint.make({ ...rest })"), [], "page"),
    "extensions from elsewhere": (plugin("...more, PageBlueprint.make({})"), ["page:todo"], "*"),
    "one that a function of its own makes": (plugin("makePage()"), [], "*"),
    "one of another package": (
        plugin("x", "import { x } from '@acme/extensions';"), [], "*",
    ),
    "a blueprint of another package": (
        plugin("X.make({ name: 'x' })", "import { X } from '@acme/blueprints';"), [], "*",
    ),
    "options from elsewhere": (
        f"{API}export default createFrontendPlugin({{ pluginId: 'todo', ...more }})", [], "*",
    ),
    "a list from elsewhere": (
        (f"{API}const extensions = [];\n"
         "export default createFrontendPlugin({ pluginId: 'todo', extensions })"),
        [], "*",
    ),
    "a module, beside its plugin": (
        plugin("PageBlueprint.make({})", maker="createFrontendModule"), ["page:todo"], "*",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SOURCES)
def test_extensions_are_found_as_they_are_written(case: str) -> None:
    source, ids, more = SOURCES[case]
    found = find(source)
    assert found is not None
    (known,) = found
    assert (known.namespace, sorted(known.ids)) == ("todo", ids)
    assert known.is_all == (more != "*")
    if more != "*":
        assert known.open_kinds == frozenset(more.split())


UNKNOWN = {
    "an id that is computed": f"{API}export default createFrontendPlugin({{ pluginId: ID }})",
    "a default export of another package": "export { default } from '@acme/plugin';",
    "a plugin that is changed": f"{API}const a = createFrontendPlugin({{ pluginId: 'todo' }});\n"
    "export default a.withOverrides({ extensions: [] });",
    "what cannot be read": "export default createFrontendPlugin({",
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_is_not_said_outright_is_unknown(case: str) -> None:
    assert find(UNKNOWN[case]) is None


def test_what_is_no_feature_makes_none() -> None:
    assert find(OLD) == ()


def test_a_converted_plugin_has_its_old_id_and_may_have_apis() -> None:
    source = (
        f"{COMPAT}export default convertLegacyPlugin(todoPlugin, {{ extensions: ["
        "convertLegacyPageExtension(TodoPage, { name: 'list', path: '/todo' }),"
        "bridgeTitle(convertLegacyPageExtension(TodoPage, { name: 'two' }), { title: 'x' }),"
        "...bridgeApis(todoPlugin, [a]),"
        "] });"
    )
    found = find(source, plugin=OLD)
    assert found is not None
    (known,) = found
    assert known.ids == {"page:todo/list", "page:todo/two"}
    assert (known.has_all("page"), known.has_all("api")) == (True, False)


def test_a_converted_page_without_a_name_has_one_that_is_not_known() -> None:
    source = (
        f"{COMPAT}export default convertLegacyPlugin(todoPlugin, {{ extensions: ["
        "convertLegacyPageExtension(TodoPage)] });"
    )
    found = find(source, plugin=OLD)
    assert found is not None
    assert not found[0].has_all("page")


def test_of_a_bundle_scripts_that_pass_on_may_be_missing() -> None:
    source = plugin("page", "import { page } from './pages';")
    files = {
        "src/index.tsx": source,
        "src/pages/list.tsx": f"{API}export const page = PageBlueprint.make({{ name: 'list' }});",
    }
    reader = ScriptReader(MappedScripts(texts=files))
    (without,) = find_extension_ids(reader, ["src/index.tsx"]) or ()
    assert not without.is_all
    (known,) = find_extension_ids(reader, ["src/index.tsx"], others=tuple(files)) or ()
    assert known.ids == {"page:todo/list"}
    assert known.is_all
