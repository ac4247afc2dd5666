"""``plugin-factory tools install``: what a build would install first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from factory.cli.app import run
from factory.toolchain.backstage_bundler import PINNED
from tests.acceptance.many_workspaces import link_tools


def test_the_tools_are_in_the_cache_afterwards(
    process: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["tools", "install", "--json"], process) == 0
    said = json.loads(capsys.readouterr().out)
    cache = Path(process["PLUGIN_FACTORY_CACHE_DIR"])
    assert said["cache"] == str(cache)
    assert (cache / "yarn" / said["yarn"] / "package/bin/yarn.js").is_file()
    assert list((cache / "rhdh-cli").glob(f"{said['rhdh-cli']}*/node_modules/.bin/rhdh-cli"))


def test_for_backstages_own_engine_no_rhdh_cli_is_installed(
    process: dict[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    link_tools(cache, ("node", "yarn", "cli-module-build"))
    words = ["tools", "install", "--json", "--engine", "backstage", "--cache-dir", str(cache)]
    assert run(words, process) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["cli-module-build"] == PINNED
    assert list(cache.glob(f"cli-module-build/{PINNED}+*/node_modules/@backstage/cli-module-build"))
    assert "rhdh-cli" not in said
    assert not (cache / "rhdh-cli").exists()


def test_a_version_that_is_none_is_refused(
    process: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["tools", "install"], process | {"RHDH_CLI_VERSION": "npm:1.9"}) == 3
    assert "RHDH_CLI_VERSION is not a version" in capsys.readouterr().err
