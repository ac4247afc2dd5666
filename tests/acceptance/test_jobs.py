"""However many plugins are built at once, the packages hold the same bytes."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from .example_builds import Tree


def inner_bytes(outputs: Path) -> dict[str, dict[str, bytes]]:
    """What each archive holds, by name; how the archive itself is packed does not count."""
    found: dict[str, dict[str, bytes]] = {}
    for tgz in outputs.glob("*.tgz"):
        with tarfile.open(tgz) as archive:
            found[tgz.name] = {
                entry.name: (archive.extractfile(entry) or io.BytesIO()).read()
                for entry in archive
                if entry.isfile()
            }
    return found


def test_one_at_a_time_and_all_at_once_make_the_same_packages(worn_tree: Tree) -> None:
    one = worn_tree.build("--jobs", "1")
    assert one.code == 0, one.said
    first = inner_bytes(worn_tree.outputs)
    assert len(first) == 3
    all_at_once = worn_tree.build("--jobs", "4")
    assert all_at_once.code == 0, all_at_once.said
    second = inner_bytes(worn_tree.outputs)
    assert first.keys() == second.keys()
    for name in first:
        differing = {
            file
            for file in first[name].keys() | second[name].keys()
            if first[name].get(file) != second[name].get(file)
        }
        assert differing == set(), name


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
