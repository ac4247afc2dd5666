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
      deps: {{ router: coreServices.httpRouter, database: coreServices.database }},
      async init({{ router, database }}) {{
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
  pluginId: 'catalog', moduleId: 'notes',
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
        return tried(process_with_node, folder / "root", "--route", "/api/notes/notes")

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
    assert "the plugin catalog, which it extends, is not here" in module["why"]


def test_one_that_does_not_end_its_init_is_told_when_time_is_up(
    process_with_node: dict[str, str], tmp_path: Path
) -> None:
    endless = plugin_folder(tmp_path / "endless", ENDLESS)
    ended, document = tried(process_with_node, endless, "--initialise-within", "2s")
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
