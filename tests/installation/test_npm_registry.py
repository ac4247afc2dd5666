"""``push --npm`` to a real registry (verdaccio), read by npm itself, and installed from there."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from factory.toolchain.node import Node
from tests.acceptance.portal import installed_registry, kept_node
from tests.command_line import Ended, run_factory
from tests.published.packages import packed

NAME = "@acme/plugin-x-dynamic"
CONFIG = """\
storage: ./storage
auth:
  htpasswd:
    file: ./htpasswd
packages:
  "**":
    access: $all
    publish: $authenticated
log: {{type: file, path: {log}, level: warn}}
"""


@dataclass(frozen=True, kw_only=True)
class RealRegistry:
    """A running registry: its address, and a login that may publish."""

    url: str
    token: str

    @property
    def login(self) -> str:
        return f"{self.url.removeprefix('http:')}:_authToken={self.token}"


@pytest.fixture
def node(process: dict[str, str]) -> Node:
    return kept_node(process, ">=22")


@pytest.fixture
def registry(node: Node, process: dict[str, str], tmp_path: Path) -> Iterator[RealRegistry]:
    folder = tmp_path / "registry"
    folder.mkdir()
    (folder / "config.yaml").write_text(CONFIG.format(log=folder / "log"))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    program = installed_registry(node, process) / "node_modules/verdaccio/bin/verdaccio"
    command: list[str | Path] = [node.bin_dir / "node", program]
    with (folder / "output").open("w") as output:
        running = subprocess.Popen(
            [*command, "--config", folder / "config.yaml", "--listen", f"127.0.0.1:{port}"],
            cwd=folder,
            env=process,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}/"
    try:
        _wait_for(url, running)
        yield RealRegistry(url=url, token=_sign_up(url))
    finally:
        running.terminate()
        running.wait()


def _wait_for(url: str, running: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 300
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}-/ping", timeout=60):
            return
        assert running.poll() is None
        assert time.monotonic() < end
        time.sleep(0.2)


def _sign_up(url: str) -> str:
    user = {"name": "publisher", "password": "a-password-of-the-test", "type": "user"}
    request = urllib.request.Request(
        f"{url}-/user/org.couchdb.user:publisher",
        data=json.dumps(user).encode(),
        headers={"Content-Type": "application/json"},
        method="PUT",
    )
    with urllib.request.urlopen(request, timeout=300) as response:
        return str(json.load(response)["token"])


def built(folder: Path, **fields: object) -> Path:
    folder.mkdir(exist_ok=True)
    package = {
        "name": NAME,
        "version": "1.0.0",
        "main": "dist/index.cjs.js",
        "backstage": {"role": "backend-plugin"},
        **fields,
    }
    files = {"package.json": json.dumps(package), "dist/index.cjs.js": "exports.default = 1;\n"}
    return packed(folder / "acme-plugin-x-dynamic-1.0.0.tgz", files)


def test_what_is_pushed_is_installed_again(
    registry: RealRegistry, node: Node, process: Mapping[str, str], tmp_path: Path
) -> None:
    left_out = ("npm_config_registry", "NPM_CONFIG_REGISTRY", "http_proxy", "HTTP_PROXY")
    own = {name: value for name, value in process.items() if name not in left_out}
    outputs, config = tmp_path / "outputs", tmp_path / "config"
    tgz = built(outputs)
    config.mkdir()
    (config / ".npmrc").write_text(f"registry={registry.url}\n{registry.login}\n")

    def push() -> Ended:
        return run_factory(own, "push", outputs, "--npm", "--config-dir", config)

    first = push()
    assert first.code == 0, first.said
    integrity = (first.stdout.strip()).removeprefix(f"{NAME}@1.0.0 ")
    again = push()
    assert (again.code, again.stdout) == (0, first.stdout), again.said

    # npm itself takes it for what it is.
    npm = subprocess.run(
        [node.bin_dir / "npm", "pack", f"{NAME}@1.0.0", f"--registry={registry.url}"],
        cwd=tmp_path,
        env={**own, "PATH": f"{node.bin_dir}:{own['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (tmp_path / npm.stdout.strip()).read_bytes() == tgz.read_bytes()

    # A portal's list, as its administrator writes it.
    (config / "dynamic-plugins.yaml").write_text(
        f"plugins:\n- package: '{NAME}@1.0.0'\n  integrity: {integrity}\n"
    )
    installed = run_factory(
        {**own, "npm_config_registry": registry.url},
        *("install", tmp_path / "portal", "--config", config / "dynamic-plugins.yaml"),
    )
    assert installed.code == 0, installed.said
    scripts = list((tmp_path / "portal").rglob("dist/index.cjs.js"))
    assert [script.read_text() for script in scripts] == ["exports.default = 1;\n"]

    built(outputs, description="changed")
    other = push()
    assert other.code == 11, other.said
    assert "has other bytes" in other.said


def test_who_may_not_publish_is_told(
    registry: RealRegistry, process: Mapping[str, str], tmp_path: Path
) -> None:
    built(tmp_path / "outputs")
    (tmp_path / ".npmrc").write_text(f"registry={registry.url}\n")
    words = ("push", tmp_path / "outputs", "--npm", "--config-dir", tmp_path)
    done = run_factory(process, *words)
    assert done.code == 11, done.said
    assert ":_authToken=…" in done.said
