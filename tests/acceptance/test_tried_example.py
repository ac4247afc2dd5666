"""The example's frontend without what the old frontend system loads: it exports no feature."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from tests.command_line import run_factory

from .example_builds import Built


def test_one_that_exports_nothing_is_told_before_it_is_tried_and_then(
    built: Built, process: dict[str, str], tmp_path: Path
) -> None:
    subprocess.run(["tar", "-xzf", built.tgz("plugins/greetings"), "-C", tmp_path], check=True)
    folder = tmp_path / "package"
    shutil.rmtree(folder / "dist-scalprum")

    told = run_factory(process, "verify", folder)
    assert told.code == 14
    told.assert_says("no portal shows the plugin", "no script in it makes a @backstage/Frontend")

    tried = run_factory(process, "try", folder, "--json")
    assert tried.code == 14
    (plugin,) = json.loads(tried.stdout)["plugins"]
    assert plugin["state"] == "failed"
    assert plugin["why"] == plugin["frontend-systems"]["new"]["why"]
    assert (plugin["extensions"], plugin["pages"]) == ([], [])
