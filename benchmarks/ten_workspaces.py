"""Ten workspaces made of the shipped example: three repositories, two branches of each.

The packages of each repository are its own, and so are those of the two folders of the monorepo. On
the branch ``main`` the backend plugin differs from that on ``release``, and nothing else: two
plugins of three are shared by the two. A "plain" workspace builds what another one builds, but the
page without a Scalprum config: it shares the two backends with it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples/local-workspace"
BRANCHES = ("release", "main")
FRONTEND = "plugins/greetings"
BACKEND = "plugins/greetings-backend"
MODULE = "plugins/greetings-backend-module-nordic"
LIBRARY = "plugins/greetings-node"
# The workspaces of each repository, from its root.
REPOSITORIES = {
    "greetings": (".",),
    "salutations": (".",),
    "courtesies": ("workspaces/hello", "workspaces/farewell"),
}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A workspace: where its source is, and whether its page has a Scalprum config."""

    name: str
    repository: str
    branch: str
    path: str = "."
    plain: bool = False


WORKSPACES = (
    Wanted(name="greetings", repository="greetings", branch="release"),
    Wanted(name="salutations-main", repository="salutations", branch="main"),
    Wanted(name="greetings-main", repository="greetings", branch="main"),
    Wanted(name="greetings-plain", repository="greetings", branch="release", plain=True),
    Wanted(name="salutations", repository="salutations", branch="release"),
    Wanted(name="salutations-plain", repository="salutations", branch="main", plain=True),
    Wanted(name="hello", repository="courtesies", branch="release", path="workspaces/hello"),
    Wanted(name="hello-main", repository="courtesies", branch="main", path="workspaces/hello"),
    Wanted(name="farewell", repository="courtesies", branch="release", path="workspaces/farewell"),
    Wanted(
        name="farewell-main", repository="courtesies", branch="main", path="workspaces/farewell"
    ),
)


def write_repositories(folder: Path) -> None:
    """Make the repositories, each bare, as ``NAME.git`` in a folder."""
    for name, paths in REPOSITORIES.items():
        tree = folder / f"{name}-tree"
        git(folder, "init", "--quiet", "--initial-branch", BRANCHES[0], str(tree))
        for path in paths:
            shutil.copytree(EXAMPLE / "workspace", tree / path, dirs_exist_ok=True)
            edition = f"export const EDITION = '{name} {path}';\n"
            append(tree / path / "plugins/greetings-common/src/index.ts", edition)
        commit(tree, "As the example has it")
        git(tree, "checkout", "--quiet", "-b", BRANCHES[1])
        for path in paths:
            append(tree / path / BACKEND / "src/index.ts", f"export const BRANCH = '{path}';\n")
        commit(tree, "Another backend")
        git(folder, "clone", "--quiet", "--bare", str(tree), str(folder / f"{name}.git"))


def touch(folder: Path, repository: str, file: str) -> None:
    """Commit a change of one file to the branch ``main`` of a repository."""
    tree = folder / f"{repository}-tree"
    append(tree / file, "export const TOUCHED = true;\n")
    commit(tree, f"Touch {file}")
    git(tree, "push", "--quiet", str(folder / f"{repository}.git"), BRANCHES[1])


def write_configuration(
    folder: Path, workspaces: tuple[Wanted, ...], *, address: str, frontends: bool
) -> None:
    """Write a configuration directory of several workspaces.

    Args:
        folder: the directory.
        workspaces: what it is to have.
        address: the git server's, such as "127.0.0.1:9418".
        frontends: whether frontend plugins are listed, which take longest.
    """
    for workspace in workspaces:
        own = folder / workspace.name
        shutil.copytree(EXAMPLE, own, ignore=shutil.ignore_patterns("workspace", "README.md"))
        source = {
            "repo": f"git://{address}/{workspace.repository}.git",
            "repo-ref": workspace.branch,
            "workspace-path": workspace.path,
        }
        (own / "source.json").write_text(json.dumps(source))
        listed = [FRONTEND] * frontends + [BACKEND, MODULE]
        (own / "plugins-list.yaml").write_text("".join(f"{path}:\n" for path in listed))
        if workspace.plain:
            (own / FRONTEND / "scalprum-config.json").unlink()


def append(file: Path, text: str) -> None:
    with file.open("a") as opened:
        opened.write(text)


def commit(tree: Path, message: str) -> None:
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", message)


def git(folder: Path, *words: str) -> None:
    who = {
        f"GIT_{role}_{what}": "b@example.org"
        for role in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    when = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "1700000000 +0000")
    subprocess.run(["git", *words], cwd=folder, env={**os.environ, **who, **when}, check=True)
