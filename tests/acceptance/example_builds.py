"""Builds of the shipped example by the real command line, as values."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples/local-workspace"
LONGEST = 900
# As in the tests' own conftest: what is installed once for all runs.
KEPT_TOOLS = Path(os.environ.get("PLUGIN_FACTORY_TEST_CACHE", ROOT / "build/test-cache")) / "tools"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A run of the command line that has ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """Everything that was said."""
        return self.stdout + self.stderr


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


Factory = Callable[..., Ended]


def run_factory(
    process: Mapping[str, str], *words: str | Path, cwd: Path | None = None, umask: int = -1
) -> Ended:
    """Run the real command line to its end."""
    ended = subprocess.run(
        [sys.executable, "-m", "factory", *map(str, words)],
        env=dict(process),
        cwd=cwd or ROOT,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
        umask=umask,
    )
    return Ended(code=ended.returncode, stdout=ended.stdout, stderr=ended.stderr)


def build_example(
    process: Mapping[str, str], folder: Path, *options: str, umask: int = -1
) -> Built:
    """Build the shipped example in a folder of its own."""
    config = folder / "config"
    if not config.exists():
        shutil.copytree(EXAMPLE, config)
    ended = run_factory(
        process,
        "build",
        "--config-dir",
        config,
        "--repo-path",
        folder / "source",
        "--output-dir",
        folder / "outputs",
        *options,
        umask=umask,
    )
    built = Built(config=config, source=folder / "source", outputs=folder / "outputs", ended=ended)
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
        return run_factory(dict(self.process) | variables, *self.words(*options))

    def words(self, *options: str | Path) -> list[str]:
        """The words of a build in place."""
        folders = {
            "--config-dir": self.config,
            "--repo-path": self.source,
            "--output-dir": self.outputs,
        }
        named = [os.fspath(word) for pair in folders.items() for word in pair]
        return ["build", "--use-local", *named, *map(str, options)]

    @contextlib.contextmanager
    def running(self, *options: str | Path) -> Iterator[subprocess.Popen[str]]:
        """A build in place that is going on."""
        process = subprocess.Popen(
            [sys.executable, "-m", "factory", *self.words(*options)],
            env=dict(self.process),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.communicate()

    @property
    def report(self) -> dict[str, Any]:
        """``build-report.json``."""
        return dict(json.loads((self.outputs / "build-report.json").read_text(encoding="utf-8")))

    def list_plugins(self, *paths: str) -> None:
        """Write a plugins-list.yaml of these plugins."""
        text = "".join(f"{path}:\n" for path in paths)
        (self.config / "plugins-list.yaml").write_text(text, encoding="utf-8")


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


def wait_until(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Wait for something that is going to happen."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)
