"""Which plugins a folder holds, which packages its yarn workspace has, and what is built."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from factory.analysis.discovery import (
    PLUGIN_ROLES,
    discover_plugins,
    search_plugins,
    workspace_packages,
)
from factory.analysis.embedding import local_build_set, sibling_names
from factory.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path


def package(folder: Path, name: str, role: str = "", **fields: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if role:
        fields["backstage"] = {"role": role}
    (folder / "package.json").write_text(json.dumps({"name": name, "version": "1.0.0", **fields}))


def test_plugins_of_the_four_roles_are_found_in_path_order(tmp_path: Path) -> None:
    for number, role in enumerate((*reversed(PLUGIN_ROLES), "cli", "common-library", "frontend")):
        package(tmp_path / f"plugins/p{number}", f"p{number}", role)
    found = discover_plugins(tmp_path)
    assert [(p.path, p.role) for p in found] == [
        (f"plugins/p{number}", role) for number, role in enumerate(reversed(PLUGIN_ROLES))
    ]


def test_a_workspace_may_itself_be_a_plugin(tmp_path: Path) -> None:
    package(tmp_path, "x", "frontend-plugin")
    package(tmp_path / "a", "y", "backend-plugin")
    assert [plugin.path for plugin in discover_plugins(tmp_path)] == [".", "a"]


@pytest.mark.parametrize(
    "folder",
    [
        "node_modules/x",
        "plugins/a/dist-dynamic",
        "plugins/a/dist",
        ".hidden/x",
        "plugins/a/__fixtures__/x",
        "__tests__/x",
        "fixtures/x",
        "plugins/a/src/x",
    ],
)
def test_some_folders_are_never_entered(folder: str, tmp_path: Path) -> None:
    package(tmp_path / "plugins/a", "a", "backend-plugin")
    package(tmp_path / folder, "x", "backend-plugin")
    assert [plugin.path for plugin in discover_plugins(tmp_path)] == ["plugins/a"]


def test_only_build_output_is_taken_for_it(tmp_path: Path) -> None:
    package(tmp_path, "root", workspaces=["plugins/*"])
    package(tmp_path / "plugins/distributed-tracing", "x", "backend-plugin")
    assert [plugin.path for plugin in discover_plugins(tmp_path)] == ["plugins/distributed-tracing"]
    assert "x" in workspace_packages(tmp_path)


def test_what_is_no_member_is_left_out_with_a_word(tmp_path: Path) -> None:
    package(tmp_path, "root", workspaces=["plugins/*"])
    package(tmp_path / "plugins/a", "a", "backend-plugin")
    package(tmp_path / "examples/demo-backend", "demo", "backend-plugin")
    found = search_plugins(tmp_path)
    assert [plugin.path for plugin in found.plugins] == ["plugins/a"]
    (left_out,) = found.left_out
    assert str(left_out) == (
        "examples/demo-backend is left out: it is not among the 'workspaces' of "
        f"{tmp_path / 'package.json'}, so that yarn installs nothing for it"
    )


def test_a_folder_with_a_lockfile_of_its_own_is_another_workspace(tmp_path: Path) -> None:
    package(tmp_path, "root", workspaces=["**"])
    package(tmp_path / "plugins/a", "a", "backend-plugin")
    package(tmp_path / "other", "other", workspaces=["plugins/*"])
    package(tmp_path / "other/plugins/b", "b", "backend-plugin")
    (tmp_path / "other/yarn.lock").touch()
    found = search_plugins(tmp_path)
    assert [plugin.path for plugin in found.plugins] == ["plugins/a"]
    assert [each.path for each in found.left_out] == ["other"]


def test_a_folder_below_the_root_has_the_members_of_the_root(tmp_path: Path) -> None:
    package(tmp_path, "root", workspaces=["plugins/*"])
    package(tmp_path / "plugins/a", "a", "backend-plugin")
    package(tmp_path / "plugins/a/demo", "demo", "backend-plugin")
    found = search_plugins(tmp_path / "plugins")
    assert [plugin.path for plugin in found.plugins] == ["a"]
    assert [each.path for each in found.left_out] == ["a/demo"]


def test_members_of_members_are_unknown_to_yarn_1(tmp_path: Path) -> None:
    package(tmp_path, "root", workspaces=["group"])
    package(tmp_path / "group", "group", workspaces=["x"])
    package(tmp_path / "group/x", "x")
    (tmp_path / "yarn.lock").write_text("# yarn lockfile v1\n")
    assert sorted(workspace_packages(tmp_path)) == ["group", "root"]


def test_a_glob_out_of_the_root_names_no_member(tmp_path: Path) -> None:
    package(tmp_path / "outside", "outside")
    package(tmp_path / "root", "root", workspaces=["../outside", "../*"])
    assert sorted(workspace_packages(tmp_path / "root")) == ["root"]


def test_links_are_not_followed(tmp_path: Path) -> None:
    package(tmp_path / "a", "a", "backend-plugin")
    (tmp_path / "a/loop").symlink_to(tmp_path)
    assert [plugin.path for plugin in discover_plugins(tmp_path)] == ["a"]


def test_templates_are_left_out(tmp_path: Path) -> None:
    package(tmp_path / "templates/a", "${{ values.name }}", "backend-plugin")
    (tmp_path / "templates/b").mkdir()
    (tmp_path / "templates/b/package.json").write_text('{"name": {{ name }}}')
    assert discover_plugins(tmp_path) == ()


def test_a_package_json_that_is_a_list_is_named(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text("[]")
    with pytest.raises(SourceError) as caught:
        discover_plugins(tmp_path)
    assert caught.value.place
    assert caught.value.place.file == tmp_path / "package.json"


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such workspace folder"):
        discover_plugins(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("globs", "members"),
    [
        (["plugins/*"], ["plugins/a", "plugins/b"]),
        ({"packages": ["plugins/*"]}, ["plugins/a", "plugins/b"]),
        (["plugins/**"], ["plugins/a", "plugins/b", "plugins/b/c"]),
        (["plugins/*/*"], ["plugins/b/c"]),
        (["plugins/*", "!plugins/b"], ["plugins/a"]),
        (["plugins/{a,b}"], ["plugins/a", "plugins/b"]),
        (["./plugins/b/"], ["plugins/b"]),
        (["plugins/[!b]"], ["plugins/a"]),
        (["nothing/*"], []),
    ],
)
def test_members_are_what_the_globs_name(globs: Any, members: list[str], tmp_path: Path) -> None:
    package(tmp_path, "root", workspaces=globs)
    for path in ("plugins/a", "plugins/b", "plugins/b/c", "plugins/a/node_modules/d"):
        package(tmp_path / path, f"@acme/{path[-1]}")
    found = workspace_packages(tmp_path)
    assert sorted(p.path for p in found.values()) == [".", *members]


def test_members_may_have_members(tmp_path: Path) -> None:
    package(tmp_path, "root", workspaces=["group"])
    package(tmp_path / "group", "group", workspaces=["x"])
    package(tmp_path / "group/x", "x")
    assert sorted(workspace_packages(tmp_path)) == ["group", "root", "x"]


def test_two_members_of_one_name_are_an_error(tmp_path: Path) -> None:
    package(tmp_path, "root", workspaces=["*"])
    package(tmp_path / "a", "twin")
    package(tmp_path / "b", "twin")
    with pytest.raises(SourceError, match="two packages of the workspace are called twin"):
        workspace_packages(tmp_path)


@pytest.mark.parametrize(
    ("name", "role", "siblings"),
    [
        ("@acme/x-backend", "backend-plugin", ("@acme/x-common", "@acme/x-node")),
        ("@acme/x-backend-module-y", "backend-plugin-module", ("@acme/x-common", "@acme/x-node")),
        ("@acme/x-node", "node-library", ("@acme/x-common",)),
        ("@acme/x", "backend-plugin", ()),
        ("@acme/x-backend", "frontend-plugin", ()),
    ],
)
def test_siblings_go_by_name_and_role(name: str, role: str, siblings: tuple[str, ...]) -> None:
    assert sibling_names(name, role) == siblings


@pytest.fixture
def monorepo(tmp_path: Path) -> Path:
    def needs(*names: str) -> dict[str, str]:
        return dict.fromkeys(names, "workspace:^")

    package(tmp_path, "root", workspaces=["*"])
    package(
        tmp_path / "x-backend",
        "@acme/x-backend",
        "backend-plugin",
        dependencies=needs("@acme/x-common", "@acme/client", "@acme/y-backend"),
        devDependencies=needs("@acme/testing"),
    )
    package(tmp_path / "x-common", "@acme/x-common", dependencies=needs("@acme/deep"))
    package(tmp_path / "client", "@acme/client", dependencies=needs("@acme/deep"))
    package(tmp_path / "deep", "@acme/deep", dependencies=needs("@acme/client"))
    package(tmp_path / "testing", "@acme/testing")
    package(
        tmp_path / "y-backend",
        "@acme/y-backend",
        "backend-plugin",
        dependencies=needs("@acme/y-node"),
    )
    package(tmp_path / "y-node", "@acme/y-node", "node-library")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "built"),
    [
        ("", ["@acme/x-common"]),
        ("--embed-package @acme/client", ["@acme/x-common", "@acme/client"]),
        ("--embed-package @acme/deep", ["@acme/x-common", "@acme/deep"]),
        (
            "--embed-package @acme/deep @acme/client",
            ["@acme/x-common", "@acme/deep", "@acme/client"],
        ),
        ("--embed-package @acme/y-backend", ["@acme/x-common", "@acme/y-backend", "@acme/y-node"]),
        ("--embed-package @acme/testing", ["@acme/x-common"]),
    ],
)
def test_what_is_built_for_an_export(arguments: str, built: list[str], monorepo: Path) -> None:
    plugin = next(p for p in discover_plugins(monorepo) if p.path == "x-backend")
    members = workspace_packages(monorepo)
    assert list(local_build_set(plugin.manifest, members, arguments)) == [*built, "@acme/x-backend"]


def test_a_frontend_builds_only_itself(tmp_path: Path) -> None:
    package(tmp_path, "@acme/x", "frontend-plugin", dependencies={"@acme/x-common": "workspace:^"})
    (plugin,) = discover_plugins(tmp_path)
    assert local_build_set(plugin.manifest, {}, "--embed-package a") == ("@acme/x",)
