"""A bridged plugin, compiled with the packages of the new frontend system and taken by them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.acceptance.portal import installed_new_system, kept_node
from tests.command_line import ROOT, run_factory

EXAMPLE = ROOT / "examples/local-workspace"
PLUGIN = "plugins/greetings"
COMMON = "@plugin-factory-example/plugin-greetings-common"
# All that can be translated, in one configuration.
MORE = """
dynamicPlugins:
  frontend:
    plugin-factory-example.greetings:
      dynamicRoutes:
        - path: /greetings
          importName: GreetingsPage
          menuItem: {icon: chat, text: Greetings}
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
        - {mountPoint: application/listener, importName: GreetingsCard}
      apiFactories:
        - {importName: greetingsFactory}
        - {importName: anotherFactory}
"""
MORE_EXPORTS = """
import {
  createApiFactory,
  createApiRef,
  discoveryApiRef,
} from '@backstage/core-plugin-api';
import { greetingsApiRef } from './api/GreetingsApi';

export const greetsPeople = (entity: { kind: string }, _context: unknown) =>
  entity.kind === 'Component';
export const greetingsFactory = createApiFactory(greetingsApiRef, {
  greet: async () => [],
});
export const anotherFactory = createApiFactory({
  api: createApiRef<{ wave(): void }>({ id: 'plugin.greetings.another' }),
  deps: { discovery: discoveryApiRef },
  factory: () => ({ wave() {} }),
});
"""
ASK = """
import plugin from './src/alpha';

const taken = process.argv.slice(2).map(id => {
  const { $$type } = plugin.getExtension(id);
  return [id, $$type];
});
console.log(JSON.stringify({ type: plugin.$$type, id: plugin.id ?? plugin.pluginId, taken }));
"""


EXTENSIONS = [
    "page:greetings/greetings",
    "page:greetings/greetings-2",
    "entity-card:greetings/greetings",
    "entity-content:greetings/greetings",
    "entity-content:greetings/greetings-2",
    "app-root-element:greetings/greetings",
    "api:greetings/plugin.greetings.service",
    "api:greetings/plugin.greetings.another",
]


def test_the_new_system_takes_what_is_made_of_the_old(
    process: dict[str, str], tmp_path: Path
) -> None:
    node = kept_node(process)
    packages = installed_new_system(node, process) / "node_modules"
    folder = _bridge_example(tmp_path, process)
    (folder / "node_modules").symlink_to(packages)
    env = {**process, "PATH": f"{node.bin_dir}:{process['PATH']}"}

    def run(*words: str | Path) -> str:
        done = subprocess.run(
            list(map(str, words)), cwd=folder, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("node", packages / "typescript/bin/tsc", "-p", ".")
    run(
        "node", packages / "esbuild/bin/esbuild", "ask.js", "--bundle", "--format=cjs",
        "--platform=node", "--jsx=automatic", "--outfile=asked.cjs", "--loader:.css=empty",
        "--loader:.svg=empty",
    )  # fmt: skip
    said: dict[str, Any] = json.loads(run("node", "asked.cjs", *EXTENSIONS))
    assert said == {
        "type": "@backstage/FrontendPlugin",
        "id": "greetings",
        "taken": [[one, "@backstage/ExtensionDefinition"] for one in EXTENSIONS],
    }


def _bridge_example(folder: Path, process: dict[str, str]) -> Path:
    """The example's frontend with its bridge, and a tsconfig.json that is as strict as can be."""
    config, source = folder / "config", folder / "source"
    shutil.copytree(EXAMPLE, config, ignore=shutil.ignore_patterns("workspace"))
    shutil.copytree(EXAMPLE / "workspace", source)
    plugin = source / PLUGIN
    (config / PLUGIN / "app-config.dynamic.yaml").write_text(MORE, encoding="utf-8")
    (plugin / "src/more.ts").write_text(MORE_EXPORTS, encoding="utf-8")
    with (plugin / "src/index.ts").open("a", encoding="utf-8") as index:
        index.write("export * from './more';\n")
    ended = run_factory(process, "bridge", source, "--config-dir", config, "--host", "rhdh-2.0")
    assert ended.code == 0, ended.said
    shutil.copy(config / PLUGIN / "overlay/src/alpha.tsx", plugin / "src")
    (plugin / "ask.js").write_text(ASK, encoding="utf-8")
    options = {
        "target": "ES2022",
        "lib": ["DOM", "DOM.Iterable", "ES2022"],
        "module": "ESNext",
        "moduleResolution": "bundler",
        "jsx": "react-jsx",
        "strict": True,
        "noUnusedLocals": True,
        "noUnusedParameters": True,
        "skipLibCheck": True,
        "noEmit": True,
        "paths": {COMMON: ["../greetings-common/src/index.ts"]},
    }
    text = json.dumps({"compilerOptions": options, "include": ["src/alpha.tsx"]})
    (plugin / "tsconfig.json").write_text(text, encoding="utf-8")
    return plugin
