"""``init --package``: a configuration directory from plugins that are published on npm.

Yarn itself resolves the dependencies, from a registry of the test's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.export.local_registry import local_registry

from .user import User

PLUGIN, OTHER, NODE = "@acme/plugin-x-backend", "@acme/plugin-y-backend", "@backstage/plugin-x-node"
FEATURE = "exports.default = createBackendPlugin({});\n"


@pytest.fixture
def buyer(user: User) -> Iterator[User]:
    """Somebody whose .npmrc names a registry with two plugins, one of which embeds a package."""
    left_out = ("npm_config_registry", "NPM_CONFIG_REGISTRY", "http_proxy", "HTTP_PROXY")
    own = {name: value for name, value in user.process.items() if name not in left_out}
    with local_registry() as registry:
        registry.publish(NODE, "1.0.0", backstage={"role": "node-library"})
        for name, needs in ((PLUGIN, {NODE: "^1.0.0"}), (OTHER, {})):
            registry.publish(
                name,
                "1.2.0",
                backstage={"role": "backend-plugin"},
                dependencies=needs,
                index_text=FEATURE,
            )
        (user.here / ".npmrc").write_text(f"registry={registry.url}\n", encoding="utf-8")
        own["NPM_CONFIG_USERCONFIG"] = str(user.here / ".npmrc")
        yield replace(user, process=own)


def test_packages_become_workspaces_with_their_arguments(buyer: User) -> None:
    ended = buyer.init("config", "--package", f"{PLUGIN}@~1.2.0", "--package", OTHER, "--json")
    assert ended.code == 0, ended.said
    config = buyer.here / "config"
    said = json.loads(ended.stdout)
    assert [each["package"] for each in said["workspaces"]] == [
        f"{PLUGIN}@~1.2.0",
        f"{OTHER}@^1.2.0",
    ]
    folders = [config / "acme-plugin-x-backend", config / "acme-plugin-y-backend"]
    sources = [json.loads((each / "source.json").read_text()) for each in folders]
    assert sources == [{"package": f"{PLUGIN}@~1.2.0"}, {"package": f"{OTHER}@^1.2.0"}]
    analysed = buyer.type("analyze", "--package", f"{PLUGIN}@1.2.0", "--json")
    (computed,) = json.loads(analysed.stdout)["plugins"]
    assert f"--embed-package {NODE}" in computed["arguments"]
    listed = [(each / "plugins-list.yaml").read_text() for each in folders]
    assert f"\nplugin: {computed['arguments']}\n" in listed[0]
    assert listed[1].endswith("\nplugin:\n")
    planned = buyer.type("plan", "--config-dir", str(config), "--offline", "--json")
    assert planned.code == 0, planned.said
    assert [each["name"] for each in json.loads(planned.stdout)["workspaces"]] == [
        each.name for each in folders
    ]


def test_one_package_is_the_directory_itself_and_replaces_nothing(buyer: User) -> None:
    config = buyer.here / "config"
    ended = buyer.init("config", "--package", OTHER)
    assert ended.code == 0, ended.said
    assert "plugin-factory build --config-dir config" in ended.stdout
    before = {file: file.read_bytes() for file in config.rglob("*")}
    assert set(before) == {
        config / name for name in ("source.json", "plugins-list.yaml", ".env.example")
    }
    again = buyer.init("config", "--package", PLUGIN)
    assert again.code != 0
    assert "not overwritten" in again.stderr
    assert {file: file.read_bytes() for file in config.rglob("*")} == before


def test_what_is_not_published_leaves_nothing(buyer: User) -> None:
    ended = buyer.init("config", "--package", "@acme/plugin-absent")
    assert ended.code != 0
    assert "has no package @acme/plugin-absent" in ended.stderr
    assert not (buyer.here / "config").exists()
