"""A portal's list of plugins in the forms that operators paste it in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.config.documents import read_app_config
from factory.config.options import ListForm
from factory.config.portal_lists import list_text, unwrap_list
from factory.errors import ConfigurationError
from factory.installation.plugin_list import read_plugin_list
from factory.notation.yaml_text import parse_yaml

if TYPE_CHECKING:
    from pathlib import Path

FORMS = list(ListForm)
LISTED: dict[str, Any] = {
    "includes": ["more.yaml"],
    "plugins": [
        {
            "package": "oci://quay.io/team/todo:1.0!team-todo",
            "disabled": False,
            "pluginConfig": {"todo": {"token": "${TOKEN}", "text": "a: b\n  # no comment\n\n"}},
        },
        {"package": "./off.tgz", "disabled": True},
    ],
}
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\t :#|-'\""))
VALUES = st.recursive(
    TEXTS | st.booleans() | st.none() | st.integers(-99, 99),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def write(folder: Path, text: str) -> Path:
    file = folder / "values.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("form", FORMS)
def test_a_list_that_is_written_in_a_form_is_read_from_it(tmp_path: Path, form: ListForm) -> None:
    file = write(tmp_path, list_text(LISTED, form))
    assert unwrap_list(read_app_config(file)).value == LISTED


@given(config=st.dictionaries(TEXTS, VALUES, max_size=3), form=st.sampled_from(FORMS))
@settings(max_examples=60, deadline=None)
def test_whatever_a_configuration_holds_survives_each_form(
    config: dict[str, Any], form: ListForm, tmp_path_factory: pytest.TempPathFactory
) -> None:
    listed = {"plugins": [{"package": "./a.tgz", "pluginConfig": config}]}
    file = write(tmp_path_factory.mktemp("list"), list_text(listed, form))
    assert unwrap_list(read_app_config(file)).value == parse_yaml(list_text(listed, FORMS[0]))


def test_the_forms_are_those_of_the_charts_and_of_the_operator() -> None:
    plugins = {"plugins": [{"package": "./a.tgz"}]}
    written = {form: yaml.safe_load(list_text(plugins, form)) for form in FORMS}
    assert written[ListForm.DYNAMIC_PLUGINS] == plugins
    assert written[ListForm.HELM] == {"global": {"dynamic": plugins}}
    assert written[ListForm.BUTLER] == {"dynamicPlugins": plugins}
    config_map = written[ListForm.CONFIGMAP]
    assert (config_map["apiVersion"], config_map["kind"]) == ("v1", "ConfigMap")
    assert yaml.safe_load(config_map["data"]["dynamic-plugins.yaml"]) == plugins


def test_the_rest_of_a_charts_values_is_of_no_concern(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "global:\n  clusterRouterBase: apps.example.com\n  dynamic:\n    plugins:\n"
        "      - package: ./todo.tgz\nupstream:\n  plugins: [1]\n",
    )
    assert [str(each.package) for each in read_plugin_list(file)] == ["./todo.tgz"]


@pytest.mark.parametrize("form", FORMS)
def test_a_mistake_is_shown_where_it_stands_in_the_file(tmp_path: Path, form: ListForm) -> None:
    text = list_text({"plugins": [{"package": "./a.tgz"}, {"package": "git+x"}]}, form)
    file = write(tmp_path, f"# a word in front\n{text}")
    with pytest.raises(ConfigurationError) as error:
        read_plugin_list(file)
    place = error.value.place
    assert place is not None
    assert place.line is not None
    line = file.read_text().splitlines()[place.line - 1]
    assert place.column is not None
    assert line[place.column - 1 :] == "package: git+x"


def test_yaml_that_is_broken_in_a_config_map_has_its_line(tmp_path: Path) -> None:
    file = write(
        tmp_path, "kind: ConfigMap\ndata:\n  dynamic-plugins.yaml: |\n    a: 1\n    b: [\n"
    )
    with pytest.raises(ConfigurationError) as error:
        read_plugin_list(file)
    assert error.value.place is not None
    assert error.value.place.line in (5, 6)


@pytest.mark.parametrize("data", ["", "data: 1\n", "data: {other.yaml: x}\n", "data:\n  x: y\n"])
def test_a_config_map_without_the_list_is_refused(tmp_path: Path, data: str) -> None:
    with pytest.raises(ConfigurationError, match=r"has no dynamic-plugins\.yaml"):
        read_plugin_list(write(tmp_path, f"kind: ConfigMap\n{data}"))


def test_two_lists_in_one_file_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path, "global: {dynamic: {plugins: []}}\ndynamicPlugins: {plugins: []}\n")
    with pytest.raises(ConfigurationError, match="in two places"):
        read_plugin_list(file)


def test_a_portals_configuration_is_not_taken_for_a_list(tmp_path: Path) -> None:
    document = read_app_config(write(tmp_path, "dynamicPlugins: {rootDirectory: x}\n"))
    assert unwrap_list(document) is document
