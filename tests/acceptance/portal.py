"""A real Backstage backend, installed once for all runs, and started with plugins in its folder."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import subprocess
import tarfile
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory.config.environment import Environment
from factory.locking import exclusive
from factory.toolchain.cache_folder import ToolCache
from factory.toolchain.node import Node, find_node
from factory.toolchain.runner import Runner

from .example_builds import KEPT_TOOLS

_TESTS = Path(__file__).resolve().parents[1]
HOST = _TESTS / "backstage_host"
PAGE = _TESTS / "portal_page"
REGISTRY = _TESTS / "npm_registry"


@dataclass(frozen=True, kw_only=True)
class Portal:
    """A running backend: where it listens, and what it found in its plugins folder."""

    port: int
    plugins: tuple[dict[str, Any], ...]

    @property
    def names(self) -> set[str]:
        """The names of the plugins that it found."""
        return {str(plugin["name"]) for plugin in self.plugins}

    @property
    def failures(self) -> dict[str, str]:
        """What it says of each plugin that it could not load."""
        return {
            str(plugin["name"]): str(plugin["failure"])
            for plugin in self.plugins
            if plugin.get("failure")
        }

    def answer(self, path: str) -> Any:
        """The JSON that a route answers with."""
        address = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(address, timeout=300) as response:
            assert response.status == 200
            return json.load(response)


def kept_node(process: Mapping[str, str], wanted: str | None = None) -> Node:
    """The Node that a build uses, too; or one of a range."""
    return find_node(
        wanted,
        ToolCache(folder=KEPT_TOOLS, environment=Environment(variables=process), runner=Runner()),
    )


def installed_host(node: Node, process: Mapping[str, str]) -> Path:
    """A Backstage backend, installed as its lockfile says and kept for the next run."""
    return _installed(HOST, node, process)


def installed_registry(node: Node, process: Mapping[str, str]) -> Path:
    """Verdaccio, an npm registry, installed as its lockfile says and kept for the next run."""
    return _installed(REGISTRY, node, process)


def bundled_page(node: Node, process: Mapping[str, str]) -> Path:
    """A Backstage app that loads frontend plugins from the backend, as files to be served."""
    return _installed(PAGE, node, process, then="bundle.mjs") / "dist"


def _installed(
    package: Path, node: Node, process: Mapping[str, str], *, then: str | None = None
) -> Path:
    """A package with what it depends on, and what a script of it makes ``then``, kept."""
    installed = KEPT_TOOLS / package.name.replace("_", "-")
    files = b"".join(file.read_bytes() for file in sorted(package.rglob("*")) if file.is_file())
    digest = hashlib.sha256(files).hexdigest()
    done = installed / "done"
    with exclusive(KEPT_TOOLS / f"{installed.name}.lock", wait=True):
        if done.is_file() and done.read_text() == digest:
            return installed
        shutil.rmtree(installed, ignore_errors=True)
        shutil.copytree(package, installed)
        env = {**process, "PATH": f"{node.bin_dir}:{process['PATH']}"}
        commands = [["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]]
        if then:
            commands.append(["node", then])
        for command in commands:
            subprocess.run(command, cwd=installed, env=env, check=True, capture_output=True)
        done.write_text(digest)
    return installed


@contextlib.contextmanager
def running_portal(
    artifacts: Iterable[Path],
    folder: Path,
    process: Mapping[str, str],
    *,
    modules: Path | None = None,
) -> Iterator[Portal]:
    """The backend, running with these archives in its dynamic plugins folder.

    ``modules`` is a ``node_modules`` folder with more of what the host shares with plugins.
    """
    plugins = folder / "dynamic-plugins-root"
    for tgz in artifacts:
        with tarfile.open(tgz) as archive:
            archive.extractall(folder / "unpacked", filter="data")
        plugins.mkdir(exist_ok=True)
        (folder / "unpacked/package").rename(plugins / tgz.stem)
    with portal_of(plugins, folder / "host.log", process, modules=modules) as portal:
        yield portal


@contextlib.contextmanager
def portal_of(
    plugins_root: Path,
    log: Path,
    process: Mapping[str, str],
    *,
    modules: Path | None = None,
    config: Path | None = None,
    with_page: bool = False,
) -> Iterator[Portal]:
    """The backend, running with a dynamic plugins folder as it is.

    ``config`` is an app-config file more. ``with_page`` serves a web page under ``/page/`` that
    shows each frontend plugin's pages under their names.
    """
    node = kept_node(process)
    host = installed_host(node, process)
    options: dict[str, Path | None] = {
        "--plugins-root": plugins_root,
        "--modules": modules,
        "--config": config,
        "--page": bundled_page(node, process) if with_page else None,
    }
    words = [word for name, value in options.items() if value for word in (name, value)]
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            [node.bin_dir / "node", host / "host.mjs", *words],
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=dict(process),
            text=True,
        ) as running,
    ):
        assert running.stdout
        try:
            # Backstage itself prints lines there, too: of files in the folder that are no plugins.
            said = (line for line in running.stdout if line.startswith('{"listening"'))
            told = json.loads(next(said, "null"))
            assert told, log.read_text()
            yield Portal(port=told["listening"], plugins=tuple(told["plugins"]))
        finally:
            running.terminate()
            assert running.wait(timeout=300) == 0
