"""``verify`` holds a portal's configuration against the plugins that it is for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from factory.verification.configuration import read_sidecar_config

from ..command_line import Ended, run_here
from ..frontend.bundles import (
    DEFAULT_EXPORT,
    EXPOSED,
    federated,
    scalprum,
    source_map,
    write_bundle,
)
from .plugins import write_tgz

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = {"properties": {"todo": {"properties": {"limit": {"type": "number"}}}}}
FILES = scalprum(PluginRoot="n.d(t,{TodoPage:()=>i})") | {
    "dist-scalprum/configSchema.json": json.dumps(SCHEMA)
}


def verify(*words: object, **variables: str) -> Ended:
    return run_here(variables, "verify", *map(str, words), "--no-load")


def write_list(folder: Path, **configs: Any) -> Path:
    plugins = []
    for name, config in configs.items():
        write_bundle(folder / name, {**FILES}, name=f"@team/{name}")
        manifest = json.loads(FILES["dist-scalprum/plugin-manifest.json"]) | {
            "name": f"team.{name}"
        }
        file = folder / name / "dist-scalprum/plugin-manifest.json"
        file.write_text(json.dumps(manifest))
        plugins.append({"package": f"./{name}", "disabled": False, "pluginConfig": config})
    file = folder / "dynamic-plugins.yaml"
    file.write_text(json.dumps({"plugins": plugins}))
    return file


def mount(name: str, page: str) -> dict[str, Any]:
    routes = {"dynamicRoutes": [{"path": "/x", "importName": page}]}
    return {"dynamicPlugins": {"frontend": {f"team.{name}": routes}}}


def test_a_whole_list_is_proved(tmp_path: Path) -> None:
    file = write_list(
        tmp_path, a=mount("a", "TodoPage") | {"todo": {"limit": 5}}, b=mount("b", "TodoPage")
    )
    end = verify("--config", file)
    assert end.code == 0, end.said
    end.assert_says("2 plugins verified", "configuration", "dynamic-plugins.yaml")


def test_each_mistake_of_a_list_is_told_with_its_plugin_and_line(tmp_path: Path) -> None:
    file = write_list(
        tmp_path, a=mount("a", "TodoPgae"), b={"todo": {"limit": "x", "limits": 1, "url": "${URL}"}}
    )
    end = verify("--config", file, "--json")
    assert end.code == 14
    first, second = json.loads(end.stdout)["plugins"]
    (mistake,) = [one for one in first["checks"] if one["result"] == "failed"]
    assert mistake["check"] == "configuration"
    assert "importName" in mistake["found"]
    assert "TodoPage" in mistake["expected"]
    assert "dynamic-plugins.yaml" in mistake["detail"]
    found = [one["found"] for one in second["checks"] if one["result"] == "failed"]
    assert found == ['todo.limit: "x"', "todo.limits: an unknown field"]


def test_what_is_not_set_is_told(tmp_path: Path) -> None:
    file = write_list(tmp_path, a={"todo": {"url": "${TODO_URL}"}})
    verify("--config", file).assert_says("not set here", "TODO_URL", "does not describe todo.url")
    assert "not set here" not in verify("--config", file, TODO_URL="x").said


def test_mount_points_are_those_of_the_portal_and_of_the_whole_list(tmp_path: Path) -> None:
    tabs = [{"path": "/x", "title": "X", "mountPoint": "entity.page.issue"}]
    points = ["entity.page.issue/cards", "entity.page.overveiw/cards", "acme.header/help"]
    mounts = [{"mountPoint": one, "importName": "TodoPage"} for one in points]
    own = {"a": {"entityTabs": tabs}, "b": {"mountPoints": mounts}}
    file = write_list(
        tmp_path,
        **{
            name: {"dynamicPlugins": {"frontend": {f"team.{name}": fields}}}
            for name, fields in own.items()
        },
    )
    without = verify("--config", file)
    assert without.code == 0, without.said
    without.assert_says("the mount points are not known; --host names a portal")
    end = verify("--config", file, "--host", "rhdh-1.10", "--json")
    assert end.code == 14
    failed = [
        one["expected"]
        for plugin in json.loads(end.stdout)["plugins"]
        for one in plugin["checks"]
        if one["result"] == "failed"
    ]
    assert failed == ["a mount point of rhdh-1.10, such as entity.page.overview/cards"]


def test_extensions_are_those_that_the_bundle_makes(tmp_path: Path) -> None:
    source = (
        "import { createFrontendPlugin, PageBlueprint } from '@backstage/frontend-plugin-api';\n"
        "export default createFrontendPlugin({ pluginId: 'todo', extensions: ["
        "PageBlueprint.make({ name: 'list' })] });"
    )
    files = federated(".", script=DEFAULT_EXPORT) | {
        f"dist/{EXPOSED}.map": source_map(index_tsx=source)
    }
    package = write_bundle(tmp_path / "made", files)
    packed = {"package.json": json.dumps(package).encode()}
    packed |= {name: content.encode() for name, content in files.items()}
    tgz = write_tgz(tmp_path / "todo.tgz", packed)
    beside = tgz.with_name("todo.tgz.app-config.dynamic.yaml")
    beside.write_text("app: {extensions: ['page:todo/list', {'page:catalog': false}]}\n")
    end = verify(tgz)
    assert end.code == 0, end.said
    end.assert_says("of other plugins than todo: page:catalog")
    beside.write_text("app: {extensions: ['page:todo/lsit']}\n")
    end = verify(tgz)
    assert end.code == 14
    end.assert_says('no extension has the id "page:todo/lsit"', "expected: page:todo/list")


def test_two_plugins_that_say_different_things_are_told(tmp_path: Path) -> None:
    file = write_list(tmp_path, a={"todo": {"limit": 5}}, b={"todo": {"limit": 6}})
    end = verify("--config", file)
    assert end.code == 3
    end.assert_says("two plugins configure todo.limit differently")


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("todo:\n  limit: 5\n", 0, "app-config.dynamic.yaml: 1 key"),
        ("todo:\n  limit: many\n", 14, "todo.limit"),
        ("- a\n", 14, "is not a map"),
        ("a: [\n", 14, "configuration"),
    ],
)
def test_what_a_build_left_beside_an_archive_is_proved(
    text: str, code: int, words: str, tmp_path: Path
) -> None:
    package = write_bundle(tmp_path / "made", FILES)
    files = {"package.json": json.dumps(package).encode()}
    files |= {name: content.encode() for name, content in FILES.items()}
    tgz = write_tgz(tmp_path / "todo.tgz", files)
    tgz.with_name("todo.tgz.app-config.dynamic.yaml").write_text(text)
    end = verify(tgz)
    assert end.code == code, end.said
    end.assert_says(words)


def test_without_it_nothing_is_said(tmp_path: Path) -> None:
    assert read_sidecar_config(tmp_path / "todo.tgz") is None


def test_something_must_be_named(tmp_path: Path) -> None:
    end = verify()
    assert end.code == 2
    end.assert_says("nothing to verify is named", "--config")
    missing = verify("--config", tmp_path / "gone.yaml")
    assert missing.code == 3
