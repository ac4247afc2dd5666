"""Backstage's own engine on workspaces that build in seconds: what is kept, shared, installed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from factory.toolchain.backstage_bundler import PACKAGE, PINNED
from tests.acceptance.example_builds import KEPT_TOOLS, packed_files
from tests.acceptance.many_workspaces import ALPHA, BETA, SHARED, Platform, link_tools, new_platform
from tests.acceptance.test_backstage_engine import manifest
from tests.command_line import run_factory
from tests.export.local_registry import local_registry
from tests.export.locked_workspaces import workspace

if TYPE_CHECKING:
    from tests.command_line import Ended

ENGINE = ("--engine", "backstage")
PLUGINS = {f"one/{ALPHA}", f"one/{BETA}"}
OWN = "0.1.9"


@pytest.fixture(scope="module")
def platform(process: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Workspaces, and a cache that has no rhdh-cli."""
    tools = ("node", "yarn", "cli-module-build")
    return new_platform(tmp_path_factory.mktemp("bundled"), process, tools)


@pytest.fixture(scope="module")
def first(platform: Platform) -> Ended:
    ended = platform.build("--only", "one", *ENGINE)
    assert ended.code == 0, ended.said
    assert platform.built == PLUGINS
    return ended


def test_of_several_backends_the_workspace_is_packed_once(platform: Platform, first: Ended) -> None:
    logs = {file.name: file.read_text() for file in (platform.outputs / "one/logs").iterdir()}
    packing = [text.count("build-workspace --alwaysPack") for text in logs.values()]
    assert sum(packing) == 1
    exports = [text for name, text in logs.items() if name.endswith(".export.log")]
    assert len(exports) == 2
    assert all("--pre-packed-dir" in text for text in exports)


def test_a_package_of_the_workspace_is_inside_of_the_backend_that_needs_it(
    platform: Platform, first: Ended, tmp_path: Path
) -> None:
    inside = "package/node_modules/@acme/plugin-shared-common/dist/index.cjs.js"
    for path, there in ((ALPHA, True), (BETA, False)):
        tgz = tmp_path / "plugin.tgz"
        tgz.write_bytes(platform.artifact(f"one/{path}"))
        assert (inside in packed_files(tgz)) == there, SHARED
        assert manifest(tgz)["name"].endswith("-dynamic")


def test_no_rhdh_cli_is_installed(platform: Platform, first: Ended) -> None:
    (tools,) = {json.dumps(each["tools"]) for each in platform.report["workspaces"]}
    assert json.loads(tools)["rhdh-cli"] is None
    assert json.loads(tools)["cli-module-build"] == PINNED
    assert not (platform.root / "cache/rhdh-cli").exists()


def test_a_second_build_takes_all_from_the_cache(platform: Platform, first: Ended) -> None:
    before = {name: platform.artifact(name) for name in PLUGINS}
    again = platform.build("--only", "one", *ENGINE)
    assert again.code == 0, again.said
    assert platform.built == set()
    assert {name: platform.artifact(name) for name in PLUGINS} == before


@pytest.mark.parametrize(
    ("engine", "verdict"), [("backstage", "cached"), ("rhdh", "build"), ("backend=rhdh", "build")]
)
def test_another_engine_makes_another_plugin(
    platform: Platform, first: Ended, engine: str, verdict: str
) -> None:
    folders = {
        "--config-dir": platform.config,
        "--repo-path": platform.root / "planned",
        "--output-dir": platform.outputs,
        "--cache-dir": platform.root / "cache",
    }
    words = ["plan", "--json", *(word for pair in folders.items() for word in pair)]
    variables = {**platform.process, "RHDH_CLI_VERSION": "1.9.1"}
    told = run_factory(variables, *words, "--only", "one", "--engine", engine)
    assert told.code == 0, told.said
    (planned,) = json.loads(told.stdout)["workspaces"]
    assert [plugin["verdict"] for plugin in planned["plugins"]] == [verdict] * 2
    why = {plugin["why"] for plugin in planned["plugins"]}
    assert verdict == "cached" or all("engine" in each for each in why), why


def test_a_workspace_that_bundles_by_itself_gets_nothing_installed(
    process: dict[str, str], tmp_path: Path
) -> None:
    """Its own version, here one that hands on to the pinned one, is what bundles."""
    installed = run_factory(process, "tools", "install", *ENGINE)
    assert installed.code == 0, installed.said
    (pinned,) = KEPT_TOOLS.glob(f"cli-module-build/{PINNED}+*/node_modules/{PACKAGE}")
    program = "bin/backstage-cli-module-build"
    cache = tmp_path / "cache"
    link_tools(cache, ("node", "yarn"))
    handing_on = f"process.stderr.write('own\\n');\nrequire({json.dumps(str(pinned / program))});\n"
    with local_registry() as registry:
        registry.publish(PACKAGE, OWN, contents={program: handing_on})
        tree = workspace(
            tmp_path,
            registry,
            process,
            dependencies={},
            members={".": _root({PACKAGE: OWN})},
            files={"plugins/todo-backend/src/index.ts": "export default {};\n"},
        )
        ended = tree.build("own", "", *ENGINE, "--cache-dir", str(cache))
    assert ended.code == 0, ended.said
    report = json.loads((tmp_path / "own/outputs/build-report.json").read_text())
    assert report["tools"]["cli-module-build"] == OWN
    ended.assert_says("the workspace's own")
    assert tree.tgz("own").is_file()
    assert not {"cli-module-build", "rhdh-cli"} & {entry.name for entry in cache.iterdir()}


def _root(tools: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": "root",
        "private": True,
        "version": "1.0.0",
        "packageManager": "yarn@4.12.0",
        "workspaces": ["plugins/*"],
        "devDependencies": dict(tools),
    }
