"""What the shipped example builds, verified: whole, and broken in one place."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factory.archives.integrity import integrity_of
from tests.command_line import Ended, run_factory

from .example_builds import Built
from .portal import installed_host, kept_node

BACKEND, MODULE, FRONTEND = (
    "plugins/greetings-backend",
    "plugins/greetings-backend-module-nordic",
    "plugins/greetings",
)


def verified(process: dict[str, str], *words: str | Path) -> tuple[Ended, list[dict[str, Any]]]:
    """The command's end, and what it says of each plugin."""
    ended = run_factory(process, "verify", *words, "--json")
    return ended, json.loads(ended.stdout)["plugins"]


def failures(plugin: dict[str, Any]) -> list[str]:
    return [one["check"] for one in plugin["checks"] if one["result"] == "failed"]


def changed(tgz: Path, folder: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """A copy of a plugin whose files were changed, with an integrity of its own."""
    with tarfile.open(tgz) as archive:
        files = {
            member.name: stream.read()
            for member in archive
            if (stream := archive.extractfile(member)) is not None
        }
    change(files)
    copy = folder / tgz.name
    with tarfile.open(copy, "w:gz", compresslevel=1) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    copy.with_name(f"{copy.name}.integrity").write_text(integrity_of(copy))
    return copy


def test_what_is_built_passes_every_check(built: Built, process: dict[str, str]) -> None:
    ended, plugins = verified(process, built.outputs, "--provenance", "--host", "rhdh-1.9")

    assert ended.code == 0, ended.said
    assert len(plugins) == 3
    results = {one["result"] for plugin in plugins for one in plugin["checks"]}
    assert results == {"passed"}


@pytest.mark.parametrize("path", [BACKEND, MODULE, FRONTEND])
def test_a_build_verifies_what_it_makes(path: str, built: Built) -> None:
    assert built.plugin(path)["seconds"]["verify"] > 0
    assert "verify" in built.ended.said


def test_a_real_hosts_packages_load_the_backends(built: Built, process: dict[str, str]) -> None:
    modules = installed_host(kept_node(process), process) / "node_modules"
    ended, plugins = verified(
        process, built.tgz(BACKEND), built.tgz(MODULE), "--host-modules", modules
    )

    assert ended.code == 0, ended.said
    details = [
        one["detail"]
        for plugin in plugins
        for one in plugin["checks"]
        if one["check"] == "entry point"
    ]
    assert details == ["CommonJS loads, a backend feature"] * 2


def _without(part: str) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        gone = [name for name in files if part in name]
        assert gone
        for name in gone:
            del files[name]

    return change


def _cut(files: dict[str, bytes]) -> None:
    name = "package/dist/router.cjs.js"
    files[name] = files[name][: len(files[name]) // 2]


LOST: dict[str, tuple[str, Callable[[dict[str, bytes]], None], str]] = {
    "the entry point": (BACKEND, _without("dist/index.cjs.js"), "package"),
    "a file beside it": (BACKEND, _without("dist/router.cjs.js"), "entry point"),
    "half of it": (BACKEND, _cut, "entry point"),
    "a dependency": (BACKEND, _without("plugin-greetings-common/"), "dependencies"),
    "half of a dependency": (BACKEND, _without("plugin-greetings-node/dist"), "entry point"),
    "the remote entry": (FRONTEND, _without("dist/remoteEntry.js"), "manifests"),
    "the chunks": (FRONTEND, _without(".chunk.js"), "manifests"),
}


@pytest.mark.parametrize("what", LOST)
def test_what_is_lost_on_the_way_is_noticed(
    what: str, built: Built, process: dict[str, str], tmp_path: Path
) -> None:
    path, change, check = LOST[what]

    ended, (plugin,) = verified(process, changed(built.tgz(path), tmp_path, change))

    assert ended.code == 14
    assert check in failures(plugin)


def test_an_artifact_cut_short_is_noticed(
    built: Built, process: dict[str, str], tmp_path: Path
) -> None:
    tgz = built.tgz(BACKEND)
    copy = tmp_path / tgz.name
    copy.write_bytes(tgz.read_bytes()[:-1000])
    shutil.copy(tgz.with_name(f"{tgz.name}.integrity"), tmp_path)

    ended, (plugin,) = verified(process, copy)

    assert ended.code == 14
    assert failures(plugin) == ["integrity", "archive"]
