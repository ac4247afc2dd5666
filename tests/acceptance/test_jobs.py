"""What several plugins of a workspace share is made once, however many are built at once."""

from __future__ import annotations

from .example_builds import Tree


def test_a_shared_package_is_compiled_once(worn_tree: Tree) -> None:
    worn_tree.list_plugins("plugins/greetings-backend", "plugins/greetings-backend-module-nordic")
    ended = worn_tree.build("--jobs", "4")
    assert ended.code == 0, ended.said
    compiled = [line for line in ended.stderr.splitlines() if "compile" in line and "done" in line]
    shared = [line for line in compiled if "plugins/greetings-node " in line]
    assert len(shared) == 1
    exports = (worn_tree.outputs / "logs").glob("*.export.log")
    for log in exports:
        assert "--no-build" in log.read_text()
        assert "Building" not in log.read_text()
