"""Install scripts while published plugins are built: whose run, and what is made of them."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from tests.command_line import Ended, run_factory
from tests.export.local_registry import local_registry
from tests.made_once import made_once

from .example_builds import KEPT_TOOLS

if TYPE_CHECKING:
    from pathlib import Path

ENGINES = ("rhdh", "backstage")
PLUGIN = "@acme/plugin-x-backend"
SCRIPT = "node -e \"require('fs').appendFileSync('made.txt', 'ran ')\""
FEATURE = """\
'use strict';
require('compiled');
require('other');
exports.default = { $$type: '@backstage/BackendFeature', version: 'v1', featureType: 'x' };
"""


def build(process: dict[str, str], folder: Path) -> tuple[Path, Ended]:
    """A plugin that allows its own scripts and those of one dependency of two, by each engine."""
    (folder / "cache").mkdir()
    for kind in ("node", "yarn", "rhdh-cli", "cli-module-build"):
        (KEPT_TOOLS / kind).mkdir(parents=True, exist_ok=True)
        (folder / "cache" / kind).symlink_to(KEPT_TOOLS / kind)
    with local_registry() as registry:
        for name in ("compiled", "other"):
            registry.publish(name, "1.0.0", scripts={"postinstall": SCRIPT})
        registry.publish(
            PLUGIN,
            "1.0.0",
            backstage={"role": "backend-plugin"},
            dependencies={"compiled": "^1.0.0", "other": "^1.0.0"},
            scripts={"postinstall": SCRIPT, "prepack": "exit 1"},
            files=["index.js", "made.txt"],
            index_text=FEATURE,
        )
        config = folder / "config"
        config.mkdir()
        (config / ".npmrc").write_text(f"registry={registry.url}\n", encoding="utf-8")
        source = {"package": f"{PLUGIN}@1.0.0", "allow-scripts": [PLUGIN, "compiled"]}
        (config / "source.json").write_text(json.dumps(source), encoding="utf-8")
        left_out = ("npm_config_registry", "NPM_CONFIG_REGISTRY", "http_proxy", "HTTP_PROXY")
        own = {name: value for name, value in process.items() if name not in left_out}
        own["PLUGIN_FACTORY_CACHE_DIR"] = str(folder / "cache")
        for engine in ENGINES:
            words = ("--config-dir", config, "--repo-path", folder / f"source-{engine}")
            outputs = folder / f"outputs-{engine}"
            ended = run_factory(own, "build", *words, "--output-dir", outputs, "--engine", engine)
            if ended.code:
                break
        return folder, ended


@pytest.fixture(scope="session")
def built(process: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the build; nobody may change what is in it."""
    folder, ended = made_once(tmp_path_factory, "scripts", lambda to: build(process, to))
    assert ended.code == 0, ended.said
    return folder


@pytest.mark.parametrize("engine", ENGINES)
def test_scripts_run_where_they_are_allowed_and_nowhere_else(built: Path, engine: str) -> None:
    """In what is installed for the build, and in what is installed into the artifact."""
    modules = built / f"source-{engine}/node_modules"
    assert {file.parent.name for file in modules.glob("*/made.txt")} == {"compiled"}
    (tgz,) = (built / f"outputs-{engine}").glob("*.tgz")
    with tarfile.open(tgz) as archive:
        names = set(archive.getnames())
    assert "package/node_modules/compiled/made.txt" in names
    assert "package/node_modules/other/index.js" in names
    assert "package/node_modules/other/made.txt" not in names


@pytest.mark.parametrize("engine", ENGINES)
def test_the_plugins_own_scripts_are_allowed_by_its_name(built: Path, engine: str) -> None:
    assert (
        (built / f"source-{engine}/plugin/made.txt").read_text(encoding="utf-8").startswith("ran ")
    )
    (tgz,) = (built / f"outputs-{engine}").glob("*.tgz")
    with tarfile.open(tgz) as archive:
        member = archive.extractfile("package/package.json")
        assert member
        manifest = json.load(member)
    assert manifest.get("scripts", {}) == {}


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_published_outside_of_dist_is_packed(built: Path, engine: str) -> None:
    (tgz,) = (built / f"outputs-{engine}").glob("*.tgz")
    with tarfile.open(tgz) as archive:
        assert {"package/index.js", "package/dist/index.cjs.js"} <= set(archive.getnames())
