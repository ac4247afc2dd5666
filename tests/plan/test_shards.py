"""Shards for CI: of about equal length, complete, and directly usable with --only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

from factory.cli.application import application
from factory.cli.option_variables import defaults_from
from factory.config.selection import PluginName, Selection, patterns
from factory.errors import ConfigurationError
from factory.plan.plan_result import (
    Outlook,
    PlannedPlugin,
    PlannedWorkspace,
    Verdict,
)
from factory.plan.shards import (
    Shard,
    github_matrix,
    gitlab_matrix,
    shards_of,
    tekton_matrix,
)
from factory.reports.durations import (
    Durations,
    StageDurations,
    durations_of,
)
from factory.reports.reading import WrittenReport

NOTHING_KNOWN = Durations()


def plugin(path: str, verdict: Verdict = "build") -> PlannedPlugin:
    return PlannedPlugin(path=path, arguments="", arguments_from="", verdict=verdict, why="")


def workspace(name: str, *paths: str, **others: Any) -> PlannedWorkspace:
    return PlannedWorkspace(name=name, plugins=tuple(plugin(path) for path in paths), **others)


def outlook(*workspaces: PlannedWorkspace) -> Outlook:
    return Outlook(several=True, offline=False, workspaces=workspaces)


def took(**seconds: float) -> Durations:
    """Workspaces that took so long, all of it in one plugin p."""
    return Durations(
        known={n: StageDurations(own=0.0, plugins={"p": s}) for n, s in seconds.items()}
    )


def only(shards: tuple[Shard, ...]) -> list[str]:
    return [shard.only for shard in shards]


def test_the_longest_first_each_to_who_has_least() -> None:
    look = outlook(*(workspace(name, "p") for name in "abcde"))
    shards = shards_of(look, took(a=5, b=4, c=3, d=3, e=3), 2)
    assert only(shards) == ["a,d", "b,c,e"]
    assert [shard.seconds for shard in shards] == [8, 10]


def test_there_are_no_more_shards_than_workspaces() -> None:
    shards = shards_of(outlook(workspace("a", "p"), workspace("b", "p")), NOTHING_KNOWN, 9)
    assert [(shard.number, shard.of, shard.only) for shard in shards] == [(1, 2, "a"), (2, 2, "b")]


def test_what_is_not_known_counts_as_the_median() -> None:
    look = outlook(*(workspace(name, "p") for name in ("a", "b", "c", "new")))
    shards = shards_of(look, took(a=10, b=20, c=90), 2)
    assert only(shards) == ["c", "a,b,new"]
    assert shards[1].seconds == 10 + 20 + 20


def test_a_workspace_longer_than_all_else_is_split_by_its_plugins() -> None:
    known = Durations(
        known={
            "big": StageDurations(own=10, plugins={"a": 50, "b": 40, "c": 30, "d": 20}),
            "small": StageDurations(own=10, plugins={"x": 20}),
        }
    )
    look = outlook(workspace("big", "a", "b", "c", "d"), workspace("small", "x"))
    shards = shards_of(look, known, 3)
    assert only(shards) == ["big/a,big/d", "big/b,big/c", "small"]
    assert [shard.name for shard in shards] == ["big", "big", "small"]


def test_two_that_are_long_are_both_split() -> None:
    big = StageDurations(own=1, plugins={"a": 50, "b": 50})
    look = outlook(workspace("x", "a", "b"), workspace("y", "a", "b"))
    shards = shards_of(look, Durations(known={"x": big, "y": big}), 4)
    assert sorted(only(shards)) == ["x/a", "x/b", "y/a", "y/b"]


def test_splitting_has_to_be_worth_it() -> None:
    known = Durations(known={"big": StageDurations(own=100, plugins={"a": 1, "b": 1})})
    assert only(shards_of(outlook(workspace("big", "a", "b")), known, 2)) == ["big"]


def test_a_workspace_that_was_not_looked_at_stays_whole() -> None:
    look = outlook(PlannedWorkspace(name="big"), workspace("small", "x"))
    assert only(shards_of(look, took(big=500, small=1), 4)) == ["big", "small"]


def test_a_single_workspace_is_split_by_its_plugins() -> None:
    look = Outlook(
        several=False, offline=True, workspaces=(workspace("", "plugins/a", "plugins/b"),)
    )
    known = Durations(known={"": StageDurations(own=1, plugins={"plugins/a": 9, "plugins/b": 9})})
    assert only(shards_of(look, known, 2)) == ["plugins/a", "plugins/b"]
    assert only(shards_of(look, known, 1)) == ["*"]


def test_a_workspace_of_which_only_a_part_is_wanted_names_that_part() -> None:
    look = outlook(workspace("todo", "plugins/a", partly=True))
    assert only(shards_of(look, NOTHING_KNOWN, 1)) == ["todo/plugins/a"]


def test_a_broken_workspace_is_in_a_shard_too() -> None:
    broken = PlannedWorkspace(name="broken", error=ConfigurationError("no repo"))
    assert only(shards_of(outlook(broken), NOTHING_KNOWN, 2)) == ["broken"]


def test_cached_plugins_take_no_time() -> None:
    cached = PlannedWorkspace(name="done", plugins=(plugin("p", "cached"),))
    look = outlook(cached, workspace("a", "p"), workspace("b", "p"))
    shards = shards_of(look, took(done=1000, a=10, b=9), 2)
    assert [shard.seconds for shard in shards] == [10, 9]


def test_workspaces_that_are_cached_can_be_left_out() -> None:
    cached = PlannedWorkspace(name="done", plugins=(plugin("p", "cached"),))
    partly = PlannedWorkspace(name="partly", plugins=(plugin("p", "cached"), plugin("q")))
    look = outlook(cached, partly)
    assert only(shards_of(look, NOTHING_KNOWN, 1, changed_only=True)) == ["partly"]
    assert shards_of(outlook(cached), NOTHING_KNOWN, 2, changed_only=True) == ()


names = st.text("ab*?[],!-", min_size=1, max_size=4).filter(lambda name: name.strip() == name)


@given(
    st.dictionaries(names, st.lists(names, min_size=1, max_size=4, unique=True), min_size=1),
    st.integers(1, 5),
)
def test_every_plugin_is_selected_by_one_shard(there: dict[str, list[str]], number: int) -> None:
    look = outlook(*(workspace(name, *paths) for name, paths in sorted(there.items())))
    shards = shards_of(look, NOTHING_KNOWN, number)
    for name, paths in there.items():
        for path in paths:
            wanting = [
                shard
                for shard in shards
                if Selection(only=patterns([shard.only]), workspaces=tuple(there)).wants(
                    PluginName(workspace=name, path=path)
                )
            ]
            # A comma in a name cannot be written, so another name may fit the pattern too.
            assert len(wanting) == 1 or (wanting and any("," in each for each in (*there, *paths)))


def test_the_matrix_for_github() -> None:
    shards = shards_of(outlook(workspace("a", "p"), workspace("b", "p")), took(a=60.4, b=30), 2)
    assert "\n" not in github_matrix(shards)
    assert json.loads(github_matrix(shards)) == {
        "include": [
            {"shard": 1, "of": 2, "name": "a", "only": "a", "seconds": 60},
            {"shard": 2, "of": 2, "name": "b", "only": "b", "seconds": 30},
        ]
    }


def test_the_matrix_for_gitlab() -> None:
    shards = shards_of(outlook(workspace("a", "p"), workspace("b", "p")), took(a=2, b=1), 2)
    assert yaml.safe_load(gitlab_matrix(shards)) == {
        ".plugin-factory-shards": {
            "parallel": {
                "matrix": [
                    {"SHARD": "1", "SHARDS": "2", "PLUGIN_FACTORY_ONLY": "a"},
                    {"SHARD": "2", "SHARDS": "2", "PLUGIN_FACTORY_ONLY": "b"},
                ]
            }
        }
    }


def test_the_variable_for_gitlab_is_read_as_it_is_meant() -> None:
    (shard,) = shards_of(outlook(workspace("two words", "p"), workspace("it's", "p")), took(), 1)
    job = yaml.safe_load(gitlab_matrix([shard]))[".plugin-factory-shards"]
    (variables,) = job["parallel"]["matrix"]
    build = get_command(application()).commands["build"]  # type: ignore[attr-defined]
    assert defaults_from(build, variables) == {"only": [shard.only]}


def test_the_matrix_for_tekton_is_an_array_of_what_each_builds() -> None:
    shards = shards_of(outlook(workspace("a", "p"), workspace("b", "p")), took(a=2, b=1), 2)
    assert json.loads(tekton_matrix(shards)) == ["a", "b"]


def written(document: dict[str, Any]) -> WrittenReport:
    return WrittenReport(file=Path("r"), several="workspaces" in document, document=document)


def reported(path: str, seconds: float, **others: Any) -> dict[str, Any]:
    return {"path": path, "outcome": "done", "seconds": {"export": seconds}} | others


def test_reports_tell_how_long_each_takes() -> None:
    first = {
        "workspaces": [
            {"name": "a", "stages": {"install": 30, "tsc": 5}, "plugins": [reported("p", 8)]}
        ]
    }
    alone = {"stages": {"install": 1}, "plugins": [reported("q", 2)]}
    known = durations_of([written(first), written(alone)])
    assert (known.own("a"), known.plugin("a", "p")) == (35, 8)
    assert (known.own(""), known.plugin("", "q")) == (1, 2)
    assert known.all_plugins("a") == 8


def test_what_came_from_the_cache_does_not_tell_how_long_it_takes() -> None:
    built = {"workspaces": [{"name": "a", "stages": {"i": 30}, "plugins": [reported("p", 8)]}]}
    cached = reported("p", 0.01, cached=True)
    later = {"workspaces": [{"name": "a", "stages": {"i": 0.2}, "plugins": [cached]}]}
    known = durations_of([written(built), written(later)])
    assert (known.own("a"), known.plugin("a", "p")) == (30, 8)


@pytest.mark.parametrize("known", [NOTHING_KNOWN, took(a=3)])
def test_something_is_expected_of_what_is_not_known(known: Durations) -> None:
    assert known.plugin("new", "p") > 0
    assert known.all_plugins("new") > 0
