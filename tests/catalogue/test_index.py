"""The index image: its files, its bytes, and what it refuses."""

from __future__ import annotations

import base64
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from factory.notation.yaml_text import yaml_text

from .outputs import entity, fill_outputs
from .test_checks import run

if TYPE_CHECKING:
    from pathlib import Path

BACKEND = "backstage-community-plugin-todo-backend"
FRONTEND = "backstage-community-plugin-todo"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    fill_outputs(tmp_path / "outputs")
    (tmp_path / "c").mkdir()
    return tmp_path


def build(desk: Path, *words: str) -> Any:
    return run("build", desk / "outputs", "--config-dir", desk / "c", *words)


def files(desk: Path, *words: str) -> dict[str, str]:
    done = build(desk, "--files", str(desk / "files"), *words)
    assert done.exit_code == 0, done.output
    folder = desk / "files"
    return {
        file.relative_to(folder).as_posix(): file.read_text()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_an_index_has_the_files_that_portals_read(desk: Path) -> None:
    assert list(files(desk)) == [
        "catalog-entities/extensions/packages/all.yaml",
        f"catalog-entities/extensions/packages/{BACKEND}.yaml",
        f"catalog-entities/extensions/packages/{FRONTEND}.yaml",
        "catalog-entities/extensions/plugins/all.yaml",
        "catalog-entities/extensions/plugins/todo.yaml",
        "dynamic-plugins.default.yaml",
        "index.json",
        f"schemas/config/{BACKEND}.json",
        "schemas/entities/extensions-collection.schema.json",
        "schemas/entities/extensions-package.schema.json",
        "schemas/entities/extensions-plugin.schema.json",
    ]


def test_every_plugin_is_listed_by_digest_and_off(desk: Path) -> None:
    listed = yaml.safe_load(files(desk, "--enable", "*-backend")["dynamic-plugins.default.yaml"])
    assert listed["plugins"] == [
        {
            "package": f"oci://registry.example.com/team/{FRONTEND}@sha256:{2:064x}!{FRONTEND}",
            "disabled": True,
            "pluginConfig": {
                "dynamicPlugins": {"frontend": {"backstage-community.plugin-todo": {}}}
            },
        },
        {
            "package": f"oci://registry.example.com/team/{BACKEND}@sha256:{1:064x}!{BACKEND}",
            "disabled": False,
        },
    ]


def test_index_json_names_images_and_what_they_hold(desk: Path) -> None:
    index = json.loads(files(desk)["index.json"])
    assert list(index) == [FRONTEND, BACKEND]
    entry = index[BACKEND]
    assert entry["registryReference"] == (f"registry.example.com/team/{BACKEND}@sha256:{1:064x}")
    (packages,) = json.loads(base64.b64decode(entry["io.backstage.dynamic-packages"]))
    assert packages[BACKEND]["version"] == "0.15.0"


def test_people_s_entities_are_taken_with_their_artifacts_pinned(desk: Path) -> None:
    assert run("metadata", desk / "outputs", "--config-dir", desk / "c").exit_code == 0
    file = desk / f"c/metadata/{BACKEND}.yaml"
    written = "# by hand\n" + file.read_text().replace("support: community", "support: production")
    file.write_text(written)
    found = files(desk)
    text = found[f"catalog-entities/extensions/packages/{BACKEND}.yaml"]
    pinned = f"{BACKEND}@sha256:{1:064x}!{BACKEND}"
    assert text == written.replace(f"{BACKEND}@sha256:{1:064x}", pinned)
    assert json.loads(found["index.json"])[BACKEND]["support"] == "production"
    assert file.read_text() == written


def test_a_collection_names_what_is_published(desk: Path) -> None:
    collection = entity("PluginCollection", "all", type="curated", plugins=["todo", "other"])
    folder = desk / "c/catalog-entities/extensions/collections"
    folder.mkdir(parents=True)
    (folder / "all-of-them.yaml").write_text(yaml_text(collection))
    found = files(desk)
    place = "catalog-entities/extensions/collections"
    assert yaml.safe_load(found[f"{place}/all.yaml"])["spec"]["targets"] == ["./all_.yaml"]
    assert yaml.safe_load(found[f"{place}/all_.yaml"])["spec"]["plugins"] == ["todo"]


def test_the_same_inputs_make_the_same_image_in_any_folder(
    desk: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("elsewhere") / "deep"
    fill_outputs(other / "outputs")
    (other / "c").mkdir()
    ends = [
        build(where, "--output-dir", str(where / "index"), "--image-output", "oci-archive")
        for where in (desk, other)
    ]
    assert [end.exit_code for end in ends] == [0, 0], ends[0].output
    name = "index/plugin-catalog-index-latest.oci.tar"
    assert (desk / name).read_bytes() == (other / name).read_bytes()


def test_the_image_is_one_layer_of_files_and_their_folders(desk: Path) -> None:
    done = build(desk, "--output-dir", str(desk / "index"), "--tag", "1.10")
    assert done.exit_code == 0, done.output
    layout = desk / "index/plugin-catalog-index-1.10.oci"
    (pointer,) = json.loads((layout / "index.json").read_text())["manifests"]
    assert done.stdout.split() == [str(layout), pointer["digest"]]
    manifest = json.loads((layout / "blobs/sha256" / pointer["digest"][7:]).read_text())
    (layer,) = manifest["layers"]
    assert "io.backstage.dynamic-packages" not in manifest["annotations"]
    assert manifest["annotations"]["org.opencontainers.image.version"] == "1.10"
    with tarfile.open(layout / "blobs/sha256" / layer["digest"][7:]) as tar:
        members = {member.name: member for member in tar.getmembers()}
    assert members["catalog-entities/extensions/plugins"].isdir()
    assert members["dynamic-plugins.default.yaml"].mode == 0o644


def test_a_plugin_that_was_not_pushed_is_refused(desk: Path) -> None:
    (desk / "outputs/dynamic-plugins.oci.yaml").unlink()
    lines = (desk / "outputs/published-images.txt").read_text().splitlines()
    (desk / "outputs/published-images.txt").write_text(lines[0])
    done = build(desk)
    assert done.exit_code == 3
    assert "@backstage-community/plugin-todo" in done.stderr


def test_the_images_that_were_pushed_do_without_the_list(desk: Path) -> None:
    (desk / "outputs/dynamic-plugins.oci.yaml").unlink()
    assert f"sha256:{1:064x}" in files(desk)["dynamic-plugins.default.yaml"]


def test_a_list_of_images_without_their_plugins_is_refused(desk: Path) -> None:
    for tgz in (desk / "outputs").glob("*.tgz"):
        tgz.unlink()
    done = build(desk)
    assert done.exit_code == 3
    assert "the .tgz files that were pushed" in done.stderr


def test_a_mistake_in_an_entity_stops_the_index(desk: Path) -> None:
    (desk / "c/metadata").mkdir()
    value = entity(
        "Package", BACKEND, packageName="@backstage-community/plugin-todo-backend",
        appConfigExamples=[{"title": "x", "content": {"todo": 1}}],
    )  # fmt: skip
    (desk / "c/metadata/x.yaml").write_text(yaml_text(value))
    done = build(desk)
    assert done.exit_code == 14
    assert "does not fit the plugin's configuration schema" in done.stderr


def test_a_folder_that_is_no_index_is_not_replaced(desk: Path) -> None:
    (desk / "files").mkdir()
    (desk / "files/mine.txt").write_text("x")
    assert build(desk, "--files", str(desk / "files")).exit_code == 12
    assert (desk / "files/mine.txt").read_text() == "x"


@pytest.mark.parametrize(
    "words", [("--tag", "no tag"), ("--files", "x", "--push"), ("--sign-key", "x")]
)
def test_options_that_do_not_go_together_are_refused(desk: Path, words: tuple[str, ...]) -> None:
    assert build(desk, *words).exit_code == 2
