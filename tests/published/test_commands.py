"""What commands say of a published package as the source, as far as no network is needed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from factory.attestation.provenance import BuiltFrom, BuiltWith, provenance, source_uri
from factory.cli.app import run

if TYPE_CHECKING:
    from pathlib import Path

PURL = "pkg:npm/%40acme/plugin-x"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "source.json").write_text('{"package": "@acme/plugin-x@^1.0.0"}', encoding="utf-8")
    return folder


def answer(words: list[str], process: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Any:
    code = run(words, process)
    said = capsys.readouterr()
    assert code == 0, said.err
    return json.loads(said.out)


def test_a_plan_offline_names_the_package(
    config: Path, process: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["plan", "--config-dir", str(config), "--offline", "--json"]
    (workspace,) = answer(words, process, capsys)["workspaces"]
    assert (workspace["source"]["repo"], workspace["source"]["ref"]) == (PURL, "^1.0.0")
    assert "not resolved" in workspace["source"]["note"]


def test_a_plan_offline_takes_packages_from_the_command_line(
    process: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["plan", "--package", "@acme/plugin-x", "--package", "b@2", "--offline", "--json"]
    found = answer(words, process, capsys)["workspaces"]
    assert [each["name"] for each in found] == ["acme-plugin-x", "b"]
    assert [each["source"]["ref"] for each in found] == ["latest", "2"]


@pytest.mark.parametrize(
    "more", [["somewhere"], ["--plugins-list", "x"], ["--check"], ["--write"]], ids=str
)
def test_a_package_is_analysed_alone(
    more: list[str], process: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["analyze", "--package", "x", *more], process) != 0
    assert "exclude each other" in capsys.readouterr().err


def test_a_provenance_names_the_archive() -> None:
    assert source_uri(PURL, "1.2.3") == f"{PURL}@1.2.3"
    assert source_uri(PURL) == PURL
    source = BuiltFrom(
        repository=PURL, ref="1.2.3", commit=None, workspace_path=".", sha512="ab" * 64
    )
    text = provenance([], source, BuiltWith(plugin_path="plugin", arguments=()))
    definition = json.loads(text)["predicate"]["buildDefinition"]
    assert definition["externalParameters"]["source"] == {"repository": PURL, "ref": "1.2.3"}
    assert definition["resolvedDependencies"] == [
        {"name": "source", "uri": f"{PURL}@1.2.3", "digest": {"sha512": "ab" * 64}}
    ]
