"""What is wrong in a catalogue, with the place, what is there and what belongs there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from factory.catalogue.checks import check_catalogue
from factory.catalogue.published_plugins import find_published_plugins
from factory.cli.catalogue import catalogue_app
from factory.notation.yaml_text import yaml_text

from .outputs import entity, fill_outputs

if TYPE_CHECKING:
    from pathlib import Path

NAME = "backstage-community-plugin-todo-backend"
PACKAGE: dict[str, Any] = {
    "packageName": "@backstage-community/plugin-todo-backend",
    "dynamicArtifact": f"oci://quay.io/team/{NAME}:bs_1.42.0__0.15.0",
    "version": "0.15.0",
    "backstage": {"role": "backend-plugin", "supportedVersions": "1.42.0"},
    "partOf": ["todo"],
}


def write(folder: Path, *entities: dict[str, Any]) -> Path:
    (folder / "metadata").mkdir()
    for number, value in enumerate(entities):
        (folder / f"metadata/{number}.yaml").write_text(yaml_text(value))
    return folder


def catalogue(folder: Path, **package: Any) -> Path:
    return write(
        folder,
        entity("Package", NAME, **(PACKAGE | package)),
        entity("Plugin", "todo", packages=[NAME]),
        entity("PluginCollection", "all", type="curated", plugins=["todo"])
        | {"metadata": {"name": "all", "title": "All", "description": "All of them"}},
    )


def test_a_sound_catalogue_has_nothing_to_correct(tmp_path: Path) -> None:
    checked = check_catalogue(catalogue(tmp_path))
    assert checked.findings == ()
    assert len(checked.entities) == 3


@pytest.mark.parametrize(
    ("package", "field", "found"),
    [
        ({"packageName": "No Name"}, "spec.packageName", "No Name"),
        ({"version": "1.x"}, "spec.version", "1.x"),
        ({"version": 1.0}, "spec.version", "a number: 1.0"),
        ({"backstage": {"role": "web-library"}}, "spec.backstage.role", "web-library"),
        (
            {"backstage": {"supportedVersions": "soon, 1.42.0"}},
            "spec.backstage.supportedVersions",
            "soon, 1.42.0",
        ),
        ({"dynamicArtifact": "oci://quay.io/x"}, "spec.dynamicArtifact", "oci://quay.io/x"),
        ({"dynamicArtifact": "quay.io/x:1"}, "spec.dynamicArtifact", "quay.io/x:1"),
        (
            {"dynamicArtifact": f"oci://quay.io/team/{NAME}:bs_1.42.0__0.14.0"},
            "spec.dynamicArtifact",
            "bs_1.42.0__0.14.0",
        ),
        (
            {"dynamicArtifact": f"oci://quay.io/team/{NAME}:bs_1.41.0__0.15.0"},
            "spec.dynamicArtifact",
            "bs_1.41.0__0.15.0",
        ),
        (
            {"dynamicArtifact": f"oci://quay.io/team/{NAME}:1.9--0.14.0"},
            "spec.dynamicArtifact",
            "1.9--0.14.0",
        ),
        (
            {"dynamicArtifact": "oci://quay.io/team/all:0.15.0!other"},
            "spec.dynamicArtifact",
            "!other",
        ),
        ({"partOf": ["todo", "tudo"]}, "spec.partOf[1]", "tudo"),
        (
            {"appConfigExamples": [{"title": "x", "content": "- 1"}]},
            "spec.appConfigExamples[0].content",
            "a list",
        ),
        (
            {"appConfigExamples": [{"title": "x"}]},
            "spec.appConfigExamples[0]",
            "an object",
        ),
    ],
)
def test_a_mistake_of_a_package_is_named(
    tmp_path: Path, package: dict[str, Any], field: str, found: str
) -> None:
    checked = check_catalogue(catalogue(tmp_path, **package))
    told = [(one.place.field, one.found) for one in checked.findings]
    assert (field, found) in told
    finding = checked.findings[told.index((field, found))]
    assert finding.place.line
    assert finding.expected


@pytest.mark.parametrize(
    "artifact",
    [
        f"oci://quay.io/team/{NAME}:pr_12__bs_1.42.0__0.15.0",
        f"oci://quay.io/team/{NAME}:1.9--0.15.0",
        f"oci://quay.io/team/{NAME}:latest",
        f"oci://quay.io/team/all:0.15.0!{NAME}",
        f"oci://quay.io/team/{NAME}@sha256:{1:064x}",
        f"./dynamic-plugins/dist/{NAME}",
    ],
)
def test_artifacts_in_the_forms_of_the_catalogues_are_taken(tmp_path: Path, artifact: str) -> None:
    assert check_catalogue(catalogue(tmp_path, dynamicArtifact=artifact)).findings == ()


def test_links_lead_both_ways(tmp_path: Path) -> None:
    write(
        tmp_path,
        entity("Package", "one", packageName="one", partOf=["todo"]),
        entity("Package", "two", packageName="two"),
        entity("Plugin", "todo", packages=["two", "three"]),
        entity("PluginCollection", "all", type="curated", plugins=["none"]),
    )
    findings = check_catalogue(tmp_path).findings
    assert {(one.place.file.name, one.place.field, one.found) for one in findings} == {
        ("0.yaml", "spec.partOf[0]", "todo without one under spec.packages"),
        ("2.yaml", "spec.packages[0]", "two without todo under spec.partOf"),
        ("2.yaml", "spec.packages[1]", "three"),
        ("3.yaml", "spec.plugins[0]", "none"),
    }


def test_two_of_one_name_and_two_of_one_package_are_named(tmp_path: Path) -> None:
    write(
        tmp_path,
        entity("Package", "todo", packageName="a"),
        entity("Package", "Todo", packageName="a"),
        entity("Package", "-odd-", packageName="b"),
    )
    problems = [one.problem for one in check_catalogue(tmp_path).findings]
    assert problems == [
        "Backstage refuses the name",
        "two entities of kind Package have one name",
        "two entities describe one package",
    ]


@pytest.mark.parametrize(
    "text",
    ["{", "kind: [", "- a\n", "a: 1\na: 2\n", "kind: Package\nmetadata: 1\nspec: x\n", "\xff"],
)
def test_a_file_that_is_no_entity_is_one_finding(tmp_path: Path, text: str) -> None:
    catalogue(tmp_path)
    (tmp_path / "metadata/broken.yaml").write_bytes(text.encode("latin-1"))
    findings = check_catalogue(tmp_path).findings
    assert [one.place.file.name for one in findings] == ["broken.yaml"]


@pytest.mark.parametrize(
    ("content", "way", "found"),
    [
        ({"todo": {"baseUrl": "x", "most": "five"}}, "todo.most", 'todo.most: "five"'),
        ({"todo": {}}, "todo", 'todo: no "baseUrl"'),
        ({"todo": {"baseUrl": "x", "mots": 1}}, "todo.mots", "todo.mots: an unknown field"),
    ],
)
def test_examples_fit_the_schema_of_what_was_built(
    tmp_path: Path, content: dict[str, Any], way: str, found: str
) -> None:
    outputs = fill_outputs(tmp_path / "outputs", published=False)
    (tmp_path / "c").mkdir()
    example = {"title": "Default", "content": content}
    folder = catalogue(tmp_path / "c", appConfigExamples=[example])
    (finding,) = check_catalogue(folder, find_published_plugins([outputs])).findings
    assert finding.place.field == f"spec.appConfigExamples[0].content.{way}"
    assert finding.found == found


def test_an_example_with_variables_and_numbers_as_text_fits(tmp_path: Path) -> None:
    outputs = fill_outputs(tmp_path / "outputs", published=False)
    (tmp_path / "c").mkdir()
    content = {"todo": {"baseUrl": "${URL}", "most": "5"}, "other": 1}
    examples = [
        {"title": "As a map", "content": content},
        {"title": "As text", "content": yaml_text(content)},
    ]
    folder = catalogue(tmp_path / "c", appConfigExamples=examples)
    assert check_catalogue(folder, find_published_plugins([outputs])).findings == ()


def test_another_version_and_another_image_than_were_published_are_named(tmp_path: Path) -> None:
    outputs = fill_outputs(tmp_path / "outputs", version="0.16.0")
    (tmp_path / "c").mkdir()
    findings = check_catalogue(
        catalogue(tmp_path / "c"), find_published_plugins([outputs])
    ).findings
    assert [one.problem for one in findings] == [
        "another version was built",
        "another image was published",
    ]


def run(*words: str | Path) -> Any:
    app: Any = typer.Typer()
    app.add_typer(catalogue_app)
    return CliRunner().invoke(app, ["catalogue", *map(str, words)], obj={})


def test_the_command_fails_and_says_what_to_correct(tmp_path: Path) -> None:
    catalogue(tmp_path, version="1.x")
    done = run("check", "--config-dir", tmp_path, "--json")
    assert done.exit_code == 14
    document = json.loads(done.stdout)
    assert document["checked"] == {"packages": 1, "plugins": 1, "collections": 1}
    (finding,) = document["findings"]
    assert (finding["field"], finding["found"]) == ("spec.version", "1.x")


def test_a_directory_without_entities_is_no_catalogue(tmp_path: Path) -> None:
    assert run("check", "--config-dir", tmp_path).exit_code == 2
    assert run("check", "--config-dir", tmp_path / "none").exit_code == 3


def test_metadata_is_written_unless_it_is_to_be_shown(tmp_path: Path) -> None:
    outputs = fill_outputs(tmp_path / "outputs")
    (tmp_path / "c").mkdir()
    words = ("metadata", outputs, "--config-dir", tmp_path / "c")
    shown = run(*words, "--dry-run")
    assert shown.exit_code == 0
    assert "+kind: Package" in shown.stdout
    assert not list((tmp_path / "c").iterdir())
    assert run(*words, "--check").exit_code == 14
    assert run(*words).exit_code == 0
    assert run(*words, "--check").exit_code == 0
    outcomes = {one["outcome"] for one in json.loads(run(*words, "--json").stdout)["entities"]}
    assert outcomes == {"kept"}
