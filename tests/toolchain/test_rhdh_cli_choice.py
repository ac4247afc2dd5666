"""Which rhdh-cli: RHDH_CLI_VERSION, and what happens when it cannot be had."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING

import pytest

from factory.config.environment import layer_environment
from factory.errors import ConfigurationError, ToolchainError
from factory.toolchain.cache_folder import ToolCache
from factory.toolchain.node import Npm
from factory.toolchain.rhdh_cli import PINS, RhdhCli, find_rhdh_cli, list_known_versions
from factory.toolchain.rhdh_cli_version import PACKAGE
from factory.toolchain.runner import Runner
from factory.toolchain.wanted_tools import WantedRhdhCli

from .installed_tools import some_node, tool_environment

if TYPE_CHECKING:
    from pathlib import Path

    from factory.toolchain.node import Node

# A registry that nobody answers for: what a closed network looks like.
OFFLINE = {"npm_config_registry": "http://127.0.0.1:1/", "npm_config_fetch_retries": "0"}


@pytest.fixture(scope="module")
def node(process: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Node:
    return some_node(process, tmp_path_factory.mktemp("node"))


def find(wanted: str | WantedRhdhCli, process: dict[str, str], node: Node, folder: Path) -> RhdhCli:
    environment = layer_environment(process | {"HOME": str(folder)})
    return find_rhdh_cli(
        WantedRhdhCli(wanted=wanted) if isinstance(wanted, str) else wanted,
        Npm(
            node=node,
            env=tool_environment(environment, node, folder / "tmp"),
            cache=ToolCache(folder=folder / "cache", environment=environment, runner=Runner()),
        ),
    )


@pytest.mark.parametrize(
    "bad", ["latest; ls", "../1.9.1", "-g", "@1.9.1", "https://x.example/y.tgz", "npm:x@1"]
)
def test_what_is_no_version_no_range_and_no_tag_is_refused(
    process: dict[str, str], node: Node, tmp_path: Path, bad: str
) -> None:
    with pytest.raises(ConfigurationError, match="RHDH_CLI_VERSION is not a version") as caught:
        find(bad, process, node, tmp_path)
    assert caught.value.found == bad
    assert not (tmp_path / "cache").exists()


def test_a_version_that_does_not_exist_is_refused_and_leaves_nothing(
    process: dict[str, str], node: Node, tmp_path: Path
) -> None:
    with pytest.raises(ToolchainError, match=r"rhdh-cli 0.0.999 cannot be installed") as caught:
        find("0.0.999", process, node, tmp_path)
    assert PACKAGE in str(caught.value.details)
    assert f"npm view {PACKAGE} versions" in str(caught.value.hint)
    assert not list((tmp_path / "cache/rhdh-cli").glob("[!.]*"))


def test_a_tag_that_does_not_exist_is_refused(
    process: dict[str, str], node: Node, tmp_path: Path
) -> None:
    with pytest.raises(ToolchainError, match="which rhdh-cli is 'no-such-tag'"):
        find("no-such-tag", process, node, tmp_path)


def test_offline_the_latest_is_the_newest_installed_and_is_warned_about(
    process: dict[str, str], node: Node, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("1.8.10", "1.10.2", "1.9.3", "1.12.0+other-pins", ".1.11.0.making-x", "notes"):
        (tmp_path / "cache/rhdh-cli" / name).mkdir(parents=True)
    found = find("latest", process | OFFLINE, node, tmp_path)
    assert found.version == "1.10.2"
    assert found.command == tmp_path / "cache/rhdh-cli/1.10.2/node_modules/.bin/rhdh-cli"
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "using 1.10.2, the newest that is installed here" in warning.getMessage()


def test_offline_with_nothing_installed_is_an_error(
    process: dict[str, str], node: Node, tmp_path: Path
) -> None:
    with pytest.raises(ToolchainError, match="which rhdh-cli is 'latest'") as caught:
        find("latest", process | OFFLINE, node, tmp_path)
    assert "npm ping" in str(caught.value.hint)


def test_a_version_that_is_installed_needs_no_network(
    process: dict[str, str], node: Node, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache/rhdh-cli/1.8.10").mkdir(parents=True)
    assert find("1.8.10", process | OFFLINE, node, tmp_path).version == "1.8.10"
    assert not caplog.records


def test_offline_a_portal_gets_the_newest_installed_that_serves_it(
    process: dict[str, str], node: Node, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("1.9.3", "1.10.2", "1.11.0"):
        (tmp_path / "cache/rhdh-cli" / name).mkdir(parents=True)
    wanted = WantedRhdhCli(wanted="1.10.8", portal="rhdh-1.10", accepts=">=1.9.1 <1.11.0")
    found = find(wanted, process | OFFLINE, node, tmp_path)
    assert found.version == "1.10.2"
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "rhdh-1.10 was released with rhdh-cli 1.10.8" in warning.getMessage()
    assert "RHDH_CLI_VERSION=1.10.2" in warning.getMessage()


def test_the_version_of_a_portal_that_is_installed_needs_no_network(
    process: dict[str, str], node: Node, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache/rhdh-cli/1.10.8").mkdir(parents=True)
    wanted = WantedRhdhCli(wanted="1.10.8", portal="rhdh-1.10", accepts="~1.10.0")
    found = find(wanted, process | OFFLINE, node, tmp_path)
    assert (found.version, found.why) == ("1.10.8", "rhdh-1.10 was released with it")
    assert not caplog.records


@pytest.mark.parametrize("version", list_known_versions())
def test_a_known_version_is_pinned_whole(version: str) -> None:
    """npm ci installs exactly what the lockfile says, from whichever registry npm is set to."""
    pins = resources.files("factory.toolchain") / PINS / version
    lock = json.loads((pins / "package-lock.json").read_text(encoding="utf-8"))
    manifest = json.loads((pins / "package.json").read_text(encoding="utf-8"))
    assert manifest["dependencies"] == {PACKAGE: version}
    packages = {path: entry for path, entry in lock["packages"].items() if path}
    assert packages[f"node_modules/{PACKAGE}"]["version"] == version
    assert all("integrity" in entry for entry in packages.values() if not entry.get("inBundle"))
    assert not any("resolved" in entry for entry in packages.values())
