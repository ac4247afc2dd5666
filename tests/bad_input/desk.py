"""What a user has: a repository, a configuration, and the command line in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.command_line import Ended, Folders, run_factory, running_factory

# Each entry of a tree: the kind, and what is in it.
Tree = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Desk(Folders):
    """The folders of a run; ``process`` is the environment of the command line."""

    process: dict[str, str]

    @property
    def repository(self) -> Path:
        return self.root / "repository"

    def write(self, name: str, content: str | bytes | dict[str, Any]) -> Path:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            file.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
        return file

    def build(self, *options: str, inside: tuple[str, ...] = (), **variables: str) -> Ended:
        """Run the command line to its end, perhaps ``inside`` another program."""
        words = self.build_words(*options)
        return run_factory(self.process | variables, *words, cwd=self.root, inside=inside)

    def running(
        self, *options: str, **variables: str
    ) -> AbstractContextManager[subprocess.Popen[str]]:
        """A build that is going on."""
        words = self.build_words(*options)
        return running_factory(self.process | variables, *words, cwd=self.root)

    def brought(self) -> list[str]:
        """The names of what is in the source folder, which a run need not have made."""
        return sorted(item.name for item in self.source.glob("*"))

    def tree(self) -> Tree:
        """All files but the outputs, the cache and the home, which a run may write."""
        return tree_of(self.root, without=("outputs", "cache", "home"))

    def commit(self) -> None:
        """Make ``repository`` a git repository of what is in it, with the branch ``main``."""
        for words in (
            ("init", "--quiet", "--initial-branch=main"),
            ("add", "--all"),
            ("commit", "--quiet", "--message=all"),
        ):
            subprocess.run(
                ("git", "-C", str(self.repository), *words), env=self.process, check=True
            )


def tree_of(folder: Path, *, without: tuple[str, ...] = ()) -> Tree:
    found = {}
    for parent, folders, files in os.walk(folder):
        here = Path(parent)
        if here == folder:
            folders[:] = [name for name in folders if name not in without]
        for name in folders + files:
            entry = here / name
            if entry.is_symlink():
                content = f"link to {entry.readlink()}"
            else:
                content = "folder" if entry.is_dir() else entry.read_bytes().hex()
            found[entry.relative_to(folder).as_posix()] = content
    return found


def new_desk(root: Path, process: dict[str, str]) -> Desk:
    """A desk on which a build would get as far as installing dependencies."""
    home = root / "home"
    home.mkdir()
    identity = {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.com",
    }
    desk = Desk(root=root, process=process | {"HOME": str(home), "COLUMNS": "200"} | identity)
    desk.write(
        "repository/workspaces/todo/package.json",
        {
            "name": "w",
            "private": True,
            "workspaces": ["plugins/*"],
            "packageManager": "yarn@4.12.0",
        },
    )
    desk.write("repository/workspaces/todo/yarn.lock", "__metadata:\n  version: 8\n")
    desk.write("repository/workspaces/todo/.yarnrc.yml", "nodeLinker: node-modules\n")
    for name, role in (("todo", "frontend-plugin"), ("common", "common-library")):
        desk.write(
            f"repository/workspaces/todo/plugins/{name}/package.json",
            {"name": f"@acme/{name}", "version": "1.0.0", "backstage": {"role": role}},
        )
    desk.write(
        "config/source.json",
        {"repo": str(desk.repository), "workspace-path": "workspaces/todo"},
    )
    desk.write("config/plugins-list.yaml", "# mine\nplugins/todo:\n")
    return desk
