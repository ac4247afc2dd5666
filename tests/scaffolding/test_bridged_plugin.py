"""The example's frontend, bridged, built for a portal of the new system, and tried in one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.portal import kept_node
from tests.command_line import ROOT, Ended, run_factory

if TYPE_CHECKING:
    from collections.abc import Mapping

EXAMPLE = ROOT / "examples/local-workspace"
WORKSPACE = ROOT / "tests/bridged_workspace"
PLUGIN = "plugins/greetings"
PORTAL = ("--host", "backstage-1.53")
# All that can be translated, in one configuration.
MORE = """
dynamicPlugins:
  frontend:
    plugin-factory-example.greetings:
      dynamicRoutes:
        - path: /greetings
          importName: GreetingsPage
          menuItem: {icon: chat, text: Greetings of the portal}
        - path: /greetings/card
          module: GreetingsCard
          importName: GreetingsCard
          config: {props: {name: "it's \\"me\\""}}
      entityTabs:
        - {path: /greetings, title: Greetings, mountPoint: entity.page.greetings}
        - {path: /one, title: One, mountPoint: entity.page.one}
      mountPoints:
        - mountPoint: entity.page.overview/cards
          importName: GreetingsCard
          config: {if: {oneOf: [{isType: service}, {hasAnnotation: acme/greets}]}}
        - mountPoint: entity.page.one/cards
          importName: GreetingsCard
        - mountPoint: entity.page.greetings/cards
          importName: GreetingsCard
          config: {layout: {gridColumn: span 4}, if: {allOf: [{isKind: component}]}}
        - mountPoint: entity.page.greetings/cards
          importName: GreetingsPage
          config: {if: {anyOf: [{isKind: [api, system]}, greetsPeople]}}
        - {mountPoint: application/listener, importName: GreetingsListener}
      apiFactories:
        - {importName: greetingsFactory}
        - {importName: anotherFactory}
"""
MORE_EXPORTS = """
import {
  createApiFactory,
  createApiRef,
  discoveryApiRef,
  useApi,
} from '@backstage/core-plugin-api';
import { greetingsApiRef } from './api/GreetingsApi';

export const greetsPeople = (entity: { kind: string }, _context: unknown) =>
  entity.kind === 'Component';
export const greetingsFactory = createApiFactory(greetingsApiRef, {
  greet: async () => [],
});
const anotherApiRef = createApiRef<{ wave(): string }>({
  id: 'plugin.greetings.another',
});
export const anotherFactory = createApiFactory({
  api: anotherApiRef,
  deps: { discovery: discoveryApiRef },
  factory: () => ({ wave: () => 'Another waves' }),
});
export const GreetingsListener = () => <p>{useApi(anotherApiRef).wave()}</p>;
"""
EXTENSIONS = [
    "page:greetings/greetings",
    "page:greetings/greetings-2",
    "entity-card:greetings/greetings",
    "entity-content:greetings/greetings",
    "entity-content:greetings/greetings-2",
    "app-root-element:greetings/greetings-listener",
    "api:greetings/plugin.greetings.service",
    "api:greetings/plugin.greetings.another",
]
# In the place of the example's own backend, which other tests build and load.
BACKEND = """
const { coreServices, createBackendPlugin } = require('@backstage/backend-plugin-api');

exports.default = createBackendPlugin({
  pluginId: 'greetings',
  register(env) {
    env.registerInit({
      deps: { router: coreServices.httpRouter },
      async init({ router }) {
        const routes = require('express').Router();
        routes.get('/greetings', ({ query }, response) =>
          response.json({ greetings: [{ language: 'fi', text: `Hei, ${query.name}!` }] }));
        router.use(routes);
      },
    });
  },
});
"""
BACKEND_PACKAGE = {
    "name": "@acme/greetings-backend-dynamic",
    "version": "1.0.0",
    "main": "dist/index.cjs.js",
    "backstage": {"role": "backend-plugin"},
}


@pytest.fixture(scope="module")
def outputs(process: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is built of the example's frontend in a workspace of newer packages, with its bridge."""
    folder = tmp_path_factory.mktemp("bridged")
    config, source = folder / "config", folder / "upstream"
    shutil.copytree(WORKSPACE, source)
    for name in (PLUGIN, f"{PLUGIN}-common"):
        shutil.copytree(EXAMPLE / "workspace" / name / "src", source / name / "src")
    (source / PLUGIN / "src/more.tsx").write_text(MORE_EXPORTS, encoding="utf-8")
    with (source / PLUGIN / "src/index.ts").open("a", encoding="utf-8") as index:
        index.write("export * from './more';\n")
    shutil.copytree(EXAMPLE / PLUGIN, config / PLUGIN)
    (config / PLUGIN / "app-config.dynamic.yaml").write_text(MORE, encoding="utf-8")
    (config / "plugins-list.yaml").write_text(f"{PLUGIN}:\n", encoding="utf-8")
    of_source = json.dumps({"repo": "../upstream", "workspace-path": "."})
    (config / "source.json").write_text(of_source, encoding="utf-8")

    for words in (
        ("bridge", source, "--config-dir", config, *PORTAL),
        ("build", "--config-dir", config, "--repo-path", folder / "work",
         "--output-dir", folder / "outputs", "--node", kept_node(process).version, *PORTAL),
    ):  # fmt: skip
        ended = run_factory(process, *words)
        assert ended.code == 0, ended.said
    return folder / "outputs"


def _tried(process: Mapping[str, str], *words: str | Path) -> tuple[Ended, dict[str, Any]]:
    ended = run_factory(process, "try", *words, "--json")
    assert ended.stdout, ended.said
    document: dict[str, Any] = json.loads(ended.stdout)
    return ended, document


def test_a_bridged_plugin_shows_in_a_real_portal_of_the_new_system(
    process: dict[str, str], outputs: Path, tmp_path: Path
) -> None:
    backend = tmp_path / "greetings-backend"
    (backend / "dist").mkdir(parents=True)
    (backend / "package.json").write_text(json.dumps(BACKEND_PACKAGE), encoding="utf-8")
    (backend / "dist/index.cjs.js").write_text(BACKEND, encoding="utf-8")

    ended, document = _tried(process, outputs, backend)

    shown = document["plugins"][0]
    assert (shown["state"], shown["why"]) == ("shown", ""), ended.said
    assert set(EXTENSIONS) <= set(shown["extensions"])
    texts = {page["path"]: page["text"] for page in shown["pages"]}
    entity = "/catalog/default/component/sample-service"
    assert sorted(texts) == [
        *(entity, f"{entity}/greetings", f"{entity}/one"),
        *("/greetings", "/greetings/card"),
    ]
    # Its two tabs, and its card among those of the overview.
    for words in ("Overview Greetings One", "From the greetings backend"):
        assert words in texts[entity]
    for tab in ("greetings", "one"):
        assert "From the greetings backend Hei, world!" in texts[f"{entity}/{tab}"]
    page = texts["/greetings"]
    # Its own header, what its API gets of the backend, its menu item, and what is beside all pages.
    for words in ("In every language that we know", "Hei, world!", "Greetings of the portal"):
        assert words in page
    assert "Another waves" in page
    assert 'Hei, it\'s "me"!' in texts["/greetings/card"]
    assert ended.code == 0


def test_its_extensions_are_known_from_what_is_built(
    process: dict[str, str], outputs: Path, tmp_path: Path
) -> None:
    built = shutil.copytree(outputs, tmp_path / "outputs")
    config = next(built.glob("*.app-config.dynamic.yaml"))
    written = config.read_text(encoding="utf-8")
    listed = "".join(f"    - {one}\n" for one in EXTENSIONS)
    config.write_text(f"{written}app:\n  extensions:\n{listed}", encoding="utf-8")
    verified = run_factory(process, "verify", built, "--shows-in", "new")
    assert verified.code == 0, verified.said
    wrong = "entity-card:greetings/greeting"
    config.write_text(f"app: {{extensions: ['{wrong}']}}\n", encoding="utf-8")
    refused = run_factory(process, "verify", built)
    assert refused.code == 14
    refused.assert_says(f'no extension has the id "{wrong}"', f"expected: {wrong}s")
