"""A disk that runs full in a late stage: said as such, nothing half-made, the next run works."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command_line import Ended, run_factory

from .example_builds import Tree

BACKEND = "plugins/greetings-backend"


def build_with_small_disk(tree: Tree, small: Path, size: str) -> Ended:
    """Build the tree in a mount namespace where one folder, with what is in it, is a small disk.

    In a user namespace of its own where the test does not run as root, so that it needs no rights.
    """
    own_user = [] if os.getuid() == 0 else ["--map-root-user"]
    small.mkdir(parents=True, exist_ok=True)
    kept = tree.outputs.with_name(f"kept-{small.name}")
    # What is left on the disk is looked at before the namespace, and the disk with it, goes away.
    script = (
        f'cp -a "$0" {kept} && mount -t tmpfs -o size={size} none "$0" && '
        f'cp -a {kept}/. "$0" && "$@"; code=$?; '
        'find "$0" -not -path "*/node_modules/*" | sed "s/^/left: /" >&2; exit $code'
    )
    unshare = ("unshare", *own_user, "--mount")
    inside = (*unshare, "sh", "-c", script, str(small))
    return run_factory(tree.process, *tree.words(), inside=inside)


@pytest.fixture(scope="module")
def backend(module_tree: Tree) -> Iterator[Tree]:
    """A tree for the backend alone; the run after all that follows works."""
    module_tree.list_plugins(BACKEND)
    yield module_tree
    ended = module_tree.build()
    assert ended.code == 0, ended.said


def test_in_the_output_directory(backend: Tree) -> None:
    ended = build_with_small_disk(backend, backend.outputs, "600k")
    assert ended.code == 12
    assert "disk is full" in ended.said or "No space left" in ended.said
    assert "Traceback" not in ended.said
    left = [line for line in ended.stderr.splitlines() if line.startswith("left: ")]
    assert not [line for line in left if line.endswith((".tgz", ".integrity"))]
    assert not [line for line in left if "/." in line.removeprefix(f"left: {backend.outputs}")]


def test_while_a_plugin_is_exported(backend: Tree) -> None:
    shutil.rmtree(backend.source / BACKEND / "dist-dynamic")
    ended = build_with_small_disk(backend, backend.source / BACKEND, "900k")
    assert ended.code == 12
    assert "disk is full" in ended.said
    assert "Traceback" not in ended.said
    assert not list(backend.outputs.glob("*.tgz*"))
