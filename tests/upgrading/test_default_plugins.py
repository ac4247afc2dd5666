"""Which of a user's plugins the new portal brings itself, as its default list says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from factory.analysis.inventory import find_host
from factory.cli.app import run
from factory.errors import Place
from factory.installation.default_plugins import name_default_plugin
from factory.installation.package_reference import parse_package
from factory.installation.plugin_list import ListedPlugin
from tests.verification.plugins import backend, write_folder

from .moves import Mover, portal

if TYPE_CHECKING:
    from pathlib import Path

TODO = "acme-plugin-todo-backend"
DEFAULT_LIST = """
plugins:
  - package: oci://registry.example.com/team/acme-plugin-todo-backend:1.2.3!acme-plugin-todo-backend
    disabled: true
  - package: ./dynamic-plugins/dist/acme-plugin-other-dynamic
    disabled: false
"""
LOCKFILE = """\
__metadata:
  version: 8

"react@npm:^18.0.0":
  version: 18.3.1
  resolution: "react@npm:18.3.1"
  languageName: node
  linkType: hard
"""


@pytest.mark.parametrize(
    "package",
    [
        "@acme/plugin-todo-backend-dynamic@1.2.3",
        "@acme/plugin-todo-backend",
        "oci://registry.example.com/team/acme-plugin-todo-backend:1.2.3",
        f"oci://registry.example.com/team/many:1.2.3!{TODO}",
        f"./dynamic-plugins/dist/{TODO}",
        f"./dynamic-plugins/dist/{TODO}-dynamic",
        f"./{TODO}-dynamic-1.2.3.tgz",
        f"./{TODO}-dynamic-1.2.3-rc.1.tar.gz",
        f"https://example.com/files/{TODO}-dynamic-1.2.3.tgz?a=b",
    ],
)
def test_a_plugin_has_one_name_whatever_its_entry_names(package: str, tmp_path: Path) -> None:
    named: Any = parse_package(package, folder=tmp_path)
    entry = ListedPlugin(package=named, place=Place(file=tmp_path / "list.yaml"))
    assert name_default_plugin(entry) == TODO


def imported(folder: Path, text: str) -> tuple[int, Path]:
    (folder / "yarn.lock").write_text(LOCKFILE)
    (folder / "dynamic-plugins.default.yaml").write_text(text)
    words = ["host", "import", "--name=acme", f"--lockfile={folder / 'yarn.lock'}"]
    words += ["--backstage=1.49.4", f"--into={folder}"]
    words += [f"--default-plugins={folder / 'dynamic-plugins.default.yaml'}"]
    return run(words, {"HOME": str(folder)}), folder / "acme.json"


def test_a_portal_is_imported_with_the_plugins_that_it_brings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, file = imported(tmp_path, DEFAULT_LIST)
    assert code == 0, capsys.readouterr()
    there = {TODO: False, "acme-plugin-other": True}
    assert dict(find_host(str(file)).profile.default_plugins) == there
    capsys.readouterr()
    assert run(["host", "show", str(file)], {"HOME": str(tmp_path)}) == 0
    assert "2, of which 1 are on" in capsys.readouterr().out
    assert run(["host", "show", str(file), "--json"], {"HOME": str(tmp_path)}) == 0
    assert json.loads(capsys.readouterr().out)["default-plugins"] == there


@pytest.mark.parametrize("text", ["plugins: 1", "plugins: [{package: 'git+https://x.y/z'}]"])
def test_a_list_that_cannot_be_used_is_told_by_its_place(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, file = imported(tmp_path, text)
    said = capsys.readouterr().err
    assert code == 3
    assert "dynamic-plugins.default.yaml" in said
    assert not file.exists()


@pytest.mark.parametrize("value", [[], {"x": "yes"}, {"x": None}, "x"])
def test_a_file_of_a_portal_that_says_it_otherwise_is_refused(value: object, mover: Mover) -> None:
    write_folder(mover.folder / "plugin", backend())
    mover.lists("./plugin")
    new = mover.folder / "new.json"
    document = {"name": "new", "release": "", "backstage": "1.49.4", "packages": {}}
    new.write_text(json.dumps({**document, "default-plugins": value}))
    done = mover.moves("rhdh-1.9", str(new))
    assert done.code == 3
    assert "default-plugins" in done.err


@pytest.mark.parametrize(("before", "marked"), [({}, ""), ({TODO: True}, " (so it was before)")])
@pytest.mark.parametrize(("on", "words"), [(True, "has it on"), (False, "has it off")])
def test_what_the_new_portal_brings_is_told_of_the_users_entry(
    before: dict[str, bool], marked: str, on: bool, words: str, mover: Mover
) -> None:
    write_folder(mover.folder / "mine", backend({"name": "@acme/plugin-todo-backend-dynamic"}))
    write_folder(mover.folder / "other", backend({"name": "@acme/plugin-none-dynamic"}))
    absent = f"./dynamic-plugins/dist/{TODO}"
    mover.lists("./mine", "./other", absent)
    old = portal("old", default_plugins=before)
    new = portal("next", default_plugins={TODO: on})
    document = mover.moves(old, new, "--json").document
    brought = {one["package"]: one["brought-by-portal"] for one in document["plugins"]}
    told = {"on": on, "before": bool(before)}
    assert brought == {"./mine": told, "./other": None, absent: told}
    out = mover.moves(old, new).out
    line = next(line for line in out.splitlines() if words in line)
    assert line.strip().startswith("next brings it itself")
    assert line.endswith(marked)


def test_what_the_default_list_itself_has_is_not_a_users_entry(mover: Mover) -> None:
    write_folder(mover.folder / "mine", backend({"name": "@acme/plugin-todo-backend-dynamic"}))
    included = mover.folder / "dynamic-plugins.default.yaml"
    included.write_text("plugins: [{package: ./mine}]")
    mover.lists(includes=[included.name])
    new = portal("next", default_plugins={TODO: True})
    (plugin,) = mover.moves(portal("old"), new, "--json").document["plugins"]
    assert plugin["brought-by-portal"] is None
