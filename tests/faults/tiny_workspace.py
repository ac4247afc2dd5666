"""A workspace of two plugins that the real tools build in seconds, and a desk to build it on.

Compiling is copying, and there is one small dependency. Patches and overlays change, add and remove
several files, so that a fault may meet them half done.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from tests.acceptance.example_builds import ITS_RHDH_CLI, KEPT_TOOLS
from tests.command_line import Ended, Folders, run_factory, running_factory
from tests.sources.repositories import Repository, new_repository

PING, PONG = "plugins/ping-backend", "plugins/pong-backend"
WORD = f"{PING}/src/index.cjs.js"
_HERE = Path(__file__).resolve().parent
_TOOLS = ("node", "yarn", "rhdh-cli")
# Provenance names the commit and the invocation; all else is the same for the same source.
_ARTIFACTS = ("*.tgz", "*.tgz.integrity", "*.tgz.cdx.json", "*.tgz.app-config.dynamic.yaml")

Shape: TypeAlias = Literal["cloned", "several", "local"]
"""Where the source is from: one workspace of a repository, several of it, or the user's tree."""


@dataclass(frozen=True, kw_only=True)
class Desk(Folders):
    """The folders of runs that follow one another; ``process`` is the command's environment."""

    process: Mapping[str, str]
    shape: Shape = "cloned"

    @property
    def plugin_cache(self) -> Path:
        """The finished plugins in the cache."""
        return self.cache / "plugins"

    @property
    def repository(self) -> Repository:
        return Repository(path=self.root / "repository")

    def words(self, *options: str | Path) -> list[str]:
        mode = {"cloned": ["--clean"], "several": [], "local": ["--use-local"]}[self.shape]
        return self.build_words(*mode, *options)

    def build(
        self,
        *options: str | Path,
        inside: tuple[str, ...] = (),
        variables: Mapping[str, str] | None = None,
    ) -> Ended:
        """Run the command line to its end, perhaps ``inside`` another program."""
        process = {**self.process, **(variables or {})}
        return run_factory(process, *self.words(*options), inside=inside)

    def running(self, *options: str | Path) -> AbstractContextManager[subprocess.Popen[str]]:
        """A build that is going on; whatever of it is left at the end is killed."""
        return running_factory(self.process, *self.words(*options))

    @property
    def report(self) -> dict[str, Any]:
        """``build-report.json``."""
        return dict(json.loads((self.outputs / "build-report.json").read_text(encoding="utf-8")))

    def artifacts(self) -> dict[str, bytes]:
        """What is built, by name; of several workspaces, of all together."""
        files = (file for pattern in _ARTIFACTS for file in self.outputs.rglob(pattern))
        return {file.name: file.read_bytes() for file in files}

    def left_over(self) -> list[str]:
        """What no run may leave in the output directory: hidden files and folders."""
        return sorted(
            str(path.relative_to(self.outputs))
            for path in self.outputs.rglob(".*")
            if self.outputs.is_dir()
        )

    def scratch(self) -> list[str]:
        """What no run may leave in the system's folder for temporary files."""
        return sorted(path.name for path in (self.root / "tmp").glob("plugin-factory-*/"))

    def touch(self) -> None:
        """Change a source file of one plugin."""
        self._write_word("'2m'")

    def revert(self) -> None:
        """Take the change back."""
        self._write_word("'1s'")

    def forget_plugins(self) -> None:
        """Remove the finished plugins from the cache, and leave the tools there."""
        shutil.rmtree(self.plugin_cache, ignore_errors=True)

    def take_plugins(self, other: Desk, *, but: str = "") -> None:
        """Put what a build on another desk has finished into the cache, but for one plugin."""
        unfinished = f"*-{Path(but).name}-*.tgz" if but else ""
        for entry in (other.plugin_cache / "entries").glob("*/*"):
            if not (unfinished and any(entry.glob(unfinished))):
                shutil.copytree(entry, self.plugin_cache / entry.relative_to(other.plugin_cache))

    def _write_word(self, word: str) -> None:
        tree = self.source if self.shape == "local" else self.repository.path
        text = (_HERE / "workspace" / WORD).read_text(encoding="utf-8")
        (tree / WORD).write_text(text.replace("'1s'", word), encoding="utf-8")
        if self.shape != "local":
            self.repository.git("commit", "--quiet", "--all", "--allow-empty", "--message=x")


def new_desk(root: Path, process: Mapping[str, str], shape: Shape = "cloned") -> Desk:
    """A desk with the workspace in a repository, its configuration, and a cache with tools."""
    own = {name: value for name, value in process.items() if name != "PLUGIN_FACTORY_NO_CACHE"}
    # What a killed run leaves in the folder for temporary files goes with the desk.
    folders = {"HOME": str(root / "home"), "TMPDIR": str(root / "tmp")}
    settings = {"GIT_CONFIG_NOSYSTEM": "1", "COLUMNS": "200"} | ITS_RHDH_CLI
    desk = Desk(root=root, process=own | folders | settings, shape=shape)
    for folder in folders.values():
        Path(folder).mkdir(parents=True)
    desk.cache.mkdir()
    for kind in _TOOLS:
        (KEPT_TOOLS / kind).mkdir(parents=True, exist_ok=True)
        (desk.cache / kind).symlink_to(KEPT_TOOLS / kind)
    new_repository(desk.repository.path)
    shutil.copytree(_HERE / "workspace", desk.repository.path, dirs_exist_ok=True)
    desk.repository.commit({})
    if shape == "several":
        for name, plugin in (("one", PING), ("two", PONG)):
            _configured(desk, desk.config / name)
            (desk.config / name / "plugins-list.yaml").write_text(f"{plugin}:\n")
    else:
        _configured(desk, desk.config)
    if shape == "local":
        (desk.config / "source.json").unlink()
        shutil.copytree(desk.repository.path, desk.source)
    return desk


def nothing_half_made(outputs: Path) -> bool:
    """Whether nothing is hidden in an output directory, and each archive is whole."""
    for file in outputs.rglob("*"):
        if file.name.startswith("."):
            return False
    for tgz in outputs.glob("*.tgz"):
        if not Path(f"{tgz}.integrity").is_file():
            return False
        if subprocess.run(["gzip", "-t", tgz], check=False).returncode:
            return False
    return True


def copy_tiny_workspace(folder: Path) -> Path:
    """Copy the workspace and its configuration, for a build in place; return the workspace."""
    shutil.copytree(_HERE / "config", folder / "config")
    (folder / "yarn").mkdir()
    return Path(shutil.copytree(_HERE / "workspace", folder / "workspace"))


def source_files(folder: Path) -> dict[str, bytes]:
    """All files of a source tree, without git's own and what tools make."""
    made = {".git", ".yarn", "node_modules", "dist", "dist-dynamic"}
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and made.isdisjoint(path.relative_to(folder).parts)
    }


def _configured(desk: Desk, folder: Path) -> None:
    shutil.copytree(_HERE / "config", folder)
    source = {"repo": f"file://{desk.repository.path}", "workspace-path": "."}
    (folder / "source.json").write_text(json.dumps(source), encoding="utf-8")
