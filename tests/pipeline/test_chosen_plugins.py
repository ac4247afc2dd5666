"""Which plugins are built: every line that cannot be is named before anything is installed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from factory.analysis.discovery import PLUGIN_ROLES, WorkspacePackage, workspace_packages
from factory.config.build_plan import BuildPlan
from factory.config.options import build_options
from factory.errors import ConfigurationError, FactoryError, SourceError
from factory.pipeline.chosen_plugins import (
    ChosenPlugin,
    choose_found_plugins,
    choose_listed_plugins,
    record_found,
)
from factory.pipeline.plugin_builds import packages_to_compile
from tests.single_build import plan_single


@dataclass(frozen=True, kw_only=True, slots=True)
class Workspace:
    """A workspace on disk, and the configuration directory that goes with it."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / "workspace"

    @property
    def config(self) -> Path:
        return self.root / "config"

    def package(self, path: str, **fields: Any) -> Path:
        folder = self.folder / path
        folder.mkdir(parents=True, exist_ok=True)
        manifest = {"name": f"@acme/{Path(path).name}", "version": "1.0.0"} | fields
        role = manifest.pop("role", None)
        if role:
            manifest["backstage"] = {"role": role}
        (folder / "package.json").write_text(json.dumps(manifest))
        return folder

    def plan(self, listing: str | None = None) -> BuildPlan:
        if listing is not None:
            (self.config / "plugins-list.yaml").write_text(listing)
        request = build_options(
            config_dir=self.config,
            repo_path=self.folder,
            output_dir=self.root / "outputs",
            use_local=True,
        )
        return plan_single(request, {})

    def listed(self, listing: str) -> tuple[ChosenPlugin, ...]:
        plan = self.plan(listing)
        assert plan.plugins
        return choose_listed_plugins(self.folder, plan.plugins, plan)

    def refused(self, listing: str, line: int) -> FactoryError:
        with pytest.raises(ConfigurationError) as caught:
            self.listed(listing)
        assert caught.value.place
        assert caught.value.place.file == self.config / "plugins-list.yaml"
        assert caught.value.place.line == line
        return caught.value


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(root=tmp_path)
    made.config.mkdir()
    made.package(".", name="root", private=True, workspaces=["plugins/*"])
    made.package("plugins/todo", role="frontend-plugin")
    made.package("plugins/todo-backend", role="backend-plugin")
    made.package("plugins/todo-common", role="common-library")
    return made


def test_listed_plugins_keep_the_order_and_arguments_of_the_list(workspace: Workspace) -> None:
    chosen = workspace.listed("plugins/todo-backend: --embed-package a\nplugins/todo:\n")
    assert [(plugin.path, plugin.arguments) for plugin in chosen] == [
        ("plugins/todo-backend", "--embed-package a"),
        ("plugins/todo", ""),
    ]
    assert [plugin.manifest.name for plugin in chosen] == ["@acme/todo-backend", "@acme/todo"]


@pytest.mark.parametrize("role", PLUGIN_ROLES)
def test_each_of_the_four_roles_can_be_built(workspace: Workspace, role: str) -> None:
    workspace.package("plugins/x", role=role)
    (chosen,) = workspace.listed("plugins/x:\n")
    assert chosen.manifest.role == role


def test_a_plugin_brings_its_own_files_of_the_configuration(workspace: Workspace) -> None:
    folder = workspace.config / "plugins/todo"
    folder.mkdir(parents=True)
    (folder / "scalprum-config.json").write_text(
        '{"name": "acme.todo", "exposedModules": {"PluginRoot": "./src/index.ts"}}'
    )
    (folder / "app-config.dynamic.yaml").write_text("dynamicPlugins: {}\n")
    (chosen,) = workspace.listed("plugins/todo:\n")
    assert chosen.scalprum_config == folder / "scalprum-config.json"
    assert chosen.app_config == folder / "app-config.dynamic.yaml"


def test_a_plugin_that_is_absent_is_named_with_those_that_are_there(workspace: Workspace) -> None:
    error = workspace.refused("plugins/todo:\n\nplugins/tood:\n", line=3)
    assert error.problem == "the plugin plugins/tood is not in the workspace"
    assert error.found == "plugins there: plugins/todo, plugins/todo-backend"


def test_a_plugin_that_is_a_file_is_refused(workspace: Workspace) -> None:
    (workspace.folder / "plugins/file").touch()
    assert "not in the workspace" in workspace.refused("plugins/file:\n", line=1).problem


def test_a_link_out_of_the_workspace_is_refused(workspace: Workspace) -> None:
    outside = workspace.root / "outside"
    workspace.package("../outside", role="backend-plugin")
    (workspace.folder / "plugins/link").symlink_to(outside)
    error = workspace.refused("plugins/todo:\nplugins/link:\n", line=2)
    assert error.problem == "the plugin plugins/link is a link out of the workspace"
    assert error.found == str(outside)


def test_a_link_inside_of_the_workspace_is_a_folder(workspace: Workspace) -> None:
    (workspace.folder / "plugins/link").symlink_to("todo")
    (chosen,) = workspace.listed("plugins/link:\n")
    assert chosen.manifest.name == "@acme/todo"


def test_a_folder_without_a_package_json_is_refused(workspace: Workspace) -> None:
    (workspace.folder / "plugins/empty").mkdir()
    error = workspace.refused("plugins/empty:\n", line=1)
    assert error.problem == "the plugin plugins/empty has no package.json"


def test_a_role_that_cannot_be_exported_is_refused(workspace: Workspace) -> None:
    error = workspace.refused("plugins/todo:\nplugins/todo-common:\n", line=2)
    assert error.problem == "the plugin plugins/todo-common has a role that cannot be exported"
    assert error.found == "backstage.role 'common-library'"
    assert all(role in str(error.expected) for role in PLUGIN_ROLES)


def test_no_role_at_all_is_refused(workspace: Workspace) -> None:
    workspace.package("plugins/plain")
    assert workspace.refused("plugins/plain:\n", line=1).found == "no backstage.role"


def test_two_plugins_of_one_name_are_refused_at_the_second_line(workspace: Workspace) -> None:
    workspace.package("plugins/copy", name="@acme/todo", role="frontend-plugin")
    error = workspace.refused("plugins/todo:\nplugins/todo-backend:\nplugins/copy:\n", line=3)
    assert error.problem == "two plugins are called @acme/todo, and would give the same artifact"
    assert error.found == "the same name in plugins/todo"


def test_a_broken_package_json_is_named_with_its_line(workspace: Workspace) -> None:
    file = workspace.folder / "plugins/todo/package.json"
    file.write_text('{\n  "name": todo\n}')
    with pytest.raises(SourceError) as caught:
        workspace.listed("plugins/todo:\n")
    assert caught.value.place
    assert (caught.value.place.file, caught.value.place.line) == (file, 2)


def test_several_wrong_lines_are_all_named_at_once(workspace: Workspace) -> None:
    workspace.package("plugins/plain")
    (workspace.folder / "plugins/empty").mkdir()
    with pytest.raises(ConfigurationError) as caught:
        workspace.listed(
            "plugins/gone:\nplugins/todo:\nplugins/plain:\nplugins/empty:\nplugins/todo-common:\n"
        )
    error = caught.value
    assert error.problem == "4 plugins of plugins-list.yaml cannot be built"
    for line, path in ((1, "gone"), (3, "plain"), (4, "empty"), (5, "todo-common")):
        assert f"plugins-list.yaml:{line} (plugins/{path})" in str(error.details)


@pytest.mark.parametrize(
    "content", ["{}", "[]", '{"name": "x"}', '{"name": 1, "exposedModules": {"a": "b"}}']
)
def test_a_scalprum_configuration_of_another_form_is_refused(
    workspace: Workspace, content: str
) -> None:
    file = workspace.config / "plugins/todo/scalprum-config.json"
    file.parent.mkdir(parents=True)
    file.write_text(content)
    with pytest.raises(ConfigurationError, match="not a Scalprum configuration") as caught:
        workspace.listed("plugins/todo:\n")
    assert caught.value.place
    assert caught.value.place.file == file


def test_without_a_list_every_plugin_is_found_in_path_order(workspace: Workspace) -> None:
    workspace.package("plugins/a-module", role="backend-plugin-module")
    workspace.package("node_modules/x", role="backend-plugin")
    found = choose_found_plugins(workspace.folder, workspace.plan())
    assert [plugin.path for plugin in found] == [
        "plugins/a-module",
        "plugins/todo",
        "plugins/todo-backend",
    ]


def test_a_workspace_without_plugins_is_refused(tmp_path: Path) -> None:
    workspace = Workspace(root=tmp_path)
    workspace.config.mkdir()
    workspace.package(".", name="root")
    with pytest.raises(SourceError, match="no plugin was found") as caught:
        choose_found_plugins(workspace.folder, workspace.plan())
    assert caught.value.place
    assert caught.value.place.file == workspace.folder


def test_found_plugins_are_recorded_and_read_again(workspace: Workspace) -> None:
    plan = workspace.plan()
    record_found(choose_found_plugins(workspace.folder, plan), plan.plugins_list_file)
    again = workspace.plan().plugins
    assert again
    assert [entry.path for entry in again.entries] == ["plugins/todo", "plugins/todo-backend"]


def test_a_list_that_cannot_be_recorded_is_a_warning(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    plan = workspace.plan()
    record_found(
        choose_found_plugins(workspace.folder, plan), workspace.root / "gone/plugins-list.yaml"
    )
    assert "cannot be written" in caplog.text
    assert "built, but not recorded" in caplog.text


def compiled(workspace: Workspace, listing: str) -> list[str]:
    (plugin,) = workspace.listed(listing)
    packages: dict[str, WorkspacePackage] = dict(workspace_packages(workspace.folder))
    return sorted(package.path for package in packages_to_compile(plugin, packages))


@pytest.fixture
def layered_workspace(workspace: Workspace) -> Workspace:
    """A backend that needs its -common and -node packages, and another library."""
    needs = {"@acme/todo-common": "workspace:^", "@acme/todo-node": "workspace:^"}
    lib = {"@acme/lib": "workspace:^"}
    workspace.package("plugins/todo-backend", role="backend-plugin", dependencies=needs | lib)
    workspace.package("plugins/todo-node", role="node-library")
    workspace.package("plugins/lib", role="common-library")
    return workspace


def test_a_backend_is_compiled_with_the_packages_that_are_embedded(
    layered_workspace: Workspace,
) -> None:
    assert compiled(layered_workspace, "plugins/todo-backend:\n") == [
        "plugins/todo-backend",
        "plugins/todo-common",
        "plugins/todo-node",
    ]


def test_a_package_that_an_argument_embeds_is_compiled_too(layered_workspace: Workspace) -> None:
    assert "plugins/lib" in compiled(
        layered_workspace, "plugins/todo-backend: --embed-package @acme/lib\n"
    )


@pytest.mark.parametrize("listing", ["plugins/todo:\n", "plugins/todo-backend: --no-build\n"])
def test_nothing_is_compiled_for_a_frontend_or_with_no_build(
    layered_workspace: Workspace, listing: str
) -> None:
    assert compiled(layered_workspace, listing) == []
