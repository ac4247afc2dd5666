"""The real Backstage that ``try`` installs and starts, with plugins in it; and kept packages."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import signal
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory.config.environment import Environment
from factory.locking import exclusive
from factory.toolchain.cache_folder import ToolCache
from factory.toolchain.node import Node, find_node, npm_of
from factory.toolchain.runner import Runner
from factory.trial.installed_host import find_backend
from tests.command_line import factory_command

from .example_builds import KEPT_TOOLS

_TESTS = Path(__file__).resolve().parents[1]
REGISTRY = _TESTS / "npm_registry"


@dataclass(frozen=True, kw_only=True)
class Portal:
    """A running Backstage: where it listens, and what became of the plugins in it."""

    address: str
    plugins: tuple[dict[str, Any], ...]

    @property
    def names(self) -> set[str]:
        """The names of the plugins that it found."""
        return {str(plugin["name"]) for plugin in self.plugins}

    @property
    def failures(self) -> dict[str, str]:
        """What it says of each plugin that it could not load."""
        return {
            str(plugin["name"]): str(plugin["why"])
            for plugin in self.plugins
            if plugin["state"] in ("failed", "pending")
        }

    @property
    def pages(self) -> dict[str, dict[str, Any]]:
        """The pages that were opened in a browser, by their paths."""
        return {page["path"]: page for plugin in self.plugins for page in plugin["pages"]}

    def answer(self, path: str) -> Any:
        """The JSON that a route answers with."""
        with urllib.request.urlopen(f"{self.address}{path}", timeout=300) as response:
            assert response.status == 200
            return json.load(response)


def kept_node(process: Mapping[str, str], wanted: str | None = None) -> Node:
    """The Node that a build uses, too; or one of a range."""
    return find_node(wanted, _tool_cache(process))


def _tool_cache(process: Mapping[str, str]) -> ToolCache:
    return ToolCache(folder=KEPT_TOOLS, environment=Environment(variables=process), runner=Runner())


def installed_host(node: Node, process: Mapping[str, str]) -> Path:
    """The folder of the Backstage backend that ``try`` starts, kept for the next run."""
    with tempfile.TemporaryDirectory() as scratch:
        npm = npm_of(node, _tool_cache(process), temporary=Path(scratch))
        return find_backend(npm).parent


def installed_registry(node: Node, process: Mapping[str, str]) -> Path:
    """Verdaccio, an npm registry, installed as its lockfile says and kept for the next run."""
    return _installed(REGISTRY, node, process)


def _installed(package: Path, node: Node, process: Mapping[str, str]) -> Path:
    """A package with what it depends on, kept."""
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
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
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
    """The backend, running with these archives, as ``try`` starts it; its log is in the folder.

    ``modules`` is a ``node_modules`` folder with what else the host shares with plugins.
    """
    with _serving([*artifacts], folder / "host.log", process, modules=modules) as portal:
        yield portal


@contextlib.contextmanager
def portal_of(
    plugins_root: Path,
    log: Path,
    process: Mapping[str, str],
    *,
    config: Path | None = None,
    screenshots: Path | None = None,
) -> Iterator[Portal]:
    """The backend, running with a dynamic plugins folder as it is.

    ``config`` is an app-config file more. With ``screenshots`` an app of the plugins' frontend
    system opens each of their pages in a browser, and leaves pictures in that folder.
    """
    with _serving([plugins_root], log, process, config=config, screenshots=screenshots) as portal:
        yield portal


@contextlib.contextmanager
def _serving(
    targets: list[Path],
    log: Path,
    process: Mapping[str, str],
    *,
    modules: Path | None = None,
    config: Path | None = None,
    screenshots: Path | None = None,
) -> Iterator[Portal]:
    kept_node(process)
    options: dict[str, Path | None] = {
        "--log-file": log,
        "--host-modules": modules,
        "--app-config": config,
        "--screenshots": screenshots,
    }
    words = [word for name, value in options.items() if value for word in (name, value)]
    pages = () if screenshots else ("--no-pages",)
    command = factory_command(["try", *targets, *words, *pages, "--serve", "--json"])
    with (
        log.with_suffix(".said").open("w") as stderr,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stderr, env=dict(process), text=True
        ) as running,
    ):
        assert running.stdout
        try:
            # The document, of which the last line is its closing brace.
            lines = []
            for line in running.stdout:
                lines.append(line)
                if line == "}\n":
                    break
            assert lines, log.with_suffix(".said").read_text()
            told = json.loads("".join(lines))
            assert not told["error"], told["error"]
            yield Portal(address=told["address"], plugins=tuple(told["plugins"]))
        finally:
            running.send_signal(signal.SIGINT)
            assert running.wait(timeout=300) == 130
