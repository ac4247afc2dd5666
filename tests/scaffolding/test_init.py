"""``plugin-factory init``: what it finds, what it writes, and what it leaves alone."""

from __future__ import annotations

import json
import shlex
import shutil

import pytest

from factory.config.environment import read_env_file
from factory.config.plugins_list import read_plugins_list
from factory.config.source_file import read_source_file
from tests.sources.servers import ServerLog, smart_http

from .user import PASSWORD, User

ALPHA = ("--source-repo", "./repository", "--workspace-path", "workspaces/alpha")


def test_a_workspace_of_a_repository_becomes_a_configuration(user: User) -> None:
    commit = user.repository.git("rev-parse", "HEAD")
    ended = user.init("config", *ALPHA)
    assert ended.code == 0, ended.stderr
    assert user.files() == [
        "config/.env.example",
        "config/plugins-list.yaml",
        "config/source.json",
    ]
    assert user.json("config/source.json") == {
        "repo": "../repository",
        "repo-ref": commit,
        "repo-ref-name": "main",
        "workspace-path": "workspaces/alpha",
    }
    source = read_source_file(user.here / "config")
    assert source is not None
    assert source.ref == commit
    listed = read_plugins_list(user.here / "config/plugins-list.yaml")
    assert listed is not None
    assert {entry.path: entry.arguments for entry in listed.entries} == {
        "plugins/alpha-page": "",
        "plugins/x-backend": "--embed-package @acme/shared --embed-package @backstage/of-no-portal "
        "--shared-package !@backstage/of-no-portal",
    }


def test_the_list_says_why_each_argument_is_there(user: User) -> None:
    user.init("config", *ALPHA)
    text = user.text("config/plugins-list.yaml")
    assert "# @acme/alpha-x-backend 1.0.0, backend-plugin\n" in text
    assert "--embed-package @acme/shared: plugin → @acme/shared 1.2.0" in text


def test_the_next_command_is_one_that_the_configuration_serves(user: User) -> None:
    ended = user.init("config", *ALPHA)
    command = shlex.split(ended.stdout.splitlines()[-1])
    assert command[:2] == ["plugin-factory", "build"]
    planned = user.type("plan", "--offline", *command[2:])
    assert planned.code == 0, planned.stderr
    assert not planned.stderr, "a warning about a field that nobody knows"
    assert "plugins/x-backend" in planned.stdout


def test_the_example_of_an_environment_changes_nothing_as_it_is(user: User) -> None:
    user.init("config", *ALPHA)
    example = user.here / "config/.env.example"
    assert read_env_file(example) == {}
    uncommented = example.read_text().replace("\n#REG", "\nREG").replace("\n#RHDH", "\nRHDH")
    example.write_text(uncommented)
    assert set(read_env_file(example)) == {
        "REGISTRY_URL",
        "REGISTRY_NAMESPACE",
        "REGISTRY_USERNAME",
        "REGISTRY_PASSWORD",
        "REGISTRY_AUTH_FILE",
        "REGISTRY_CA_FILE",
        "REGISTRY_INSECURE",
        "RHDH_CLI_VERSION",
    }


def test_a_tag_is_pinned_to_its_commit(user: User) -> None:
    commit = user.repository.git("rev-parse", "HEAD")
    user.repository.git("tag", "--annotate", "v1.0.0", "--message", "first")
    user.repository.commit({"workspaces/alpha/new.txt": "later"})
    assert user.init("config", *ALPHA, "--source-ref", "v1.0.0").code == 0
    source = user.json("config/source.json")
    assert (source["repo-ref"], source["repo-ref-name"]) == (commit, "v1.0.0")


def test_a_commit_id_needs_no_other_name(user: User) -> None:
    commit = user.repository.git("rev-parse", "HEAD")
    assert user.init("config", *ALPHA, "--source-ref", commit).code == 0
    source = user.json("config/source.json")
    assert source["repo-ref"] == commit
    assert "repo-ref-name" not in source


def test_several_workspaces_get_a_folder_each(user: User) -> None:
    ended = user.init("config", "--source-repo", "./repository", "--all-workspaces")
    assert ended.code == 0, ended.stderr
    assert user.files() == [
        "config/.env.example",
        "config/alpha/plugins-list.yaml",
        "config/alpha/source.json",
        "config/beta/plugins-list.yaml",
        "config/beta/source.json",
    ]
    assert user.json("config/beta/source.json")["repo"] == "../../repository"
    planned = user.type("plan", "--offline", "--config-dir", "config", "--json")
    assert planned.code == 0, planned.stderr
    assert [each["name"] for each in json.loads(planned.stdout)["workspaces"]] == ["alpha", "beta"]


def test_workspaces_of_one_name_get_folders_of_their_own(user: User) -> None:
    again = user.repository.path / "extensions/Alpha"
    shutil.copytree(user.repository.path / "workspaces/alpha", again)
    user.repository.commit({})
    ended = user.init("config", "--source-repo", "./repository", "--all-workspaces", "--json")
    names = [each["name"] for each in json.loads(ended.stdout)["workspaces"]]
    assert names == ["extensions-Alpha", "workspaces-alpha", "beta"]


def test_which_of_several_workspaces_has_to_be_said(user: User) -> None:
    ended = user.init("config", "--source-repo", "./repository")
    assert ended.code == 2
    for fact in ("workspaces/alpha", "workspaces/beta", "--workspace-path", "--all-workspaces"):
        assert fact in ended.stderr
    assert user.files() == []


def test_where_the_source_is_has_to_be_said(user: User) -> None:
    ended = user.init("config")
    assert ended.code == 2
    assert "--source-repo" in ended.stderr
    assert "--local" in ended.stderr


def test_an_unknown_workspace_is_told_with_those_that_there_are(user: User) -> None:
    ended = user.init("--source-repo", "./repository", "--workspace-path", "workspaces/alpa")
    assert ended.code == 4
    assert "did you mean --workspace-path workspaces/alpha" in ended.stderr
    assert user.files() == []


def test_an_unknown_ref_leaves_nothing(user: User) -> None:
    ended = user.init(*ALPHA, "--source-ref", "nowhere")
    assert ended.code == 4
    assert user.files() == []


def test_a_workspace_without_a_plugin_is_no_configuration(user: User) -> None:
    ended = user.init("--source-repo", "./repository", "--workspace-path", "docs")
    assert ended.code == 4
    assert "no plugin was found in docs" in ended.stderr


def test_only_some_plugins(user: User) -> None:
    ended = user.init("config", *ALPHA, "--only", "*-backend")
    assert ended.code == 0, ended.stderr
    listed = read_plugins_list(user.here / "config/plugins-list.yaml")
    assert listed is not None
    assert [entry.path for entry in listed.entries] == ["plugins/x-backend"]


def test_only_nothing_is_an_error(user: User) -> None:
    ended = user.init("config", *ALPHA, "--only", "nothing")
    assert ended.code == 2
    assert "--only nothing" in ended.stderr
    assert user.files() == []


def test_a_local_workspace_follows_what_is_committed(user: User) -> None:
    (user.repository.path / "workspaces/alpha/new.txt").write_text("not committed")
    ended = user.init("config", "--local", "repository/workspaces/alpha")
    assert ended.code == 0
    assert "1 uncommitted change(s)" in ended.stderr
    assert user.json("config/source.json") == {
        "repo": "../repository",
        "workspace-path": "workspaces/alpha",
    }


def test_a_configuration_inside_the_repository_that_it_is_for(user: User) -> None:
    ended = user.init("repository/ci/config", "--local", "repository/workspaces/alpha")
    assert ended.code == 0, ended.stderr
    assert user.json("repository/ci/config/source.json")["repo"] == "../.."


def test_a_folder_that_is_in_no_repository(user: User) -> None:
    shutil.rmtree(user.repository.path / ".git")
    ended = user.init("config", "--local", "repository/workspaces/alpha")
    assert ended.code == 0, ended.stderr
    assert user.json("config/source.json") == {
        "repo": "../repository/workspaces/alpha",
        "workspace-path": ".",
    }
    planned = user.type("plan", "--config-dir", "config", "--repo-path", "source")
    assert planned.code == 0, planned.stderr


def test_without_a_lockfile_the_arguments_are_left_out(user: User) -> None:
    user.repository.git("rm", "--quiet", "workspaces/alpha/yarn.lock")
    user.repository.commit({})
    ended = user.init("config", *ALPHA)
    assert ended.code == 0
    assert "the build arguments cannot be computed" in ended.stderr
    listed = read_plugins_list(user.here / "config/plugins-list.yaml")
    assert listed is not None
    assert {entry.arguments for entry in listed.entries} == {""}


def test_credentials_in_the_url_are_used_and_never_written(user: User) -> None:
    log = ServerLog()
    log.password = f"robot:{PASSWORD}"
    with smart_http(user.here, log) as base:
        url = f"{base.replace('://', f'://robot:{PASSWORD}@')}/repository"
        ended = user.init("config", "--source-repo", url, "--all-workspaces", "--ci", "github")
    assert ended.code == 0, ended.stderr
    assert "the credentials in the repository's URL are used now and not written" in ended.stderr
    written = [user.text(file) for file in user.files()]
    assert len(written) == 6
    for text in (ended.stdout, ended.stderr, *written):
        assert PASSWORD not in text
        assert "robot" not in text.replace("my-team+robot", "").replace("a robot account", "")
    assert user.json("config/alpha/source.json")["repo"] == f"{base}/repository"


def test_a_dry_run_writes_nothing(user: User) -> None:
    ended = user.init("config", *ALPHA, "--dry-run", "--json", "--ci", "gitlab")
    assert ended.code == 0, ended.stderr
    said = json.loads(ended.stdout)
    assert said["dry-run"] is True
    assert [file["path"].removeprefix(f"{user.here}/") for file in said["files"]] == [
        "config/.env.example",
        "config/plugins-list.yaml",
        ".gitlab-ci.yml",
        "config/source.json",
    ]
    assert said["source"]["commit"] == user.repository.git("rev-parse", "HEAD")
    assert [plugin["path"] for plugin in said["workspaces"][0]["plugins"]] == [
        "plugins/alpha-page",
        "plugins/x-backend",
    ]
    assert user.files() == []


def test_nothing_that_is_there_is_overwritten(user: User) -> None:
    assert user.init("config", *ALPHA).code == 0
    mine = user.here / "config/plugins-list.yaml"
    mine.write_text("# mine\nplugins/alpha-page:\n")
    ended = user.init("config", *ALPHA)
    assert ended.code == 3
    assert str(mine) in ended.stderr
    assert "--force" in ended.stderr
    assert mine.read_text().startswith("# mine")


def test_an_example_that_is_there_is_not_overwritten_either(user: User) -> None:
    mine = user.here / "config/.env.example"
    mine.parent.mkdir()
    mine.write_text("MINE=1\n")
    ended = user.init("config", *ALPHA)
    assert ended.code == 3
    assert user.files() == ["config/.env.example"]
    assert mine.read_text() == "MINE=1\n"


def test_force_replaces_with_a_word(user: User) -> None:
    assert user.init("config", *ALPHA).code == 0
    mine = user.here / "config/plugins-list.yaml"
    mine.write_text("# mine\nplugins/alpha-page:\n")
    ended = user.init("config", *ALPHA, "--force")
    assert ended.code == 0
    assert f"{mine} existed and was replaced" in ended.stderr
    assert "# mine" not in mine.read_text()
    assert user.files() == [
        "config/.env.example",
        "config/plugins-list.yaml",
        "config/source.json",
    ]


def test_one_file_that_cannot_be_written_and_none_is(user: User) -> None:
    (user.here / ".github").write_text("a file where a folder should be")
    ended = user.init("config", *ALPHA, "--ci", "github")
    assert ended.code == 12
    assert "nothing was changed" in ended.stderr
    assert user.files() == [".github"]
    assert not (user.here / "config").exists()


def test_a_configuration_of_several_is_not_masked(user: User) -> None:
    every = ("--source-repo", "./repository", "--all-workspaces")
    assert user.init("config", *every).code == 0
    ended = user.init("config", *ALPHA)
    assert ended.code == 3
    assert "several workspaces already" in ended.stderr
    assert "plugin-factory init" in ended.stderr
    assert user.init("config/more", *ALPHA).code == 0


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        (("--local", ".", "--source-repo", "./repository"), "exclude each other"),
        (("--local", ".", "--source-ref", "main"), "--source-ref works only with --source-repo"),
        ((*ALPHA, "--all-workspaces"), "exclude each other"),
        (("--package", "x", "--local", "."), "--package and --local exclude each other"),
        (("--package", "x", "--only", "y"), "--package and --only exclude each other"),
        (("--package", "x", "--package", "x@1"), "named twice"),
        ((*ALPHA, "--ci-from", "acme/factory@main"), "--ci-from works only with --ci"),
        ((*ALPHA, "--ci", "github", "--ci-from", "factory"), "OWNER/NAME@REF"),
    ],
)
def test_options_that_do_not_go_together(user: User, words: tuple[str, ...], fact: str) -> None:
    ended = user.init("config", *words)
    assert ended.code == 2
    assert fact in ended.stderr
    assert user.files() == []
