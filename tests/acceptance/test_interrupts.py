"""Ctrl-C and SIGTERM in every stage: nothing is left running, and nothing half-made."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from .example_builds import Tree, allowed, wait_until

# Two at once; the frontend takes longest, and has no other stages.
BACKENDS = ("plugins/greetings-backend", "plugins/greetings-backend-module-nordic")
CTRL_C = (signal.SIGINT, 130, "interrupted")
SIGTERM = (signal.SIGTERM, 143, "terminated")


def descendants_in(folder: Path) -> list[str]:
    """The command lines of processes that work in a folder, or below."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            where = (process / "cwd").readlink()
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if where.is_relative_to(folder):
            found.append(command)
    return found


def end_in_stage(tree: Tree, stage: str, number: signal.Signals) -> tuple[int, float]:
    """Send a signal as soon as a stage has a child; gives the exit code and how long it took."""
    with tree.running("--jobs", "2") as process:
        assert process.stdout
        for line in process.stdout:
            if re.search(rf"\b{stage}\s+started", line):
                break
        wait_until(lambda: bool(descendants_in(tree.source)), seconds=300, what=f"a {stage}")
        sent = time.monotonic()
        process.send_signal(number)
        process.stdout.read()
        return process.wait(timeout=300), time.monotonic() - sent


def nothing_half_made(outputs: Path) -> bool:
    for file in outputs.rglob("*"):
        if file.name.startswith("."):
            return False
    for tgz in outputs.glob("*.tgz"):
        if not Path(f"{tgz}.integrity").is_file():
            return False
        if subprocess.run(["gzip", "-t", tgz], check=False).returncode:
            return False
    return True


def assert_ends_in(tree: Tree, stage: str, number: signal.Signals, code: int, kind: str) -> None:
    tree.list_plugins(*BACKENDS)
    ended, seconds = end_in_stage(tree, stage, number)
    assert ended == code
    assert seconds < allowed(5)
    assert descendants_in(tree.source) == []
    assert nothing_half_made(tree.outputs)
    assert tree.report["error"]["kind"] == kind


@pytest.mark.parametrize(
    ("stage", "number", "code", "kind"),
    [
        ("install", *CTRL_C),
        ("tsc", *SIGTERM),
        ("compile", *SIGTERM),
        ("pack", *CTRL_C),
    ],
)
def test_a_signal_ends_the_run_and_all_its_children(
    tree: Tree, stage: str, number: signal.Signals, code: int, kind: str
) -> None:
    if stage in {"tsc", "compile"}:
        tree.compile_anew()  # and what is half made is gone afterwards, with the tree's sources
    assert_ends_in(tree, stage, number, code, kind)


def test_a_signal_ends_an_export_and_the_run_after_it_succeeds(tree: Tree) -> None:
    assert_ends_in(tree, "export", *CTRL_C)
    tree.list_plugins(BACKENDS[0])
    ended = tree.build()
    assert ended.code == 0, ended.said
    assert len(list(tree.outputs.glob("*.tgz"))) == 1
