"""The bundlers of rhdh-cli are recognised where each release has them, by a real node.

It is the shape of a release that counts here: which package starts which bundler. The bundlers are
stand-ins that write down what they are asked for; that real ones make the same bytes of the same
sources, the acceptance tests say.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from factory.export.bundling import BUNDLE_KINDS, SCRIPTS, bundling_command, find_unknown_bundles
from factory.toolchain.rhdh_cli import RhdhCli
from tests.conftest import KEPT
from tests.toolchain.installed_tools import some_node

FEDERATION, SCALPRUM = BUNDLE_KINDS
ENTRY = "node_modules/@red-hat-developer-hub/cli/dist/index.cjs.js"
BUNDLERS = {
    "@rspack/core/index.js": """
class DefinePlugin { constructor(options) { this.options = options; } }
class CssExtractRspackPlugin extends DefinePlugin {}
const rspack = options => require('../../../record').written(options, 'dist/mf-manifest.json');
Object.assign(rspack, { DefinePlugin });
const Compilation = { PROCESS_ASSETS_STAGE_REPORT: 5000 };
module.exports = { rspack, DefinePlugin, CssExtractRspackPlugin, Compilation, sources: {} };
""",
    "@module-federation/enhanced/rspack.js": """
exports.ModuleFederationPlugin = class {
  constructor(options) { this.exposes = options.exposes; this.dts = options.dts; }
};
""",
    "webpack/index.js": """
module.exports = options =>
  require('../../record').written(options, 'dist-dynamic/dist-scalprum/plugin-manifest.json');
""",
}
RECORD = """
const fs = require('fs'), path = require('path');
exports.written = (asked, file) => {
  const [options] = [asked].flat();
  const { exposes, dts } = options.plugins.find(each => each.exposes) ?? {};
  const said = { ...options.optimization, filename: options.output.filename, exposes, dts };
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, JSON.stringify(said));
};
"""
FEDERATED = """
const path = require('path');
const { rspack } = require('@rspack/core');
const { ModuleFederationPlugin } = require('@module-federation/enhanced/rspack');
exports.start = () => rspack([{
  output: { path: path.resolve('dist'), filename: 'static/[name].[contenthash:8].js' },
  plugins: [new ModuleFederationPlugin({ exposes: { '.': path.resolve('src/index.ts') } })],
}]);
"""
SCALPRUM_BUNDLE = """
const webpack = require('webpack');
exports.start = () => webpack({
  output: {
    path: require('path').resolve('dist-dynamic/dist-scalprum'),
    filename: 'static/[name].[fullhash:8].js',
  },
  plugins: [],
});
"""
# Where each release has what starts the bundler of module federation.
IN_CLI = "@backstage/cli/dist/modules/build/lib/bundler/bundle.cjs.js"  # 1.8 to 1.10.2
IN_MODULE = "@backstage/cli-module-build/dist/lib/bundler/bundle.cjs.js"  # 1.10.3 to 2.0
ELSEWHERE = "@acme/bundles/dist/bundle.cjs.js"


@dataclass(frozen=True)
class Exported:
    """A plugin's folder after its export, and what was not known to be reproducible."""

    folder: Path
    unknown: tuple[object, ...]

    def options(self, file: str) -> dict[str, Any]:
        """What the bundler was asked for."""
        return dict(json.loads((self.folder / file).read_text()))


class Layout:
    """A workspace, and an rhdh-cli with these modules, whose command starts what they export."""

    def __init__(self, folder: Path, process: dict[str, str]) -> None:
        self.folder = folder
        self.process = process
        self.node = some_node(process, KEPT / "tools/node").bin_dir / "node"

    def export(self, modules: Mapping[str, str]) -> Exported:
        cache = self.folder / "cache/9.9.9"
        starts = [f"require({json.dumps(name)}).start?.();" for name in modules]
        files = {
            ENTRY: "\n".join(starts),
            "record.js": RECORD,
            **{f"node_modules/{name}": text for name, text in BUNDLERS.items()},
            **{f"node_modules/{name}": text for name, text in modules.items()},
        }
        for name, text in files.items():
            file = cache / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        plugin = self.folder / "workspace/plugins/a"
        plugin.mkdir(parents=True)
        temporary = self.folder / "tmp"
        temporary.mkdir()
        command = cache / "node_modules/.bin/rhdh-cli"
        command.parent.mkdir()
        command.symlink_to(f"../../{ENTRY}")
        placed, env = bundling_command(
            RhdhCli(version="9.9.9", command=command),
            self.folder / "workspace",
            {**self.process, "TMPDIR": str(temporary)},
            checkpoint=lambda: None,
        )
        assert all((temporary / script).is_file() for script in SCRIPTS)
        subprocess.run([self.node, placed], cwd=plugin, env=env, check=True)
        shipped = plugin / "dist-dynamic/dist"
        shipped.mkdir(parents=True, exist_ok=True)
        made = plugin / "dist/mf-manifest.json"
        if made.exists():
            (shipped / made.name).write_bytes(made.read_bytes())
        return Exported(plugin, find_unknown_bundles(plugin / "dist-dynamic", env))


@pytest.fixture
def layout(process: dict[str, str], tmp_path: Path) -> Layout:
    return Layout(tmp_path, process)


@pytest.mark.parametrize("module", [IN_CLI, IN_MODULE])
def test_both_bundlers_are_made_reproducible_wherever_a_release_has_them(
    module: str, layout: Layout
) -> None:
    scalprum = "@red-hat-developer-hub/cli/dist/lib/bundler/bundlePlugin.cjs.js"
    exported = layout.export({module: FEDERATED, scalprum: SCALPRUM_BUNDLE})
    assert exported.unknown == ()
    federated = exported.options("dist/mf-manifest.json")
    assert federated["moduleIds"] == federated["chunkIds"] == "natural"
    assert "hash" not in federated["filename"]
    assert (federated["exposes"], federated["dts"]) == ({".": "./src/index.ts"}, False)
    webpack = exported.options("dist-dynamic/dist-scalprum/plugin-manifest.json")
    assert webpack["realContentHash"]
    assert webpack["filename"] == "static/[name].[contenthash:8].js"


def test_one_that_is_not_recognised_does_not_hide_behind_the_other(layout: Layout) -> None:
    scalprum = "@red-hat-developer-hub/cli/dist/lib/bundler/bundlePlugin.cjs.js"
    exported = layout.export({ELSEWHERE: FEDERATED, scalprum: SCALPRUM_BUNDLE})
    assert exported.unknown == (FEDERATION,)


def test_rspack_without_the_known_plugin_is_not_taken_for_reproducible(layout: Layout) -> None:
    without = FEDERATED.replace("@module-federation/enhanced/rspack", "./plugin.js")
    own = BUNDLERS["@module-federation/enhanced/rspack.js"]
    exported = layout.export({IN_MODULE: without, f"{Path(IN_MODULE).parent}/plugin.js": own})
    assert exported.unknown == (FEDERATION,)


def test_what_did_not_run_is_not_asked_for(layout: Layout) -> None:
    assert layout.export({IN_MODULE: FEDERATED}).unknown == ()
