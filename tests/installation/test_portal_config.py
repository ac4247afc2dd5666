"""app-config.dynamic-plugins.yaml: what the plugins' configuration adds up to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from factory.installation.portal_config import config_text

from .desk import CONFIG

if TYPE_CHECKING:
    from .desk import Desk


@pytest.fixture
def two(desk: Desk) -> Desk:
    """A desk with two archives."""
    desk.packed("one.tgz", name="one")
    desk.packed("two.tgz", name="two")
    return desk


def entry(name: str, config: Any, **fields: Any) -> dict[str, Any]:
    return {"package": f"./{name}.tgz", "pluginConfig": config, **fields}


def test_maps_are_merged_key_by_key(two: Desk) -> None:
    two.listed(
        entry("one", {"dynamicPlugins": {"frontend": {"one": {"a": [1, 2]}}}, "same": "x"}),
        entry("two", {"dynamicPlugins": {"frontend": {"two": {}}}, "same": "x"}),
    )
    two.report()
    assert two.merged == {
        "dynamicPlugins": {
            "rootDirectory": str(two.root),
            "frontend": {"one": {"a": [1, 2]}, "two": {}},
        },
        "same": "x",
    }


def test_the_portal_may_call_its_folder_otherwise(two: Desk) -> None:
    two.listed("./one.tgz")
    two.report("--root-directory", "dynamic-plugins-root")
    assert two.merged == {"dynamicPlugins": {"rootDirectory": "dynamic-plugins-root"}}


@pytest.mark.parametrize(
    ("one", "other", "key"),
    [
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 2}}}, "a.b.c"),
        ({"a": {"b": 1}}, {"a": 1}, "a"),
        ({"a": [1]}, {"a": [2]}, "a"),
        ({"a": 1}, {"a": True}, "a"),
        ({"a": "1"}, {"a": 1}, "a"),
        ({"a": [1]}, {"a": [True]}, "a"),
        (
            {"f": {"frequency": {"minutes": 60}}},
            {"f": {"frequency": {"seconds": 30}}},
            "f.frequency",
        ),
        (
            {"a": {"frequency": {"minutes": 60}}},
            {"a": {"frequency": {"cron": "* *"}}},
            "a.frequency",
        ),
        ({"timeout": {"minutes": 3}}, {"timeout": {"minutes": 3, "seconds": 1}}, "timeout"),
        ({"timeout": {"minutes": 3}}, {"timeout": "PT3M"}, "timeout"),
        ({"initialDelay": {"hours": 1}}, {"initialDelay": {"minutes": 1}}, "initialDelay"),
        ({"a": {"$env": "A"}}, {"a": {"$file": "b"}}, "a"),
    ],
)
def test_a_conflict_names_the_key_and_both_plugins(
    two: Desk, one: Any, other: Any, key: str
) -> None:
    two.listed(entry("one", one), entry("two", other))
    done = two.run()
    assert done.exit_code == 3
    assert f"two plugins configure {key} differently" in done.stderr
    assert "by ./one.tgz" in done.stderr
    assert "by ./two.tgz" in done.stderr
    assert not two.root.exists()


def test_intervals_that_are_the_same_are_no_conflict(two: Desk) -> None:
    schedule = {"frequency": {"minutes": 60}, "timeout": {"minutes": 3.0}}
    two.listed(
        entry("one", {"a": {"schedule": schedule, "x": {}}}),
        entry("two", {"a": {"schedule": {"timeout": {"minutes": 3}}, "x": {"hours": {"y": 1}}}}),
    )
    two.report()
    assert two.merged["a"] == {"schedule": schedule, "x": {"hours": {"y": 1}}}


def test_the_configuration_is_read_as_backstage_reads_it(two: Desk) -> None:
    two.listed()
    (two.folder / "dynamic-plugins.yaml").write_text(
        "plugins:\n- package: ./one.tgz\n  pluginConfig:\n    country: NO\n    at: 22:22\n"
        "    mode: 010\n    1: one\n    true: yes\n    rule: =\n    day: 2026-01-01\n"
    )
    two.report()
    own = {key: value for key, value in two.merged.items() if key != "dynamicPlugins"}
    assert own == {
        "country": "NO",
        "at": "22:22",
        "mode": 10,
        "1": "one",
        "true": "yes",
        "rule": "=",
        "day": "2026-01-01",
    }


def test_a_disabled_plugin_conflicts_with_nobody(two: Desk) -> None:
    two.listed(entry("one", {"a": 1}), entry("two", {"a": 2}, disabled=True))
    two.report()
    assert two.merged["a"] == 1


def test_it_is_written_anew_also_when_no_plugin_changes(two: Desk) -> None:
    two.listed(entry("one", {"a": "${OF_THE_PORTAL}"}))
    two.report()
    (two.root / CONFIG).unlink()
    assert two.outcomes() == {"one.tgz": "kept"}
    assert two.merged["a"] == "${OF_THE_PORTAL}"


def test_texts_that_yaml_1_2_would_take_for_numbers_are_quoted() -> None:
    text = config_text({"a": "1e3", "b": "0o17", "c": "yes", "d": "plain/text", "e": "1:30"})
    assert 'a: "1e3"\nb: "0o17"\nc: "yes"\nd: plain/text\ne: "1:30"\n' in text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=8,
    )
)
def test_whatever_is_written_reads_back(value: Any) -> None:
    assert yaml.safe_load(config_text({"value": value})) == {"value": value}
