"""What changes the key of a plugin, and what does not."""

from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from factory.cache.inputs import PluginToName, workspace_inputs
from factory.cache.key import explain, plugin_key
from factory.config.environment import Environment
from factory.engines import Engine

from .workspaces import BACKEND, FRONTEND, NO_VARIABLES, TOOLS, Checkout, new_checkout

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return new_checkout(tmp_path / "checkout")


def make_executable(checkout: Checkout) -> None:
    (checkout.workspace / BACKEND / "src/router.ts").chmod(0o755)


def turn_into_link(checkout: Checkout) -> None:
    file = checkout.workspace / BACKEND / "src/router.ts"
    file.unlink()
    file.symlink_to("plugin.ts")


def rename(checkout: Checkout) -> None:
    folder = checkout.workspace / BACKEND / "src"
    (folder / "router.ts").rename(folder / "routes.ts")


COVERED: dict[str, Callable[[Checkout], object]] = {
    "its source": lambda c: c.write(f"{BACKEND}/src/router.ts", "export {};\n"),
    "a new file": lambda c: c.write(f"{BACKEND}/src/new.ts", "export {};\n"),
    "a file less": lambda c: (c.workspace / BACKEND / "src/router.ts").unlink(),
    "a file's name": rename,
    "an executable bit": make_executable,
    "a link in a file's place": turn_into_link,
    "its package.json": lambda c: c.replace_in(f"{BACKEND}/package.json", '"0.1.0"', '"0.2.0"'),
    "its config schema": lambda c: c.write(f"{BACKEND}/config.d.ts", "export {};\n"),
    "its README, which is packed": lambda c: c.write(f"{BACKEND}/README.md", "# Greetings\n"),
    "its hidden files": lambda c: c.write(f"{BACKEND}/.babelrc", "{}\n"),
    "a package that it depends on": lambda c: c.write(
        "plugins/greetings-common/src/types.ts", "export {};\n"
    ),
    "a package that this one depends on": lambda c: c.write(
        "plugins/greetings-node/src/index.ts", "export {};\n"
    ),
    "the workspace's package.json": lambda c: c.replace_in("package.json", "{", '{ "a": 1,'),
    "tsconfig.json": lambda c: c.replace_in("tsconfig.json", "{", '{ "a": 1,'),
    "yarn's settings": lambda c: c.write(".yarnrc.yml", "nodeLinker: pnpm\n"),
    "the Backstage version": lambda c: c.write("backstage.json", '{"version": "1.0.0"}\n'),
    "an app-config at the root": lambda c: c.write("app-config.yaml", "app: {}\n"),
    "patches for a postinstall script": lambda c: c.write("patches/jose+5.patch", "--- a\n"),
    "a patch of yarn's": lambda c: c.write(".yarn/patches/jose.patch", "--- a\n"),
    "a plugin of yarn's": lambda c: c.write(".yarn/plugins/own.cjs", "module.exports = {};\n"),
    "yarn itself": lambda c: c.write(".yarn/releases/yarn-4.12.0.cjs", "\n"),
    "the repository's package.json": lambda c: c.write("../../package.json", "{}\n"),
    "the repository's yarn settings": lambda c: c.write("../../.yarnrc.yml", "a: b\n"),
    "a locked version below it": lambda c: c.replace_in(
        "yarn.lock", 'resolution: "zod@npm:', 'resolution: "zod@npm:9'
    ),
}
NOT_COVERED: dict[str, Callable[[Checkout], object]] = {
    "the workspace's README": lambda c: c.write("README.md", "# Another\n"),
    "the workspace's licence": lambda c: c.write("LICENSE", "Another\n"),
    "documents": lambda c: c.write("docs/index.md", "# Another\n"),
    "changesets": lambda c: c.write(".changeset/new.md", "---\n"),
    "a workflow": lambda c: c.write(".github/workflows/ci.yml", "on: push\n"),
    "the repository's README": lambda c: c.write("../../README.md", "# Another\n"),
    "another workspace": lambda c: c.write("../other/package.json", "{}\n"),
    "a plugin that it does not depend on": lambda c: c.write(
        f"{FRONTEND}/src/index.ts", "export {};\n"
    ),
    "a new plugin": lambda c: c.write("plugins/new/package.json", '{"name": "new"}\n'),
    "what was installed": lambda c: c.write("node_modules/jose/index.js", "\n"),
    "what was installed in it": lambda c: c.write(f"{BACKEND}/node_modules/a/index.js", "\n"),
    "what was compiled": lambda c: c.write(f"{BACKEND}/dist/index.cjs.js", "\n"),
    "what was exported": lambda c: c.write(f"{BACKEND}/dist-dynamic/package.json", "{}"),
    "types of a build": lambda c: c.write("dist-types/plugins/a.d.ts", "\n"),
    "tsc's notes": lambda c: c.write(f"{BACKEND}/tsconfig.tsbuildinfo", "{}"),
    "yarn's cache": lambda c: c.write(".yarn/cache/jose.zip", "\n"),
    "git's own files": lambda c: c.write("../../.git/HEAD", "ref: refs/heads/other\n"),
    "an empty folder": lambda c: (c.workspace / BACKEND / "src/empty").mkdir(),
    "times": lambda c: os.utime(c.workspace / BACKEND / "src/router.ts", (1, 1)),
    "a locked package of nobody": lambda c: c.write(
        "yarn.lock",
        (c.workspace / "yarn.lock").read_text()
        + '\n"nobodys@npm:^1.0.0":\n  version: 1.0.0\n  resolution: "nobodys@npm:1.0.0"\n'
        "  languageName: node\n  linkType: hard\n",
    ),
    "who else asks for a locked version": lambda c: c.replace_in(
        "yarn.lock", '"zod@npm:', '"zod@npm:^0.0.1, zod@npm:'
    ),
}


@pytest.mark.parametrize("change", COVERED.values(), ids=COVERED.keys())
def test_what_can_change_the_artifact_changes_the_key(
    checkout: Checkout, change: Callable[[Checkout], object]
) -> None:
    before = checkout.inputs()
    change(checkout)
    after = checkout.inputs()
    assert plugin_key(after) != plugin_key(before)
    assert len(explain(before.parts, after.parts)) == 1


@pytest.mark.parametrize("change", NOT_COVERED.values(), ids=NOT_COVERED.keys())
def test_what_cannot_change_the_artifact_leaves_the_key(
    checkout: Checkout, change: Callable[[Checkout], object]
) -> None:
    before = checkout.inputs()
    change(checkout)
    after = checkout.inputs()
    assert explain(before.parts, after.parts) == ()
    assert plugin_key(after) == plugin_key(before)


def test_the_place_of_the_checkout_is_no_part(checkout: Checkout, tmp_path: Path) -> None:
    elsewhere = tmp_path / "another/place"
    shutil.copytree(checkout.root, elsewhere)
    assert Checkout(root=elsewhere).key() == checkout.key()


def test_a_checkout_reached_by_a_link_has_the_same_keys(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(checkout.root)
    assert Checkout(root=tmp_path / "link").key() == checkout.key()


def test_a_workspace_that_is_a_folder_of_a_larger_one(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(checkout.root)
    keys = set()
    for root in (checkout.root, tmp_path / "link"):
        inputs = workspace_inputs(root / "workspaces/example/plugins", root)
        plugin = PluginToName(path="greetings-backend", arguments="")
        keys.add(plugin_key(inputs.of(plugin, tools=TOOLS, environment=NO_VARIABLES)))
    assert keys == {checkout.key()}


def test_many_threads_get_the_same_keys(checkout: Checkout) -> None:
    gathered = workspace_inputs(checkout.workspace, checkout.root)
    paths = [BACKEND, FRONTEND, f"{BACKEND}-module-nordic"] * 8
    alone = {path: checkout.of(path).key() for path in set(paths)}
    with ThreadPoolExecutor(8) as pool:
        keys = pool.map(
            lambda path: plugin_key(
                gathered.of(
                    PluginToName(path=path, arguments=""), tools=TOOLS, environment=NO_VARIABLES
                )
            ),
            paths,
        )
        assert [alone[path] for path in paths] == list(keys)


def test_each_plugin_has_a_key_of_its_own(checkout: Checkout) -> None:
    paths = [BACKEND, FRONTEND, f"{BACKEND}-module-nordic"]
    assert len({checkout.of(path).key() for path in paths}) == 3


def test_what_the_configuration_says(checkout: Checkout, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("a")
    second.write_text("b")
    plugin = PluginToName(path=BACKEND, arguments="")
    plugins = [
        plugin,
        replace(plugin, arguments="--embed-package zod"),
        replace(plugin, scalprum_config=first),
        replace(plugin, scalprum_config=second),
        replace(plugin, app_config=first),
        replace(plugin, supported_versions="1.42.0"),
    ]
    assert len({replace(checkout, plugin=one).key() for one in plugins}) == len(plugins)
    shutil.copyfile(first, tmp_path / "copy")
    copied = replace(plugin, scalprum_config=tmp_path / "copy")
    assert replace(checkout, plugin=copied).key() == replace(checkout, plugin=plugins[2]).key()


@pytest.mark.parametrize("tool", ["node", "yarn", "rhdh_cli", "platform"])
def test_each_tool_counts(checkout: Checkout, tool: str) -> None:
    change: dict[str, Any] = {tool: "another"}
    newer = replace(checkout, tools=replace(TOOLS, **change))
    said = explain(checkout.inputs().parts, newer.inputs().parts)
    assert said == (f"{tool.replace('_', '-')} {getattr(TOOLS, tool)} -> another",)


def test_each_engine_has_its_own_key_and_takes_no_notice_of_the_other(checkout: Checkout) -> None:
    plugin = replace(checkout.plugin, engine={"engine": Engine.BACKSTAGE, "portal": "0123"})
    bundled = replace(checkout, plugin=plugin, tools=replace(TOOLS, bundler="0.1.10+0123"))
    said = explain(checkout.inputs().parts, bundled.inputs().parts)
    assert "engine rhdh -> backstage" in said
    assert bundled.key() == replace(bundled, tools=replace(bundled.tools, rhdh_cli="2.0.0")).key()
    assert bundled.key() != replace(bundled, tools=replace(bundled.tools, bundler="0.2.0")).key()
    other = replace(plugin, engine={"engine": Engine.BACKSTAGE, "portal": "4567"})
    assert bundled.key() != replace(bundled, plugin=other).key()
    assert checkout.key() == replace(checkout, tools=replace(TOOLS, bundler="0.2.0")).key()


def test_for_whom_a_tool_was_chosen_makes_no_difference(checkout: Checkout) -> None:
    asked = replace(checkout, tools=replace(TOOLS, why={"node": "--node 22"}))
    assert asked.key() == checkout.key()


def test_the_computed_release_of_backstage_counts_unless_the_configuration_says_one(
    checkout: Checkout,
) -> None:
    computed = replace(checkout.plugin, computed_backstage="1.42.0")
    said = replace(checkout.plugin, supported_versions="1.43.0")
    both = replace(said, computed_backstage="1.42.0")
    keys = [replace(checkout, plugin=one).key() for one in (computed, said, both)]
    assert checkout.key() not in keys
    assert keys[0] != keys[1] == keys[2]


def test_a_repaired_build_is_of_one_host(checkout: Checkout) -> None:
    inputs = checkout.inputs()
    keys = {plugin_key(one) for one in (inputs, inputs.for_host("a"), inputs.for_host("b"))}
    assert len(keys) == 3


@pytest.mark.parametrize(
    ("variables", "configured", "counts"),
    [
        ({"NODE_OPTIONS": "--openssl-legacy-provider"}, (), True),
        ({"NODE_OPTIONS": "--max-old-space-size=8192"}, (), False),
        ({"NODE_ENV": "production"}, (), True),
        ({"npm_config_before": "2026-01-01"}, (), True),
        ({"npm_config_registry": "https://mirror.example"}, (), False),
        ({"YARN_NPM_REGISTRY_SERVER": "https://mirror.example"}, (), False),
        ({"YARN_UNSAFE_HTTP_WHITELIST": "mirror.example"}, (), False),
        ({"YARN_NODE_LINKER": "pnpm"}, (), True),
        ({"NODE_EXTRA_CA_CERTS": "/etc/ca.pem"}, (), False),
        ({"HOME": "/home/somebody", "PATH": "/opt/bin", "LANG": "fi_FI"}, (), False),
        ({"APP_CONFIG_app_title": "Portal"}, (), False),
        ({"APP_CONFIG_app_title": "Portal"}, ("APP_CONFIG_app_title",), True),
        ({"REGISTRY_PASSWORD": "secret", "NPM_TOKEN": "secret"}, ("NPM_TOKEN",), False),
        ({"RHDH_CLI_VERSION": "1.9.1"}, ("RHDH_CLI_VERSION",), False),
    ],
)
def test_variables(
    checkout: Checkout, variables: dict[str, str], configured: tuple[str, ...], counts: bool
) -> None:
    environment = Environment(variables=variables, configured=frozenset(configured))
    assert (replace(checkout, environment=environment).key() != checkout.key()) == counts


def test_no_value_of_a_variable_is_kept(checkout: Checkout) -> None:
    environment = Environment(variables={"PHRASE": "hush"}, configured=frozenset({"PHRASE"}))
    parts = replace(checkout, environment=environment).inputs().parts
    assert "PHRASE" in parts["variables"]
    assert "hush" not in str(parts)


@pytest.mark.parametrize("arguments", ["--no-build", "'--no-build'"])
def test_what_is_compiled_counts_where_it_is_exported_as_it_is(
    arguments: str, checkout: Checkout
) -> None:
    as_it_is = checkout.of(BACKEND, arguments)
    before = as_it_is.key()
    checkout.write(f"{BACKEND}/dist/index.cjs.js", "exports.a = 1;\n")
    assert as_it_is.key() != before


def test_what_is_compiled_counts_where_package_json_points_at_it(checkout: Checkout) -> None:
    frontend = checkout.of(FRONTEND)
    checkout.replace_in("plugins/greetings-common/package.json", "src/index.ts", "dist/index.js")
    before = frontend.key()
    checkout.write("plugins/greetings-common/dist/index.js", "exports.a = 1;\n")
    assert frontend.key() != before


@pytest.mark.parametrize(
    ("reference", "file"),
    [
        ("../../../shared/words", "shared/words.ts"),
        ("../../../../other/words.json", "../other/words.json"),
        ("../../greetings/src/routes", "plugins/greetings/src/routes.ts"),
        ("../../../docs/words", "docs/words.ts"),
    ],
)
def test_files_outside_of_the_package_that_it_refers_to(
    checkout: Checkout, reference: str, file: str
) -> None:
    checkout.write(file, "export const a = 1;\n")
    checkout.write(f"{BACKEND}/src/router.ts", f"import {{ a }} from '{reference}';\n")
    before = checkout.key()
    checkout.write(file, "export const a = 2;\n")
    assert checkout.key() != before


def test_a_link_out_of_the_package_counts_with_what_it_leads_to(checkout: Checkout) -> None:
    checkout.write("docs/words/one.ts", "export const a = 1;\n")
    (checkout.workspace / BACKEND / "src/words").symlink_to("../../../docs/words")
    before = checkout.key()
    checkout.write("docs/words/one.ts", "export const a = 2;\n")
    assert checkout.key() != before


def test_references_around_in_a_circle_end(checkout: Checkout) -> None:
    checkout.write(f"{BACKEND}/src/router.ts", "import '../../../docs/a'; require('../../..');\n")
    checkout.write("docs/a/index.ts", "import '../b'; import '../../plugins/greetings/src';\n")
    checkout.write("docs/b/index.ts", "import '../a/index'; import '../../../../..';\n")
    sources = checkout.inputs().parts["source"]
    assert {"docs/a", "docs/b", FRONTEND} <= set(sources)


@pytest.mark.parametrize("field", ["devDependencies", "peerDependencies", "optionalDependencies"])
def test_members_that_it_asks_for_in_other_ways_count(checkout: Checkout, field: str) -> None:
    checkout.write(
        "plugins/testing/package.json", '{"name": "testing", "version": "1.0.0", "private": true}\n'
    )
    file = checkout.workspace / BACKEND / "package.json"
    document = json.loads(file.read_text())
    document.setdefault(field, {})["testing"] = "workspace:^"
    file.write_text(json.dumps(document))
    before = checkout.key()
    checkout.write("plugins/testing/index.ts", "export {};\n")
    assert checkout.key() != before


def test_a_member_that_a_package_from_a_registry_has_as_a_peer(checkout: Checkout) -> None:
    checkout.write("plugins/testing/package.json", '{"name": "testing", "version": "1.0.0"}\n')
    text = (checkout.workspace / "yarn.lock").read_text()
    entry = text.partition('resolution: "zod@npm:')[2].partition("\n")[0]
    old = f'  resolution: "zod@npm:{entry}\n'
    assert old in text
    checkout.write(
        "yarn.lock",
        text.replace(old, f'{old}  peerDependencies:\n    testing: "*"\n')
        + '\n"testing@workspace:plugins/testing":\n  version: 0.0.0-use.local\n'
        '  resolution: "testing@workspace:plugins/testing"\n'
        "  languageName: unknown\n  linkType: soft\n",
    )
    before = checkout.key()
    checkout.write("plugins/testing/index.ts", "export {};\n")
    assert checkout.key() != before


def test_a_plugin_that_is_the_workspace_itself(tmp_path: Path) -> None:
    checkout = Checkout(root=tmp_path, plugin=PluginToName(path=".", arguments=""))
    checkout.write(
        "package.json",
        '{"name": "p-backend", "version": "1.0.0", "backstage": {"role": "backend-plugin"}}',
    )
    checkout.write("yarn.lock", '# yarn lockfile v1\n\n\nzod@^1.0.0:\n  version "1.0.0"\n')
    checkout.write("src/index.ts", "export {};\n")
    before = checkout.key()
    checkout.write("src/index.ts", "export const a = 1;\n")
    assert checkout.key() != before


def test_a_changed_lockfile_is_told_by_its_versions(checkout: Checkout) -> None:
    before = checkout.inputs().parts
    text = (checkout.workspace / "yarn.lock").read_text()
    version = text.partition('resolution: "zod@npm:')[2].partition('"')[0]
    checkout.write("yarn.lock", text.replace(f"version: {version}\n", "version: 99.0.0\n"))
    said = explain(before, checkout.inputs().parts)
    assert any(line.startswith("yarn.lock: zod ") and line.endswith("99.0.0") for line in said)


def test_a_lockfile_of_yarn_1(tmp_path: Path) -> None:
    checkout = Checkout(root=tmp_path, plugin=PluginToName(path=".", arguments=""))
    checkout.write(
        "package.json",
        '{"name": "p-backend", "version": "1.0.0", "backstage": {"role": "backend-plugin"},'
        ' "dependencies": {"zod": "^1.0.0"}}',
    )
    lock = '# yarn lockfile v1\n\n\nzod@^1.0.0:\n  version "1.0.0"\n  integrity sha512-a=\n'
    checkout.write("yarn.lock", lock)
    before = checkout.inputs().parts
    checkout.write("yarn.lock", lock + '\nnobodys@^1.0.0:\n  version "1.0.0"\n')
    assert checkout.inputs().parts == before
    checkout.write("yarn.lock", lock.replace("sha512-a=", "sha512-b="))
    assert explain(before, checkout.inputs().parts) == ("yarn.lock: zod 1.0.0 with other contents",)
