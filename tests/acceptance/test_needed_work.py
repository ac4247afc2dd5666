"""What no plugin and no portal needs is not done, and what is done is the same as ever."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from .example_builds import ITS_RHDH_CLI, SCALPRUM_ALONE, Built, Tree, packed_files

BACKEND, FRONTEND = "plugins/greetings-backend", "plugins/greetings"
APP = "packages/app"
_ENTRY = f"""\
"@plugin-factory-example/app@workspace:{APP}":
  version: 0.0.0-use.local
  resolution: "@plugin-factory-example/app@workspace:{APP}"
  languageName: unknown
  linkType: soft

"""


def add_demo_app(workspace: Path) -> None:
    """Add what workspaces have to show their plugins: here, one that does not compile."""
    source = workspace / APP / "src/index.ts"
    source.parent.mkdir(parents=True)
    source.write_text("export const port: number = 'none';\n")
    name = "@plugin-factory-example/app"
    (workspace / APP / "package.json").write_text(json.dumps({"name": name, "private": True}))
    root = workspace / "package.json"
    manifest = json.loads(root.read_text())
    manifest["workspaces"]["packages"].append("packages/*")
    root.write_text(json.dumps(manifest, indent=2) + "\n")
    settings = workspace / "tsconfig.json"
    text = settings.read_text()
    settings.write_text(text.replace('"plugins/*/src"', '"packages/*/src", "plugins/*/src"'))
    lockfile = workspace / "yarn.lock"
    before, scope, after = lockfile.read_text().partition('"@plugin-factory-example/')
    lockfile.write_text(before + _ENTRY + scope + after)


def find_minified(source: Path) -> set[str]:
    """The names of what is kept of what Terser has made."""
    return {file.name for file in source.glob("node_modules/.plugin-factory/*/.minified/*")}


def test_a_demo_app_is_not_compiled_and_the_plugin_has_the_same_bytes(
    built: Built, tree: Tree
) -> None:
    tree.compile_anew()
    add_demo_app(tree.source)
    shutil.rmtree(tree.source / "dist-types")
    tree.list_plugins(BACKEND)
    ended = tree.build()
    assert ended.code == 0, ended.said
    assert "without 3 packages that no plugin needs" in ended.said
    assert "TypeScript" not in ended.said
    assert not (tree.source / "dist-types" / APP).exists()
    assert not (tree.source / "tsconfig.plugin-factory.json").exists()
    (made,) = tree.outputs.glob("*.tgz")
    assert made.read_bytes() == built.tgz(BACKEND).read_bytes()


def test_for_a_portal_of_scalprum_alone_there_is_scalprum_alone_and_it_is_the_same(
    built: Built, worn_tree: Tree
) -> None:
    worn_tree.compile_anew()
    worn_tree.list_plugins(FRONTEND)
    ended = worn_tree.build(*SCALPRUM_ALONE, **ITS_RHDH_CLI)
    assert ended.code == 0, ended.said
    (made,) = worn_tree.outputs.glob("*.tgz")
    files, both = packed_files(made), packed_files(built.tgz(FRONTEND))
    scalprum = {name: each for name, each in both.items() if "/dist-scalprum/" in name}
    assert {name: each for name, each in files.items() if "/dist-scalprum/" in name} == scalprum
    assert scalprum
    # What Terser was given is the same, to the letter: it was not asked again.
    minified = find_minified(worn_tree.source)
    assert minified == find_minified(built.source)
    assert len(minified) > 100
    assert "package/dist/mf-manifest.json" in both
    assert not [name for name in files if "remoteEntry" in name or "mf-manifest" in name]
