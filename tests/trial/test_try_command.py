"""Plugins tried in the real Backstage that ``try`` installs: what initialises, and what fails."""

from __future__ import annotations

import json
import re
import signal
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from factory.schemas import find_violation

from ..acceptance.portal import kept_node
from ..command_line import Ended, run_factory, running_factory
from ..made_once import made_once

API = "const { coreServices, createBackendModule, createBackendPlugin } =\n"
API += "  require('@backstage/backend-plugin-api');\n"
# A plugin with a table in its database, two routes without parameters, and one with.
NOTES = f"""{API}
exports.default = createBackendPlugin({{
  pluginId: 'notes',
  register(env) {{
    env.registerInit({{
      deps: {{
        router: coreServices.httpRouter, database: coreServices.database,
        discovery: coreServices.discovery,
      }},
      async init({{ router, database, discovery }}) {{
        // Backstage has started only once this is answered.
        await fetch(`${{await discovery.getBaseUrl('catalog')}}/entities/by-query?limit=0`);
        const client = await database.getClient();
        await client.schema.createTable('notes', table => table.string('text'));
        await client('notes').insert({{ text: process.env.ACME_SECRET ?? 'no secret' }});
        const routes = require('express').Router();
        routes.get('/notes', async (_, response) => response.json(await client('notes').select()));
        routes.get('/broken', (_, response) => response.status(500).end());
        routes.get('/notes/:id', (_, response) => response.status(500).end());
        router.use(routes);
      }},
    }});
  }},
}});
"""
MODULE = f"""{API}
exports.default = createBackendModule({{
  pluginId: 'scaffolder', moduleId: 'notes',
  register(env) {{ env.registerInit({{ deps: {{}}, async init() {{}} }}); }},
}});
"""
FAILING = f"""{API}
exports.default = createBackendPlugin({{
  pluginId: 'failing',
  register(env) {{
    env.registerInit({{
      deps: {{ config: coreServices.rootConfig }},
      async init({{ config }}) {{ config.getString('failing.token'); }},
    }});
  }},
}});
"""
ENDLESS = f"""{API}
exports.default = createBackendPlugin({{
  pluginId: 'endless',
  register(env) {{
    env.registerInit({{ deps: {{}}, init: () => new Promise(() => {{}}) }});
  }},
}});
"""
# A remote of module federation as bundlers make it, but by hand: it takes React from the page, and
# its plugin is what createFrontendPlugin() and PageBlueprint return.
HELLO = """
const scope = {};
globalThis.acme__hello = {
  init(given) { Object.assign(scope, given); },
  async get() {
    const React = (await Object.values(scope.react)[0].get())();
    const value = (id, value) => ({ $$type: '@backstage/ExtensionDataValue', id, value });
    const ref = id => ({ $$type: '@backstage/ExtensionDataRef', id, config: {} });
    const page = {
      $$type: '@backstage/Extension', version: 'v2', id: 'page:hello', disabled: false,
      attachTo: { id: 'app/routes', input: 'routes' }, inputs: {},
      output: [ref('core.routing.path'), ref('core.reactElement')],
      factory: () => [
        value('core.routing.path', '/hello'),
        value('core.reactElement', React.createElement(() => {
          console.error('a word for the console');
          return React.createElement('h1', null, 'Hello from the plugin');
        })),
      ],
    };
    const plugin = {
      $$type: '@backstage/FrontendPlugin', version: 'v1', pluginId: 'hello', id: 'hello',
      routes: {}, externalRoutes: {}, featureFlags: [], extensions: [page],
    };
    return () => ({ default: plugin });
  },
};
"""
MANIFEST = {
    "id": "acme__hello",
    "name": "acme__hello",
    "metaData": {
        "name": "acme__hello",
        "globalName": "acme__hello",
        "publicPath": "auto",
        "buildInfo": {"buildName": "hello", "buildVersion": "1.0.0"},
        "remoteEntry": {"name": "remoteEntry.js", "path": "", "type": "global"},
    },
    "shared": [],
    "remotes": [],
    "exposes": [
        {
            "id": "acme__hello:.",
            "name": ".",
            "path": ".",
            "assets": {"js": {"sync": [], "async": []}, "css": {"sync": [], "async": []}},
        }
    ],
}


def frontend_folder(folder: Path) -> Path:
    """A frontend of the new system, of which the bundle says what it is."""
    features = {".": "@backstage/FrontendPlugin"}
    package = {
        "name": "@acme/hello-dynamic",
        "version": "1.0.0",
        "main": "dist/remoteEntry.js",
        "backstage": {"role": "frontend-plugin", "features": features},
    }
    (folder / "dist").mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps(package), encoding="utf-8")
    (folder / "dist/remoteEntry.js").write_text(HELLO, encoding="utf-8")
    (folder / "dist/mf-manifest.json").write_text(json.dumps(MANIFEST), encoding="utf-8")
    return folder


def plugin_folder(folder: Path, script: str, role: str = "backend-plugin") -> Path:
    """A plugin as rhdh-cli exports it, as small as it can be."""
    (folder / "dist").mkdir(parents=True)
    package = {
        "name": f"@acme/{folder.name}-dynamic",
        "version": "1.0.0",
        "main": "dist/index.cjs.js",
        "backstage": {"role": role},
    }
    (folder / "package.json").write_text(json.dumps(package), encoding="utf-8")
    (folder / "dist/index.cjs.js").write_text(script, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def process_with_node(process: dict[str, str]) -> dict[str, str]:
    kept_node(process)
    return {**process, "ACME_SECRET": "for nobody"}


def tried(process: dict[str, str], *words: str | Path) -> tuple[Ended, dict[str, Any]]:
    ended = run_factory(process, "try", *words, "--json")
    assert ended.stdout, ended.said
    document = json.loads(ended.stdout)
    assert find_violation(document, "trial") is None
    return ended, document


@pytest.fixture(scope="module")
def trial(
    process_with_node: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Ended, dict[str, Any]]:
    def make(folder: Path) -> tuple[Ended, dict[str, Any]]:
        plugin_folder(folder / "root/notes", NOTES)
        plugin_folder(folder / "root/notes-module", MODULE, "backend-plugin-module")
        plugin_folder(folder / "root/failing", FAILING)
        frontend_folder(folder / "root/hello")
        pictures = ("--screenshots", folder / "pictures")
        words = ("--route", "/api/notes/notes", *pictures)
        return tried(process_with_node, folder / "root", *words)

    return made_once(tmp_path_factory, "trial", make)


def test_a_good_backend_initialises_and_its_routes_answer(
    trial: tuple[Ended, dict[str, Any]],
) -> None:
    _, document = trial
    notes = next(one for one in document["plugins"] if one["name"] == "@acme/notes-dynamic")
    assert notes["state"] == "initialised"
    assert notes["features"] == [{"id": "notes", "state": "initialised", "why": ""}]
    routes = [(one["path"], one["status"], one["wanted"]) for one in document["routes"]]
    assert routes == [("/api/notes/notes", 200, True), ("/api/notes/broken", 500, False)]


def test_one_that_fails_in_init_is_told_in_the_words_of_its_error(
    trial: tuple[Ended, dict[str, Any]],
) -> None:
    ended, document = trial
    failing = next(one for one in document["plugins"] if one["name"] == "@acme/failing-dynamic")
    assert failing["state"] == "failed"
    assert "Missing required config value at 'failing.token'" in failing["why"]
    assert "acme-failing-dynamic-1.0.0/dist/index.cjs.js:" in failing["why"]
    assert ended.code == 14
    assert not document["holds"]


def test_a_module_whose_plugin_is_not_here_is_not_held_against_it(
    trial: tuple[Ended, dict[str, Any]],
) -> None:
    _, document = trial
    module = next(one for one in document["plugins"] if one["role"] == "backend-plugin-module")
    assert module["state"] == "not tried"
    assert "the plugin scaffolder, which it extends, is not here" in module["why"]


def test_the_page_of_a_frontend_is_opened_in_a_browser(
    trial: tuple[Ended, dict[str, Any]],
) -> None:
    _, document = trial
    hello = next(one for one in document["plugins"] if one["name"] == "@acme/hello-dynamic")
    assert (hello["state"], hello["why"]) == ("shown", "")
    assert hello["extensions"] == ["page:hello"]
    (page,) = hello["pages"]
    assert page["path"] == "/hello"
    assert "Hello from the plugin" in page["text"]
    assert "a word for the console" in page["errors"]
    assert Path(page["screenshot"]).read_bytes().startswith(b"\x89PNG")


def test_one_that_does_not_end_its_init_is_told_when_time_is_up(
    process_with_node: dict[str, str], tmp_path: Path
) -> None:
    endless = plugin_folder(tmp_path / "endless", ENDLESS)
    ended, document = tried(process_with_node, endless, "--initialise-within", "4s")
    assert ended.code == 14
    assert [one["state"] for one in document["plugins"]] == ["pending"]


def test_one_that_ends_the_process_is_told(
    process_with_node: dict[str, str], tmp_path: Path
) -> None:
    script = "console.error('I am leaving'); process.exit(7);"
    leaving = plugin_folder(tmp_path / "leaving", script)
    ended = run_factory(process_with_node, "try", leaving)
    ended.assert_says("Backstage ended before it had said", "exit code 7", "I am leaving")
    assert ended.code == 14


def test_it_serves_what_is_configured_without_secrets_until_it_is_interrupted(
    process_with_node: dict[str, str], tmp_path: Path
) -> None:
    config = tmp_path / "app-config.yaml"
    config.write_text("failing: {token: there}\n", encoding="utf-8")
    words = (plugin_folder(tmp_path / "notes", NOTES), plugin_folder(tmp_path / "failing", FAILING))
    with running_factory(
        process_with_node, "try", *words, "--app-config", config, "--serve"
    ) as running:
        assert running.stdout
        said: list[str] = []
        while "is served until Ctrl-C" not in (line := running.stdout.readline()):
            assert line, said
            said.append(line)
        address = line.split()[0]
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address)
        states = [line.split() for line in said if line.startswith("  initialised")]
        assert states == [["initialised", "notes"], ["initialised", "failing"]]
        with urllib.request.urlopen(f"{address}/api/notes/notes", timeout=60) as response:
            assert json.load(response) == [{"text": "no secret"}]
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
        assert running.returncode == 130
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(address, timeout=5)
