"""source.json: every field, every mistake that one can make in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from factory.config.source_file import SourceFile, read_source_file
from factory.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def config_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "todo"
    folder.mkdir()
    return folder


def read(config_dir: Path, text: str | dict[str, Any]) -> SourceFile:
    written = text if isinstance(text, str) else json.dumps(text)
    (config_dir / "source.json").write_text(written, encoding="utf-8")
    source = read_source_file(config_dir)
    assert source
    return source


def refused(config_dir: Path, text: str | dict[str, Any]) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        read(config_dir, text)
    assert caught.value.place
    assert caught.value.place.file == config_dir / "source.json"
    return caught.value


def position(error: ConfigurationError) -> tuple[int | None, int | None, str | None]:
    assert error.place
    return error.place.line, error.place.column, error.place.field


def test_there_need_not_be_one(config_dir: Path) -> None:
    assert read_source_file(config_dir) is None


def test_every_field_is_understood(config_dir: Path) -> None:
    source = read(
        config_dir,
        {
            "$schema": "https://example.com/source.schema.json",
            "repo": "https://example.com/plugins.git",
            "repo-ref": "v1.2.3",
            "workspace-path": "workspaces/todo",
            "repo-backstage-version": "1.42.0",
        },
    )
    assert source == SourceFile(
        path=config_dir / "source.json",
        repo="https://example.com/plugins.git",
        ref="v1.2.3",
        workspace_path="workspaces/todo",
        repo_backstage_version="1.42.0",
    )


def test_the_schema_of_an_editor_is_no_unknown_field(
    config_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    read(config_dir, {"$schema": "./source.schema.json", "repo": "r"})
    assert not caplog.records


@pytest.mark.parametrize("written", [{}, {"repo-ref": None}])
def test_no_ref_or_null_is_the_default_branch(config_dir: Path, written: dict[str, None]) -> None:
    assert read(config_dir, {"repo": "r", **written}).ref is None


def test_no_workspace_path_leaves_it_to_the_command_line(config_dir: Path) -> None:
    assert read(config_dir, {"repo": "r"}).workspace_path is None


def test_a_flat_repository_is_its_own_workspace(config_dir: Path) -> None:
    assert read(config_dir, {"repo": "r", "repo-flat": True}).workspace_path == "."


def test_in_any_other_repository_the_workspace_is_called_like_the_directory(
    config_dir: Path,
) -> None:
    source = read(config_dir, {"repo": "r", "repo-flat": False})
    assert source.workspace_path == "workspaces/todo"


def test_an_explicit_workspace_path_wins_over_repo_flat(config_dir: Path) -> None:
    source = read(config_dir, {"repo": "r", "repo-flat": True, "workspace-path": "a/b"})
    assert source.workspace_path == "a/b"


def test_unknown_fields_are_warned_about_by_name(
    config_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = read(config_dir, {"repo": "r", "repo_ref": "v1", "branch": "main"})
    assert source.ref is None
    (warning,) = caplog.records
    assert warning.levelname == "WARNING"
    assert warning.getMessage().endswith(
        "source.json: unknown fields, ignored: repo_ref (did you mean repo-ref?), "
        "branch (did you mean repo-ref?)"
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ref", "repo-ref"),
        ("repoRef", "repo-ref"),
        ("repo-reff", "repo-ref"),
        ("tag", "repo-ref"),
        ("path", "workspace-path"),
        ("workspace_path", "workspace-path"),
        ("worspace-path", "workspace-path"),
        ("flat", "repo-flat"),
        ("backstage-version", "repo-backstage-version"),
    ],
)
def test_the_field_that_was_meant_is_named(
    config_dir: Path, caplog: pytest.LogCaptureFixture, written: str, meant: str
) -> None:
    read(config_dir, {"repo": "r", written: "x"})
    assert f"{written} (did you mean {meant}?)" in caplog.text


def test_a_field_like_no_other_gets_no_advice(
    config_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    read(config_dir, {"repo": "r", "owner": "x", "repo-ref": "main", "ref": "x"})
    assert "unknown fields, ignored: owner, ref" in caplog.text


def test_what_is_missing_is_found_under_another_name(config_dir: Path) -> None:
    error = refused(config_dir, {"url": "https://example.com/a"})
    assert 'write "repo" for "url"' in str(error.hint)


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("true", "."),
        ("True", "."),
        ("yes", "."),
        ("false", "workspaces/todo"),
        (" no ", "workspaces/todo"),
    ],
)
def test_a_truth_value_that_is_text_is_taken_with_a_word(
    config_dir: Path, caplog: pytest.LogCaptureFixture, written: str, path: str
) -> None:
    assert read(config_dir, {"repo": "r", "repo-flat": written}).workspace_path == path
    assert f'repo-flat is the text "{written}", and read as' in caplog.text


def test_a_branch_that_is_a_number_is_taken_with_a_word(
    config_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert read(config_dir, {"repo": "r", "repo-ref": 2025}).ref == "2025"
    assert 'repo-ref is the number 2025, and read as the text "2025"' in caplog.text


def test_a_repeated_key_is_found_where_it_is_nested(config_dir: Path) -> None:
    error = refused(config_dir, '{"x": {"repo": 1,\n "repo": 2}, "repo": "r"}')
    assert position(error) == (2, 2, "x.repo")


def test_the_line_of_a_field_is_that_of_its_own_key(config_dir: Path) -> None:
    error = refused(config_dir, '{"x": {"repo": 1},\n "y": "\\"repo\\": 1",\n "repo": []}')
    assert position(error) == (3, 2, "repo")


def test_a_document_that_is_nested_too_deep_is_refused(config_dir: Path) -> None:
    error = refused(config_dir, '{"repo": ' + "[" * 1000 + "]" * 1000 + "}")
    assert "nested too deep" in str(error.found)


def test_spaces_around_values_are_dropped(config_dir: Path) -> None:
    source = read(config_dir, {"repo": " r ", "repo-ref": " v1\n", "workspace-path": " w "})
    assert (source.repo, source.ref, source.workspace_path) == ("r", "v1", "w")


def test_a_byte_order_mark_is_no_mistake(config_dir: Path) -> None:
    assert read(config_dir, '\ufeff{"repo": "r"}').repo == "r"


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("repo", 1, "a number: 1"),
        ("repo", None, "nothing (null)"),
        ("repo", ["a"], "a list"),
        ("repo", "", 'a string: ""'),
        ("repo", "  ", 'a string: "  "'),
        ("repo-ref", 1.5, "a number: 1.5"),
        ("repo-ref", "", 'a string: ""'),
        ("workspace-path", {"a": 1}, "an object"),
        ("workspace-path", None, "nothing (null)"),
        ("repo-flat", "maybe", 'a string: "maybe"'),
        ("repo-backstage-version", True, "true or false: true"),
    ],
)
def test_a_wrong_type_is_named_with_field_line_and_what_belongs_there(
    config_dir: Path, field: str, value: object, found: str
) -> None:
    document = {"$schema": "x", "repo": "r", field: value}
    lines = json.dumps(document, indent=2)
    error = refused(config_dir, lines)
    line = next(n for n, text in enumerate(lines.splitlines(), 1) if f'"{field}"' in text)
    assert position(error) == (line, 3, field)
    assert error.found == found
    assert error.expected
    assert error.expected != error.found


def test_a_missing_repo_is_named(config_dir: Path) -> None:
    error = refused(config_dir, {"repo-ref": "main"})
    assert error.expected == 'one of the fields "repo", "package"'


def test_a_key_that_stands_twice_is_refused_where_the_second_is(config_dir: Path) -> None:
    error = refused(config_dir, '{\n  "repo": "a",\n  "repo": "b"\n}')
    assert error.problem == '"repo" appears twice in source.json'
    assert position(error) == (3, 3, "repo")


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('{\n  "repo": "r",\n}', 3, 1),
        ('{\n  "repo": r\n}', 2, 11),
        ("", 1, 1),
        ('{"repo": "r"} rest', 1, 15),
        ("{'repo': 'r'}", 1, 2),
    ],
)
def test_invalid_json_is_refused_with_line_and_column(
    config_dir: Path, text: str, line: int, column: int
) -> None:
    error = refused(config_dir, text)
    assert error.problem == "source.json is not valid JSON"
    # Python 3.13 points at the comma itself.
    assert position(error)[0] in {line, line - 1}
    assert position(error)[1] == column or position(error)[0] == line - 1


@pytest.mark.parametrize(("text", "found"), [("[]", "a list"), ('"r"', 'a string: "r"')])
def test_a_document_that_is_no_object_is_refused(config_dir: Path, text: str, found: str) -> None:
    error = refused(config_dir, text)
    assert error.found == found
    assert error.expected == "an object that says where the plugins' source comes from"


@pytest.mark.parametrize("text", ["[" * 100_000, f'{{"repo": {"1" * 5000}}}'])
def test_a_document_that_python_cannot_hold_is_refused(config_dir: Path, text: str) -> None:
    assert refused(config_dir, text).problem == "source.json is not valid JSON"


@pytest.mark.parametrize("field", ["repo", "repo-ref", "workspace-path"])
@pytest.mark.parametrize("odd", ["a\0b", "a\nb", "\ud800"])
def test_characters_that_no_name_has_are_refused(config_dir: Path, field: str, odd: str) -> None:
    error = refused(config_dir, {"repo": "r", field: odd})
    assert position(error)[2] == field
    assert f"U+{ord(odd[1] if len(odd) > 1 else odd):04X}" in str(error.found)


def test_a_file_that_is_not_utf8_is_refused(config_dir: Path) -> None:
    (config_dir / "source.json").write_bytes(b'{"repo": "caf\xe9"}')
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        read_source_file(config_dir)


def test_a_folder_of_that_name_is_refused(config_dir: Path) -> None:
    (config_dir / "source.json").mkdir()
    with pytest.raises(ConfigurationError, match=r"source.json cannot be read"):
        read_source_file(config_dir)


@pytest.mark.parametrize("path", ["/workspaces/todo", "../todo", "workspaces/../../todo"])
def test_a_workspace_outside_of_the_repository_is_refused(config_dir: Path, path: str) -> None:
    error = refused(config_dir, json.dumps({"repo": "r", "workspace-path": path}, indent=1))
    assert error.problem == "the workspace path points outside the repository"
    assert position(error) == (3, 2, "workspace-path")
    assert error.found == path
