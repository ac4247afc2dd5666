"""On a terminal: what is not said is asked."""

from __future__ import annotations

import pytest

from factory.config.plugins_list import read_plugins_list

from .user import User

SOURCE = ("Repository (a URL), or a folder on this machine", "./repository\n")
FOLDER = ("Directory for the configuration [config]:", "\n")
WORKSPACES = "Which ones? Numbers, names, patterns, or all:"
PLUGINS = "Which ones? Numbers, paths, patterns [all]:"
CI = "A file for a CI: github, gitlab, tekton or none [none]:"


def test_everything_is_asked(user: User) -> None:
    answers = [
        SOURCE,
        ("Directory for the configuration [config]:", "mine\n"),
        (WORKSPACES, "alpha\n"),
        (PLUGINS, "2\n"),
        (CI, "gitlab\n"),
    ]
    ended = user.init_on_terminal(answers=answers)
    assert ended.code == 0, ended.stdout
    assert "1  workspaces/alpha  (2 plugins)" in ended.stdout
    assert "plugin-factory build --config-dir mine" in ended.stdout
    assert user.files() == [
        ".gitlab-ci.yml",
        "mine/.env.example",
        "mine/plugins-list.yaml",
        "mine/source.json",
    ]
    listed = read_plugins_list(user.here / "mine/plugins-list.yaml")
    assert listed is not None
    assert [entry.path for entry in listed.entries] == ["plugins/x-backend"]


def test_no_answer_is_the_default_where_there_is_one(user: User) -> None:
    answers = [
        SOURCE,
        FOLDER,
        (WORKSPACES, "\n"),
        (WORKSPACES, "1-2\n"),
        (PLUGINS, "\n"),
        (CI, "\n"),
    ]
    ended = user.init_on_terminal(answers=answers)
    assert ended.code == 0, ended.stdout
    assert (user.here / "config/beta/source.json").is_file()
    assert not (user.here / ".gitlab-ci.yml").exists()


def test_a_repository_that_is_no_folder_is_asked_for_its_ref(user: User) -> None:
    url = f"file://{user.repository.path}"
    user.repository.git("tag", "v1")
    answers = [
        (SOURCE[0], f"{url}\n"),
        ("Branch, tag or commit [the default branch]:", "v1\n"),
        FOLDER,
        (WORKSPACES, "beta\n"),
        (PLUGINS, "\n"),
        (CI, "\n"),
    ]
    ended = user.init_on_terminal(answers=answers)
    assert ended.code == 0, ended.stdout
    assert user.json("config/source.json")["repo-ref-name"] == "v1"


def test_an_answer_that_means_nothing_is_asked_again(user: User) -> None:
    words = ("config", "--local", "./repository", "--only", "*")
    answers = [
        (WORKSPACES, "gamma\n"),
        ("gamma: not found.", "b*\n"),
        (CI, "jenkins\n"),
        (CI, "\n"),
    ]
    ended = user.init_on_terminal(*words, answers=answers)
    assert ended.code == 0, ended.stdout
    assert user.json("config/source.json")["workspace-path"] == "workspaces/beta"


def test_what_options_say_is_not_asked(user: User) -> None:
    words = (
        "config",
        "--local",
        "./repository",
        "--all-workspaces",
        "--only",
        "*",
        "--ci",
        "github",
    )
    ended = user.init_on_terminal(*words, answers=[])
    assert ended.code == 0, ended.stdout
    assert "Which" not in ended.stdout
    assert "]:" not in ended.stdout


def test_with_yes_the_defaults_are_taken(user: User) -> None:
    ended = user.init_on_terminal("--local", "repository/workspaces/alpha", "--yes", answers=[])
    assert ended.code == 0, ended.stdout
    assert (user.here / "config/source.json").is_file()


def test_ctrl_d_is_no_answer(user: User) -> None:
    ended = user.init_on_terminal(answers=[(SOURCE[0], "\x04")])
    assert ended.code == 2
    assert "a question was not answered" in ended.stdout
    assert user.files() == []


@pytest.mark.parametrize("question", [SOURCE[0], FOLDER[0]])
def test_ctrl_c_leaves_nothing(user: User, question: str) -> None:
    answers = [SOURCE, (FOLDER[0], "\x03")] if question == FOLDER[0] else [(question, "\x03")]
    ended = user.init_on_terminal(answers=answers)
    assert ended.code == 130
    assert user.files() == []
