"""The real command line in a process of its own, and the folders that it works on."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from factory.cli.app import run

ROOT = Path(__file__).resolve().parents[1]
# Of a run that hangs. No limit that a test is about: machines are slow, and have other work.
LONGEST = 1800


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A run that has ended, and what it said."""

    code: int
    stdout: str
    stderr: str = ""

    @property
    def said(self) -> str:
        """Everything that was said."""
        return self.stdout + self.stderr

    def assert_says(self, *facts: object) -> None:
        """It said all of these, and nothing that only programmers understand."""
        for fact in facts:
            assert str(fact) in self.said
        assert "Traceback" not in self.said
        assert "Exception in thread" not in self.said


@dataclass(frozen=True, kw_only=True)
class Folders:
    """The folders of builds that follow one another."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "config"

    @property
    def source(self) -> Path:
        return self.root / "source"

    @property
    def outputs(self) -> Path:
        return self.root / "outputs"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    def build_words(self, *options: str | Path) -> list[str]:
        """The words of a build in these folders, but for those that an option names."""
        folders = {
            "--config-dir": self.config,
            "--repo-path": self.source,
            "--output-dir": self.outputs,
            "--cache-dir": self.cache,
        }
        named = [word for pair in folders.items() if pair[0] not in options for word in pair]
        return ["build", *(os.fspath(word) for word in (*named, *options))]


def factory_command(words: Sequence[str | Path]) -> list[str]:
    """The command that stands for ``plugin-factory`` and these words."""
    return [sys.executable, "-m", "factory", *(os.fspath(word) for word in words)]


def run_factory(
    process: Mapping[str, str],
    *words: str | Path,
    cwd: Path = ROOT,
    inside: tuple[str, ...] = (),
    umask: int = -1,
) -> Ended:
    """Run the command line to its end, with nobody at the keyboard.

    Args:
        process: the environment.
        words: what is typed after ``plugin-factory``.
        cwd: where it is typed.
        inside: another program that runs it, and its words.
        umask: of the process; the test's own for -1.
    """
    return ran([*inside, *factory_command(words)], process, cwd=cwd, umask=umask)


def run_here(process: Mapping[str, str], *words: str | Path, cwd: Path = ROOT) -> Ended:
    """Run the command line to its end in the test's own process, with nobody at the keyboard.

    What it says and how it ends is what ``run_factory`` gives, without a second or two of imports.
    For what a process of its own means (its environment, signals, files that stay open) it is no
    proof.
    """
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd),
        Path(os.devnull).open(encoding="utf-8") as nobody,
        pytest.MonkeyPatch.context() as patched,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patched.setattr(sys, "stdin", nobody)
        code = run([os.fspath(word) for word in words], dict(process))
    return Ended(code=code, stdout=out.getvalue(), stderr=err.getvalue())


def ran(
    command: Sequence[str], process: Mapping[str, str], *, cwd: Path = ROOT, umask: int = -1
) -> Ended:
    """Run any command to its end in an environment."""
    ended = subprocess.run(
        command,
        env=dict(process),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
        umask=umask,
    )
    return Ended(code=ended.returncode, stdout=ended.stdout, stderr=ended.stderr)


@contextlib.contextmanager
def running_factory(
    process: Mapping[str, str], *words: str | Path, cwd: Path = ROOT
) -> Iterator[subprocess.Popen[str]]:
    """The command line at work, its two outputs in one; killed if it still is at the end."""
    at_work = subprocess.Popen(
        factory_command(words),
        env=dict(process),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield at_work
    finally:
        if at_work.poll() is None:
            at_work.kill()
        at_work.communicate()
