"""What ``plan`` says and what ``build`` does are the same, with the real command and tools."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.command_line import ROOT
from tests.faults.tiny_workspace import PING, PONG, Desk, new_desk, source_files

if TYPE_CHECKING:
    from pathlib import Path


def command(desk: Desk, *words: str) -> dict[str, Any]:
    ended = subprocess.run(
        [sys.executable, "-m", "factory", *words, "--json"],
        env=dict(desk.process) | {"PLUGIN_FACTORY_CACHE_DIR": str(desk.cache)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return dict(json.loads(ended.stdout))


def verdicts(desk: Desk, *options: str) -> dict[str, tuple[str, str]]:
    folders = (f"--config-dir={desk.config}", f"--repo-path={desk.source}")
    outputs = f"--output-dir={desk.outputs}"
    (workspace,) = command(desk, "plan", *folders, outputs, *options)["workspaces"]
    return {each["path"]: (each["verdict"], each["why"]) for each in workspace["plugins"]}


def cached(desk: Desk) -> dict[str, bool]:
    return {each["path"]: each["cached"] for each in desk.report["plugins"]}


@pytest.fixture
def local(tmp_path: Path, process: dict[str, str]) -> Desk:
    return new_desk(tmp_path, process, "local")


def test_of_a_tree_in_place_with_patches_and_overlays(local: Desk) -> None:
    before = source_files(local.source)
    missing = ("build", "not built before")
    assert verdicts(local, "--use-local") == {PING: missing, PONG: missing}
    assert source_files(local.source) == before

    assert local.build().code == 0
    found = verdicts(local, "--use-local")
    assert {verdict for verdict, _ in found.values()} == {"cached"}

    local.touch()
    found = verdicts(local, "--use-local")
    assert found[PING] == ("build", f"changed: the source of {PING}")
    assert found[PONG][0] == "cached"
    assert local.build().code == 0
    assert cached(local) == {PING: False, PONG: True}


def test_of_a_cache_that_may_keep_nothing(tmp_path: Path, process: dict[str, str]) -> None:
    desk = new_desk(tmp_path, process)
    assert desk.build("--cache-max-size=0").code == 0
    assert command(desk, "cache", "info")["plugins"] == 0
    assert {verdict for verdict, _ in verdicts(desk).values()} == {"build"}
