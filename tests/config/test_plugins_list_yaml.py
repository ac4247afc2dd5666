"""plugins-list.yaml: how a list is read, and every mistake that one can make in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from factory.config.plugins_list import (
    PluginEntry,
    plugins_list_text,
    read_plugins_list,
    write_new_plugins_list,
)
from factory.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path


def read(tmp_path: Path, text: str) -> tuple[PluginEntry, ...]:
    file = tmp_path / "plugins-list.yaml"
    file.write_text(text, encoding="utf-8")
    plugins = read_plugins_list(file)
    assert plugins
    assert plugins.path == file
    return plugins.entries


def refused(tmp_path: Path, text: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, text)
    assert caught.value.place
    assert caught.value.place.file == tmp_path / "plugins-list.yaml"
    return caught.value


def line(error: ConfigurationError) -> int | None:
    assert error.place
    return error.place.line


def test_there_need_not_be_one(tmp_path: Path) -> None:
    assert read_plugins_list(tmp_path / "plugins-list.yaml") is None


def test_entries_keep_their_order_and_know_their_lines(tmp_path: Path) -> None:
    entries = read(
        tmp_path,
        "# The plugins of the workspace.\n"
        "plugins/todo:\n"
        "\n"
        "plugins/scaffolder-backend: --embed-package @acme/a  # why\n"
        "#plugins/not-yet:\n"
        "plugins/catalog: null\n",
    )
    assert entries == (
        PluginEntry(path="plugins/todo", arguments="", line=2),
        PluginEntry(path="plugins/scaffolder-backend", arguments="--embed-package @acme/a", line=4),
        PluginEntry(path="plugins/catalog", arguments="", line=6),
    )


@pytest.mark.parametrize(
    "value",
    [
        ">\n  --embed-package @acme/a\n  --embed-package @acme/b\n",
        "|\n  --embed-package @acme/a\n  --embed-package @acme/b\n",
        "--embed-package @acme/a\n  --embed-package @acme/b\n",
        '"--embed-package @acme/a\n  --embed-package   @acme/b"\n',
    ],
)
def test_arguments_over_several_lines_are_one_line(tmp_path: Path, value: str) -> None:
    (entry,) = read(tmp_path, f"plugins/a: {value}")
    assert entry.arguments == "--embed-package @acme/a --embed-package @acme/b"


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("./plugins/todo", "plugins/todo"),
        ("plugins/todo/", "plugins/todo"),
        ("plugins//todo", "plugins/todo"),
        ("plugins/x/../todo", "plugins/todo"),
        ('" plugins/todo "', "plugins/todo"),
        (".", "."),
        ("./", "."),
        ("plugins/todo.v2", "plugins/todo.v2"),
    ],
)
def test_a_path_is_normalised(tmp_path: Path, written: str, path: str) -> None:
    assert [entry.path for entry in read(tmp_path, f"{written}:\n")] == [path]


@pytest.mark.parametrize("second", ["./plugins/x", "plugins/x/", "plugins//x", "'plugins/x '"])
def test_one_folder_written_in_two_ways_is_a_duplicate(tmp_path: Path, second: str) -> None:
    error = refused(tmp_path, f"plugins/x:\nplugins/y:\n{second}: --embed-package a\n")
    assert error.problem == "plugins/x appears twice in plugins-list.yaml"
    assert line(error) == 3
    assert error.found == "the same folder on line 1"


def test_a_key_that_stands_twice_is_refused_where_the_second_is(tmp_path: Path) -> None:
    error = refused(tmp_path, "plugins/x: --a\nplugins/y:\nplugins/x: --b\n")
    assert error.problem == '"plugins/x" appears twice in plugins-list.yaml'
    assert line(error) == 3


@pytest.mark.parametrize("path", ["/plugins/todo", "/"])
def test_an_absolute_path_is_refused(tmp_path: Path, path: str) -> None:
    error = refused(tmp_path, f"plugins/x:\n{path}:\n")
    assert error.problem == "a plugin's path is absolute"
    assert line(error) == 2


@pytest.mark.parametrize("path", ["..", "../todo", "plugins/../../todo", "./.."])
def test_a_path_that_leaves_the_workspace_is_refused(tmp_path: Path, path: str) -> None:
    error = refused(tmp_path, f"plugins/x:\n{path}:\n")
    assert error.problem == "a plugin's path points outside the workspace"
    assert line(error) == 2


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("1", "a number: 1"),
        ("1.5", "a number: 1.5"),
        ("true", "true or false: true"),
        ("[--embed-package, a]", "a list"),
        ("{embed: a}", "an object"),
        ("2024-01-01", 'date: "2024-01-01"'),
        ("!!binary aGVsbG8=", "bytes"),
        ("!!set {a, b}", "set"),
    ],
)
@pytest.mark.parametrize("path", ["plugins/todo", "plugins/todo.v2", "plugins/[a]"])
def test_arguments_that_are_no_text_are_refused(
    tmp_path: Path, path: str, value: str, found: str
) -> None:
    error = refused(tmp_path, f"plugins/x:\n{path}: {value}\n")
    assert error.place
    assert (error.place.line, error.place.field) == (2, path)
    assert str(error.found).startswith(found)
    assert error.expected == "the build arguments as one line of text, or nothing"


@pytest.mark.parametrize("key", ["1", "1.5", "null", "~", "true", "2024-01-01", "0x1f"])
def test_a_path_that_yaml_takes_for_something_else_is_refused(tmp_path: Path, key: str) -> None:
    error = refused(tmp_path, f"plugins/x:\n{key}:\n")
    assert error.problem == "a key of the map is not plain text"
    assert line(error) == 2
    assert error.found == key
    assert error.expected == f"text: '{key}'"


@pytest.mark.parametrize("key", ["? [a, b]\n", "? {a: b}\n"])
def test_a_path_that_is_a_collection_is_refused(tmp_path: Path, key: str) -> None:
    assert line(refused(tmp_path, f"plugins/x:\n{key}: c\n")) == 2


def test_merged_maps_are_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, "<<: {plugins/a: null}\nplugins/x:\n")
    assert line(error) == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [("- plugins/todo\n- plugins/todo-backend\n", "a list"), ("plugins/todo\n", "a string")],
)
def test_a_document_that_is_no_map_is_refused(tmp_path: Path, text: str, found: str) -> None:
    error = refused(tmp_path, text)
    assert str(error.found).startswith(found)
    assert error.expected == "a map of plugin paths to build arguments"


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "---\n", "{}\n", "null\n"])
def test_a_list_of_nothing_is_refused(tmp_path: Path, text: str) -> None:
    error = refused(tmp_path, text)
    assert error.problem == "plugins-list.yaml lists no plugins"
    assert "remove plugins-list.yaml" in str(error.hint)


@pytest.mark.parametrize(
    ("text", "line_", "column"),
    [
        ("plugins/x:\n\tplugins/y:\n", 2, 1),  # a tab
        ("plugins/x: 'not closed\n", 2, 1),
        ("plugins/x: [a\nplugins/y:\n", 2, 10),
        ("plugins/x: a: b\n", 1, 13),
        ("plugins/x: *nobody\n", 1, 12),
        ("plugins/x: @acme/a\n", 1, 12),
        ("plugins/x:\n--- \nplugins/y:\n", 2, 1),
        ("plugins/x: !!python/object:os.system a\n", 1, 12),
        ("plugins/x:\n  a\x07b\n", 2, 4),
    ],
)
def test_invalid_yaml_is_refused_with_line_and_column(
    tmp_path: Path, text: str, line_: int, column: int
) -> None:
    error = refused(tmp_path, text)
    assert error.problem == "plugins-list.yaml is not valid YAML"
    assert error.place
    assert (error.place.line, error.place.column) == (line_, column)
    assert error.expected


@pytest.mark.parametrize(
    "value", ["2024-13-45", "!!int abc", "!!bool maybe", "!!timestamp never", "[" * 5000]
)
def test_a_value_that_python_cannot_hold_is_refused(tmp_path: Path, value: str) -> None:
    assert refused(tmp_path, f"plugins/x: {value}\n").problem.startswith("plugins-list.yaml is not")


@pytest.mark.parametrize("arguments", ["--embed-package 'a", '--embed-package \\"a'])
def test_a_quote_that_is_not_closed_is_refused(tmp_path: Path, arguments: str) -> None:
    error = refused(tmp_path, f'plugins/x:\nplugins/y: "{arguments}"\n')
    assert line(error) == 2
    assert error.found == arguments.replace("\\", "")
    assert "No closing quotation" in str(error.expected)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('"plugins/\\0":\n', "cannot be printed"),
        ('plugins/x: "--embed\\u0000"\n', "cannot be printed"),
        ('"plugins/\\ud800":\n', "surrogate"),
    ],
)
def test_characters_that_no_name_has_are_refused(tmp_path: Path, text: str, said: str) -> None:
    error = refused(tmp_path, text)
    assert said in f"{error.problem} {error.found}"
    assert line(error) == 1
    str(error).encode("utf-8")


def test_a_list_that_was_written_is_read_again(tmp_path: Path) -> None:
    entries = (
        PluginEntry(path="plugins/a", arguments="--shared-package '!@acme/b' # no comment", line=3),
        PluginEntry(path="plugins/b: c", arguments="", line=4),
        PluginEntry(path="123", arguments="--x " * 100 + "--y", line=5),
    )
    assert read(tmp_path, plugins_list_text(entries)) == entries


def test_a_new_list_never_replaces_one_that_is_there(tmp_path: Path) -> None:
    file = tmp_path / "plugins-list.yaml"
    file.write_text("plugins/mine:\n")
    with pytest.raises(FileExistsError):
        write_new_plugins_list(file, (PluginEntry(path="plugins/found"),))
    assert file.read_text() == "plugins/mine:\n"
    assert list(tmp_path.iterdir()) == [file]
