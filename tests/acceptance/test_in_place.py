"""One build of a tree in place, of two plugins at once, and what it says, writes and leaves out."""

from __future__ import annotations

import pytest

from factory.installation.plugin_list import read_plugin_list
from tests.command_line import Ended

from .example_builds import Tree
from .test_artifacts import manifest
from .test_push import registry_variables

BACKENDS = ("plugins/greetings-backend", "plugins/greetings-backend-module-nordic")


@pytest.fixture(scope="module")
def ended(module_tree: Tree) -> Ended:
    """The build: a registry is configured, but nothing is to be pushed."""
    (module_tree.config / "backstage.json").write_text('{"version": "1.45.3"}')
    module_tree.list_plugins(*BACKENDS)
    module_tree.compile_anew()
    ended = module_tree.build("--jobs", "4", **registry_variables("127.0.0.1:9"))
    assert ended.code == 0, ended.said
    return ended


def test_it_says_what_it_will_change(ended: Ended) -> None:
    assert "in place" in ended.stderr
    assert "0001-greet-the-portal.patch" in ended.stderr
    assert "already applied" in ended.stderr
    assert "not in a git repository" in ended.stderr


def test_a_shared_package_is_compiled_once(module_tree: Tree, ended: Ended) -> None:
    compiled = [line for line in ended.stderr.splitlines() if "compile" in line and "done" in line]
    shared = [line for line in compiled if "plugins/greetings-node " in line]
    assert len(shared) == 1
    exports = list((module_tree.outputs / "logs").glob("*.export.log"))
    assert len(exports) == len(BACKENDS)
    for log in exports:
        assert "--no-build" in log.read_text()
        assert "Building" not in log.read_text()


def test_the_version_in_backstage_json_overrides_what_the_package_supports(
    module_tree: Tree, ended: Ended
) -> None:
    archives = list(module_tree.outputs.glob("*.tgz"))
    assert len(archives) == len(BACKENDS)
    for tgz in archives:
        assert manifest(tgz)["backstage"]["supported-versions"] == "1.45.3"


def test_without_the_option_nothing_is_pushed(module_tree: Tree, ended: Ended) -> None:
    plugins = module_tree.report["plugins"]
    assert [plugin["image"] for plugin in plugins] == [None, None]
    assert not (module_tree.outputs / "published-images.txt").exists()
    entries = read_plugin_list(module_tree.outputs / "dynamic-plugins.tgz.yaml")
    assert sorted(str(entry.integrity) for entry in entries) == sorted(
        plugin["integrity"] for plugin in plugins
    )
