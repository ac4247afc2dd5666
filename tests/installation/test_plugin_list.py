"""dynamic-plugins.yaml: what it may say, and what included files add."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.errors import ConfigurationError
from factory.installation.plugin_list import DefaultList, display_names, read_plugin_list
from factory.installation.portal_config import config_text, merge_config

if TYPE_CHECKING:
    from factory.installation.plugin_list import ListedPlugin

IMAGE = "oci://quay.io/team/todo"


def read(folder: Path, text: str, **included: str) -> dict[str, ListedPlugin]:
    """The entries by package, of a list and the files that it includes."""
    for name, content in included.items():
        (folder / f"{name}.yaml").write_text(content, encoding="utf-8")
    file = folder / "dynamic-plugins.yaml"
    file.write_text(text, encoding="utf-8")
    return {str(entry.package): entry for entry in read_plugin_list(file)}


def refused(folder: Path, text: str, **included: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as error:
        read(folder, text, **included)
    return error.value


def test_an_entrys_fields(tmp_path: Path) -> None:
    entries = read(
        tmp_path,
        """\
plugins:
  - package: '@scope/todo@1.0.0'
    disabled: true
    integrity: sha512-abc
    pullPolicy: Always
    forceDownload: true
    pluginConfig:
      todo: {shown: true}
  - package: plain
""",
    )
    todo, plain = entries.values()
    assert (todo.enabled, todo.integrity, todo.config) == (
        False,
        "sha512-abc",
        {"todo": {"shown": True}},
    )
    assert (todo.pull_policy, todo.force) == ("Always", False)
    assert (todo.place.line, todo.place.column) == (2, 5)
    assert (str(plain.package), plain.enabled, plain.pull_policy) == (
        "plain@latest",
        True,
        "IfNotPresent",
    )


@pytest.mark.parametrize(
    ("package", "policy"),
    [
        (f"{IMAGE}:latest!todo", "Always"),
        (f"{IMAGE}:latest", "Always"),
        (f"{IMAGE}:latest@sha256:{'a' * 64}!todo", "IfNotPresent"),
        (f"{IMAGE}:1.0!todo", "IfNotPresent"),
        ("todo@latest", "IfNotPresent"),
    ],
)
def test_the_pull_policy_that_follows_from_the_package(
    tmp_path: Path, package: str, policy: str
) -> None:
    (entry,) = read(tmp_path, f"plugins:\n- package: {package}\n").values()
    assert entry.pull_policy == policy


def test_force_download_counts_where_no_pull_policy_is_written(tmp_path: Path) -> None:
    (entry,) = read(tmp_path, "plugins:\n- {package: todo, forceDownload: true}\n").values()
    assert entry.force


def test_enabled_is_the_contrary_of_disabled(tmp_path: Path) -> None:
    text = "plugins:\n- {package: one, enabled: false}\n- {package: two, enabled: true}\n"
    assert [entry.enabled for entry in read(tmp_path, text).values()] == [False, True]
    both = refused(tmp_path, "plugins:\n- {package: one, enabled: true, disabled: true}\n")
    assert "both enabled and disabled" in both.problem


def test_own_entries_override_the_fields_of_included_ones(tmp_path: Path) -> None:
    entries = read(
        tmp_path,
        """\
includes: [default.yaml]
plugins:
- package: '@scope/todo@2.0.0'
  disabled: false
- package: other
""",
        default="""\
plugins:
- package: '@scope/todo@1.0.0'
  disabled: true
  integrity: sha512-of-1.0.0
  pluginConfig: {todo: 1}
- package: ./local
  disabled: true
""",
    )
    todo = entries["@scope/todo@2.0.0"]
    assert (todo.enabled, todo.config) == (True, {"todo": 1})
    assert todo.integrity == ""  # that of another version
    assert list(entries) == ["@scope/todo@2.0.0", "./local", "other@latest"]


def test_a_path_is_the_same_plugin_from_wherever_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/default.yaml").write_text("plugins:\n- {package: ../todo, disabled: true}\n")
    text = "includes: [lists/default.yaml]\nplugins:\n- {package: ./todo, disabled: false}\n"
    (entry,) = read(tmp_path, text).values()
    assert entry.enabled


def test_the_latter_of_two_included_files_wins_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        (entry,) = read(
            tmp_path,
            "includes: [one.yaml, two.yaml]\n",
            one="plugins:\n- {package: todo@1, pluginConfig: {from: one}}\n",
            two="plugins:\n- {package: todo@2, disabled: true}\n",
        ).values()
    assert str(entry.package) == "todo@2"
    assert (entry.enabled, entry.config) == (False, {"from": "one"})
    assert "todo is in two included files" in caplog.text


def test_inherit_takes_tag_or_digest_and_path(tmp_path: Path) -> None:
    default = f"plugins:\n- {{package: '{IMAGE}:1.2!todo', disabled: true, pluginConfig: {{a: 1}}}}"
    for package in (f"{IMAGE}:{{{{inherit}}}}!todo", f"{IMAGE}:{{{{inherit}}}}"):
        text = f"includes: [default.yaml]\nplugins:\n- package: {package}\n  disabled: false\n"
        (entry,) = read(tmp_path, text, default=default).values()
        assert str(entry.package) == f"{IMAGE}:1.2!todo"
        assert (entry.enabled, entry.config) == (True, {"a": 1})
        assert entry.place.file.name == "dynamic-plugins.yaml"


def test_inherit_with_a_digest(tmp_path: Path) -> None:
    digest = f"sha256:{'b' * 64}"
    (entry,) = read(
        tmp_path,
        f"includes: [default.yaml]\nplugins:\n- package: {IMAGE}:{{{{inherit}}}}!todo\n",
        default=f"plugins:\n- package: {IMAGE}@{digest}!todo\n",
    ).values()
    assert str(entry.package) == f"{IMAGE}@{digest}!todo"


def test_inherit_needs_exactly_one_included_entry(tmp_path: Path) -> None:
    text = f"includes: [default.yaml]\nplugins:\n- package: {IMAGE}:{{{{inherit}}}}\n"
    none = refused(tmp_path, text, default="plugins: []\n")
    assert "no included file has this plugin" in none.problem
    assert none.place
    assert none.place.line == 3
    several = refused(
        tmp_path,
        text,
        default=f"plugins:\n- package: {IMAGE}:1!one\n- package: {IMAGE}:1!two\n",
    )
    assert several.expected == f"one of {IMAGE}:1!one, {IMAGE}:1!two"


def test_an_included_file_cannot_inherit(tmp_path: Path) -> None:
    error = refused(
        tmp_path,
        "includes: [default.yaml]\n",
        default=f"plugins:\n- package: {IMAGE}:{{{{inherit}}}}!x\n",
    )
    assert error.place
    assert (error.place.file.name, error.place.line) == ("default.yaml", 2)


def test_a_reference_by_name_is_the_included_image(tmp_path: Path) -> None:
    default = f"plugins:\n- {{package: '{IMAGE}:1.2!todo', disabled: true}}\n"
    text = "includes: [default.yaml]\nplugins:\n- {package: ref://todo, enabled: true}\n"
    (entry,) = read(tmp_path, text, default=default).values()
    assert (str(entry.package), entry.enabled) == (f"{IMAGE}:1.2!todo", True)


@pytest.mark.parametrize(
    ("text", "problem", "line", "field"),
    [
        ("plugins: {a: b}\n", "form", 1, "plugins"),
        ("plugins:\n- package: x\n- todo\n", "form", 3, "plugins[1]"),
        ("plugins:\n- package: x\n  disabled: maybe\n", "form", 3, "plugins[0].disabled"),
        ("plugins:\n- package: 7\n", "form", 2, "plugins[0].package"),
        ("plugins:\n- disabled: true\n", "form", 2, "plugins[0]"),
        ("plugins:\n- package: x\n  pluginConfig: []\n", "form", 3, "plugins[0].pluginConfig"),
        ("plugins:\n- package: x\n  pullPolicy: Never\n", "form", 3, "plugins[0].pullPolicy"),
        ("includes: default.yaml\n", "form", 1, "includes"),
        ("includes: [default.yaml]\n", "does not exist", 1, "includes[0]"),
        ("plugins:\n- package: x\n  package: y\n", "twice", 3, "plugins[0].package"),
        ("plugins:\n- package: x@1\n- package: x@2\n", "twice", 3, "plugins[1].package"),
        ("plugins:\n- package: oci://quay.io/x\n", "name cannot", 2, "plugins[0].package"),
        (
            "plugins:\n- package: oci://quay.io/x:1!../y\n",
            "not a valid folder name",
            2,
            "plugins[0].package",
        ),
        ("plugins:\n- package: https://x/y.zip\n", "not an archive's", 2, "plugins[0].package"),
        ("plugins:\n- package: github:a/b\n", "git repository", 2, "plugins[0].package"),
        ("plugins:\n- package: 'a b c'\n", "an unknown form", 2, "plugins[0].package"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, text: str, problem: str, line: int, field: str
) -> None:
    error = refused(tmp_path, text)
    assert problem in error.problem
    assert error.place
    assert (error.place.line, error.place.field) == (line, field)


def test_an_unquoted_scope_is_no_yaml(tmp_path: Path) -> None:
    error = refused(tmp_path, "plugins:\n- package: @scope/todo\n")
    assert error.place
    assert error.place.line == 2


def test_unknown_fields_are_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        read(tmp_path, "plugin: 1\nplugins:\n- package: x\n  integrty: y\n")
    assert "unknown fields, ignored: plugin" in caplog.text
    assert "dynamic-plugins.yaml:4:3 (plugins[0].integrty)" in caplog.text


def test_merge_keys_of_yaml_are_no_doubles(tmp_path: Path) -> None:
    entries = read(
        tmp_path,
        """\
plugins:
- &base
  package: one
  disabled: true
- <<: *base
  package: two
""",
    )
    assert [(name, entry.enabled) for name, entry in entries.items()] == [
        ("one@latest", False),
        ("two@latest", False),
    ]


def test_an_image_with_and_without_a_path_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, f"plugins:\n- package: {IMAGE}:1\n- package: {IMAGE}:1!todo\n")
    assert error.place
    assert error.place.line == 2


def test_an_empty_list_is_a_list(tmp_path: Path) -> None:
    assert read(tmp_path, "") == {}
    assert read(tmp_path, "includes:\nplugins:\n") == {}


def test_names_on_the_screen_are_short_where_they_can_be(tmp_path: Path) -> None:
    packages: list[Any] = [f"{IMAGE}:1!todo", "oci://quay.io/other/x:1!todo", "./a/b.tgz", "x"]
    text = "plugins:\n" + "".join(f"- package: {package}\n" for package in packages)
    assert list(display_names(read(tmp_path, text).values()).values()) == [
        f"{IMAGE}!todo",
        "oci://quay.io/other/x!todo",
        "b.tgz",
        "x",
    ]


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | words | st.dates()
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
packages = words | st.sampled_from(
    [
        "a@1",
        "@a/b",
        "./a",
        "a.tgz",
        f"{IMAGE}:1",
        f"{IMAGE}:{{{{inherit}}}}",
        "ref://todo",
        "https://a/b.tgz",
    ]
)
like_entries = st.fixed_dictionaries(
    {},
    optional={
        "package": packages | anything,
        "disabled": st.booleans() | anything,
        "enabled": st.booleans() | anything,
        "integrity": words | anything,
        "pluginConfig": anything,
        "pullPolicy": st.sampled_from(["Always", "IfNotPresent"]) | anything,
        "forceDownload": st.booleans() | anything,
        "other": anything,
    },
)
like_lists = st.fixed_dictionaries(
    {},
    optional={
        "includes": st.just(["default.yaml"]) | anything,
        "plugins": st.lists(like_entries | anything, max_size=3) | anything,
    },
)


@settings(deadline=None)
@given(like_lists | anything, like_lists)
def test_whatever_is_written_is_read_or_refused_with_its_place(
    document: object, default: object
) -> None:
    with tempfile.TemporaryDirectory() as name:
        file = Path(name, "dynamic-plugins.yaml")
        file.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
        Path(name, "default.yaml").write_text(
            yaml.safe_dump(default, allow_unicode=True), encoding="utf-8"
        )
        refusal = None
        try:
            entries = read_plugin_list(file)
        except ConfigurationError as error:
            refusal = error
        if refusal is None:
            config_text(merge_config(entries[:1], root_directory="root"))
            display_names(entries)
        else:
            assert refusal.place


def test_truth_values_as_text_are_taken_with_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = "plugins:\n- package: one\n  disabled: yes\n- package: two\n  enabled: 'true'\n"
    entries = read(tmp_path, text)
    assert [entry.enabled for entry in entries.values()] == [False, True]
    assert 'disabled is the text "yes", and read as true' in caplog.text


def test_unknown_fields_say_which_was_meant(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    read(tmp_path, "include: []\nplugins:\n- package: one\n  appConfig: {}\n  pullpolicy: Always\n")
    assert "include (did you mean includes?)" in caplog.text
    assert "appConfig (did you mean pluginConfig?)" in caplog.text
    assert "pullpolicy (did you mean pullPolicy?)" in caplog.text


# What is off blocks nothing


@pytest.mark.parametrize(
    "off",
    [
        "oci://registry.example.com/acme/b",
        "oci://registry.example.com/acme/b:1!../x",
        "git+https://example.com/x.git",
        "not a package at all",
        "oci://registry.example.com/acme/none:{{inherit}}",
        "ref://none",
    ],
)
def test_an_entry_that_is_off_may_be_unreadable(tmp_path: Path, off: str) -> None:
    entries = read(tmp_path, f"plugins:\n- package: '{off}'\n  disabled: true\n- package: plain\n")
    assert [str(entry.package) for entry in entries.values() if entry.enabled] == ["plain@latest"]


@pytest.mark.parametrize("fields", ["integrity: 5", "pluginConfig: x", "pullPolicy: never"])
def test_fields_of_an_entry_that_is_off_are_not_looked_at(tmp_path: Path, fields: str) -> None:
    entries = read(tmp_path, f"plugins:\n- package: plain\n  enabled: false\n  {fields}\n")
    assert [entry.enabled for entry in entries.values()] == [False]


def test_an_entry_that_is_off_may_stand_twice(tmp_path: Path) -> None:
    text = "plugins:\n- {package: plain, disabled: true}\n- {package: plain}\n"
    assert [entry.enabled for entry in read(tmp_path, text).values()] == [True]
    text = "plugins:\n- {package: plain}\n- {package: plain, disabled: true}\n"
    assert [entry.enabled for entry in read(tmp_path, text).values()] == [True]


def test_an_image_without_a_version_switches_off_what_it_means(tmp_path: Path) -> None:
    default = f"plugins:\n- package: {IMAGE}:1.0!one\n- package: {IMAGE}:1.0!two\n"
    text = f"includes: [default.yaml]\nplugins:\n- {{package: '{IMAGE}', disabled: true}}\n"
    entries = read(tmp_path, text, default=default)
    assert [entry.enabled for entry in entries.values()] == [False, False]
    text = text.replace(IMAGE, f"{IMAGE}!two")
    entries = read(tmp_path, text, default=default)
    assert [entry.enabled for entry in entries.values()] == [True, False]


def test_inherit_finds_an_image_by_its_name_in_any_registry(tmp_path: Path) -> None:
    default = "plugins:\n- package: oci://quay.io/rhdh/todo:1.0!todo\n  disabled: true\n"
    text = (
        "includes: [default.yaml]\nplugins:\n"
        "- package: oci://registry.access.redhat.com/rhdh/todo:{{inherit}}\n"
    )
    assert list(read(tmp_path, text, default=default)) == ["oci://quay.io/rhdh/todo:1.0!todo"]


def test_includes_of_includes_come_before_what_includes_them(tmp_path: Path) -> None:
    inner = "plugins:\n- {package: plain@1.0.0, pullPolicy: Always}\n"
    outer = "includes: [inner.yaml]\nplugins:\n- {package: plain@2.0.0}\n"
    entries = read(tmp_path, "includes: [outer.yaml]\n", inner=inner, outer=outer)
    assert {name: entry.pull_policy for name, entry in entries.items()} == {"plain@2.0.0": "Always"}


def test_files_that_include_one_another_are_refused(tmp_path: Path) -> None:
    one, two = "includes: [two.yaml]\n", "includes: [one.yaml]\n"
    error = refused(tmp_path, "includes: [one.yaml]\n", one=one, two=two)
    assert "in a circle" in error.problem


def test_the_default_list_of_an_index_takes_the_place_of_the_file(tmp_path: Path) -> None:
    index = tmp_path / "index"
    index.mkdir()
    text = "plugins:\n- package: ./dist/one\n- package: oci://quay.io/x/y:1!y\n  disabled: true\n"
    (index / "default.yaml").write_text(text)
    file = tmp_path / "dynamic-plugins.yaml"
    file.write_text("includes: [dynamic-plugins.default.yaml]\nplugins: []\n")
    shown = Path("quay.io/index:1/dynamic-plugins.default.yaml")
    found = read_plugin_list(
        file, default_list=DefaultList(file=index / "default.yaml", shown=shown)
    )
    assert [one.package.identity for one in found] == [
        str(tmp_path / "dist/one"),
        "oci://quay.io/x/y!y",
    ]
    assert found[0].place.file == shown
    with pytest.raises(ConfigurationError) as error:
        read_plugin_list(file)
    assert "CATALOG_INDEX_IMAGE" in (error.value.hint or "")
