"""A look at the source: which yarn workspaces it has, and which plugins are in each.

A repository is brought to a scratch folder, at one commit. A folder of the user's own is looked at
where it is, and nothing in it is changed.
"""

from __future__ import annotations

import contextlib
import logging
import os
from typing import TYPE_CHECKING

from factory.analysis.discovery import (
    PLUGIN_ROLES,
    discover_plugins,
    search_plugins,
    workspace_packages,
)
from factory.analysis.manifest import MANIFEST_FILE
from factory.errors import Place, SourceError
from factory.scratch_folder import scratch_folder
from factory.sources.checkout import check_out, git_session
from factory.sources.source import (
    GitRemote,
    PlainFolder,
    Source,
    locate,
    repository_around,
    without_credentials,
)
from factory.sources.workspace import resolve_workspace, workspaces_in
from factory.sources.worktree import worktree_state
from factory.toolchain.child_environment import git_environment
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from factory.analysis.discovery import DiscoveredPlugin
    from factory.config.environment import Environment
    from factory.toolchain.runner import Runner

log = logging.getLogger(__name__)

LOCKFILE = "yarn.lock"


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundWorkspace:
    """A yarn workspace: its path from the source's root ("." for the root), and its plugins."""

    path: str
    folder: Path
    plugins: tuple[DiscoveredPlugin, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """What a source is, and what it holds.

    ``repo`` is the repository's address without credentials, or the absolute path of a folder, in
    which case ``is_folder`` is true. ``commit`` is the full id to pin, None for what is not pinned;
    ``ref`` the branch or tag that it was found by, if it was by one.
    """

    root: Path
    repo: str
    is_folder: bool
    commit: str | None = None
    ref: str | None = None
    workspaces: tuple[FoundWorkspace, ...]

    def workspace_at(self, path: str) -> FoundWorkspace:
        """Return the workspace at a path from the root.

        Raises:
            ConfigurationError: the path leaves the root.
            SourceError: there is no such folder, or no plugin in it.
        """
        folder = resolve_workspace(self.root, path)
        plain = os.path.normpath(path.strip())
        for found in self.workspaces:
            if found.path == plain:
                return found
        plugins = discover_plugins(folder)
        if not plugins:
            raise no_plugins(folder, plain)
        return FoundWorkspace(path=plain, folder=folder, plugins=plugins)


@contextlib.contextmanager
def survey_repository(
    repo: str, ref: str | None, *, relative_to: Path, environment: Environment, runner: Runner
) -> Iterator[Survey]:
    """Bring a repository to a scratch folder, for as long as the context is open.

    Args:
        repo: a URL, perhaps with credentials, or a folder.
        ref: a branch, tag or commit id; None for the default branch.
        relative_to: what a relative folder counts from.
        environment: what git may see is taken from it.
        runner: starts git.

    Raises:
        SourceError: no such repository or ref, no access to it.
        StorageError: the scratch folder has no room.
        ToolchainError: git is not installed.
    """
    source = Source(repo=repo, ref=ref, relative_to=relative_to)
    where = locate(source)
    if isinstance(where, PlainFolder):
        with survey_folder(where.path, environment=environment, runner=runner) as survey:
            yield survey
        return
    _say_that_credentials_stay_out(where)
    with scratch_folder() as scratch:
        into = scratch / "source"
        brought = check_out(source, into, runner=runner, env=git_environment(environment))
        yield Survey(
            root=into,
            repo=str(where.folder) if where.folder else without_credentials(repo.strip()),
            is_folder=where.folder is not None,
            commit=brought.commit,
            ref=brought.ref if brought.ref != brought.commit else None,
            workspaces=workspaces_below(into, into),
        )


@contextlib.contextmanager
def survey_folder(folder: Path, *, environment: Environment, runner: Runner) -> Iterator[Survey]:
    """Look at a folder of the user's, which is a workspace or holds some, where it is.

    In a git repository the repository's top is the source, and the folder a path in it. No commit
    is pinned: who works on the code wants what they have committed last.

    Raises:
        SourceError: there is no such folder.
        ToolchainError: it is in a git repository, and git is not installed.
    """
    if not folder.is_dir():
        raise SourceError(
            "there is no such folder",
            place=Place(file=folder),
            expected="the folder of a yarn workspace on this machine",
            hint="for a repository on a server use --source-repo",
        )
    folder = folder.resolve()
    top = repository_around(folder)
    if top:
        _say_what_is_not_committed(top, environment, runner)
    root = top or folder
    yield Survey(
        root=root,
        repo=str(root),
        is_folder=True,
        workspaces=workspaces_below(folder, root),
    )


def workspaces_below(folder: Path, root: Path) -> tuple[FoundWorkspace, ...]:
    """Return the yarn workspaces that hold plugins, in path order; paths count from ``root``.

    A plugin belongs to the innermost workspace around it. A folder that a workspace further out
    counts among its members, and that has no yarn.lock of its own, is not one. Where no
    package.json has ``workspaces``, the folder itself is one.
    """
    roots = [folder / path for path in workspaces_in(folder)]
    members = {member for outer in roots for member in _members(outer) if member != outer}
    roots = [each for each in roots if each not in members or (each / LOCKFILE).is_file()]
    if not roots and (folder / MANIFEST_FILE).is_file():
        roots = [folder]
    found = []
    for workspace in roots:
        inner = [each for each in roots if each != workspace and each.is_relative_to(workspace)]
        plugins = tuple(
            plugin
            for plugin in _plugins(workspace)
            if not any((workspace / plugin.path).is_relative_to(each) for each in inner)
        )
        if plugins:
            path = workspace.relative_to(root).as_posix()
            found.append(FoundWorkspace(path=path, folder=workspace, plugins=plugins))
    return tuple(found)


def no_plugins(folder: Path, path: str) -> SourceError:
    """Return the error for a workspace without a plugin."""
    return SourceError(
        f"no plugin was found in {'the source' if path == '.' else path}",
        place=Place(file=folder),
        expected="a package.json whose backstage.role is one of " + ", ".join(PLUGIN_ROLES),
        hint="name another folder with --workspace-path",
    )


def _members(workspace: Path) -> list[Path]:
    try:
        return [each.folder for each in workspace_packages(workspace).values()]
    except SourceError:
        return []  # said when its plugins are looked for


def _plugins(workspace: Path) -> tuple[DiscoveredPlugin, ...]:
    try:
        search = search_plugins(workspace)
    except SourceError as error:
        log.warning("%s is left out: %s", workspace, error.problem)
        return ()
    for each in search.left_out:
        if each.name:  # a folder with a yarn.lock of its own is looked at for itself
            log.warning("%s", each)
    return search.plugins


def _say_that_credentials_stay_out(remote: GitRemote) -> None:
    if remote.username is not None or remote.password is not None:
        log.warning(
            "the credentials in the repository's URL are used now and not written: for builds, "
            "give them to git with a credential helper"
        )


def _say_what_is_not_committed(top: Path, environment: Environment, runner: Runner) -> None:
    session = git_session(runner=runner, env=git_environment(environment))
    state = worktree_state(top, session)
    if state.commit is None:
        log.warning("%s has no commit yet: builds use what is committed", top)
    elif state.uncommitted:
        log.warning(
            "%s has %d uncommitted change(s), which are read now but not built (%s): commit "
            "them, or build the folder in place with --use-local",
            top,
            len(state.uncommitted),
            ", ".join(state.uncommitted[:3]),
        )
