"""Which default exports a plugin's source has, as the new frontend system sees them."""

from __future__ import annotations

import pytest

from factory.frontend.default_features import MAKERS, ScriptReader, find_default_export
from factory.frontend.source_tree import MappedScripts

NEW = (
    "import { createFrontendPlugin, createFrontendModule } from '@backstage/frontend-plugin-api';\n"
)
PLUGIN = f"{NEW}export default createFrontendPlugin({{ pluginId: 'x' }});\n"
OLD = "import { createPlugin } from '@backstage/core-plugin-api';\n"


def kind(source: str, *, path: str = "src/index.ts", **others: str) -> str:
    files = {path: source} | {
        f"src/{name.replace('__', '/').replace('_', '.')}": text for name, text in others.items()
    }
    reader = ScriptReader(MappedScripts(texts=files))
    return find_default_export(reader, path).kind


SINGLE = {
    "a call": (PLUGIN, "plugin"),
    "a module": (f"{NEW}export default createFrontendModule({{}})", "module"),
    "a name of its own": (
        (
            "import { createFrontendPlugin as make } from '@backstage/frontend-plugin-api';"
            "export default make({});"
        ),
        "plugin",
    ),
    "a namespace": (
        (
            "import * as api from '@backstage/frontend-plugin-api';"
            "export default api.createFrontendPlugin({})"
        ),
        "plugin",
    ),
    "a constant": (
        f"{NEW}const plugin = createFrontendPlugin({{}});\nexport default plugin",
        "plugin",
    ),
    "a constant with a type": (
        f"{NEW}const plugin: Frontend<A, B> = createFrontendPlugin({{}});\nexport default plugin;",
        "plugin",
    ),
    "an exported constant": (
        f"{NEW}export const plugin = createFrontendPlugin({{}});\nexport {{ plugin as default }};",
        "plugin",
    ),
    "a constant declared below": (
        f"{NEW}export default plugin;\nconst plugin = createFrontendPlugin({{}})",
        "plugin",
    ),
    "the second of a list": (
        f"{NEW}const a = 1, plugin = createFrontendPlugin({{}});\nexport default plugin",
        "plugin",
    ),
    "with overrides": (
        f"{NEW}export default createFrontendPlugin({{}}).withOverrides({{ extensions: [] }});",
        "plugin",
    ),
    "of a constant, with overrides": (
        f"{NEW}const p = createFrontendPlugin({{}});\nexport default p.withOverrides({{}});",
        "plugin",
    ),
    "taken for another type": (f"{NEW}export default createFrontendPlugin({{}}) as any;", "plugin"),
    "without semicolons": (
        f"{NEW}export default createFrontendPlugin({{}})\nconst a = 1\n",
        "plugin",
    ),
    "a converted plugin": (
        (
            "import { convertLegacyPlugin } from '@backstage/core-compat-api';"
            "export default convertLegacyPlugin(old, { extensions: [] });"
        ),
        "plugin",
    ),
    "a plugin of the old system": (
        f"{OLD}export default createPlugin({{ id: 'x' }});",
        "old plugin",
    ),
    "a loader": (
        (
            "import { createFrontendFeatureLoader } from '@backstage/frontend-plugin-api';"
            "export default createFrontendFeatureLoader({})"
        ),
        "other",
    ),
    "a component": ("export default function Page() { return null; }", "other"),
    "a class": ("export default class Page {}", "other"),
    "an arrow": ("export default async () => 1;", "other"),
    "an object": ("export default { a: 1 };", "other"),
    "named exports": (f"{OLD}export const plugin = createPlugin({{}});", "none"),
    "nothing": ("", "none"),
    "a type": ("export type { default } from './x';", "none"),
    "in a comment": ("// export default plugin\nexport const a = 1;", "unknown"),
    "a function of its own": ("const make = () => 1; export default make();", "unknown"),
    "another package's": ("export { default } from '@scope/plugin';", "unknown"),
    "another package's maker": (
        "import { make } from '@scope/kit';\nexport default make({});",
        "unknown",
    ),
    "the older name": (
        (
            "import { createPlugin } from '@backstage/frontend-plugin-api';"
            "export default createPlugin({})"
        ),
        "unknown",
    ),
    "a variable": (f"{NEW}let p = createFrontendPlugin({{}});\nexport default p;", "unknown"),
    "a choice": (f"{NEW}export default flag ? createFrontendPlugin({{}}) : null;", "unknown"),
    "further calls": (f"{NEW}export default createFrontendPlugin({{}}).provide(x);", "unknown"),
    "a type argument": (f"{NEW}export default createFrontendPlugin<X>({{}});", "unknown"),
    "CommonJS": ("module.exports = { default: 1 };", "unknown"),
    "taken apart": (f"{NEW}const {{ p }} = all;\nexport default p;", "unknown"),
    "a text without end": (f"{PLUGIN}const a = 'x", "unknown"),
    "a comment without end": (f"{PLUGIN}/* x", "unknown"),
    "a bracket too many": (f"{PLUGIN}}}", "unknown"),
}


@pytest.mark.parametrize("name", SINGLE)
def test_of_one_module(name: str) -> None:
    source, expected = SINGLE[name]
    assert kind(source) == expected


# What stands before the export, and must not be taken for it, nor hide it.
BEFORE = {
    "quotes in an element": "const A = () => <p title=\"it's\">don't {a ? <b/> : 'x'} stop</p>;\n",
    "braces in a template": "const a = `x ${b({ c: `}${d}` })} export default 1`;\n",
    "a quote in a pattern": "const a = b.replace(/['\"`/[/]]/g, '');\n",
    "a division": "const a = (b) / c; const d = e[0] / 2; const f = g / h / i;\n",
    "a comparison": "const a = b < c; const d = e > f;\n",
    "a fragment": "const a = <><Foo.Bar x={y => y > 1} /> // it's text</>;\n",
    "type arguments": "const a = use<A<string>>([]); function f<T>(x: T): T { return x }\n",
    "a generic arrow": "const f = <T,>(x: T) => x; const g = <T extends A>(x: T) => x;\n",
    "a comment in quotes": "const a = '// /* not a comment';\n",
    "comments": "// it's\n/* it's ` { */\n",
    "a default of a switch": "function f(x) { switch (x) { default: return /'/ } }\n",
    "a text over lines": "const a = 'x\\\ny';\n",
    "an import of a type": "import type { P } from './p';\nimport F, { type B, c } from 'q';\n",
    "an import when needed": "const a = () => import('./page').then(m => m.default);\n",
}


@pytest.mark.parametrize("name", BEFORE)
def test_what_stands_before_it_does_not_matter(name: str) -> None:
    assert kind(BEFORE[name] + PLUGIN, path="src/index.tsx") == "plugin"


@pytest.mark.parametrize("name", [name for name in BEFORE if "generic" not in name])
def test_what_is_no_export_is_none(name: str) -> None:
    found = kind(BEFORE[name], path="src/index.tsx")
    # A text that says 'export default' is not worth the risk of being wrong.
    assert found == ("unknown" if "export default" in BEFORE[name] else "none")


def test_angle_brackets_of_ts_are_types() -> None:
    assert kind(f"const a = <Foo>b;\nconst c = <T>(x: T) => x;\n{PLUGIN}") == "plugin"


@pytest.mark.parametrize(
    "index",
    [
        "export { default } from './plugin';",
        "export { default as default, type Foo } from './plugin';",
        "import plugin from './plugin';\nexport default plugin;",
        "import plugin from './plugin';\nexport { plugin as default };",
        "import { default as plugin } from './plugin.js';\nexport default plugin;",
        "export { plugin as default } from './plugin';",
        "import { plugin } from './plugin';\nexport default plugin.withOverrides({});",
        "export { default } from './nested';",
        "export { default } from '../src/plugin';",
    ],
)
def test_a_default_export_is_followed_through_files(index: str) -> None:
    plugin = f"{NEW}export const plugin = createFrontendPlugin({{}});\nexport default plugin;"
    nested = "export { default } from '../plugin';"
    assert kind(index, plugin_ts=plugin, nested__index_tsx=nested) == "plugin"


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        ("export * from './plugin';", "none"),  # 'export *' leaves out the default export
        ("export { default } from './missing';", "unknown"),
        ("export { default } from '../../outside';", "unknown"),
        ("export { default } from './index';", "unknown"),
        ("export * as default from './plugin';", "other"),
        ("export { plugin as default } from './all';", "unknown"),
    ],
)
def test_where_it_leads_nowhere(index: str, expected: str) -> None:
    files = {"plugin_ts": PLUGIN, "all_ts": "export * from './plugin';"}
    assert kind(index, **files) == expected


@pytest.mark.parametrize(
    "script",
    [
        "<a>" * 3000,
        "{" * 5000,
        "`${" * 3000,
        "/* " * 50_000,
        "const a " * 20_000,
        "export {" * 20_000,
    ],
)
def test_what_is_nested_or_repeated_without_end_is_given_up(script: str) -> None:
    assert kind(f"export default {script}", path="src/index.tsx") == "unknown"


def test_every_maker_is_known_by_its_package() -> None:
    for (package, function), expected in MAKERS.items():
        source = f"import {{ {function} }} from '{package}';\nexport default {function}();"
        assert kind(source) == expected
        assert kind(source.replace(package, "@scope/other")) == "unknown"
