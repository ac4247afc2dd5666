"""The artifacts in a real Backstage backend: it starts with them, and their route answers."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from factory.config.environment import Environment
from factory.toolchain.node import Node, find_node
from factory.toolchain.runner import Runner

from .example_builds import KEPT_TOOLS, Built

HOST = Path(__file__).resolve().parents[1] / "backstage_host"


@pytest.fixture(scope="session")
def node(process: dict[str, str]) -> Node:
    return find_node(
        None, environment=Environment(variables=process), cache=KEPT_TOOLS, runner=Runner()
    )


@pytest.fixture(scope="session")
def host(node: Node, process: dict[str, str]) -> Path:
    """A Backstage backend, installed as its lockfile says and kept for the next run."""
    installed = KEPT_TOOLS / "backstage-host"
    lock = (HOST / "package-lock.json").read_bytes()
    if not (installed / "done").is_file() or (installed / "done").read_bytes() != lock:
        shutil.rmtree(installed, ignore_errors=True)
        shutil.copytree(HOST, installed)
        subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=installed,
            env=process | {"PATH": f"{node.bin_dir}:{process['PATH']}"},
            check=True,
            capture_output=True,
        )
        (installed / "done").write_bytes(lock)
    shutil.copy(HOST / "host.mjs", installed)
    return installed


@pytest.fixture
def portal(
    built: Built, host: Path, node: Node, process: dict[str, str], tmp_path: Path
) -> Iterator[dict[str, Any]]:
    """The backend, running with all three artifacts in its dynamic plugins folder."""
    plugins = tmp_path / "dynamic-plugins-root"
    for tgz in built.outputs.glob("*.tgz"):
        with tarfile.open(tgz) as archive:
            archive.extractall(plugins / "unpacked", filter="data")
        (plugins / "unpacked/package").rename(plugins / tgz.stem)
    (plugins / "unpacked").rmdir()
    log = tmp_path / "host.log"
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            [node.bin_dir / "node", host / "host.mjs", "--plugins-root", plugins],
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=process,
            text=True,
        ) as running,
    ):
        assert running.stdout
        try:
            said = running.stdout.readline()
            assert said, log.read_text()
            yield dict(json.loads(said))
        finally:
            running.terminate()
            assert running.wait(timeout=20) == 0


def answer(portal: dict[str, Any], path: str) -> Any:
    address = f"http://127.0.0.1:{portal['listening']}{path}"
    with urllib.request.urlopen(address, timeout=20) as response:
        assert response.status == 200
        return json.load(response)


def test_the_backend_starts_with_every_artifact_and_none_fails(portal: dict[str, Any]) -> None:
    names = {plugin["name"] for plugin in portal["plugins"]}
    assert names == {
        "@plugin-factory-example/plugin-greetings-dynamic",
        "@plugin-factory-example/plugin-greetings-backend-dynamic",
        "@plugin-factory-example/plugin-greetings-backend-module-nordic-dynamic",
    }
    assert [plugin for plugin in portal["plugins"] if plugin.get("failure")] == []


def test_the_plugins_route_answers_with_what_the_module_added(portal: dict[str, Any]) -> None:
    text = json.dumps(answer(portal, "/api/greetings/greetings"), ensure_ascii=False)
    # From greetings-common by the patch, from the backend, and from the module that extends it.
    assert "portal" in text
    assert "Hello" in text
    assert "Hei" in text
