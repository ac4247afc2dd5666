"""--only and --exclude: what a pattern means, before anything is fetched and after."""

from __future__ import annotations

import pytest

from factory.config.selection import PluginName, Selection, nothing_selected, patterns

WORKSPACES = ("aws", "gitlab", "todo")
FRONT = PluginName(workspace="todo", path="plugins/todo", package="@acme/plugin-todo")
BACK = PluginName(
    workspace="todo", path="plugins/todo-backend", package="@acme/plugin-todo-backend"
)
OTHER = PluginName(workspace="gitlab", path="plugins/gitlab", package="backstage-gitlab")
ALL = (FRONT, BACK, OTHER)


def selection(only: str = "", exclude: str = "", names: tuple[str, ...] = WORKSPACES) -> Selection:
    return Selection(only=patterns([only]), exclude=patterns([exclude]), workspaces=names)


def wanted(only: str = "", exclude: str = "") -> list[str]:
    return [str(plugin) for plugin in ALL if selection(only, exclude).wants(plugin)]


EVERYTHING = ["todo/plugins/todo", "todo/plugins/todo-backend", "gitlab/plugins/gitlab"]


@pytest.mark.parametrize(
    ("only", "exclude", "expected"),
    [
        ("", "", EVERYTHING),
        ("*", "", EVERYTHING),
        ("todo", "", EVERYTHING[:2]),
        ("t*", "", EVERYTHING[:2]),
        ("todo/plugins/todo", "", EVERYTHING[:1]),
        ("todo/*-backend", "", EVERYTHING[1:2]),
        ("plugins/todo", "", EVERYTHING[:1]),
        ("plugins/*", "", EVERYTHING),
        ("@acme/plugin-todo", "", EVERYTHING[:1]),
        ("@acme/*", "", EVERYTHING[:2]),
        ("backstage-gitlab", "", EVERYTHING[2:]),
        ("gitlab,todo/plugins/todo", "", [EVERYTHING[0], EVERYTHING[2]]),
        ("", "todo", EVERYTHING[2:]),
        ("", "*-backend", [EVERYTHING[0], EVERYTHING[2]]),
        ("todo", "plugins/todo", EVERYTHING[1:2]),
        ("plugins/Todo", "", []),
        ("gitlab/plugins/todo", "", []),
    ],
)
def test_patterns_select_plugins(only: str, exclude: str, expected: list[str]) -> None:
    assert wanted(only, exclude) == expected


def test_an_option_may_be_repeated_and_hold_several() -> None:
    assert patterns(["a,b", " c ", "d,,e,"]) == ("a", "b", "c", "d", "e")


@pytest.mark.parametrize(
    ("only", "exclude", "expected"),
    [
        ("", "", ["aws", "gitlab", "todo"]),
        ("todo", "", ["todo"]),
        ("todo/plugins/x", "", ["todo"]),
        ("plugins/x", "", ["aws", "gitlab", "todo"]),
        ("@acme/x", "", ["aws", "gitlab", "todo"]),
        ("", "*o*", ["aws", "gitlab"]),
        ("todo", "todo", []),
        ("todo,gitlab", "todo", ["gitlab"]),
    ],
)
def test_workspaces_are_left_out_before_they_are_fetched(
    only: str, exclude: str, expected: list[str]
) -> None:
    assert [n for n in WORKSPACES if selection(only, exclude).wants_workspace(n)] == expected


@pytest.mark.parametrize(
    ("only", "exclude", "expected"),
    [
        ("plugins/todo", "", True),
        ("plugins/other", "", False),
        ("todo/plugins/other", "", False),
        ("@acme/other", "", True),
        ("some-package", "", True),
        ("*other", "", True),
        ("", "plugins/*", False),
        ("", "plugins/todo", True),
        ("todo", "todo/*", False),
    ],
)
def test_a_plugins_list_tells_more(only: str, exclude: str, expected: bool) -> None:
    listed = ("plugins/todo", "plugins/todo-backend")
    assert selection(only, exclude).wants_workspace("todo", listed) is expected


def test_a_single_workspace_has_no_name_to_match() -> None:
    alone = PluginName(workspace="", path="plugins/todo", package="@acme/todo")
    assert selection("*", names=()).wants(alone)
    assert selection("plugins/*", names=()).wants(alone)
    assert not selection("todo", names=()).wants(alone)
    assert selection("todo", names=()).wants_workspace("")
    assert str(alone) == "plugins/todo"


def test_a_pattern_that_matches_nothing_is_told() -> None:
    chosen = selection("todo,plugins/nowhere,aws/plugins/*")
    assert chosen.find_unmatched(ALL) == ("plugins/nowhere", "aws/plugins/*")


def test_a_workspace_that_could_not_be_looked_at_may_have_been_meant() -> None:
    chosen = selection("plugins/nowhere,aws/plugins/*,todo/plugins/nowhere")
    assert chosen.find_unmatched(ALL, others=["aws"]) == ("todo/plugins/nowhere",)


def test_selecting_nothing_names_what_there_is() -> None:
    error = nothing_selected(selection("tod", "x"), WORKSPACES)
    assert error.problem == "--only tod --exclude x leaves nothing to build"
    assert error.found == "aws, gitlab, todo"


def test_a_long_list_of_what_there_is_is_cut() -> None:
    error = nothing_selected(selection("x"), [f"w{number}" for number in range(65)])
    assert str(error.found).endswith("w19 and 45 more")
