"""A run: one workspace, or the several of a configuration directory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from factory.config.build_plan import WantedSource
from factory.config.options import build_options
from factory.config.run_plan import RunPlan, plan_run
from factory.config.workspaces import environment_files
from factory.errors import ConfigurationError, FactoryError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """A configuration directory to write into, and requests about it."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "config"

    def write(self, name: str, content: str | dict[str, Any]) -> Path:
        file = self.config / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return file

    def plan(self, process: dict[str, str] | None = None, **options: Any) -> RunPlan:
        given = {
            "config_dir": self.config,
            "repo_path": self.root / "source",
            "output_dir": self.root / "outputs",
        }
        process = {"HOME": str(self.root / "home")} | (process or {})
        return plan_run(build_options(**(given | options)), process, default_jobs=3)

    def refused(self, kind: type[FactoryError], **options: Any) -> FactoryError:
        with pytest.raises(FactoryError) as caught:
            self.plan(**options)
        assert type(caught.value) is kind
        return caught.value


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "config").mkdir()
    return Desk(root=tmp_path)


@pytest.fixture
def several(desk: Desk) -> Desk:
    desk.write("todo/source.json", {"repo": "https://example.com/p", "repo-ref": "v1"})
    desk.write("gitlab/source.json", {"repo": "https://example.com/p", "repo-ref": "v2"})
    return desk


def names(plan: RunPlan) -> list[str]:
    return [build.name for build in plan.builds]


def test_a_directory_with_its_own_source_is_one_workspace(
    several: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    several.write("source.json", {"repo": "r"})
    plan = several.plan()
    assert not plan.several
    (build,) = plan.builds
    assert (build.name, build.clones_dir) == ("", None)
    assert (build.config_dir, build.repo_path) == (several.config, several.root / "source")
    assert build.output_dir == plan.output_dir == several.root / "outputs"
    assert "not built are gitlab, todo" in caplog.text


@pytest.mark.parametrize("options", [{"source_repo": "r"}, {"use_local": True}])
def test_a_directory_without_workspaces_takes_its_source_from_options(
    desk: Desk, options: dict[str, Any]
) -> None:
    assert not desk.plan(**options).several


def test_one_workspace_that_cannot_be_used_ends_the_run(desk: Desk) -> None:
    desk.write("source.json", "{")
    assert "not valid JSON" in desk.refused(ConfigurationError).problem


def test_subdirectories_with_a_source_are_workspaces(several: Desk) -> None:
    plan = several.plan()
    assert plan.several
    assert names(plan) == ["gitlab", "todo"]
    todo = plan.builds[1]
    assert todo.source == WantedSource(repo="https://example.com/p", ref="v1")
    assert todo.config_dir == several.config / "todo"
    assert todo.repo_path == several.root / "source/todo"
    assert todo.output_dir == several.root / "outputs/todo"
    assert todo.clones_dir == several.root / "source/.clones"


def test_a_single_subdirectory_is_several_too(desk: Desk) -> None:
    desk.write("todo/source.json", {"repo": "r"})
    plan = desk.plan()
    assert plan.several
    assert plan.builds[0].output_dir == desk.root / "outputs/todo"


def test_a_catalogue_keeps_its_workspaces_in_a_folder(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.write("workspaces/flat/source.json", {"repo": "r", "repo-flat": True})
    desk.write("workspaces/deep/source.json", {"repo": "r", "repo-flat": False})
    desk.write(
        "workspaces/own/source.json", {"repo": "r", "repo-flat": True, "workspace-path": "x"}
    )
    for name in ("flat", "deep", "own"):
        desk.write(f"workspaces/{name}/plugins-list.yaml", "plugins/a:\n")
    desk.write("workspaces/README.md", "")
    desk.write("docs/index.md", "")
    plan = desk.plan()
    assert {build.name: build.workspace_path for build in plan.builds} == {
        "deep": "workspaces/deep",
        "flat": ".",
        "own": "x",
    }
    assert plan.builds[0].config_dir == desk.config / "workspaces/deep"
    assert plan.builds[0].output_dir == desk.root / "outputs/deep"
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_other_subdirectories_are_listed_in_one_warning(
    several: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("notes", "old", ".git", "workspaces", "out", "src", "own/cache"):
        (several.config / name).mkdir(parents=True)
    several.plan(
        output_dir=several.config / "out",
        repo_path=several.config / "src",
        cache_dir=several.config / "own/cache",
    )
    (warning,) = [each for each in caplog.records if each.levelname == "WARNING"]
    assert warning.getMessage().endswith("ignored: notes, old")


def test_two_workspaces_that_differ_in_case_only_are_refused(several: Desk) -> None:
    several.write("Todo/source.json", {"repo": "r"})
    error = several.refused(ConfigurationError)
    assert error.problem == "Todo and todo are one name on some filesystems"


def test_one_name_in_two_places_is_refused(several: Desk) -> None:
    several.write("workspaces/todo/source.json", {"repo": "r"})
    several.write("workspaces/todo/plugins-list.yaml", "plugins/a:\n")
    assert several.refused(ConfigurationError).problem == "two workspaces are called todo"


@pytest.mark.parametrize("name", [".clones", ".CLONES", "build-report.json"])
def test_a_name_that_is_taken_is_refused(several: Desk, name: str) -> None:
    several.write(f"{name}/source.json", {"repo": "r"})
    error = several.refused(ConfigurationError)
    assert error.problem == f"{name} cannot be the name of a workspace"


@pytest.mark.parametrize("option", ["repo_path", "output_dir"])
def test_a_workspace_is_not_written_to(several: Desk, option: str) -> None:
    error = several.refused(UsageError, **{option: several.config / "todo"})
    assert error.problem == f"--{option.replace('_', '-')} is the folder of the workspace todo"


@pytest.mark.parametrize(
    ("options", "flag"),
    [
        ({"source_repo": "r"}, "--source-repo"),
        ({"source_ref": "v1"}, "--source-ref"),
        ({"workspace_path": "w"}, "--workspace-path"),
    ],
)
def test_options_for_one_workspace_are_refused_with_the_reason(
    several: Desk, options: dict[str, str], flag: str
) -> None:
    error = several.refused(UsageError, **options)
    assert error.problem.startswith(f"{flag} is for one workspace")
    assert "source.json" in error.problem
    assert "gitlab, todo" in str(error.expected)


def test_use_local_expects_a_tree_for_each(several: Desk) -> None:
    several.write("more/source.json", {"repo": "r"})
    (several.root / "source/todo").mkdir(parents=True)
    error = several.refused(ConfigurationError, use_local=True)
    assert error.found == "no gitlab, more"
    assert str(several.root / "source/gitlab") in str(error.expected)
    assert several.plan(use_local=True, only=("todo",)).builds[0].source is None


def test_the_environment_comes_in_layers(several: Desk) -> None:
    several.write(".env", "A=root\nB=root\nC=root\n")
    several.write("todo/.env", "C=todo\nRHDH_CLI_VERSION=1.9.1\n")
    several.write("gitlab/.env", "REGISTRY_URL=one.example.com\n")
    plan = several.plan({"A": "process", "D": "process"})
    gitlab, todo = (build.environment for build in plan.builds)
    assert [todo.get(name) for name in "ABCD"] == ["root", "root", "todo", "process"]
    assert [gitlab.get(name) for name in "ABCD"] == ["root", "root", "root", "process"]
    assert (todo.get("RHDH_CLI_VERSION"), gitlab.get("RHDH_CLI_VERSION")) == ("1.9.1", "")
    assert (todo.get("REGISTRY_URL"), gitlab.get("REGISTRY_URL")) == ("", "one.example.com")
    assert todo.configured == {"A", "B", "C", "RHDH_CLI_VERSION"}
    assert plan.environment.get("C") == "root"


def test_the_run_has_one_cache(several: Desk, caplog: pytest.LogCaptureFixture) -> None:
    several.write(".env", "PLUGIN_FACTORY_CACHE_DIR=/all\n")
    several.write("todo/.env", "PLUGIN_FACTORY_CACHE_DIR=/mine\n")
    plan = several.plan()
    assert {str(build.cache_dir) for build in plan.builds} | {str(plan.cache_dir)} == {"/all"}
    assert "PLUGIN_FACTORY_CACHE_DIR is not used" in caplog.text


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("source.json", "{"),
        ("source.json", '{"repo": []}'),
        (".env", "not an assignment\n"),
        ("plugins-list.yaml", "- a\n"),
        ("backstage.json", "{}"),
    ],
)
def test_a_broken_workspace_leaves_the_others(several: Desk, file: str, text: str) -> None:
    written = several.write(f"todo/{file}", text)
    plan = several.plan()
    assert names(plan) == ["gitlab"]
    (broken,) = plan.broken
    assert broken.name == "todo"
    assert broken.error.place
    assert broken.error.place.file == written


def test_all_may_be_broken(desk: Desk) -> None:
    desk.write("todo/source.json", "{")
    plan = desk.plan()
    assert (plan.builds, len(plan.broken)) == ((), 1)


def test_a_broken_root_environment_ends_the_run(several: Desk) -> None:
    several.write(".env", "not an assignment\n")
    several.refused(ConfigurationError)


def test_only_and_exclude_choose_workspaces(several: Desk) -> None:
    several.write("aws/source.json", "{")
    plan = several.plan(only=("todo,git*",), exclude=("gitlab",))
    assert names(plan) == ["todo"]
    assert [build.name for build in plan.unselected] == ["gitlab"]
    assert plan.broken == ()


def test_a_listed_plugin_chooses_its_workspace(several: Desk) -> None:
    several.write("todo/plugins-list.yaml", "plugins/todo:\n")
    several.write("gitlab/plugins-list.yaml", "plugins/gitlab:\n")
    assert names(several.plan(only=("plugins/todo",))) == ["todo"]


def test_a_name_that_is_no_workspace_is_told_before_all_are_fetched(
    several: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    assert names(several.plan(only=("tood",))) == ["gitlab", "todo"]
    assert "--only tood is not a workspace (did you mean todo?)" in caplog.text


@pytest.mark.parametrize("only", ["todo", "to*", "plugins/x", "@acme/x"])
def test_other_patterns_are_no_cause_for_a_warning(
    several: Desk, caplog: pytest.LogCaptureFixture, only: str
) -> None:
    several.plan(only=(only,))
    assert "is not a workspace" not in caplog.text


def test_choosing_nothing_is_refused(several: Desk) -> None:
    error = several.refused(UsageError, exclude=("*",))
    assert error.found == "gitlab, todo"


def test_choosing_nothing_of_one_workspace_names_its_plugins(desk: Desk) -> None:
    desk.write("source.json", {"repo": "r"})
    desk.write("plugins-list.yaml", "plugins/a:\nplugins/b:\n")
    assert desk.refused(UsageError, only=("plugins/c",)).found == "plugins/a, plugins/b"


def test_the_means_of_a_run(several: Desk) -> None:
    plan = several.plan(jobs=2, memory="6G", fail_fast=True)
    assert (plan.jobs, plan.memory, plan.options.work.fail_fast) == (2, 6 << 30, True)
    plan = several.plan()
    assert (plan.jobs, plan.memory, plan.options.work.fail_fast) == (3, None, False)


def test_all_environment_files_are_known_for_masking(several: Desk) -> None:
    files = [several.write(name, "") for name in (".env", "todo/.env")]
    several.write("notes/.env", "")
    assert environment_files(several.config) == tuple(files)


def test_planning_writes_nothing(several: Desk) -> None:
    before = sorted(several.root.rglob("*"))
    several.plan()
    assert sorted(several.root.rglob("*")) == before


def test_how_much_the_cache_may_hold(desk: Desk) -> None:
    desk.write("source.json", {"repo": "https://example.com/p"})
    plan = desk.plan(cache_max_size="1.5G", cache_max_age="2w")
    assert (plan.cache_max_bytes, plan.cache_max_age) == (3 << 29, 14 * 86400)
    plan = desk.plan()
    assert (plan.cache_max_bytes, plan.cache_max_age) == (10 << 30, 90 * 86400)
    error = desk.refused(UsageError, cache_max_size="much")
    assert "--cache-max-size is not a size" in error.problem
    error = desk.refused(UsageError, cache_max_age="10")
    assert "--cache-max-age is not a time span" in error.problem
