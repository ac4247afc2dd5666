"""Names of git's own folder: what git itself refuses to check out is none of ours to write."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from factory.sources.patched_tree import is_git_folder

if TYPE_CHECKING:
    from pathlib import Path

NAMES = (
    ".git",
    ".GIT",
    ".Git",
    "git~1",
    "GIT~1",
    ".git ",
    ".git.",
    ".git. . ",
    ".git::$INDEX_ALLOCATION",
    ".git:x",
    ".g\u200cit",
    "\u200e.git",
    ".gi\ufefft",
    ".git\\config",
    "a\\.git",
    # and names that only look like it
    ".gitignore",
    ".github",
    "git",
    "git~2",
    "x.git",
    ".git-x",
    "..git",
    ".gìt",
)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_as_git_itself_refuses(name: str, tmp_path: Path) -> None:
    """``git update-index`` checks names as a checkout does, with both protections on."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    blob = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"],
        cwd=tmp_path,
        input=b"x",
        capture_output=True,
        check=True,
    ).stdout.decode()
    added = subprocess.run(
        [
            *("git", "-c", "core.protectHFS=true", "-c", "core.protectNTFS=true"),
            *("update-index", "--add", "--cacheinfo", f"100644,{blob.strip()},sub/{name}"),
        ],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    refuses = added.returncode != 0
    # git refuses every backslash on NTFS; here it is a character like any other.
    if "\\" not in name:
        assert is_git_folder(name) == refuses
    else:
        assert refuses
        assert is_git_folder(name)
