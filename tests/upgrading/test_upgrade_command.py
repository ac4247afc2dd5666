"""``plugin-factory upgrade``: lists of folders, archives and npm packages, and its exit codes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.installation.npm_server import TOKEN, NpmServer
from tests.verification.plugins import backend, frontend, write_folder, write_tgz

from .moves import NEW, Mover, portal
from .test_moved_plugins import CATALOG, MOUNTS, SCALPRUM_ONLY

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs/how-to/upgrade-a-portal.md"
LOCKFILE = ROOT / "examples/local-workspace/workspace/yarn.lock"
OLD = portal("old")
NEXT = portal("next", packages={CATALOG: "2.2.2"}, systems=NEW)


@pytest.fixture
def npm() -> Iterator[NpmServer]:
    server = NpmServer(authorization=f"Bearer {TOKEN}")
    yield server
    server.close()


def guide_blocks(language: str) -> list[str]:
    """The blocks of code of the guide that are in a language."""
    found = re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    return [str(block) for block in found]


def write_plugins(folder: Path) -> None:
    """A plugin of each verdict: two backends, and a frontend of the old system."""
    write_folder(folder / "fits", backend())
    outgrown = backend({"name": "@scope/outgrown", "peerDependencies": {CATALOG: "^1.20.0"}})
    write_tgz(folder / "outgrown.tgz", outgrown)
    hidden = frontend({"name": "@scope/hidden"}, SCALPRUM_ONLY)
    write_folder(folder / "hidden", hidden)


def test_each_plugin_of_a_list_has_its_verdict(mover: Mover) -> None:
    write_plugins(mover.folder)
    absent = "./dynamic-plugins/dist/some-plugin"
    (mover.folder / "included.yaml").write_text("plugins: [{package: ./fits}]")
    mover.lists(
        "./outgrown.tgz",
        {"package": "./hidden", "pluginConfig": MOUNTS},
        absent,
        {"package": "@scope/off@1.0.0", "disabled": True},
        includes=["included.yaml"],
    )
    done = mover.moves(OLD, NEXT, "--json")
    assert done.verdicts == {
        "./fits": "fits",
        "./outgrown.tgz": "rebuild",
        "./hidden": "shows-nothing",
        absent: "unknown",
    }
    document = done.document
    assert done.code == 3, done.err  # the smallest code: a folder of the list is not there
    assert document["from"]["name"] == "old"
    assert document["to"]["frontend-systems"] == ["new-frontend-system"]
    assert [one["package"] for one in document["disabled"]] == ["@scope/off@1.0.0"]
    assert document["counts"] == {
        "shows-nothing": 1, "rebuild": 1, "unknown": 1, "fits": 1, "disabled": 1,
    }  # fmt: skip
    (unknown,) = (one for one in document["plugins"] if one["verdict"] == "unknown")
    assert unknown["error"]["kind"] == "configuration"
    assert "podman cp" in unknown["error"]["hint"]


def test_people_are_told_why_and_what_to_type(mover: Mover) -> None:
    write_plugins(mover.folder)
    mover.lists(
        {"package": "./fits", "disabled": True},
        "./outgrown.tgz",
        {"package": "./hidden", "pluginConfig": MOUNTS},
    )
    done = mover.moves(OLD, NEXT)
    assert done.code == 14
    rows = [line.split("  ")[0] for line in done.out.splitlines()]
    assert [row for row in rows if row][:2] == ["needs a rebuild", "shows nothing"]
    assert f"it asks for {CATALOG} ^1.20.0; old has 1.20.0, next has 2.2.2" in done.out
    assert "no effect: dynamicPlugins.frontend.scope.todo.mountPoints" in done.out
    assert "2 plugins: 1 shows nothing, 1 to rebuild; 1 disabled, not checked" in done.out
    assert f"plugin-factory build --host {mover.folder}/next.json" in done.out


def test_a_list_that_still_fits_ends_well(mover: Mover) -> None:
    write_plugins(mover.folder)
    mover.lists("./fits")
    done = mover.moves(OLD, NEXT)
    assert (done.code, "still fits" in done.out, "try:" in done.out) == (0, True, False)


def test_an_empty_list_has_nothing_to_do(mover: Mover) -> None:
    mover.lists()
    done = mover.moves(OLD, NEXT, "--json")
    assert (done.code, done.document["plugins"]) == (0, [])


def test_portals_are_named_as_elsewhere(mover: Mover) -> None:
    asks = backend({"peerDependencies": {CATALOG: "^1.20.0"}})
    write_folder(mover.folder / "outgrown", asks)
    mover.lists("./outgrown")
    for new in ("rhdh-2.0", "backstage-1.52"):
        assert mover.moves("rhdh-1.9", new, "--json").verdicts == {"./outgrown": "rebuild"}
    assert mover.moves("rhdh-1.9", "rhdh-1.9", "--json").verdicts == {"./outgrown": "fits"}


def test_npm_packages_are_fetched_with_the_login_which_is_not_told(
    mover: Mover, npm: NpmServer
) -> None:
    tgz = write_tgz(mover.folder / "here.tgz", backend())
    integrity = npm.publish("@scope/todo-dynamic", "1.2.3", tgz)
    tgz.unlink()
    login = f"registry={npm.url}\n//{npm.host}/:_authToken={TOKEN}\n"
    (mover.folder / ".npmrc").write_text(login)
    mover.lists(
        {"package": "@scope/todo-dynamic@1.2.3", "integrity": integrity}, "@scope/gone-dynamic@1"
    )
    done = mover.moves(OLD, NEXT, "--json")
    assert done.verdicts == {
        "@scope/todo-dynamic@1.2.3": "fits",
        "@scope/gone-dynamic@1": "unknown",
    }
    assert done.code == 11
    assert done.document["plugins"][1]["error"]["hint"]
    assert TOKEN not in done.out + done.err


def test_another_archive_than_the_list_says_is_unknown(mover: Mover, npm: NpmServer) -> None:
    npm.authorization = ""
    npm.publish("@scope/todo", "1.0.0", write_tgz(mover.folder / "one.tgz", backend()))
    other = npm.publish("@scope/other", "1.0.0", write_tgz(mover.folder / "b.tgz", frontend()))
    (mover.folder / ".npmrc").write_text(f"registry={npm.url}\n")
    mover.lists({"package": "@scope/todo@1.0.0", "integrity": other})
    done = mover.moves(OLD, NEXT, "--json")
    assert (done.verdicts, done.code) == ({"@scope/todo@1.0.0": "unknown"}, 15)


def test_what_plugins_say_is_made_harmless(mover: Mover) -> None:
    nasty = "@backstage/x\u001b[2J\n::error::y"
    write_folder(mover.folder / "nasty", backend({"dependencies": {nasty: "^1.0.0"}}))
    config = {"dynamicPlugins": {"frontend": {"::add-mask::z": {"\u202emountPoints": "s3cret"}}}}
    mover.lists({"package": "./nasty", "pluginConfig": config})
    done = mover.moves(OLD, NEXT)
    assert (done.code, "needs a rebuild" in done.out) == (14, True)
    assert "\u001b" not in done.out
    assert "\u202e" not in done.out
    assert not any(line.lstrip().startswith("::") for line in done.out.splitlines())
    assert "s3cret" not in done.out + done.err


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("plugins: [", 3, "dynamic-plugins.yaml"),
        ("plugins: 3", 3, "plugins"),
        ("includes: [gone.yaml]", 3, "an included file does not exist"),
        ("plugins: [{package: 'oci://x'}]", 3, "the image's name cannot be read"),
    ],
)
def test_a_list_that_cannot_be_read_is_an_error(
    text: str, code: int, said: str, mover: Mover
) -> None:
    (mover.folder / "dynamic-plugins.yaml").write_text(text)
    done = mover.moves(OLD, NEXT)
    assert done.code == code
    assert said in done.err
    assert not done.out


def test_no_list_and_no_portal_are_errors(mover: Mover) -> None:
    done = mover.moves(OLD, NEXT, "--config", "mine.yaml")
    assert (done.code, "there is no mine.yaml" in done.err) == (3, True)
    mover.lists()
    done = mover.moves(OLD, "rhdh-0.1")
    assert (done.code, "there is no such host" in done.err) == (2, True)
    (mover.folder / "broken.json").write_text("{")
    done = mover.moves("broken.json", NEXT)
    assert (done.code, "this is not a host inventory" in done.err) == (3, True)


def test_an_archive_that_is_not_safe_is_unknown_and_the_others_go_on(mover: Mover) -> None:
    write_plugins(mover.folder)
    write_tgz(mover.folder / "evil.tgz", {**backend(), "../../evil": b"x"})
    (mover.folder / "junk.tgz").write_bytes(b"junk")
    mover.lists("./evil.tgz", "./junk.tgz", "./fits")
    done = mover.moves(OLD, NEXT, "--json")
    assert done.verdicts == {
        "./evil.tgz": "unknown",
        "./junk.tgz": "unknown",
        "./fits": "fits",
    }
    assert done.code == 15
    assert not (mover.folder / "evil").exists()


def test_the_guide_shows_what_is_printed(mover: Mover) -> None:
    todo: dict[str, Any] = {"version": "1.4.0", "backstage": {"role": "backend-plugin"}}
    asks = {"name": "@acme/plugin-todo-backend-dynamic", "peerDependencies": {CATALOG: "^1.20.0"}}
    addon = {"node_modules/better-sqlite3/build/x.node": b"node_register_module_v127\0"}
    write_folder(mover.folder / "backend", backend(todo | asks, addon))
    page = {"name": "@acme/plugin-todo-dynamic", "version": "1.4.0"}
    write_folder(mover.folder / "page", frontend(page))
    mover.lists("./backend", "./page")
    done = mover.moves("rhdh-1.9", "rhdh-2.0")
    assert done.out == guide_blocks("text")[0]


@pytest.mark.parametrize(
    "line", [line for block in guide_blocks("sh") for line in block.splitlines()]
)
def test_the_guides_commands_run(line: str, mover: Mover) -> None:
    write_plugins(mover.folder)
    mover.lists("./fits")
    # An index that is named is fetched only where there is one: tests/upgrading/test_listed_images.
    words = line.partition("plugin-factory upgrade ")[2]
    old, new, *more = shlex.split(words)[1::2]
    there = old.replace("../portal/yarn.lock", str(LOCKFILE))
    done = mover.moves(there, new, *(["--json"] if "--json" in words else []))
    assert (done.code, "fits" in done.out) == (0, True), done.err
    assert more in ([], ["dynamic-plugins.yaml"])
