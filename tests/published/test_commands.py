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


@pytest.mark.parametrize("command", ["build", "plan"])
@pytest.mark.parametrize("place", ["", "one", "workspaces/one"])
def test_a_login_in_npmrc_is_shown_by_no_command(
    command: str,
    place: str,
    tmp_path: Path,
    process: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    token, broken = "npm_0123456789abcdef", "npm_fedcba9876543210"
    folder = tmp_path / "config" / place
    folder.mkdir(parents=True)
    (folder / ".npmrc").write_text(f"//r.example/:_authToken={token}\n", encoding="utf-8")
    (folder / ".env").write_text(f"OTHER={broken}\n", encoding="utf-8")
    (tmp_path / "config/.npmrc").touch()
    with (folder / ".npmrc").open("a", encoding="utf-8") as file:
        file.write("//s.example/:_authToken=${OTHER}\n")
    text = json.dumps({"package": f"not a package {token} {broken}"})
    (folder / "source.json").write_text(text, encoding="utf-8")
    (folder / "plugins-list.yaml").write_text("plugin:\n", encoding="utf-8")
    words = ["--config-dir", str(tmp_path / "config"), "--output-dir", str(tmp_path / "outputs")]
    assert run([command, *words], process) != 0
    said = "".join(capsys.readouterr())
    assert "not a package" in said
    assert token not in said
    assert broken not in said
