"""Builds of the proofs' workspace by the real command line: one installed tree for all of them."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acceptance.example_builds import Tree
from tests.command_line import Ended

WORKSPACE = Path(__file__).resolve().parent / "workspace"
# Pinned, since a newer release has other packages.
HOST = ("--host", "rhdh-1.10", "--node", ">=20")  # a backend on this machine loads them
# What rhdh-1.10 has beyond the small backend of the tests: native, and what loads their binaries.
HOST_NATIVES = ("tree-sitter", "tree-sitter-json", "node-gyp-build")
_EXPORT = "rhdh-cli plugin export"


@dataclass(frozen=True, kw_only=True)
class ProofBuild:
    """One run of ``build`` over the tree, with the configuration and the outputs of its own."""

    tree: Tree
    ended: Ended

    def plugin(self, name: str) -> dict[str, Any]:
        """The report of one plugin."""
        path = f"plugins/{name}-backend"
        return dict(next(one for one in self.tree.report["plugins"] if one["path"] == path))

    def tgz(self, name: str) -> Path:
        """The archive of one plugin."""
        return self.tree.outputs / str(self.plugin(name)["files"][0]["name"])

    def artifacts(self, *names: str) -> list[Path]:
        """The archives of several plugins."""
        return [self.tgz(name) for name in names]

    def attempts(self, name: str) -> int:
        """How often rhdh-cli was started for a plugin."""
        return self.export_log(name).count(_EXPORT)

    def export_log(self, name: str) -> str:
        """What rhdh-cli said in all attempts at a plugin."""
        return (self.tree.outputs / f"logs/plugins-{name}-backend.export.log").read_text()

    @property
    def plugins_list(self) -> Path:
        """The ``plugins-list.yaml`` of the run."""
        return self.tree.config / "plugins-list.yaml"


def copied_workspace(folder: Path) -> Path:
    """A copy of the committed workspace; what the first build installs there, the others use."""
    ignored = shutil.ignore_patterns("node_modules", "dist*", ".yarn")
    return shutil.copytree(WORKSPACE, folder, ignore=ignored)


def proof_build(
    source: Path,
    folder: Path,
    process: Mapping[str, str],
    plugins_list: str,
    *options: str,
) -> ProofBuild:
    """Build the plugins of this ``plugins-list.yaml`` in place, and return what came of it."""
    tree = Tree(
        config=folder / "config", source=source, outputs=folder / "outputs", process=process
    )
    tree.config.mkdir()
    (tree.config / "plugins-list.yaml").write_text(plugins_list, encoding="utf-8")
    return ProofBuild(tree=tree, ended=tree.build(*HOST, *options))


def host_modules(source: Path, folder: Path) -> Path:
    """A ``node_modules`` folder with the native packages that the host shares."""
    modules = folder / "host/node_modules"
    for name in HOST_NATIVES:
        shutil.copytree(source / "node_modules" / name, modules / name)
    return modules


def bundled(tgz: Path) -> set[str]:
    """The names of the packages that an archive carries at the top of its ``node_modules``."""
    prefix = "package/node_modules/"
    with tarfile.open(tgz) as archive:
        inside = [name.removeprefix(prefix) for name in archive.getnames() if prefix in name]
    return {
        "/".join(name.split("/")[: 2 if name.startswith("@") else 1])
        for name in inside
        if name.endswith("/package.json")
    }
