"""The plan: options, environment and configuration directory as one value."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from factory.config.build_plan import BuildPlan, WantedSource
from factory.config.options import BuildOptions, build_options
from factory.errors import ConfigurationError, FactoryError, UsageError
from tests.single_build import plan_single


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """A configuration directory to write into, and requests about it."""

    root: Path
    home: Path

    @property
    def config(self) -> Path:
        return self.root / "config"

    def write(self, name: str, content: str | dict[str, Any]) -> Path:
        file = self.config / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
        return file

    def request(self, **options: Any) -> BuildOptions:
        given = {
            "config_dir": self.config,
            "repo_path": self.root / "source",
            "output_dir": self.root / "outputs",
        }
        return build_options(**(given | options))

    def plan(self, process: dict[str, str] | None = None, **options: Any) -> BuildPlan:
        process = {"HOME": str(self.home)} | (process or {})
        return plan_single(self.request(**options), process, default_jobs=3)

    def refused(self, kind: type[FactoryError], **options: Any) -> FactoryError:
        with pytest.raises(FactoryError) as caught:
            self.plan(**options)
        assert type(caught.value) is kind
        return caught.value


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(root=tmp_path, home=tmp_path / "home")
    desk.write("source.json", {"repo": "https://example.com/p.git", "repo-ref": "v1"})
    return desk


def test_source_json_says_what_is_built(desk: Desk) -> None:
    desk.write("source.json", {"repo": "r", "repo-ref": "v1", "workspace-path": "workspaces/todo"})
    plan = desk.plan()
    assert plan.source == WantedSource(repo="r", ref="v1")
    assert plan.workspace_path == "workspaces/todo"


def test_source_repo_makes_source_json_ignored(desk: Desk) -> None:
    desk.write("source.json", {"repo": "theirs", "repo-ref": "v1", "workspace-path": "theirs"})
    plan = desk.plan(source_repo="mine")
    assert plan.source == WantedSource(repo="mine", ref=None)
    assert plan.workspace_path == "."


def test_source_repo_needs_no_readable_source_json(desk: Desk) -> None:
    desk.write("source.json", "{ not json")
    assert desk.plan(source_repo="mine", source_ref="main").source == WantedSource(
        repo="mine", ref="main"
    )


def test_the_command_line_wins_over_the_workspace_path_of_source_json(desk: Desk) -> None:
    desk.write("source.json", {"repo": "r", "workspace-path": "theirs"})
    assert desk.plan(workspace_path="mine").workspace_path == "mine"


def test_without_any_workspace_path_the_workspace_is_the_root(desk: Desk) -> None:
    assert desk.plan().workspace_path == "."


def test_use_local_brings_no_source(desk: Desk) -> None:
    assert desk.plan(use_local=True).source is None


def test_use_local_needs_no_source_json(desk: Desk) -> None:
    (desk.config / "source.json").unlink()
    assert desk.plan(use_local=True).source is None


def test_use_local_takes_the_workspace_path_of_source_json(desk: Desk) -> None:
    desk.write("source.json", {"repo": "r", "workspace-path": "workspaces/todo"})
    assert desk.plan(use_local=True).workspace_path == "workspaces/todo"


def test_clean_never_touches_a_local_tree(desk: Desk) -> None:
    assert desk.plan(clean=True).clean is True
    assert desk.plan(clean=True, use_local=True).clean is False


def test_without_a_plugins_list_the_workspace_is_scanned(desk: Desk) -> None:
    plan = desk.plan()
    assert plan.plugins is None
    assert plan.plugins_list_file == desk.config / "plugins-list.yaml"


def test_the_plugins_list_is_read(desk: Desk) -> None:
    desk.write("plugins-list.yaml", "plugins/todo:\n")
    plugins = desk.plan().plugins
    assert plugins
    assert [entry.path for entry in plugins.entries] == ["plugins/todo"]


def test_the_env_file_of_the_configuration_is_read(desk: Desk) -> None:
    desk.write(".env", "RHDH_CLI_VERSION=1.9.1\n")
    plan = desk.plan({"RHDH_CLI_VERSION": "1.8.0"})
    assert plan.environment.get("RHDH_CLI_VERSION") == "1.9.1"


def test_jobs_are_as_many_as_the_machine_takes_unless_said(desk: Desk) -> None:
    assert desk.plan().jobs == 3
    assert desk.plan(jobs=1).jobs == 1


def test_paths_are_absolute(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.root)
    plan = desk.plan(
        config_dir=Path("config"), repo_path=Path("source"), output_dir=Path("outputs")
    )
    assert plan.config_dir == desk.config
    assert plan.repo_path == desk.root / "source"
    assert plan.output_dir == desk.root / "outputs"


@pytest.mark.parametrize(
    ("process", "cache"),
    [
        ({}, "{root}/home/.cache/plugin-factory"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/plugin-factory"),
        ({"XDG_CACHE_HOME": "/x", "PLUGIN_FACTORY_CACHE_DIR": "/mine"}, "/mine"),
    ],
)
def test_tools_are_kept_in_the_users_cache(desk: Desk, process: dict[str, str], cache: str) -> None:
    assert str(desk.plan(process).cache_dir) == cache.format(root=desk.root)


def test_the_option_wins_over_the_variable_for_the_cache(desk: Desk) -> None:
    plan = desk.plan({"PLUGIN_FACTORY_CACHE_DIR": "/theirs"}, cache_dir=Path("/mine"))
    assert plan.cache_dir == Path("/mine")


def test_without_a_home_the_cache_is_a_temporary_folder_of_the_user(desk: Desk) -> None:
    plan = desk.plan({"HOME": ""})
    assert plan.cache_dir.name == f"plugin-factory-{os.getuid()}"


def test_a_plugins_own_file_is_found_by_its_path(desk: Desk) -> None:
    file = desk.write("plugins/todo/scalprum-config.json", {})
    plan = desk.plan()
    assert plan.plugin_file("plugins/todo", "scalprum-config.json") == file
    assert plan.plugin_file("plugins/other", "scalprum-config.json") is None


def test_the_version_of_backstage_json_becomes_the_supported_versions(desk: Desk) -> None:
    desk.write("backstage.json", {"version": "1.42.0"})
    assert desk.plan().supported_versions == "1.42.0"


def test_without_backstage_json_the_packages_say_it_themselves(desk: Desk) -> None:
    assert desk.plan().supported_versions is None


@pytest.mark.parametrize("content", ["{}", '{"version": 1}', '{"version": "^1.42"}', "[]", "null"])
def test_a_backstage_json_without_a_version_is_refused(desk: Desk, content: str) -> None:
    file = desk.write("backstage.json", content)
    error = desk.refused(ConfigurationError)
    assert error.problem == "backstage.json has no Backstage version"
    assert error.place
    assert error.place.file == file


def test_a_wrong_version_in_backstage_json_is_named_with_its_line(desk: Desk) -> None:
    desk.write("backstage.json", '{\n  "version": "newest"\n}')
    error = desk.refused(ConfigurationError)
    assert error.place
    assert (error.place.line, error.place.column, error.place.field) == (2, 3, "version")
    assert error.found == "'newest'"


def test_source_ref_needs_source_repo(desk: Desk) -> None:
    error = desk.refused(UsageError, source_ref="main")
    assert error.problem == "--source-ref needs --source-repo"
    assert "source.json" in str(error.hint)


def test_a_repository_and_a_local_tree_exclude_each_other(desk: Desk) -> None:
    error = desk.refused(UsageError, source_repo="r", use_local=True)
    assert error.problem == "--source-repo and --use-local exclude each other"


@pytest.mark.parametrize("path", ["/workspaces/todo", "../todo", "a/../../b"])
def test_a_workspace_path_that_leaves_the_repository_is_refused(desk: Desk, path: str) -> None:
    error = desk.refused(UsageError, workspace_path=path)
    assert error.problem == "--workspace-path points outside the repository"
    assert error.found == path


def test_a_workspace_path_of_source_json_that_leaves_it_is_refused(desk: Desk) -> None:
    desk.write("source.json", {"repo": "r", "workspace-path": "../todo"})
    desk.refused(ConfigurationError)


@pytest.mark.parametrize("jobs", [0, -1])
def test_no_jobs_are_refused(desk: Desk, jobs: int) -> None:
    assert desk.refused(UsageError, jobs=jobs).found == str(jobs)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("config_dir", "output_dir"),
        ("repo_path", "output_dir"),
        ("config_dir", "repo_path"),
    ],
)
def test_two_options_may_not_name_one_folder(
    desk: Desk, tmp_path: Path, first: str, second: str
) -> None:
    folder = desk.config if first == "config_dir" else desk.root / "other"
    link = tmp_path / "link"
    link.symlink_to(folder)
    error = desk.refused(UsageError, **{first: folder, second: link})
    names = {f"--{name.replace('_', '-')}" for name in (first, second)}
    assert set(error.problem.split()) >= names


def test_a_configuration_directory_that_is_not_there_is_refused(desk: Desk) -> None:
    error = desk.refused(ConfigurationError, config_dir=desk.root / "nowhere")
    assert error.problem == "the configuration directory does not exist"
    assert "--config-dir" in str(error.hint)


def test_a_configuration_directory_that_is_a_file_is_refused(desk: Desk) -> None:
    error = desk.refused(ConfigurationError, config_dir=desk.config / "source.json")
    assert error.problem == "the configuration directory is a file"


def test_an_empty_configuration_directory_is_refused(desk: Desk, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    error = desk.refused(ConfigurationError, config_dir=empty)
    assert error.problem == "the configuration directory is empty"
    assert "source.json" in str(error.expected)
    assert "--source-repo" in str(error.hint)


def test_a_configuration_directory_without_source_json_is_refused(desk: Desk) -> None:
    (desk.config / "source.json").rename(desk.config / "source.jsn")
    assert desk.refused(ConfigurationError).problem.endswith("has no source.json")


def test_the_catalogue_may_say_what_the_source_is_built_for(desk: Desk) -> None:
    desk.write("source.json", {"repo": "r", "repo-backstage-version": "1.42.0"})
    plan = desk.plan()
    assert (plan.repo_backstage_version, plan.supported_versions) == ("1.42.0", None)


def test_what_the_catalogue_says_and_is_no_version_is_not_used(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.write("source.json", {"repo": "r", "repo-backstage-version": "newest"})
    assert desk.plan().repo_backstage_version is None
    assert "repo-backstage-version 'newest' is not a version" in caplog.text


def test_planning_writes_nothing(desk: Desk) -> None:
    before = sorted(desk.root.rglob("*"))
    desk.plan()
    assert sorted(desk.root.rglob("*")) == before
