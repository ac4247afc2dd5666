"""Somebody who starts a configuration: a repository of two workspaces, and the command line."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import termios
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.analysis.tiny_workspace import TinyWorkspace
from tests.command_line import Ended, factory_command, run_here
from tests.sources.repositories import Repository, new_repository

PASSWORD = "a-secret-password"


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """``here`` is the folder that the user stands in."""

    here: Path
    process: dict[str, str]

    def init(self, *words: str, **variables: str) -> Ended:
        return self.type("init", *words, **variables)

    def type(self, *words: str, **variables: str) -> Ended:
        """Run the command line with nobody at the keyboard."""
        ended = run_here(self.process | variables, *words, cwd=self.here)
        assert "Traceback" not in ended.said
        return ended

    def init_on_terminal(self, *words: str, answers: list[tuple[str, str]]) -> Ended:
        """Run it in a pseudo-terminal; each answer is typed when its question is there.

        An answer without a line feed is Ctrl-D.
        """
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        shown, waiting = "", list(answers)
        with subprocess.Popen(
            # With a controlling terminal, by which Ctrl-C comes.
            ["setsid", "--ctty", "--wait", *factory_command(["init", *words])],
            cwd=self.here,
            env=self.process | {"TERM": "xterm-256color", "NO_COLOR": "1"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        ) as command:
            os.close(theirs)
            seen_until = 0
            while True:
                assert select.select([ours], [], [], 300)[0], f"nothing more is said\n{shown}"
                try:
                    chunk = os.read(ours, 65536)
                except OSError:  # Linux says EIO when the last writer has gone
                    break
                shown += chunk.decode()
                if waiting and waiting[0][0] in shown[seen_until:]:
                    seen_until = len(shown)
                    os.write(ours, waiting.pop(0)[1].encode())
        os.close(ours)
        assert not waiting, f"never asked: {waiting}\n{shown}"
        assert "Traceback" not in shown
        return Ended(code=command.returncode, stdout=shown.replace("\r\n", "\n"))

    def files(self) -> list[str]:
        """The files that are in the folder now, without the user's repository."""
        return sorted(
            file.relative_to(self.here).as_posix()
            for file in self.here.rglob("*")
            if file.is_file() and "repository" not in file.parts and "home" not in file.parts
        )

    def json(self, name: str) -> Any:
        return json.loads((self.here / name).read_text(encoding="utf-8"))

    def text(self, name: str) -> str:
        return (self.here / name).read_text(encoding="utf-8")

    @property
    def repository(self) -> Repository:
        return Repository(path=self.here / "repository")


def new_user(folder: Path, process: dict[str, str]) -> User:
    """A user whose repository has the workspaces alpha and beta, and a folder that is none."""
    home = folder / "home"
    home.mkdir()
    repository = new_repository(folder / "repository")
    root = {"name": "root", "private": True, "workspaces": ["packages/*"]}
    repository.write({"package.json": json.dumps(root), "docs/package.json": '{"name": "docs"}'})
    for name in ("alpha", "beta"):
        below = repository.path / "workspaces" / name
        below.mkdir(parents=True)
        two_plugins(name).write(below, "protocols")
        (below / ".yarnrc.yml").write_text("nodeLinker: node-modules\n")
    repository.commit({})
    return User(
        here=folder,
        process=process | {"HOME": str(home), "COLUMNS": "200", "GIT_CONFIG_NOSYSTEM": "1"},
    )


def two_plugins(name: str) -> TinyWorkspace:
    """A backend plugin that needs a package of no portal's, and a frontend plugin."""
    return TinyWorkspace(
        plugin={"name": f"@acme/{name}-x-backend", "dependencies": {"@acme/shared": "^1.0.0"}},
        members={
            f"@acme/{name}-page": {"backstage": {"role": "frontend-plugin"}},
        },
        published={
            "@acme/shared@1.2.0": {"dependencies": {"@backstage/of-no-portal": "^0.1.0"}},
            "@backstage/of-no-portal@0.1.0": {},
        },
    )
