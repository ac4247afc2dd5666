"""Build arguments that were written by hand: kept, and compared with what would be computed."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from factory.analysis.inventory import find_host
from factory.analysis.manifest import read_manifest
from factory.pipeline.arguments import compute_arguments, record, warn_of_mismatches
from factory.pipeline.chosen_plugins import ChosenPlugin

WORKSPACE = Path(__file__).resolve().parents[1] / "argument_proofs/workspace"
PIPELINES = "plugins/pipelines-backend"


def plugin(path: str, arguments: str) -> ChosenPlugin:
    folder = WORKSPACE / path
    manifest = read_manifest(folder / "package.json")
    return ChosenPlugin(path=path, folder=folder, manifest=manifest, arguments=arguments)


def warnings_about(arguments: str, caplog: pytest.LogCaptureFixture) -> list[str]:
    with caplog.at_level(logging.WARNING, logger="factory"):
        warn_of_mismatches(WORKSPACE, [plugin(PIPELINES, arguments)], find_host("rhdh-1.10"))
    return [message for message in caplog.messages if message.startswith(f"{PIPELINES}: the build")]


def test_a_list_that_lacks_arguments_is_told_which(caplog: pytest.LogCaptureFixture) -> None:
    (warning,) = warnings_about("", caplog)
    assert "--embed-package @backstage/plugin-bitbucket-cloud-common" in warning
    assert "rhdh-1.10" in warning
    assert "--generate-build-args" in warning


def test_a_list_with_the_computed_arguments_is_not(caplog: pytest.LogCaptureFixture) -> None:
    (settled,) = compute_arguments(WORKSPACE, [plugin(PIPELINES, "")], find_host("rhdh-1.10"))
    assert warnings_about(settled.arguments, caplog) == []


def test_hand_written_arguments_are_kept_in_a_backup(tmp_path: Path) -> None:
    file = tmp_path / "plugins-list.yaml"
    file.write_text("plugins/x: --by-hand # mine\n")
    record({"plugins/x": "--embed-package y"}, file)
    assert file.read_text() == "plugins/x: --embed-package y # mine\n"
    assert (tmp_path / "plugins-list.yaml.bak").read_text() == "plugins/x: --by-hand # mine\n"


def test_a_list_that_this_run_wrote_needs_no_backup(tmp_path: Path) -> None:
    file = tmp_path / "plugins-list.yaml"
    file.write_text("plugins/x: --computed z\n")
    record({"plugins/x": "--embed-package y"}, file, backup=False)
    assert file.read_text() == "plugins/x: --embed-package y\n"
    assert [item.name for item in tmp_path.iterdir()] == ["plugins-list.yaml"]
