"""The portal's folder: all or nothing, nothing twice, nobody else's."""

from __future__ import annotations

import errno
import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factory.archives.integrity import integrity_of
from factory.installation.swap import staging_folder
from tests.oci.faulty_proxy import Fault, FaultyProxy
from tests.oci.plugin_archives import FRONTEND, TODO

from .desk import CONFIG, MARKER, TODO_FOLDER, pushed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.oci.registries import Server

    from .desk import Desk
    from .npm_server import NpmServer

NAME = "@backstage-community/plugin-todo-backend-dynamic"
PACKED = "backstage-community-plugin-todo-backend-dynamic"


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
    }


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


# Nothing is fetched twice


def test_what_is_there_is_kept_unasked(desk: Desk, images: Server, npm: NpmServer) -> None:
    pushed(images, desk.folder, TODO, repository="kept", tag="1.0")
    with_proxy = FaultyProxy(images.host, [])
    integrity = npm.publish("other", "0.15.0", desk.packed(name="other"))
    desk.listed(
        f"oci://{with_proxy.host}/team/kept:1.0!{TODO_FOLDER}",
        {"package": "other@0.15.0", "integrity": integrity, "pullPolicy": "Always"},
    )
    try:
        desk.report(npm_config_registry=npm.url)
        before = snapshot(desk.root)
        asked = len(with_proxy.seen), len(npm.seen)

        again = desk.outcomes(npm_config_registry=npm.url)

        assert again == {TODO_FOLDER: "kept", "other": "kept"}
        assert (len(with_proxy.seen), len(npm.seen)) == asked
        assert snapshot(desk.root) == before
    finally:
        with_proxy.close()


def test_always_compares_the_digest_and_fetches_what_has_changed(
    desk: Desk, images: Server
) -> None:
    pushed(images, desk.folder, TODO, repository="moving", tag="latest")
    proxy = FaultyProxy(images.host, [])
    desk.listed(f"oci://{proxy.host}/team/moving:latest!{TODO_FOLDER}")
    try:
        assert desk.outcomes() == {TODO_FOLDER: "installed"}
        proxy.seen.clear()
        assert desk.outcomes() == {TODO_FOLDER: "kept"}
        assert proxy.count("GET", "blobs") == 0
        assert proxy.count("HEAD", "manifests") == 1

        (desk.folder / "moving-latest").rename(desk.folder / "old")
        pushed(images, desk.folder, TODO | {"version": "2.0.0"}, repository="moving", tag="latest")
        (plugin,) = desk.report()["plugins"]
        assert (plugin["outcome"], plugin["version"]) == ("updated", "2.0.0")
        assert desk.folders == [TODO_FOLDER]
    finally:
        proxy.close()


def test_a_tag_that_moved_is_kept_without_always(desk: Desk, images: Server) -> None:
    pushed(images, desk.folder, TODO, repository="stays", tag="1.0")
    entry = {"package": f"oci://{images.host}/team/stays:1.0!{TODO_FOLDER}"}
    desk.listed(entry)
    desk.report()
    (desk.folder / "stays-1.0").rename(desk.folder / "old")
    pushed(images, desk.folder, TODO | {"version": "2.0.0"}, repository="stays", tag="1.0")
    assert desk.outcomes() == {TODO_FOLDER: "kept"}
    desk.listed(entry | {"forceDownload": True, "pullPolicy": "IfNotPresent"})
    assert desk.outcomes() == {TODO_FOLDER: "kept"}
    desk.listed(entry | {"forceDownload": True})
    assert desk.outcomes() == {TODO_FOLDER: "updated"}


def test_always_asks_an_npm_registry_which_version_a_range_means(
    desk: Desk, npm: NpmServer
) -> None:
    npm.publish(NAME, "1.0.0", desk.packed(version="1.0.0"))
    desk.listed({"package": f"{NAME}@^1.0.0", "pullPolicy": "Always"})
    words = ("--skip-integrity-check",)
    assert desk.outcomes(*words, npm_config_registry=npm.url) == {NAME: "installed"}
    assert desk.outcomes(*words, npm_config_registry=npm.url) == {NAME: "kept"}
    assert npm.count(".tgz") == 1
    npm.publish(NAME, "1.1.0", desk.packed(version="1.1.0"))
    assert desk.outcomes(*words, npm_config_registry=npm.url) == {NAME: "updated"}
    assert desk.folders == [f"{PACKED}-1.1.0"]


def test_an_archive_or_folder_of_this_machine_is_looked_at_each_time(desk: Desk) -> None:
    desk.packed()
    folder = desk.folder / "plugin"
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps(FRONTEND))
    desk.listed("./todo.tgz", "./plugin")
    desk.report()
    assert desk.outcomes() == {"todo.tgz": "kept", "plugin": "kept"}
    desk.packed(version="0.16.0")
    (folder / "new.js").write_text("1")
    assert desk.outcomes() == {"todo.tgz": "updated", "plugin": "updated"}
    assert f"{PACKED}-0.15.0" not in desk.folders


# What goes


def test_what_is_no_longer_listed_or_disabled_goes(desk: Desk) -> None:
    desk.packed("one.tgz", name="one")
    desk.packed("two.tgz", name="two")
    desk.packed("three.tgz", name="three")
    desk.listed("./one.tgz", "./two.tgz", "./three.tgz")
    desk.report()
    desk.listed({"package": "./one.tgz", "disabled": True}, "./three.tgz")
    report = desk.report()
    assert report["removed"] == ["one-0.15.0", "two-0.15.0"]
    assert [one["outcome"] for one in report["plugins"]] == ["disabled", "kept"]
    assert desk.folders == ["three-0.15.0"]


def test_a_folder_of_the_users_is_neither_removed_nor_replaced(desk: Desk) -> None:
    own = desk.root / "todo-0.15.0"
    own.mkdir(parents=True)
    (own / "mine.txt").write_text("mine")
    (desk.root / "notes.txt").write_text("mine, too")
    desk.listed()
    desk.report()
    assert desk.folders == ["notes.txt", "todo-0.15.0"]

    desk.packed(name="todo")
    desk.listed("./todo.tgz")
    done = desk.run()
    assert done.exit_code == 12
    assert "is in the way" in done.stderr
    assert snapshot(own) == {"mine.txt": b"mine"}


def test_an_archive_cannot_pretend_to_be_staged(desk: Desk, images: Server) -> None:
    """A marker that comes in an archive is replaced by the true one."""
    folder = desk.folder / "plugin"
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps(TODO))
    (folder / MARKER).write_text('{"format": 1, "identity": "other"}')
    desk.listed("./plugin")
    desk.report()
    record = json.loads((desk.root / f"{PACKED}-0.15.0" / MARKER).read_text())
    assert record["identity"] == str(folder)


# All or nothing


def test_a_failure_leaves_the_folder_as_it_was(desk: Desk, npm: NpmServer) -> None:
    desk.packed("one.tgz", name="one")
    desk.listed({"package": "./one.tgz", "pluginConfig": {"one": 1}})
    desk.report()
    before = snapshot(desk.root)

    desk.packed("two.tgz", name="two")
    good = npm.publish("good", "1.0.0", desk.packed("good.tgz", name="good", version="1.0.0"))
    npm.publish("bad", "1.0.0", desk.packed("bad.tgz", name="bad", version="1.0.0"))
    desk.listed(
        "./two.tgz",
        {"package": "good@1.0.0", "integrity": good},
        {"package": "bad@1.0.0", "integrity": good},
    )
    done = desk.run(npm_config_registry=npm.url)

    assert done.exit_code == 15
    assert "bad@1.0.0 does not match its integrity" in done.stderr
    assert good in done.stderr
    assert "dynamic-plugins.yaml:5" in done.stderr
    assert snapshot(desk.root) == before


def test_going_on_installs_the_others_and_keeps_what_was_there(desk: Desk) -> None:
    desk.packed("one.tgz", name="one")
    desk.packed("two.tgz", name="two")
    one = {"package": "./one.tgz", "pluginConfig": {"one": 1}}
    two = {"package": "./two.tgz", "pluginConfig": {"two": 2}}
    desk.listed(one)
    desk.report()
    (desk.folder / "one.tgz").write_bytes(b"no archive")
    broken = {"package": "./never.tgz", "pluginConfig": {"never": 3}}
    desk.listed(one, two, broken)

    done = desk.run("--continue-on-error", "--json")

    assert done.exit_code == 15
    plugins = json.loads(done.stdout)["plugins"]
    assert [end["outcome"] for end in plugins] == ["failed", "installed", "failed"]
    assert "damaged" in plugins[0]["error"]
    assert desk.folders == ["one-0.15.0", "two-0.15.0"]
    assert "one" in desk.merged
    assert "never" not in desk.merged


@pytest.mark.parametrize("version", ["0.15.0", "0.16.0"])
def test_one_package_twice_is_refused_whatever_its_version(desk: Desk, version: str) -> None:
    desk.packed("one.tgz")
    desk.packed("two.tgz", version=version)
    desk.listed("./one.tgz", "./two.tgz")
    done = desk.run()
    assert done.exit_code == 12
    assert f"two plugins of the list are the same package, {NAME}" in done.stderr
    assert "./one.tgz (0.15.0)" in done.stderr
    assert desk.folders == []


def test_a_package_beside_a_folder_of_the_portals_own_installer_is_refused(desk: Desk) -> None:
    left = desk.root / "acme-left-0.9.0"
    left.mkdir(parents=True)
    (left / "package.json").write_text(json.dumps({"name": NAME, "version": "0.9.0"}))
    (left / "dynamic-plugin-config.hash").write_text("0" * 64)
    desk.packed("one.tgz")
    desk.listed("./one.tgz")
    done = desk.run()
    assert done.exit_code == 12
    assert str(left) in done.stderr
    assert "own installer" in done.stderr
    assert desk.folders == ["acme-left-0.9.0"]


def test_a_swap_that_ends_between_any_two_steps_is_undone(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal may come right after a rename; what is there afterwards is the old portal."""
    for name in ("one", "two"):
        desk.packed(f"{name}.tgz", name=name)
    desk.listed("./one.tgz", "./two.tgz")
    desk.report()
    before = snapshot(desk.root)
    for name in ("one", "two"):
        desk.packed(f"{name}.tgz", name=name, version="2.0.0")
    rename = Path.rename
    for step in range(4):
        done: list[Path] = []

        def interrupted(
            self: Path, target: Path, done: list[Path] = done, step: int = step
        ) -> Path:
            moved = rename(self, target)
            done.append(self)
            if len(done) == step + 1:
                raise KeyboardInterrupt
            return moved

        monkeypatch.setattr(Path, "rename", interrupted)
        assert desk.run().exit_code != 0
        assert len(done) > step
        monkeypatch.setattr(Path, "rename", rename)
        assert snapshot(desk.root) == before


def test_what_could_not_be_put_back_is_put_back_by_the_next_run(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.packed("one.tgz", name="one")
    desk.listed("./one.tgz")
    desk.report()
    before = snapshot(desk.root)
    desk.packed("one.tgz", name="one", version="2.0.0")
    rename = Path.rename
    times: list[Path] = []

    def broken(self: Path, target: Path) -> Path:
        times.append(self)
        if len(times) > 1:
            raise OSError(errno.EIO, "broken disk")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", broken)
    assert desk.run().exit_code == 12
    monkeypatch.setattr(Path, "rename", rename)
    with staging_folder(desk.root):
        pass
    assert snapshot(desk.root) == before


def test_an_integrity_is_needed_for_what_comes_by_name_or_address(
    desk: Desk, npm: NpmServer
) -> None:
    npm.publish(NAME, "0.15.0", desk.packed())
    for package in (f"{NAME}@0.15.0", f"{npm.url}todo.tgz"):
        desk.listed(package)
        done = desk.run(npm_config_registry=npm.url)
        assert done.exit_code == 3
        assert "has no integrity" in done.stderr
    assert npm.seen == []
    assert not desk.root.exists()
    desk.listed(f"{NAME}@0.15.0")
    variables = {"SKIP_INTEGRITY_CHECK": "true", "npm_config_registry": npm.url}
    assert desk.outcomes(**variables) == {NAME: "installed"}


@pytest.mark.parametrize(
    "integrity", ["md5-aaaa", "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "x", "sha512-a"]
)
def test_an_integrity_that_is_none_is_refused_before_anything(
    desk: Desk, npm: NpmServer, integrity: str
) -> None:
    npm.publish(NAME, "0.15.0", desk.packed())
    desk.listed({"package": f"{NAME}@0.15.0", "integrity": integrity})
    done = desk.run("--skip-integrity-check", npm_config_registry=npm.url)
    assert done.exit_code == 15
    assert npm.seen == []


def test_a_registry_that_breaks_off_is_asked_again(desk: Desk, images: Server) -> None:
    pushed(images, desk.folder, TODO, repository="broken", tag="1.0")
    faults = [Fault(method="GET", path="manifests", status=503, times=2)]
    proxy = FaultyProxy(images.host, faults)
    desk.listed(f"oci://{proxy.host}/team/broken:1.0!{TODO_FOLDER}")
    try:
        assert desk.outcomes() == {TODO_FOLDER: "installed"}
    finally:
        proxy.close()


# Several runs


def test_a_dry_run_says_what_would_be_done_and_does_nothing(desk: Desk, images: Server) -> None:
    desk.packed("one.tgz", name="one")
    desk.packed("two.tgz", name="two")
    desk.packed("three.tgz", name="three")
    desk.listed("./one.tgz", "./two.tgz")
    assert json.loads(desk.run("--dry-run", "--json").stdout)["plugins"][0]["action"] == "install"
    assert not desk.root.exists()
    desk.report()
    before = snapshot(desk.root)

    image = f"oci://{images.host}/team/nothing:latest!x"
    desk.listed("./one.tgz", "./three.tgz", {"package": "four", "disabled": True}, image)
    plan = json.loads(desk.run("--dry-run", "--json").stdout)

    assert [one["action"] for one in plan["plugins"]] == ["check", "install", "disabled", "install"]
    assert plan["remove"] == ["two-0.15.0"]
    assert snapshot(desk.root) == before
    assert "remove" in desk.run("--dry-run").stdout


def test_two_runs_at_once_stage_one_after_the_other(desk: Desk, npm: NpmServer) -> None:
    integrity = npm.publish(NAME, "0.15.0", desk.packed())
    desk.listed({"package": f"{NAME}@0.15.0", "integrity": integrity})
    npm.block = threading.Event()
    first = desk.started("--json", npm_config_registry=npm.url)
    wait_until(lambda: npm.count(".tgz") == 1)

    refused = desk.run("--no-wait", npm_config_registry=npm.url)
    second = desk.started("--json", npm_config_registry=npm.url)
    said = second.stderr
    assert said
    wait_until(lambda: "waiting for it" in said.readline())
    npm.block.set()

    ends = [json.loads(process.communicate(timeout=300)[0]) for process in (first, second)]
    assert [end["plugins"][0]["outcome"] for end in ends] == ["installed", "kept"]
    assert refused.exit_code == 13
    assert npm.count(".tgz") == 1


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_run_that_was_ended_leaves_the_portal_whole(
    desk: Desk, npm: NpmServer, how: signal.Signals
) -> None:
    desk.packed("one.tgz", name="one")
    desk.listed("./one.tgz")
    desk.report()
    config = (desk.root / CONFIG).read_bytes()
    integrity = npm.publish(NAME, "0.15.0", desk.packed())
    desk.listed({"package": f"{NAME}@0.15.0", "integrity": integrity})
    npm.block = threading.Event()
    running = desk.started(npm_config_registry=npm.url)
    wait_until(lambda: npm.count(".tgz") == 1)
    running.send_signal(how)
    if how != signal.SIGKILL:
        npm.block.set()
    running.communicate(timeout=300)

    assert running.returncode == (-9 if how == signal.SIGKILL else 128 + how)
    visible = [name for name in desk.folders if not name.startswith(".")]
    assert visible == ["one-0.15.0"]
    assert (desk.root / CONFIG).read_bytes() == config
    npm.block.set()
    assert desk.outcomes(npm_config_registry=npm.url) == {NAME: "installed"}
    assert desk.folders == [f"{PACKED}-0.15.0"]


def test_a_run_that_was_killed_between_renames_is_made_good(desk: Desk) -> None:
    desk.packed(name="todo")
    desk.listed("./todo.tgz")
    desk.report()
    aside = desk.root / ".plugin-factory-staging/aside"
    aside.mkdir(parents=True)
    (desk.root / "todo-0.15.0").rename(aside / "todo-0.15.0")
    assert desk.outcomes() == {"todo.tgz": "kept"}
    assert desk.folders == ["todo-0.15.0"]


def test_a_rename_that_fails_takes_back_all_before(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        desk.packed(f"{name}.tgz", name=name)
    desk.listed("./one.tgz", "./two.tgz")
    desk.report()
    before = snapshot(desk.root)
    for name in ("one", "two"):
        desk.packed(f"{name}.tgz", name=name, version="2.0.0")
    true_replace = os.replace

    def full(source: object, target: object) -> None:
        if str(target).endswith(CONFIG) and ".plugin-factory-staging" not in str(target):
            raise OSError(28, "No space left on device")
        true_replace(source, target)  # type: ignore[arg-type]

    monkeypatch.setattr("pathlib.os.replace", full)
    done = desk.run()
    assert done.exit_code == 12
    assert "No space left on device" in done.stderr
    assert snapshot(desk.root) == before


def test_a_folder_that_cannot_be_made(desk: Desk) -> None:
    desk.listed()
    desk.root.write_text("a file")
    done = desk.run()
    assert done.exit_code == 12


def test_integrity_of_what_is_staged_is_told(desk: Desk) -> None:
    tgz = desk.packed()
    desk.listed("./todo.tgz")
    assert desk.report()["plugins"][0]["source"] == integrity_of(tgz)
