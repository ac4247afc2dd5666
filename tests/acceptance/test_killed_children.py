"""A tool that is killed: an error that says so, and the next run works."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from pathlib import Path

import pytest

from .example_builds import Tree, wait_until

PLUGIN = "plugins/greetings-backend-module-nordic"


def processes(tree: Tree, words: str) -> list[int]:
    """The processes at work in the tree whose command line has these words."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if words in line and (folder / "cwd").readlink().is_relative_to(tree.source):
                found.append(int(folder.name))
    return found


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("rhdh-cli plugin export", "rhdh-cli could not export"),
        ("yarn.js install", "install failed"),
    ],
)
def test_a_killed_tool_is_said_and_the_next_run_works(
    worn_tree: Tree, words: str, problem: str
) -> None:
    worn_tree.list_plugins(PLUGIN)

    def kill() -> None:
        wait_until(lambda: bool(processes(worn_tree, words)), seconds=300, what=words)
        for process in processes(worn_tree, words):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    ended = worn_tree.build("--no-cache")
    killer.join()
    assert ended.code != 0
    assert problem in ended.said, ended.said
    assert "killed by SIGKILL" in ended.said, ended.said
    assert "Traceback" not in ended.said
    assert not list(worn_tree.outputs.glob("*.tgz"))
    again = worn_tree.build("--no-cache")
    assert again.code == 0, again.said
    assert len(list(worn_tree.outputs.glob("*.tgz"))) == 1
