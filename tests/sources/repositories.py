"""Real git repositories for the tests, made by real git."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

IDENTITY = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_AUTHOR_DATE": "1700000000 +0000",
    "GIT_COMMITTER_DATE": "1700000000 +0000",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
}
# A commit would start two further processes to see whether there is anything to tidy up.
_NO_HOUSEKEEPING = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "maintenance.auto",
    "GIT_CONFIG_VALUE_0": "false",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    """A repository in a temporary folder, and what is asked of it."""

    path: Path

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words],
            cwd=self.path,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.path.parent),
                **IDENTITY,
                **_NO_HOUSEKEEPING,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip("\n")

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")

    def commit(self, files: dict[str, str], message: str = "a change") -> str:
        """Write files, commit them and return the commit's id."""
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def copy(self, path: Path) -> Repository:
        """Copy the repository, files and all, to a folder that is made: no process, and quick."""
        shutil.copytree(self.path, path, symlinks=True)
        return Repository(path=path)


def new_repository(path: Path, *, branch: str = "main") -> Repository:
    path.mkdir(parents=True)
    repository = Repository(path=path)
    repository.git("init", "--quiet", f"--initial-branch={branch}")
    return repository


def tree(folder: Path) -> dict[str, str]:
    """Every file and link below a folder with its content, without git's own."""
    found: dict[str, str] = {}
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git"]
        for name in [*files, *folders]:
            if name == ".git":
                continue
            path = Path(parent) / name
            if path.is_symlink():
                found[str(path.relative_to(folder))] = f"-> {path.readlink()}"
            elif path.is_file():
                found[str(path.relative_to(folder))] = path.read_text(errors="replace")
    return found
