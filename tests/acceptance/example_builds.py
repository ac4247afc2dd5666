"""Builds of the shipped example by the real command line, as values."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.command_line import ROOT, Ended, run_factory

EXAMPLE = ROOT / "examples/local-workspace"
# As in the tests' own conftest: what is installed once for all runs.
KEPT_TOOLS = Path(os.environ.get("PLUGIN_FACTORY_TEST_CACHE", ROOT / "build/test-cache")) / "tools"

# Scripts by the package.json that has them, and what they make.
_COMPILED = (
    ("package.json", '"tsc": "', "dist-types"),
    ("plugins/greetings-common/package.json", '"build": "', "dist"),
    ("plugins/greetings-node/package.json", '"build": "', "dist"),
)


@dataclass(frozen=True, kw_only=True)
class Built:
    """A built example: its folders, the run's end, and the report."""

    config: Path
    source: Path
    outputs: Path
    ended: Ended

    @property
    def report(self) -> dict[str, Any]:
        """``build-report.json``."""
        return dict(json.loads((self.outputs / "build-report.json").read_text(encoding="utf-8")))

    def plugin(self, path: str) -> dict[str, Any]:
        """The report of one plugin."""
        return dict(next(one for one in self.report["plugins"] if one["path"] == path))

    def tgz(self, path: str) -> Path:
        """The archive of one plugin."""
        return self.outputs / str(self.plugin(path)["files"][0]["name"])


def build_example(
    process: Mapping[str, str], folder: Path, *options: str, umask: int = -1
) -> Built:
    """Build the shipped example in a folder of its own."""
    config = folder / "config"
    if not config.exists():
        shutil.copytree(EXAMPLE, config)
    source, outputs = folder / "source", folder / "outputs"
    words = build_words(config, source, outputs, *options)
    ended = run_factory(process, *words, umask=umask)
    built = Built(config=config, source=source, outputs=outputs, ended=ended)
    assert ended.code == 0, ended.said
    return built


@dataclass(frozen=True, kw_only=True)
class Tree:
    """An installed and compiled tree that a test may break: a run in place takes seconds."""

    config: Path
    source: Path
    outputs: Path
    process: Mapping[str, str]

    def build(self, *options: str | Path, **variables: str) -> Ended:
        """Build the tree in place."""
        return run_factory({**self.process, **variables}, *self.words(*options))

    def words(self, *options: str | Path) -> list[str | Path]:
        """The words of a build in place."""
        return build_words(self.config, self.source, self.outputs, "--use-local", *options)

    @property
    def report(self) -> dict[str, Any]:
        """``build-report.json``."""
        return dict(json.loads((self.outputs / "build-report.json").read_text(encoding="utf-8")))

    def reuse_compiled(self) -> None:
        """Have scripts leave what is there: types, and the packages that the backends share."""
        self.compile_anew()
        for compiled in _COMPILED:
            _reuse(self.source, *compiled)

    def compile_anew(self) -> None:
        """Have scripts compile whatever is there, as they do in the example."""
        for name, script, made in _COMPILED:
            _replace(self.source / name, f"{script}test -e {made} || ", script)

    def list_plugins(self, *paths: str) -> None:
        """Write a plugins-list.yaml of these plugins."""
        text = "".join(f"{path}:\n" for path in paths)
        (self.config / "plugins-list.yaml").write_text(text, encoding="utf-8")


def reuse_types(source: Path) -> None:
    """Have the workspace's script leave types that are there; in no plugin is anything of that."""
    _reuse(source, *_COMPILED[0])


def _reuse(source: Path, name: str, script: str, made: str) -> None:
    _replace(source / name, script, f"{script}test -e {made} || ")


def _replace(file: Path, old: str, new: str) -> None:
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


# A portal of the old frontend system alone, on this machine: of two bundles of a frontend one is
# made, by the release of rhdh-cli that other tests have installed.
SCALPRUM_ALONE = ("--host", "veecode-1.3.8", "--node", ">=20")
ITS_RHDH_CLI = {"RHDH_CLI_VERSION": "1.9.1"}


def build_words(
    config: Path, source: Path, outputs: Path, *options: str | Path
) -> list[str | Path]:
    """The words of a build with these folders."""
    folders = ("--config-dir", config, "--repo-path", source, "--output-dir", outputs)
    return ["build", *folders, *options]


def snapshot(folder: Path, *, leave_out: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Every file of a folder with its content, but for folders of these names."""
    found: dict[str, bytes] = {}
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in leave_out]
        for name in files:
            file = Path(parent, name)
            if not file.is_symlink():
                found[file.relative_to(folder).as_posix()] = file.read_bytes()
    return found


def packed_files(tgz: Path) -> dict[str, bytes]:
    """The files of an archive with their content."""
    with tarfile.open(tgz) as archive:
        opened = ((member.name, archive.extractfile(member)) for member in archive)
        return {name: file.read() for name, file in opened if file}


def allowed(seconds: float) -> float:
    """How long that may take here which may take so many seconds on a machine of one's own.

    More, where more wants to run than there are cores: other tests, or another's work.
    """
    return seconds * max(1, 2 * os.getloadavg()[0] / (os.cpu_count() or 1))


def wait_until(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Wait for something that is going to happen."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)
