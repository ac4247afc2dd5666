"""What a commit has for a workspace: its plugins, and its Backstage version, from a few files."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from semver import Version

from factory.analysis.discovery import PLUGIN_ROLES, search_plugins
from factory.analysis.inventory import BACKSTAGE_FILE, backstage_version
from factory.analysis.lockfile_parser import LOCKFILE
from factory.analysis.manifest import MANIFEST_FILE, read_manifest
from factory.errors import FactoryError, SourceError
from factory.sources.commit_store import list_files, write_files
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from factory.analysis.manifest import Manifest
    from factory.sources.commit_store import CommitStore

_YARN_SETTINGS = ".yarnrc.yml"
_MOST_FILES = 5000
_NOT_MEMBERS = "node_modules"


class UnfitCommitError(Exception):
    """A commit that cannot be built as the configuration says; the text is the reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommitLook:
    """A workspace at a commit.

    ``plugins`` are the listed ones, or all where there is no list, by their paths; ``missing`` the
    listed paths where there is no plugin, each with what is there instead. ``backstage`` is "" if
    the source does not say.
    """

    commit: str
    backstage: str
    plugins: Mapping[str, Manifest]
    missing: Mapping[str, str]

    @property
    def versions(self) -> dict[str, Version]:
        """The plugins' versions by their packages' names, as far as they are versions."""
        named = {each.name: each.version for each in self.plugins.values() if each.name}
        return {name: Version.parse(v) for name, v in named.items() if Version.is_valid(v)}


def look_at_commit(
    store: CommitStore,
    commit: str,
    workspace_path: str,
    listed: Sequence[str] | None,
    into: Path,
) -> CommitLook:
    """Return what a commit that has been brought has for a workspace.

    Args:
        store: where the commit is.
        commit: its full id.
        workspace_path: the workspace's folder from the repository's root.
        listed: the paths of the plugins from there; None to look for plugins.
        into: a folder for the files, not there yet.

    Raises:
        UnfitCommitError: the commit has no such workspace, or one of its files cannot be used.
        SourceError: the server does not give the files.
    """
    there = list_files(store, commit)
    workspace = _normal(workspace_path)
    if not any(_is_below(path, workspace) for path in there):
        raise UnfitCommitError(f"there is no folder {workspace}")
    paths = [_join(workspace, BACKSTAGE_FILE), BACKSTAGE_FILE]
    if listed is None:
        paths += [p for p in there if _is_below(p, workspace) and _is_manifest(p)]
    else:
        paths += [_join(workspace, plugin, MANIFEST_FILE) for plugin in listed]
    wanted = list(dict.fromkeys(path for path in paths if path in there))
    if len(wanted) > _MOST_FILES:
        raise UnfitCommitError(f"it has more than {_MOST_FILES} files called {MANIFEST_FILE}")
    write_files(store, there, wanted, into)
    try:
        return _read(commit, into, into / workspace, listed)
    except FactoryError as error:
        raise UnfitCommitError(describe_failure(error)) from error


def _read(commit: str, root: Path, folder: Path, listed: Sequence[str] | None) -> CommitLook:
    plugins: dict[str, Manifest] = {}
    missing: dict[str, str] = {}
    if listed is None:
        folder.mkdir(parents=True, exist_ok=True)
        plugins = {each.path: each.manifest for each in search_plugins(folder).plugins}
    for path in listed or ():
        file = folder / path / MANIFEST_FILE
        manifest = read_manifest(file) if file.is_file() else None
        if manifest is None:
            missing[path] = f"the workspace has no {path}/{MANIFEST_FILE}"
        elif manifest.role not in PLUGIN_ROLES:
            missing[path] = f"{path} is not a plugin: its role is {manifest.role or 'not given'}"
        else:
            plugins[path] = manifest
    return CommitLook(
        commit=commit,
        # The workspace's own, or that of the repository's root.
        backstage=backstage_version(folder) or backstage_version(root),
        plugins=plugins,
        missing=missing,
    )


def write_manifests(store: CommitStore, commit: str, workspace_path: str, into: Path) -> Path:
    """Write what the analysis of build arguments reads of a commit; return the workspace's folder.

    That is each package.json of the yarn project that the workspace is in, its yarn.lock and its
    settings, and each backstage.json.

    Raises:
        SourceError: the server does not give them, or there are too many.
    """
    there = list_files(store, commit)
    workspace = _normal(workspace_path)
    project = _project_of(workspace, there)
    own = {_join(project, LOCKFILE), _join(project, _YARN_SETTINGS)}
    wanted = [
        path
        for path in there
        if path in own or (_is_below(path, project) and (_is_manifest(path) or _is_backstage(path)))
    ]
    if len(wanted) > _MOST_FILES:
        raise SourceError(
            f"the workspace has {len(wanted)} files called {MANIFEST_FILE}",
            expected=f"at most {_MOST_FILES}",
        )
    write_files(store, there, wanted, into)
    return into / workspace


def describe_failure(error: FactoryError) -> str:
    """Return what is wrong with a commit in one line, without folders that are gone soon."""
    field = f" ({error.place.field})" if error.place and error.place.field else ""
    name = f"{error.place.file.name}: " if error.place else ""
    found = f": {error.found}" if error.found else ""
    return f"{name}{error.problem}{field}{found}"


def _project_of(workspace: str, there: Mapping[str, object]) -> str:
    """The folder of the yarn.lock that a workspace is under, or the workspace itself."""
    path = PurePosixPath(workspace)
    folders = (each.as_posix() for each in (path, *path.parents))
    return next((each for each in folders if _join(each, LOCKFILE) in there), workspace)


def _normal(workspace_path: str) -> str:
    return PurePosixPath(workspace_path.strip()).as_posix()


def _join(*parts: str) -> str:
    return PurePosixPath(*parts).as_posix()


def _is_below(path: str, folder: str) -> bool:
    return folder == "." or path.startswith(f"{folder}/")


def _is_manifest(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return parts[-1] == MANIFEST_FILE and _NOT_MEMBERS not in parts


def _is_backstage(path: str) -> bool:
    return PurePosixPath(path).name == BACKSTAGE_FILE
