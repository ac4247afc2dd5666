"""Small workspaces whose plugin brings private dependencies from a registry of the test's own."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory.config.environment import layer_environment
from factory.toolchain.cache_folder import ToolCache
from factory.toolchain.node import Npm
from factory.toolchain.runner import Runner
from factory.toolchain.yarn import WantedYarn, find_yarn
from tests.command_line import Ended, run_factory
from tests.conftest import KEPT
from tests.toolchain.installed_tools import some_node, tool_environment

from .local_registry import LocalRegistry

PLUGIN = "@acme/plugin-todo-backend"
ENTRY = """'use strict';
Object.defineProperty(exports, '__esModule', { value: true });
exports.default = { $$type: '@backstage/BackendFeature' };
"""


def manifest(name: str, **fields: Any) -> dict[str, Any]:
    """The package.json of a member that is built already."""
    return {
        "name": name,
        "version": "1.0.0",
        "main": "dist/index.cjs.js",
        "files": ["dist"],
        **fields,
    }


@dataclass(frozen=True, kw_only=True)
class LockedTree:
    """A workspace with one backend plugin, and the folders of its builds."""

    root: Path
    process: Mapping[str, str]

    @property
    def source(self) -> Path:
        """The workspace."""
        return self.root / "source"

    @property
    def bin_dir(self) -> Path:
        """A folder with the real yarn alone."""
        return self.root / "bin"

    def yarn(self, *words: str) -> None:
        """Run the real yarn in the workspace."""
        ended = subprocess.run(
            [self.bin_dir / "yarn", *words],
            cwd=self.source,
            env={**self.process, "HOME": str(self.root / "home")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def build(self, name: str, arguments: str = "", *options: str) -> Ended:
        """Build the plugin on a machine that has downloaded nothing yet; ``name`` is the run's."""
        folder = self.root / name
        (folder / "config").mkdir(parents=True)
        (folder / "config/plugins-list.yaml").write_text(
            f"plugins/todo-backend: {arguments} --no-build\n", encoding="utf-8"
        )
        work = shutil.copytree(self.source, folder / "source", symlinks=True)
        home = folder / "home"
        home.mkdir()
        words = ("--config-dir", folder / "config", "--output-dir", folder / "outputs")
        host = ("--host", "rhdh-1.10", "--node", ">=20")
        source = ("--repo-path", work, "--use-local", *host)
        process = {**self.process, "HOME": str(home)}
        return run_factory(process, "build", *words, *source, *options)

    def tgz(self, name: str) -> Path:
        """The archive that a run has made."""
        (found,) = (self.root / name / "outputs").glob("*.tgz")
        return found


def workspace(
    root: Path,
    registry: LocalRegistry,
    process: Mapping[str, str],
    *,
    dependencies: Mapping[str, str],
    resolutions: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    settings: str = "",
    yarn: str = "4.12.0",
    members: Mapping[str, Mapping[str, Any]] | None = None,
) -> LockedTree:
    """Write a workspace and let the real yarn lock it."""
    tree = LockedTree(root=root, process=process)
    plugin = manifest(PLUGIN, backstage={"role": "backend-plugin"}, dependencies=dict(dependencies))
    documents = {
        ".": {
            "name": "root",
            "private": True,
            "version": "1.0.0",
            "packageManager": f"yarn@{yarn}",
            "workspaces": ["plugins/*"],
            "resolutions": dict(resolutions or {}),
        },
        "plugins/todo-backend": plugin,
        **(members or {}),
    }
    written = {
        ".yarnrc.yml": f"nodeLinker: node-modules\nnpmRegistryServer: {registry.url}\n"
        f"unsafeHttpWhitelist: [127.0.0.1]\nenableTelemetry: false\n{settings}",
        ".yarnrc": f'registry "{registry.url}"\n',
        "backstage.json": '{"version": "1.49.4"}\n',
        "plugins/todo-backend/dist/index.cjs.js": ENTRY,
        **{f"{path}/package.json": json.dumps(each, indent=2) for path, each in documents.items()},
        **(files or {}),
    }
    for name, text in written.items():
        file = tree.source / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (root / "home").mkdir()
    _place_yarn(tree, yarn)
    tree.yarn("install")
    shutil.rmtree(tree.source / "node_modules")
    return tree


def _place_yarn(tree: LockedTree, version: str) -> None:
    tree.bin_dir.mkdir()
    process = dict(tree.process)
    node = some_node(process, KEPT / "tools/node")
    find_yarn(
        WantedYarn(version=version, reason="the test"),
        Npm(
            node=node,
            env=tool_environment(layer_environment(process), node, tree.root / "tmp"),
            cache=ToolCache(
                folder=KEPT / "tools",
                environment=layer_environment(process),
                runner=Runner(),
            ),
        ),
        bin_dir=tree.bin_dir,
    )
