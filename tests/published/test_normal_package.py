"""Published packages made such that rhdh-cli exports them: each shape that was met on npm."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.config.allowed_scripts import parse_allowed_scripts
from factory.errors import ConfigurationError, FactoryError, SourceError
from factory.published.dependencies import settle_dependencies
from factory.published.imports import find_imports
from factory.published.normal_package import normalise_package
from factory.published.published_manifest import read_published_manifest
from factory.published.workspace import write_workspace
from tests.light import examples
from tests.published.packages import FEATURE, HOST, NAME, VERSION, normalised, unpacked

if TYPE_CHECKING:
    from pathlib import Path

FRONTEND = {"role": "frontend-plugin"}


def test_a_plain_backend_keeps_what_it_was_published_with(tmp_path: Path) -> None:
    unpacked(
        tmp_path,
        {"dist/index.cjs.js": FEATURE, "config.d.ts": "export {}"},
        license="Apache-2.0",
        files=["dist", "config.d.ts"],
        configSchema="config.d.ts",
        dependencies={"express": "^4.18.0"},
    )
    made = normalised(tmp_path)
    assert made["main"] == "dist/index.cjs.js"
    assert made["dependencies"] == {"express": "^4.18.0"}
    assert (made["license"], made["configSchema"]) == ("Apache-2.0", "config.d.ts")
    assert made["files"] == ["dist", "config.d.ts"]
    assert "exports" not in made
    assert (tmp_path / "dist/index.cjs.js").read_text(encoding="utf-8") == FEATURE


def test_conditions_of_exports_become_files_that_rhdh_cli_takes(tmp_path: Path) -> None:
    unpacked(
        tmp_path,
        {"dist/index.cjs.js": FEATURE, "dist/cjs/alpha.js": FEATURE, "dist/deep/x.cjs.js": ""},
        exports={
            ".": {"types": "./dist/index.d.ts", "require": "./dist/index.cjs.js"},
            "./alpha": {"import": "./no.mjs", "default": {"node": "./dist/cjs/alpha.js"}},
            "./deep/x": "./dist/deep/x.cjs.js",
            "./lib/*": "./dist/*.js",
            "./package.json": "./package.json",
        },
    )
    made = normalised(tmp_path)
    assert made["exports"] == {
        ".": "./src/index.ts",
        "./alpha": "./src/alpha.ts",
        "./package.json": "./package.json",
    }
    shim = (tmp_path / "dist/alpha.cjs.js").read_text(encoding="utf-8")
    assert 'require("./cjs/alpha.js")' in shim


def test_a_backend_of_modules_alone_is_its_root(tmp_path: Path) -> None:
    unpacked(
        tmp_path,
        {"dist/index.js": "export default 1", "dist/alpha.js": ""},
        type="module",
        main=None,
        exports={".": {"import": "./dist/index.js"}, "./alpha": "./dist/alpha.js"},
    )
    made = normalised(tmp_path)
    assert (made["main"], made["type"]) == ("dist/index.js", "module")
    assert "exports" not in made


def test_nothing_runs_and_no_settings_of_others_are_obeyed(tmp_path: Path) -> None:
    obeyed = {
        ".yarnrc.yml": "yarnPath: ./evil.js",
        ".npmrc": "registry=https://evil.example/",
        ".yarn/releases/evil.js": "",
        "node_modules/express/index.js": "",
        "yarn.lock": "",
        "dist-dynamic/package.json": "{}",
        "tsconfig.json": "{}",
    }
    unpacked(
        tmp_path,
        {"dist/index.cjs.js": FEATURE, **obeyed},
        scripts={"postinstall": "evil", "prepack": "evil"},
        bin={"yarn": "dist/index.cjs.js"},
        workspaces=["*"],
        resolutions={"express": "file:../evil"},
        packageManager="yarn@https://evil.example/yarn.js",
        bundledDependencies=["express"],
        devDependencies={"x": "exec:./evil.js"},
    )
    made = normalised(tmp_path)
    assert not made.keys() & {
        "scripts", "bin", "workspaces", "resolutions", "packageManager", "bundledDependencies",
        "devDependencies",
    }  # fmt: skip
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["dist", "package.json"]


@pytest.mark.parametrize(
    "wanted",
    [
        "exec:./evil.js", "file:/etc", "link:../x", "portal:..", "git+https://x/y.git", "a/b",
        "https://x/y.tgz", "patch:x@1#./p", "npm:x@exec:./e.js", "github:a/b", "workspace:file:x",
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", ["dependencies", "optionalDependencies", "peerDependencies"])
def test_only_registries_give_dependencies(tmp_path: Path, field: str, wanted: str) -> None:
    unpacked(tmp_path, {"dist/index.cjs.js": FEATURE}, **{field: {"x": wanted}})
    with pytest.raises(SourceError) as caught:
        normalised(tmp_path)
    assert f"{field}.x" in str(caught.value.place)
    assert caught.value.hint


def test_ranges_that_leaked_from_a_repository_are_settled(tmp_path: Path) -> None:
    unpacked(
        tmp_path,
        {"dist/index.cjs.js": FEATURE},
        dependencies={
            "@backstage/backend-plugin-api": "backstage:^",
            "@acme/plugin-x-common": "workspace:^",
            "@acme/plugin-x-node": "workspace:~1.2.0",
            "old": "npm:other@^2",
            "any": "",
        },
    )
    assert normalised(tmp_path)["dependencies"] == {
        "@backstage/backend-plugin-api": "^1.4.1",
        "@acme/plugin-x-common": "*",
        "@acme/plugin-x-node": "~1.2.0",
        "old": "npm:other@^2",
        "any": "*",
    }


def test_a_leaked_range_that_no_portal_settles_says_what_to_do(tmp_path: Path) -> None:
    unpacked(
        tmp_path, {"dist/index.cjs.js": FEATURE}, dependencies={"@backstage/new": "backstage:^"}
    )
    with pytest.raises(SourceError, match="only its repository understands") as caught:
        normalised(tmp_path)
    assert "plugin/package.json" in (caught.value.hint or "")


def test_imports_that_are_not_declared_are_found(tmp_path: Path) -> None:
    script = (
        FEATURE
        + "var a = require('express'); var b = require('@scope/tool/deep'); require('node:fs');\n"
        "const p = require('path'); require('./x.cjs.js'); require('nowhere');\n"
        "require('@acme/plugin-x/alpha');\n"
    )
    unpacked(
        tmp_path,
        {"dist/index.cjs.js": script},
        devDependencies={"@scope/tool": "^3.1.0", "nowhere": "workspace:^"},
    )
    assert normalised(tmp_path)["dependencies"] == {"@scope/tool": "^3.1.0", "express": "^4.21.0"}


def test_the_only_feature_becomes_the_default_export(tmp_path: Path) -> None:
    made = (
        "const toolPlugin = backendPluginApi.createBackendPlugin({});\n"
        "exports.toolPlugin = toolPlugin;\nexports.helper = 1;\n"
    )
    unpacked(tmp_path, {"dist/index.cjs.js": made, "dist/index.cjs.js.map": "{}"})
    normalised(tmp_path)
    text = (tmp_path / "dist/index.cjs.js").read_text(encoding="utf-8")
    assert text.endswith("\nmodule.exports.default = exports.toolPlugin;\n")


@pytest.mark.parametrize(
    ("wanted", "last"),
    [
        ("two", "module.exports.default = exports.two;\n"),
        ("./alpha#default", 'module.exports.default = require("./alpha.cjs.js").default;\n'),
    ],
)
def test_of_several_features_one_has_to_be_chosen(tmp_path: Path, wanted: str, last: str) -> None:
    both = (
        "var plugin = require('./plugin.cjs.js');\n"
        "exports.one = plugin.one;\nexports.two = plugin.two;\n"
    )
    plugin = "const one = x.createBackendPlugin({});\nconst two = (0, y.createBackendModule)({});\n"
    unpacked(
        tmp_path,
        {
            "dist/index.cjs.js": both,
            "dist/plugin.cjs.js": plugin,
            "dist/alpha.cjs.js": "exports.default = z;",
        },
        exports={".": "./dist/index.cjs.js", "./alpha": "./dist/alpha.cjs.js"},
    )
    document = (tmp_path / "package.json").read_text(encoding="utf-8")
    with pytest.raises(SourceError, match="several that could be it") as caught:
        normalised(tmp_path)
    assert caught.value.found == "one, two, ./alpha#default"
    assert "--package-feature one" in (caught.value.hint or "")
    with pytest.raises(SourceError, match="no such export"):
        normalised(tmp_path, feature="three")
    assert (tmp_path / "package.json").read_text(encoding="utf-8") == document
    normalised(tmp_path, feature=wanted)
    assert (tmp_path / "dist/index.cjs.js").read_text(encoding="utf-8").endswith(last)


ESBUILD = """\
__export(index_exports, {
  helper: () => helper,
  toolPlugin: () => toolPlugin
});
module.exports = __toCommonJS(index_exports);
var toolPlugin = (0, import_api.createBackendPlugin)({});
"""
TSC = """\
exports.toolPlugin = exports.helper = void 0;
exports.toolPlugin = (0, api_1.createBackendPlugin)({});
"""
TSC_OF_A_FILE = """\
var plugin_1 = require("./plugin");
Object.defineProperty(exports, "toolPlugin", { enumerable: true, get: function () {} });
const toolPlugin = x.createBackendPlugin({});
"""
NOT_A_FEATURE = """\
async function createRouter(options) {}
const toolPlugin = x.createBackendPlugin({});
exports.default = createRouter;
exports.toolPlugin = toolPlugin;
"""
RENAMED = "const x = api.createBackendPlugin({});\nexports.toolPlugin = x;\n"


@pytest.mark.parametrize("script", [ESBUILD, TSC, TSC_OF_A_FILE, NOT_A_FEATURE, RENAMED])
def test_features_are_found_as_each_compiler_writes_exports(tmp_path: Path, script: str) -> None:
    unpacked(tmp_path, {"dist/index.cjs.js": script})
    normalised(tmp_path)
    text = (tmp_path / "dist/index.cjs.js").read_text(encoding="utf-8")
    assert text.endswith("\nmodule.exports.default = exports.toolPlugin;\n")


@pytest.mark.parametrize(
    "script",
    [
        f"{NOT_A_FEATURE}const createRouter2 = 1;\n".replace(
            "default = createRouter", "default = other.default"
        ),
        "function createRouter() {}\nexports.default = createRouter;\n",
        "module.exports = require('./bundle.js');\n",
        "exports.dynamicPluginInstaller = { kind: 'new' };\nexports.a = b;\n",
    ],
)
def test_what_may_be_right_is_left_to_who_loads_it(tmp_path: Path, script: str) -> None:
    unpacked(tmp_path, {"dist/index.cjs.js": script})
    normalised(tmp_path)
    assert (tmp_path / "dist/index.cjs.js").read_text(encoding="utf-8") == script


def test_common_js_beside_modules_stays_common_js(tmp_path: Path) -> None:
    unpacked(
        tmp_path,
        {"dist/index.cjs": FEATURE, "dist/index.js": "export default 1;\n"},
        type="module",
        main=None,
        exports={".": {"import": "./dist/index.js", "require": "./dist/index.cjs"}},
    )
    made = normalised(tmp_path)
    assert (made["main"], made["type"]) == ("dist/index.cjs.js", "commonjs")
    shim = (tmp_path / "dist/index.cjs.js").read_text(encoding="utf-8")
    assert 'require("./index.cjs")' in shim


def test_ranges_of_a_catalog_that_leaked_are_the_portals(tmp_path: Path) -> None:
    unpacked(
        tmp_path,
        {"dist/index.cjs.js": FEATURE},
        dependencies={"express": "catalog:", "other": "catalog:react18"},
    )
    assert normalised(tmp_path)["dependencies"] == {"express": "^4.21.0", "other": "*"}


@pytest.mark.parametrize(
    "file", ["dist/x.test.js", "dist/__tests__/x.js", "jest.config.js", "src/x.stories.mjs"]
)
def test_what_was_published_by_the_way_needs_nothing(tmp_path: Path, file: str) -> None:
    unpacked(
        tmp_path,
        {"dist/index.cjs.js": FEATURE, file: "require('tool');\n"},
        devDependencies={"tool": "^1.0.0"},
    )
    assert "dependencies" not in normalised(tmp_path)


def test_a_plugin_of_the_old_backend_system_is_refused_with_a_way_out(tmp_path: Path) -> None:
    unpacked(tmp_path, {"dist/index.cjs.js": "exports.createRouter = createRouter;"})
    with pytest.raises(SourceError, match="no plugin of the new backend system") as caught:
        normalised(tmp_path)
    assert "createRouter" in (caught.value.found or "")


def test_a_frontend_is_bundled_from_what_was_published(tmp_path: Path) -> None:
    unpacked(
        tmp_path,
        {
            "dist/index.esm.js": "export { a } from './a.esm.js';\n",
            "dist/a.esm.js": "export const a = 1;\n",
            "dist/alpha.esm.js": "const x = 1;\nexport { x as default };\n",
            "dist/index.d.ts": "export declare const a: number;\n",
            "dist/alpha.d.ts": "declare const _default: 1;\nexport default _default;\n",
            "src/index.ts": "not needed",
        },
        backstage=FRONTEND,
        main="dist/index.esm.js",
        types="dist/index.d.ts",
        sideEffects=["dist/style.css", "*.css"],
        exports={
            ".": {"import": "./dist/index.esm.js", "types": "./dist/index.d.ts"},
            "./alpha": {"import": {"types": "./dist/alpha.d.ts", "default": "./dist/alpha.esm.js"}},
        },
        peerDependencies={"react": "^17 || ^18", "lodash": "^4"},
    )
    made = normalised(tmp_path)
    assert made["main"] == made["types"] == "src/index.ts"
    assert made["exports"]["./alpha"] == "./src/alpha.ts"
    assert made["publishConfig"] == {"main": "dist/index.esm.js", "types": "dist/index.d.ts"}
    assert made["sideEffects"] == ["./src/style.css", "*.css"]
    read = {file.name: file.read_text(encoding="utf-8") for file in (tmp_path / "src").iterdir()}
    assert read["index.ts"] == 'export * from "./index.esm.js";\n'
    assert 'export { default } from "./alpha.esm.js";' in read["alpha.ts"]
    assert read["alpha.esm.d.ts"] == read["alpha.d.ts"]
    assert not (tmp_path / "dist").exists()


def test_a_script_is_never_called_like_its_shim(tmp_path: Path) -> None:
    unpacked(
        tmp_path,
        {"dist/index.js": "export default 1;"},
        backstage=FRONTEND,
        main="./dist/index.js",
    )
    normalised(tmp_path)
    shim = (tmp_path / "src/index.ts").read_text(encoding="utf-8")
    assert '"./index.published.js"' in shim
    assert sorted(each.name for each in (tmp_path / "src").iterdir()) == [
        "index.published.js",
        "index.ts",
    ]


def test_a_scalprum_configuration_names_files_that_are_there(tmp_path: Path) -> None:
    unpacked(
        tmp_path,
        {"dist/index.esm.js": "", "dist/alpha.esm.js": "", "dist/other.esm.js": ""},
        backstage=FRONTEND,
        main="dist/index.esm.js",
        exports={".": "./dist/index.esm.js", "./alpha": "./dist/alpha.esm.js"},
        scalprum={
            "name": "acme.plugin-x",
            "exposedModules": {
                "PluginRoot": "./src/index.ts",
                "Other": "./src/pages/other.tsx",
                "Alpha": "./src/entry-for-alpha.ts",
                "Gone": "./src/gone.ts",
                "Out": "../../etc/passwd",
            },
        },
    )
    assert normalised(tmp_path)["scalprum"] == {
        "name": "acme.plugin-x",
        "exposedModules": {
            "PluginRoot": "./src/index.ts",
            "Other": "./src/other.esm.js",
            "Alpha": "./src/alpha.ts",
        },
    }


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"name": "@acme/other"}, "not what its registry calls it"),
        ({"version": "9.9.9"}, "not what its registry calls it"),
        ({"backstage": {"role": "common-library"}}, "not a plugin that can be made dynamic"),
        ({"backstage": {"role": ["x"]}}, "not a plugin that can be made dynamic"),
        ({"backstage": "backend-plugin"}, "not a plugin that can be made dynamic"),
        ({"dependencies": ["express"]}, "cannot be used"),
        ({"dependencies": {"express": 4}}, "cannot be used"),
        ({"dependencies": {"../../x": "1.0.0"}}, "cannot be used"),
        ({"main": "../../../etc/passwd"}, ""),
        ({"main": {"x": 1}}, ""),
    ],
)
def test_fields_of_the_wrong_kind_are_refused_or_ignored(
    tmp_path: Path, fields: dict[str, Any], problem: str
) -> None:
    unpacked(tmp_path, {"dist/index.cjs.js": FEATURE}, **fields)
    if problem:
        with pytest.raises(SourceError, match=problem) as caught:
            normalised(tmp_path)
        assert caught.value.expected
    else:
        assert normalised(tmp_path)["main"] == "dist/index.cjs.js"


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["./dist/index.cjs.js", "../x", "/etc/passwd", "./dist/alpha.cjs.js", "\0"])
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([".", "./alpha", "./a/b", "require", "import", "types", "../x", "name"])
            | st.text(max_size=6),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
_FIELDS = (
    "main", "module", "types", "exports", "type", "files", "sideEffects", "scalprum", "scripts",
    "dependencies", "peerDependencies", "peerDependenciesMeta", "optionalDependencies",
    "devDependencies", "publishConfig",
)  # fmt: skip


@settings(deadline=None, max_examples=examples(400))
@given(
    st.dictionaries(st.sampled_from(_FIELDS), values, max_size=6),
    st.sampled_from(["backend-plugin", "frontend-plugin", "backend-plugin-module"]),
)
def test_whatever_a_package_json_holds(
    tmp_path_factory: pytest.TempPathFactory, fields: dict[str, Any], role: str
) -> None:
    folder = tmp_path_factory.mktemp("package", numbered=True)
    files = {"dist/index.cjs.js": FEATURE, "dist/alpha.cjs.js": FEATURE}
    unpacked(folder, files, **{**fields, "backstage": {"role": role}})
    with contextlib.suppress(FactoryError):
        made = normalised(folder)
        main = folder / made["main"]
        assert main.resolve().is_relative_to(folder.resolve())
        assert main.is_file()
        mounts = made.get("exports", {})
        assert all(isinstance(file, str) and file.count("/") <= 2 for file in mounts.values())
        assert not made.keys() & {"scripts", "devDependencies", "workspaces"}
        assert (made["name"], made["version"]) == (NAME, VERSION)
        json.dumps(made)


def test_scripts_of_named_packages_are_allowed_in_yarns_words(tmp_path: Path) -> None:
    scripts = parse_allowed_scripts(["better-sqlite3, @acme/plugin-x", "isolated-vm"])
    plugin = tmp_path / "plugin"
    unpacked(
        plugin,
        {"dist/index.cjs.js": FEATURE},
        scripts={"postinstall": "node made.js", "prepack": "evil", "build": "evil"},
        dependenciesMeta={"evil": {"built": True}},
    )
    manifest = read_published_manifest(plugin, name=NAME, version=VERSION)
    needed = settle_dependencies(manifest, find_imports(plugin), HOST)
    normalise_package(plugin, manifest, needed, scripts=scripts)
    write_workspace(tmp_path, manifest, needed, scripts=scripts)
    built = {"built": True}
    allowed = {"@acme/plugin-x": built, "better-sqlite3": built, "isolated-vm": built}
    made = json.loads((plugin / "package.json").read_text(encoding="utf-8"))
    assert made["scripts"] == {"postinstall": "node made.js"}
    assert made["dependenciesMeta"] == allowed
    root = json.loads((tmp_path / "package.json").read_text(encoding="utf-8"))
    assert root["dependenciesMeta"] == allowed
    assert "enableScripts: false\n" in (tmp_path / ".yarnrc.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize(("texts", "enabled"), [((), "false"), (("*",), "true")])
def test_all_scripts_are_allowed_by_an_asterisk(
    tmp_path: Path, texts: tuple[str, ...], enabled: str
) -> None:
    plugin = tmp_path / "plugin"
    unpacked(plugin, {"dist/index.cjs.js": FEATURE}, scripts={"postinstall": "node made.js"})
    manifest = read_published_manifest(plugin, name=NAME, version=VERSION)
    needed = settle_dependencies(manifest, find_imports(plugin), HOST)
    scripts = parse_allowed_scripts(texts)
    normalise_package(plugin, manifest, needed, scripts=scripts)
    write_workspace(tmp_path, manifest, needed, scripts=scripts)
    settings = (tmp_path / ".yarnrc.yml").read_text(encoding="utf-8")
    assert f"enableScripts: {enabled}\n" in settings
    made = json.loads((plugin / "package.json").read_text(encoding="utf-8"))
    assert ("scripts" in made) is (enabled == "true")
    assert "dependenciesMeta" not in made


@pytest.mark.parametrize("name", ["../x", "a b", "@x", "**", "x\0"])
def test_scripts_are_allowed_to_packages_only(name: str) -> None:
    with pytest.raises(ConfigurationError, match="not the name of a package"):
        parse_allowed_scripts([name])


@pytest.mark.parametrize(
    ("files", "packed"),
    [
        (["lib", 7], ["lib", "dist"]),
        (["dist", "config.d.ts"], ["dist", "config.d.ts"]),
        (None, ["config.d.ts", "lib", "dist"]),
    ],
)
def test_everything_that_was_published_is_packed(
    tmp_path: Path, files: list[object] | None, packed: list[str]
) -> None:
    unpacked(
        tmp_path,
        {"lib/index.js": FEATURE, "config.d.ts": ""},
        main="lib/index.js",
        **({"files": files} if files else {}),
    )
    assert normalised(tmp_path)["files"] == packed
