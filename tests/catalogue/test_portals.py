"""Catalogues of what a run for several portals has left: one is for one portal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from factory.catalogue.published_plugins import find_published_plugins
from factory.cli.app import run
from factory.errors import ConfigurationError, UsageError
from tests.reports.test_merge import plugin
from tests.reports.test_merge import workspace as written
from tests.reports.test_portal_columns import NEW, OLD, for_portals

from .outputs import fill_outputs

if TYPE_CHECKING:
    from pathlib import Path

VERSIONS = {OLD: "0.14.0", NEW: "0.15.0"}


@pytest.fixture(params=["", "todo"], ids=["one workspace", "several"])
def workspace(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def outputs(workspace: str, tmp_path: Path) -> Path:
    """Plugins for two portals, which have different versions of the backend."""
    folder = tmp_path / "outputs"
    for portal, version in VERSIONS.items():
        fill_outputs(folder / portal / workspace, version=version)
    cells = {f"{name}/{workspace}".rstrip("/"): written(plugin("p")) for name in ("old", "new")}
    (folder / "build-report.json").write_text(json.dumps(for_portals(**cells)))
    return folder


@pytest.mark.parametrize("portal", VERSIONS)
def test_one_portals_plugins_are_taken(outputs: Path, workspace: str, portal: str) -> None:
    found = find_published_plugins([outputs], portal)
    assert {plugin.archive.version for plugin in found} >= {VERSIONS[portal]}
    assert {(plugin.workspace, plugin.portal) for plugin in found} == {(workspace, portal)}
    own = find_published_plugins([outputs / portal])
    assert [plugin.archive.tgz for plugin in own] == [plugin.archive.tgz for plugin in found]


def test_without_a_portal_the_message_says_how_to_name_one(outputs: Path) -> None:
    with pytest.raises(ConfigurationError, match="built for several portals") as caught:
        find_published_plugins([outputs])
    assert f"--portal {NEW}" in str(caught.value.hint)


def test_a_portal_that_nothing_was_built_for_is_told(outputs: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_published_plugins([outputs], "rhdh-1.8")
    assert caught.value.found == f"{NEW}, {OLD}"
    alone = fill_outputs(tmp_path / "alone")
    with pytest.raises(UsageError, match=NEW):
        find_published_plugins([alone], NEW)


def test_entities_and_index_are_of_the_portal(
    outputs: Path, workspace: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    catalogue, files = tmp_path / "catalogue", tmp_path / "files"
    (catalogue / workspace).mkdir(parents=True)
    (catalogue / workspace / "source.json").write_text("{}")
    process = {"HOME": str(tmp_path)}
    words = [str(outputs), f"--config-dir={catalogue}", f"--portal={NEW}"]
    assert run(["catalogue", "metadata", *words], process) == 0, capsys.readouterr()
    assert run(["catalogue", "check", *words], process) == 0, capsys.readouterr()
    assert run(["catalogue", "build", *words, f"--files={files}"], process) == 0
    written = catalogue / workspace / "metadata/backstage-community-plugin-todo-backend.yaml"
    assert yaml.safe_load(written.read_text())["spec"]["version"] == VERSIONS[NEW]
    listed = yaml.safe_load((files / "dynamic-plugins.default.yaml").read_text())["plugins"]
    assert len(listed) == 2
    assert run(["catalogue", "check", *words[:-1], f"--portal={OLD}"], process) == 14
    assert VERSIONS[OLD] in capsys.readouterr().out
