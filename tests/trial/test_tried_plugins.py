"""What the words of ``try`` name, and what is said of those that name nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory.errors import ConfigurationError, UsageError
from factory.trial.tried_plugins import list_tried_plugins

from ..command_line import run_here


def plugin_folder(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "package.json").write_text("{}", encoding="utf-8")
    return folder


def test_an_archive_brings_the_configuration_beside_it(tmp_path: Path) -> None:
    tgz = tmp_path / "todo.tgz"
    tgz.write_bytes(b"")
    (tmp_path / "todo.tgz.app-config.dynamic.yaml").write_text("todo: {most: 3}", encoding="utf-8")
    (entry,) = list_tried_plugins([str(tgz)])
    assert str(entry.package) == str(tgz)
    assert entry.config == {"todo": {"most": 3}}


def test_a_folder_of_archives_and_the_same_again_is_each_once(tmp_path: Path) -> None:
    for name in ("a.tgz", "b.tgz"):
        (tmp_path / name).write_bytes(b"")
    listed = list_tried_plugins([str(tmp_path), str(tmp_path / "a.tgz")])
    assert [entry.name for entry in listed] == ["a.tgz", "b.tgz"]


def test_a_plugins_folder_is_one_plugin_and_a_folder_of_them_several(tmp_path: Path) -> None:
    one, other = plugin_folder(tmp_path / "root/one"), plugin_folder(tmp_path / "root/other")
    assert [entry.name for entry in list_tried_plugins([str(one)])] == ["one"]
    assert [entry.name for entry in list_tried_plugins([str(other.parent)])] == ["one", "other"]


def test_of_a_list_those_that_are_on_count(tmp_path: Path) -> None:
    file = tmp_path / "dynamic-plugins.yaml"
    file.write_text(
        "plugins:\n"
        "- package: oci://quay.io/team/todo:1\n  pluginConfig: {todo: {most: 3}}\n"
        "- {package: ./other, disabled: true}\n",
        encoding="utf-8",
    )
    (entry,) = list_tried_plugins([str(file)])
    assert str(entry.package) == "oci://quay.io/team/todo:1"
    assert entry.config == {"todo": {"most": 3}}


def test_a_list_with_nothing_that_is_on_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "off.yaml"
    file.write_text("plugins: [{package: ./a.tgz, disabled: true}]", encoding="utf-8")
    with pytest.raises(UsageError, match="no plugin is named"):
        list_tried_plugins([str(file)])
    with pytest.raises(ConfigurationError, match=r"there is no gone\.yaml"):
        list_tried_plugins([str(tmp_path / "gone.yaml")])


def test_an_image_is_taken_as_install_takes_it() -> None:
    (entry,) = list_tried_plugins(["oci://quay.io/team/todo:1!todo"])
    assert str(entry.package) == "oci://quay.io/team/todo:1!todo"
    with pytest.raises(UsageError, match="no version"):
        list_tried_plugins(["oci://quay.io/team/todo:{{inherit}}"])
    with pytest.raises(ConfigurationError):
        list_tried_plugins(["oci://quay.io/team/todo"])


def test_a_configuration_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "todo.tgz").write_bytes(b"")
    (tmp_path / "todo.tgz.app-config.dynamic.yaml").write_text("[1]", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="is not a map"):
        list_tried_plugins([str(tmp_path)])


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nothing-here"], 2, "there is no plugin here"),
        (["a.tgz", "--route", "//elsewhere.example.com/"], 2, "--route is not a path"),
        (["a.tgz", "--app-config", "gone.yaml"], 3, "there is no such app-config file"),
        (["a.tgz", "--initialise-within", "soon"], 2, "is not a time span"),
        (["a.tgz", "--log-file", "a.tgz/log"], 12, "the log cannot be written"),
        (["a.tgz"], 15, "a.tgz"),
    ],
)
def test_what_cannot_be_tried_is_said_before_anything_is_installed(
    process: dict[str, str], tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    (tmp_path / "a.tgz").write_bytes(b"no archive")
    ended = run_here(process, "try", *words, cwd=tmp_path)
    ended.assert_says(said)
    assert ended.code == code
