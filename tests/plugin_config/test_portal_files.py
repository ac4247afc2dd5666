"""What is written for portals beside the artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from factory.installation.package_reference import OciPackage
from factory.installation.plugin_list import read_plugin_list
from factory.notation.yaml_text import parse_yaml
from factory.plugin_config.portal_files import (
    OCI_ENTRIES,
    PUBLISHED_IMAGES,
    TGZ_ENTRIES,
    PortalEntry,
    write_published,
    write_tgz_entries,
)

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = f"sha256:{'a1' * 32}"
INTEGRITY = "sha512-" + "A" * 86 + "=="
APP_CONFIG = """\
# what the frontend shows
dynamicPlugins:
  frontend:
    acme.todo:
      dynamicRoutes: [{path: /todo, menuItem: {text: "Aufgäben"}}]
todo:
  token: ${TODO_TOKEN}
"""


@pytest.fixture
def entry(tmp_path: Path) -> PortalEntry:
    tgz = tmp_path / "acme-todo-dynamic-1.0.0.tgz"
    tgz.with_name(f"{tgz.name}.app-config.dynamic.yaml").write_text(APP_CONFIG, encoding="utf-8")
    return PortalEntry(package=f"./{tgz.name}", tgz=tgz, integrity=INTEGRITY)


def pinned(name: str) -> str:
    return f"registry.example:5000/team/{name}@{DIGEST}"


def test_an_archives_entry_has_its_integrity_and_its_configuration(
    tmp_path: Path, entry: PortalEntry
) -> None:
    file = write_tgz_entries(tmp_path, [entry])

    assert file == tmp_path / TGZ_ENTRIES
    assert yaml.safe_load(file.read_text(encoding="utf-8")) == {
        "plugins": [
            {
                "package": "./acme-todo-dynamic-1.0.0.tgz",
                "disabled": False,
                "integrity": INTEGRITY,
                "pluginConfig": yaml.safe_load(APP_CONFIG),
            }
        ]
    }


def test_images_are_pinned_by_digest_and_name_the_plugin_inside(
    tmp_path: Path, entry: PortalEntry
) -> None:
    bundle = pinned("bundle")
    entries = [
        PortalEntry(package=f"oci://{bundle}!acme-todo", tgz=entry.tgz),
        PortalEntry(package=f"oci://{bundle}!acme-todo-backend", tgz=tmp_path / "b.tgz"),
    ]

    write_published(tmp_path, entries, [bundle, bundle])

    assert (tmp_path / PUBLISHED_IMAGES).read_text() == f"{bundle}\n"
    written = yaml.safe_load((tmp_path / OCI_ENTRIES).read_text(encoding="utf-8"))["plugins"]
    assert [one["package"] for one in written] == [one.package for one in entries]
    assert written[0]["pluginConfig"]["todo"] == {"token": "${TODO_TOKEN}"}
    assert "pluginConfig" not in written[1]
    assert "integrity" not in written[0]


def test_entries_can_be_copied_as_they_are(tmp_path: Path, entry: PortalEntry) -> None:
    file = write_tgz_entries(tmp_path, [entry])

    assert file
    assert "\nplugins:\n  - package: ./acme-todo-dynamic-1.0.0.tgz\n    disabled: false\n" in (
        file.read_text()
    )


def test_the_consumer_reads_both(tmp_path: Path, entry: PortalEntry) -> None:
    image = PortalEntry(package=f"oci://{pinned('todo')}!acme-todo", tgz=entry.tgz)
    write_tgz_entries(tmp_path, [entry])
    write_published(tmp_path, [image], [pinned("todo")])

    (packed,) = read_plugin_list(tmp_path / TGZ_ENTRIES)
    (pushed,) = read_plugin_list(tmp_path / OCI_ENTRIES)

    assert packed.integrity == INTEGRITY
    assert isinstance(pushed.package, OciPackage)
    assert pushed.package.digest == DIGEST
    assert pushed.package.plugin_path == "acme-todo"
    assert packed.config == pushed.config == yaml.safe_load(APP_CONFIG)


def test_its_own_files_are_written_anew(tmp_path: Path, entry: PortalEntry) -> None:
    for _ in range(2):
        assert write_tgz_entries(tmp_path, [entry])
        assert len(write_published(tmp_path, [], [pinned("todo")])) == 2


@pytest.mark.parametrize("name", [TGZ_ENTRIES, OCI_ENTRIES, PUBLISHED_IMAGES])
def test_somebody_elses_file_is_left_as_it_is(
    tmp_path: Path, entry: PortalEntry, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / name).write_text("mine: true\n")

    write_tgz_entries(tmp_path, [entry])
    write_published(tmp_path, [entry], [pinned("todo")])

    assert (tmp_path / name).read_text() == "mine: true\n"
    assert f"{tmp_path / name} was not written by plugin-factory" in caplog.text


def test_a_configuration_that_is_no_yaml_is_left_out_with_a_word(
    tmp_path: Path, entry: PortalEntry, caplog: pytest.LogCaptureFixture
) -> None:
    entry.tgz.with_name(f"{entry.tgz.name}.app-config.dynamic.yaml").write_text("a: [")

    file = write_tgz_entries(tmp_path, [entry])

    assert file
    assert "pluginConfig" not in file.read_text()
    assert "written without its configuration" in caplog.text


def test_an_entrys_configuration_is_the_same_to_all_readers(
    tmp_path: Path, entry: PortalEntry
) -> None:
    written = (
        'a: "1e3"\nb: 1e3\nc: "NO"\nd: NO\ne: 22:22\nf: "0o17"\nx: &x {y: 010}\nz: *x\n<<: *x\n'
    )
    entry.tgz.with_name(f"{entry.tgz.name}.app-config.dynamic.yaml").write_text(written)
    file = write_tgz_entries(tmp_path, [entry])
    assert file
    text = file.read_text(encoding="utf-8")
    value = {"a": "1e3", "b": 1000, "c": "NO", "d": "NO", "e": "22:22", "f": "0o17"}
    value |= {"x": {"y": 10}, "z": {"y": 10}, "<<": {"y": 10}}
    for read in (yaml.safe_load, parse_yaml):
        assert read(text)["plugins"][0]["pluginConfig"] == value
    assert 'a: "1e3"' in text
    assert 'd: "NO"' in text


@pytest.mark.parametrize("written", ["[1, 2]\n", "a: 1\na: 2\n", "a: &a [*a]\n"])
def test_a_configuration_that_is_none_leaves_the_entry_without(
    tmp_path: Path, entry: PortalEntry, written: str, caplog: pytest.LogCaptureFixture
) -> None:
    entry.tgz.with_name(f"{entry.tgz.name}.app-config.dynamic.yaml").write_text(written)
    file = write_tgz_entries(tmp_path, [entry])
    assert file
    assert "pluginConfig" not in yaml.safe_load(file.read_text(encoding="utf-8"))["plugins"][0]
    assert "written without its configuration" in caplog.text
