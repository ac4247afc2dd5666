"""Entities made of what was built, and merged into what people have written."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from factory.catalogue.checks import check_catalogue
from factory.catalogue.entities import entity_name, is_entity_name, read_entities
from factory.catalogue.metadata import MetadataRequest, plan_metadata
from factory.catalogue.published_plugins import find_published_plugins
from factory.errors import ConfigurationError, StorageError
from factory.scaffolding import writing
from factory.scaffolding.writing import place_all

from .outputs import fill_outputs

if TYPE_CHECKING:
    from pathlib import Path

BACKEND = "metadata/backstage-community-plugin-todo-backend.yaml"
FRONTEND = "metadata/backstage-community-plugin-todo.yaml"
PLUGIN = "catalog-entities/extensions/plugins/todo.yaml"
EDITED = """\
# ours, keep it so
kind: Package
apiVersion: extensions.backstage.io/v1alpha1
metadata:
  title: 'Our to-dos'   # not the package's name
  name: our-todo
spec:
    version: 0.1.0 # the first
    # Tag: 0.1.0
    dynamicArtifact: "oci://registry.example.com/team/backstage-community-plugin-todo-backend:0.1.0"
    lifecycle: deprecated
    packageName: '@backstage-community/plugin-todo-backend'
    partOf: [chores]
"""


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    return fill_outputs(tmp_path / "outputs")


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    folder = tmp_path / "catalogue"
    folder.mkdir()
    return folder


def update(catalogue: Path, outputs: Path) -> dict[str, str]:
    """Bring the catalogue up to date; return the files that changed, each with its text."""
    request = MetadataRequest(
        config_dir=catalogue,
        entities=read_entities(catalogue),
        plugins=find_published_plugins([outputs]),
    )
    changed = [text for text in plan_metadata(request) if text.changes]
    place_all({text.file: text.after for text in changed})
    return {text.file.relative_to(catalogue).as_posix(): text.after for text in changed}


def value(text: str) -> Any:
    return yaml.safe_load(text)


def test_a_plugin_without_entities_gets_them(catalogue: Path, outputs: Path) -> None:
    files = update(catalogue, outputs)

    assert set(files) == {BACKEND, FRONTEND, PLUGIN}
    package = value(files[FRONTEND])
    assert package["spec"] == {
        "packageName": "@backstage-community/plugin-todo",
        "dynamicArtifact": "oci://registry.example.com/team/backstage-community-plugin-todo"
        f"@sha256:{2:064x}",
        "version": "0.14.0",
        "backstage": {"role": "frontend-plugin", "supportedVersions": "1.42.0"},
        "author": "The Todo Team",
        "support": "community",
        "lifecycle": "active",
        "partOf": ["todo"],
        "appConfigExamples": [
            {
                "title": "Default configuration",
                "content": {
                    "dynamicPlugins": {"frontend": {"backstage-community.plugin-todo": {}}}
                },
            }
        ],
    }
    plugin = value(files[PLUGIN])
    assert plugin["metadata"]["description"] == "Shows to-dos"
    assert plugin["spec"]["packages"] == [
        "backstage-community-plugin-todo",
        "backstage-community-plugin-todo-backend",
    ]


def test_what_is_generated_has_nothing_to_correct(catalogue: Path, outputs: Path) -> None:
    update(catalogue, outputs)
    checked = check_catalogue(catalogue, find_published_plugins([outputs]))
    assert checked.findings == ()
    assert (checked.count("Package"), checked.count("Plugin")) == (2, 1)


def test_all_files_are_written_or_none(
    catalogue: Path, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(catalogue, outputs)
    before = {file: file.read_text() for file in catalogue.rglob("*.yaml")}
    fill_outputs(outputs, version="0.16.0")
    (catalogue / FRONTEND).unlink()
    del before[catalogue / FRONTEND]

    def full(_temporary: Path, _file: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(writing, "move_new", full)
    with pytest.raises(StorageError, match="nothing was changed"):
        update(catalogue, outputs)
    assert {file: file.read_text() for file in catalogue.rglob("*") if file.is_file()} == before


def test_a_file_keeps_its_permissions(catalogue: Path, outputs: Path) -> None:
    update(catalogue, outputs)
    (catalogue / BACKEND).chmod(0o640)
    update(catalogue, fill_outputs(outputs, version="0.16.0"))
    assert (catalogue / BACKEND).stat().st_mode & 0o777 == 0o640


def test_a_second_time_changes_nothing(catalogue: Path, outputs: Path) -> None:
    assert update(catalogue, outputs)
    assert update(catalogue, outputs) == {}


def test_a_new_version_changes_its_lines_and_no_others(catalogue: Path, outputs: Path) -> None:
    update(catalogue, outputs)
    before = (catalogue / BACKEND).read_text()
    edited = before.replace("support: community", "support: production  # since May")
    (catalogue / BACKEND).write_text("# todo team\n" + edited)

    files = update(catalogue, fill_outputs(outputs, version="0.16.0"))

    assert list(files) == [BACKEND]
    assert files[BACKEND] == "# todo team\n" + edited.replace('"0.15.0"', '"0.16.0"')


def test_people_s_own_file_is_found_by_its_package(catalogue: Path, outputs: Path) -> None:
    file = catalogue / "metadata/anything.yaml"
    file.parent.mkdir()
    file.write_text(EDITED)

    files = update(catalogue, outputs)

    image = (
        f"oci://registry.example.com/team/backstage-community-plugin-todo-backend@sha256:{1:064x}"
    )
    assert files["metadata/anything.yaml"] == EDITED.replace("0.1.0 # the", "0.15.0 # the").replace(
        "oci://registry.example.com/team/backstage-community-plugin-todo-backend:0.1.0", image
    ) + ('    backstage:\n      role: backend-plugin\n      supportedVersions: "1.42.0"\n')
    # Its sibling goes where it is.
    assert value(files[FRONTEND])["spec"]["partOf"] == ["chores"]
    plugin = value(files["catalog-entities/extensions/plugins/chores.yaml"])
    assert plugin["spec"]["packages"] == ["backstage-community-plugin-todo", "our-todo"]


def test_a_plugin_that_people_have_written_gains_a_package(catalogue: Path, outputs: Path) -> None:
    update(catalogue, outputs)
    written = """\
kind: Plugin
metadata: {name: todo}
spec:
  # the page first
  packages:
  - backstage-community-plugin-todo  # the page
"""
    (catalogue / PLUGIN).write_text(written)
    assert update(catalogue, outputs) == {
        PLUGIN: written + "  - backstage-community-plugin-todo-backend\n"
    }


def test_a_workspace_s_entities_stand_beside_its_source(tmp_path: Path, catalogue: Path) -> None:
    fill_outputs(tmp_path / "all/todo")
    (catalogue / "workspaces/todo").mkdir(parents=True)
    files = update(catalogue, tmp_path / "all")
    assert {f"workspaces/todo/{name}" for name in (BACKEND, FRONTEND)} < set(files)


@pytest.mark.parametrize(
    "text", ["kind: Package\nspec: &a {packageName: x}\nb: *a\n", "- a\n", "["]
)
def test_files_that_cannot_be_edited_are_named(catalogue: Path, outputs: Path, text: str) -> None:
    file = catalogue / "metadata/odd.yaml"
    file.parent.mkdir()
    file.write_text(
        text.replace("packageName: x", "packageName: '@backstage-community/plugin-todo'")
    )
    with pytest.raises(ConfigurationError) as error:
        update(catalogue, outputs)
    assert error.value.place is not None
    assert error.value.place.file == file


@pytest.mark.parametrize("name", ["../../../x", "/etc/x", "a b", "", "..", "ü"])
def test_a_name_from_elsewhere_leads_nowhere_else(name: str) -> None:
    assert is_entity_name(entity_name(name))


def test_a_plugin_cannot_be_named_by_a_path(catalogue: Path, outputs: Path) -> None:
    (catalogue / "metadata").mkdir()
    file = catalogue / "metadata/todo.yaml"
    file.write_text(EDITED.replace("[chores]", '["../../chores"]'))
    with pytest.raises(ConfigurationError, match="cannot have the name"):
        update(catalogue, outputs)
    assert file.read_text() == EDITED.replace("[chores]", '["../../chores"]')


@pytest.mark.parametrize("length", [10, 63, 64, 200])
def test_the_name_of_an_entity_is_one_that_backstage_takes(length: int) -> None:
    names = {entity_name("a" * (length - 1) + end) for end in "bc-"}
    assert all(map(is_entity_name, names))
    assert len(names) == 3
