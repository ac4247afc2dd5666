"""Code from wherever it is, in a folder where it may be changed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from factory.errors import SourceError, ToolchainError
from factory.sources.destination import contents, empty, make_folder
from factory.sources.folder import copy_folder
from factory.sources.git import check_out_git
from factory.sources.git_errors import OLDEST_GIT
from factory.sources.git_process import GitSession
from factory.sources.source import Checkout, PlainFolder, Source, locate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from factory.sources.git_refs import Wanted
    from factory.sources.partial import Part
    from factory.toolchain.runner import Runner


def check_out(
    source: Source,
    into: Path,
    *,
    runner: Runner,
    env: Mapping[str, str],
    on_line: Callable[[str], None] | None = None,
    log: Path | None = None,
    wanted: Wanted | None = None,
    part: Part | None = None,
) -> Checkout:
    """Bring a source into an empty folder. If that fails, the folder is empty again.

    Args:
        source: the repository or folder, and the ref.
        into: an empty folder, or none yet (see :mod:`factory.sources.destination`).
        runner: starts every git process.
        env: the whole environment of those (see ``git_environment``).
        on_line: called with each line that git prints, secrets masked.
        log: a file to which git's output is appended.
        wanted: what the ref has been found to mean, if the remote was asked already.
        part: what of a repository's commit is wanted; all of it if None.

    Raises:
        SourceError: no such repository, folder or ref, or no access to it.
        StorageError: the disk is full, or the folder cannot be written.
        ToolchainError: git is not installed.
    """
    where = locate(source)
    make_folder(into)
    if there := contents(into):
        raise SourceError(f"{into} is not empty", found=there[0].name, expected="an empty folder")
    try:
        if isinstance(where, PlainFolder):
            copy_folder(where.path, into)
            return Checkout(
                root=into, commit=None, ref=None, committed_at=None, url=str(where.path)
            )
        session = git_session(runner=runner, env=env, on_line=on_line, log=log)
        return check_out_git(where, source.ref, into, session, wanted=wanted, part=part)
    except BaseException:
        empty(into)
        raise


def git_session(
    *,
    runner: Runner,
    env: Mapping[str, str],
    on_line: Callable[[str], None] | None = None,
    log: Path | None = None,
) -> GitSession:
    """Return how git is to be run, once it is clear that there is a git.

    Raises:
        ToolchainError: git is not installed.
    """
    if shutil.which("git", path=env.get("PATH")) is None:
        raise ToolchainError(
            "git cannot be started",
            found="no git on the PATH",
            hint=f"install git {OLDEST_GIT} or newer, for example with: apt-get install git",
        )
    return GitSession(runner=runner, env=env, on_line=on_line, log=log)
