"""A workspace that is remembered: only for exactly what was built, and for all that decides it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from factory.cache.memo import MemoPlugin
from factory.cache.store import Store
from factory.config.build_plan import BuildPlan
from factory.config.options import build_options
from factory.pipeline.workspace_memo import (
    KnownWorkspace,
    WorkspaceMemory,
    workspace_memory,
)
from factory.reports.build_report import ToolVersions
from tests.single_build import plan_single

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOOLS = ToolVersions(
    factory="1", python="3.11", yarn="4.12.0", why={"node": "rhdh-1.10 runs on Node 24"}
)
PLUGIN = MemoPlugin(
    path="plugins/todo-backend",
    name="@acme/todo-backend",
    version="1.2.3",
    role="backend-plugin",
    arguments="--embed-package @acme/a",
    written="",
    key="ab" * 32,
)


class Desk:
    """A configuration directory, and how its workspace is remembered."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.config = root / "config"
        self.config.mkdir()
        self.write("source.json", json.dumps({"repo": "https://host.example/org/repo"}))
        self.write("plugins-list.yaml", "plugins/todo-backend:\n")
        self.write("patches/one.patch", "a patch\n")
        self.store = Store(folder=root / "cache")

    def write(self, name: str, text: str) -> None:
        file = self.config / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def plan(self, **options: Any) -> BuildPlan:
        given: dict[str, Any] = {
            "config_dir": self.config,
            "repo_path": self.root / "source",
            "output_dir": self.root / "outputs",
            **options,
        }
        return plan_single(build_options(**given), {"HOME": str(self.root)})

    def memory(self, plan: BuildPlan | None = None, **changed: Any) -> WorkspaceMemory | None:
        facts: dict[str, Any] = {
            "commit": COMMIT,
            "tools": {"node": "22.20.0", "rhdh-cli": "1.9.1+0123"},
            "why": {},
            "host_digest": "host",
            **changed,
        }
        commit = facts.pop("commit")
        return workspace_memory(plan or self.plan(), commit, store=self.store, **facts)

    def remember(self, plan: BuildPlan | None = None) -> None:
        memory = self.memory(plan)
        assert memory
        settled = memory.once_settled()
        assert settled
        settled.keep([PLUGIN], tools=TOOLS, committed_at=1_700_000_000, lockfile=())

    def recall(self, plan: BuildPlan | None = None, **changed: Any) -> KnownWorkspace | None:
        memory = self.memory(plan, **changed)
        assert memory
        return memory.recall()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_what_was_remembered_is_recalled(desk: Desk) -> None:
    assert desk.recall() is None
    desk.remember()
    known = desk.recall()
    assert known
    assert (known.yarn, known.committed_at) == ("4.12.0", 1_700_000_000)
    (plugin,) = known.plugins
    assert plugin.key == PLUGIN.key
    assert plugin.plugin.path == "plugins/todo-backend"
    assert plugin.plugin.manifest.name == "@acme/todo-backend"
    assert plugin.plugin.manifest.role == "backend-plugin"
    assert plugin.plugin.arguments == ""


def test_for_whom_this_run_chooses_tools_counts_more_than_for_whom_they_were_chosen(
    desk: Desk,
) -> None:
    desk.remember()
    known = desk.recall(why={"node": "--node 24", "rhdh-cli": "RHDH_CLI_VERSION"})
    assert known
    # Of what was not used then, as rhdh-cli by a workspace of another engine, nothing is said.
    assert dict(known.why) == {**TOOLS.why, "node": "--node 24"}


@pytest.mark.parametrize(
    "changed",
    [
        {"commit": COMMIT.replace("0", "1")},
        {"tools": {"node": "22.21.0", "rhdh-cli": "1.9.1+0123"}},
        {"tools": {"node": "22.20.0", "rhdh-cli": "1.9.2"}},
        {"host_digest": "another"},
    ],
)
def test_another_source_tool_or_host_is_another_workspace(
    desk: Desk, changed: dict[str, Any]
) -> None:
    desk.remember()
    assert desk.recall(**changed) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("patches/one.patch", "another patch\n"),
        ("patches/two.patch", "one more\n"),
        ("plugins/todo-backend/overlay/src/index.ts", "new\n"),
        ("plugins/todo-backend/scalprum-config.json", "{}"),
        ("backstage.json", '{"version": "1.45.0"}'),
        ("plugins-list.yaml", "plugins/todo-backend: --no-build\n"),
        (".env", "YARN_ENABLE_SCRIPTS=false\n"),
    ],
)
def test_another_configuration_is_another_workspace(desk: Desk, name: str, text: str) -> None:
    desk.remember()
    desk.write(name, text)
    assert desk.recall() is None


@pytest.mark.parametrize(
    "options",
    [{"workspace_path": "workspaces/todo"}, {"repair": False}, {"generate_build_args": True}],
)
def test_options_that_decide_what_comes_out_count(desk: Desk, options: dict[str, Any]) -> None:
    desk.remember()
    assert desk.recall(desk.plan(**options)) is None


@pytest.mark.parametrize("options", [{"jobs": 7}, {"clean": True}, {"push_images": True}])
def test_options_that_decide_nothing_do_not(desk: Desk, options: dict[str, Any]) -> None:
    desk.remember()
    assert desk.recall(desk.plan(**options))


def test_where_the_run_writes_the_list_it_is_remembered_with_it_and_not_without(
    desk: Desk,
) -> None:
    """A run that finds no list writes one, also where the cache has everything."""
    (desk.config / "plugins-list.yaml").unlink()
    memory = desk.memory()
    assert memory
    desk.write("plugins-list.yaml", "plugins/todo-backend:\n")
    settled = memory.once_settled()
    assert settled
    settled.keep([PLUGIN], tools=TOOLS, committed_at=None, lockfile=())
    assert desk.recall()
    (desk.config / "plugins-list.yaml").unlink()
    assert desk.recall() is None


@pytest.mark.parametrize("name", ["patches/one.patch", "plugins/todo-backend/app-config.yaml"])
def test_what_the_user_changes_during_the_run_is_not_taken_for_what_was_built(
    desk: Desk, name: str
) -> None:
    for plan in (desk.plan(), replace(desk.plan(), plugins=None)):
        memory = desk.memory(plan)
        assert memory
        desk.write(name, f"changed by the user, {id(plan)}\n")
        assert memory.once_settled() is None


def test_a_list_that_the_user_changes_during_the_run_is_not_taken_for_the_one_that_was_built(
    desk: Desk,
) -> None:
    memory = desk.memory()
    assert memory
    desk.write("plugins-list.yaml", "plugins/other:\n")
    assert memory.once_settled() is None


def test_a_source_without_a_commit_is_not_remembered(desk: Desk) -> None:
    assert desk.memory(commit=None) is None


def test_a_run_that_writes_into_its_configuration_directory_is_not_remembered(desk: Desk) -> None:
    assert desk.memory(desk.plan(output_dir=desk.config / "outputs")) is None
