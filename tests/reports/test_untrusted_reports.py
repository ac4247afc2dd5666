"""Reports from elsewhere: no field leads out of the output directory, or ends in a mistake."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory.errors import FactoryError
from factory.reports.durations import durations_of, expect_durations
from factory.reports.markdown import markdown
from factory.reports.merge import merge_reports
from factory.reports.reading import read_report
from factory.reports.summary import (
    RunSummary,
    summary_of,
)
from tests.light import examples
from tests.reports.test_merge import ERROR, failed, plugin, several, workspace

TGZ = "acme-todo-dynamic-1.0.0.tgz"


def told(folder: Path, document: Any) -> RunSummary:
    (folder / "build-report.json").write_bytes(
        json.dumps(document).encode("utf-8", "surrogatepass")
    )
    return summary_of([read_report(folder)])


def with_file(name: str) -> dict[str, Any]:
    return workspace(plugin("plugins/a", files=[{"name": name, "size": 1}]))


@pytest.mark.parametrize(
    "name", ["../../../../etc/passwd", "/etc/passwd", "a/b.tgz", "..", "a\nb.tgz", "x" * 300]
)
def test_a_file_name_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(FactoryError, match="is not the report of a run"):
        told(tmp_path, with_file(name))


@pytest.mark.parametrize("name", ["../other", "/etc", "a/b"])
def test_a_workspaces_name_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(FactoryError, match="is not the report of a run"):
        told(tmp_path, several(**{name: workspace(plugin("plugins/a"))}))


@pytest.mark.parametrize("path", ["../../etc", "/etc"])
def test_a_plugins_path_stays_in_the_workspace(tmp_path: Path, path: str) -> None:
    with pytest.raises(FactoryError, match="is not the report of a run"):
        told(tmp_path, workspace(plugin(path)))


def test_links_are_no_artifacts(tmp_path: Path) -> None:
    (tmp_path / TGZ).symlink_to("/etc/passwd")
    assert told(tmp_path, with_file(TGZ)).artifacts == ()


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 1e300, 10**400])
def test_times_are_such_as_runs_take(tmp_path: Path, seconds: float) -> None:
    document = workspace(plugin("plugins/a", seconds={"export": seconds}))
    with pytest.raises(FactoryError):
        told(tmp_path, document)
    assert expect_durations(tmp_path, "") is None


@pytest.mark.parametrize(
    "started", ["2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "0001-01-01T00:00:00+23:59"]
)
def test_a_beginning_is_a_time(tmp_path: Path, started: str) -> None:
    with pytest.raises(FactoryError):
        told(tmp_path, {**workspace(plugin("plugins/a")), "started": started})


def test_texts_hold_nothing_that_a_terminal_obeys(tmp_path: Path) -> None:
    bad = "\x1b[2J\u202e\u2028"
    document = workspace(
        plugin("plugins/a", outcome="failed", error={**ERROR, "problem": bad}),
        plugin("plugins/b", name=bad, version=bad),
    )
    document["warnings"] = [bad]
    page = markdown(told(tmp_path, document))
    assert all(character.isprintable() or character == "\n" for character in page)
    json.dumps(merge_reports([read_report(tmp_path)]), ensure_ascii=False).encode()


def test_an_address_that_is_none(tmp_path: Path) -> None:
    document = workspace(plugin("plugins/a"))
    document["source"]["repo"] = "https://[github.com/a/b"
    assert told(tmp_path, document).plugins[0].source is None


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a":' * 50_000, "1" * 5_000, "", "\ufeff{}", "nul", r'{"a": "\ud800"}'],
)
def test_what_is_no_report(tmp_path: Path, text: str) -> None:
    (tmp_path / "build-report.json").write_text(text)
    with pytest.raises(FactoryError):
        read_report(tmp_path)
    assert expect_durations(tmp_path, "") is None


VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["../x", "/etc", "\x1b", "\ud800", "a\nb", "", [], {}, [{}], {"a": 1}, 10**400]
    )
)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    steps = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [path, *(found for step, each in steps for found in leaves(each, (*path, step)))]


SOUND = (
    workspace(failed("plugins/a"), plugin("plugins/b", files=[{"name": TGZ, "size": 1}])),
    several(one=workspace(plugin("plugins/a")), two=workspace(failed("plugins/b"))),
)


@settings(
    max_examples=examples(400),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_no_report_ends_in_anything_but_an_error_of_ours(
    tmp_path: Path, data: st.DataObject
) -> None:
    document = copy.deepcopy(data.draw(st.sampled_from(SOUND)))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(leaves(document)[1:]))
        holder = document
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = data.draw(VALUES)
    file = tmp_path / "build-report.json"
    file.write_bytes(json.dumps(document).encode("utf-8", "surrogatepass"))
    expect_durations(tmp_path, "")
    try:
        report = read_report(tmp_path)
        durations_of([report])
        page = markdown(summary_of([report]))
        json.dumps(merge_reports([report, report]), ensure_ascii=False).encode()
    except FactoryError as error:
        str(error)
    else:
        assert "\x1b" not in page
