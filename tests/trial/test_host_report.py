"""What the backend says is read as far as it has the form that its script writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.schemas import find_violation
from factory.trial.host_report import HostReport, StartupFeature, read_report
from factory.trial.verdicts import judge_trial, trial_document

FIELDS = (
    "address",
    "backend",
    "packages",
    "started",
    "pending",
    "routes",
    "remotes",
    "error",
    "app",
)

words = st.text(max_size=8)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), words),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=3,
)
NAMES = """name folder features pluginId moduleId failure modules message at path status problem
    wanted package missing plugin module extensions errors pages text uncaught screenshot id
    problems left mounts"""
objects = st.dictionaries(st.sampled_from(NAMES.split()), anything)
reports = st.fixed_dictionaries(
    {}, optional={name: st.one_of(anything, st.lists(objects, max_size=3)) for name in FIELDS}
)


def read(**fields: Any) -> HostReport:
    report = read_report(json.dumps(fields).encode())
    assert report
    return report


@settings(max_examples=40)
@given(reports)
def test_whatever_a_plugin_makes_of_it_is_read_and_fits_the_schema(value: dict[str, Any]) -> None:
    document = trial_document(judge_trial(read(**value), [Path("/nowhere/a")], 1.0))
    assert find_violation(json.loads(json.dumps(document)), "trial") is None


@pytest.mark.parametrize("content", [b"", b"no json", b"[1]", b"\xff", b'{"error":'])
def test_what_is_no_object_is_not_a_report(content: bytes) -> None:
    assert read_report(content) is None


def test_an_error_has_the_place_in_the_plugin_behind_it() -> None:
    failure = {"message": "Error: no token", "at": "bad/dist/index.cjs.js:2"}
    report = read(started=[{"pluginId": "bad", "failure": failure, "modules": []}])
    assert report.failures == {
        StartupFeature(plugin="bad"): "Error: no token (bad/dist/index.cjs.js:2)"
    }


def test_what_plugins_say_has_no_control_codes_and_an_end() -> None:
    report = read(error={"message": "\x1b[31mred\nand more" + "x" * 5000, "at": ""})
    assert report.error.startswith("red and more")
    assert len(report.error) == 1000


def test_what_an_app_noted_is_read_with_whose_page_it_is() -> None:
    app = {
        "modules": [{"package": "@acme/todo", "module": ".", "plugin": "todo", "problem": ""}],
        "extensions": [{"id": "page:todo", "plugin": "todo", "path": "/todo"}],
        "pages": [
            {
                "path": "/todo",
                "text": "To do",
                "errors": [
                    {"uncaught": True, "message": "x is not defined"},
                    {"uncaught": False, "message": "a warning"},
                ],
            }
        ],
    }
    opened = read(app=app).app
    assert opened
    assert opened.extensions == (("todo", "page:todo"),)
    (page,) = opened.pages
    assert page.plugins == {"todo"}
    assert page.uncaught == ("x is not defined",)
    assert page.errors == ("a warning",)
    assert not page.holds
