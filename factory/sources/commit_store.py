"""Single files of single commits of a remote, without a checkout and without their history.

Commits come at depth 1 and, where the server can filter (gitprotocol-v2(5), ``filter``), without
the contents of files; of those only the wanted ones are then asked for by their ids, as git itself
does in a partial clone. A server that cannot filter sends a commit whole, and nothing is asked
twice.
"""

from __future__ import annotations

import logging
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from factory.sources.git import fetch
from factory.sources.git_access import with_access
from factory.sources.git_errors import Translated, kind_of, may_pass, source_error
from factory.sources.git_process import make_repository, open_git
from factory.sources.git_refs import Advertised, ask_for_refs
from factory.sources.source import without_credentials
from factory.toolchain.retrying import retry_command
from factory.toolchain.runner import ProcessFailed
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from factory.sources.git_process import GitSession
    from factory.sources.session_git import SessionGit
    from factory.sources.source import GitRemote

log = logging.getLogger(__name__)
_T = TypeVar("_T")

_RETRY_AFTER_SECONDS = (1.0, 4.0, 15.0)
_LEAN = ("--quiet", "--no-tags", "--no-write-fetch-head", "--depth=1")
_WITHOUT_FILES = "--filter=blob:none"
# Ids, or paths, on one command line.
_AT_ONCE = 200
_REGULAR = ("100644", "100755")
# Answers after which another way of asking has no better chance.
_FINAL = frozenset({"password", "refused", "owner", "damaged", "network", "unknown"})


@dataclass(frozen=True, kw_only=True, slots=True)
class CommitStore:
    """A bare repository that commits of one remote are brought into; for one thread at a time."""

    folder: Path
    remote: GitRemote
    session: GitSession
    brought: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    listings: dict[str, Mapping[str, tuple[str, str]]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The remote's address, fit to be shown."""
        return without_credentials(self.remote.url)


class UnavailableCommitError(Exception):
    """A server that answers does not give a commit: it has none of that id, or by a name only."""


def open_commit_store(folder: Path, remote: GitRemote, session: GitSession) -> CommitStore:
    """Make an empty store in a folder that is not there yet.

    Raises:
        OSError: the folder cannot be made.
        SourceError: git fails.
    """
    folder.mkdir(parents=True)
    access = with_access(session, remote)
    translated = Translated(remote, folder)
    repository = translated(lambda: make_repository(folder, access, bare=True))
    translated(lambda: repository.git.remote("add", "origin", remote.url))
    return CommitStore(folder=folder, remote=remote, session=access)


def list_refs(store: CommitStore) -> Advertised:
    """Return all branches and tags of the remote, in one question.

    Raises:
        SourceError: no such repository, no access, no network.
    """
    return _ask(store, lambda: ask_for_refs(_git(store), store.remote))


def find_default_branch(store: CommitStore) -> tuple[str, str] | None:
    """Return the full name of the remote's default branch and its commit, if the remote says it.

    Raises:
        SourceError: no such repository, no access, no network.
    """
    told = _ask(store, lambda: ask_for_refs(_git(store), store.remote, "HEAD"))
    return (told.default, told.ids["HEAD"]) if told.default and "HEAD" in told.ids else None


def bring_commit(store: CommitStore, commit: str, full_ref: str | None = None) -> None:
    """Bring a commit and its folders, and no history.

    Args:
        store: where to.
        commit: its full id.
        full_ref: a branch or tag of the remote that leads to it, for servers that give nothing by
            an id.

    Raises:
        UnavailableCommitError: the server answers, and does not give this commit.
        SourceError: the server refuses, or does not answer.
    """
    if commit in store.brought:
        return
    for name in (commit, *([full_ref] if full_ref else [])):
        try:
            _patiently(store, partial(_fetch, store, name))
        except ProcessFailed as failure:
            if kind_of(failure) in _FINAL:
                raise source_error(failure, store.remote) from failure
            log.debug("%s: %s is not given by this name", store.address, name)
        else:
            store.brought.add(commit)
            return
    raise UnavailableCommitError(commit)


def bring_pinned(store: CommitStore, ref: str) -> str:
    """Bring a commit that somebody builds, whatever it takes, and return its full id.

    Args:
        store: where to.
        ref: its id, which may be abbreviated: then all branches and tags have to come.

    Raises:
        SourceError: there is no such commit, or the server does not answer.
    """
    repository = make_repository(store.folder, store.session, bare=True)
    commit = fetch(repository, store.remote, ref, store.session).commit
    store.brought.add(commit)
    return commit


def list_files(store: CommitStore, commit: str) -> Mapping[str, tuple[str, str]]:
    """Return the mode and id of each regular file of a commit by its path; links are left out.

    So are paths that git has to quote: of control characters, quotes, backslashes.
    """
    if commit in store.listings:
        return store.listings[commit]
    git = open_git(store.folder, _with(store, ("core.quotePath", "false")))
    text = _ask(store, lambda: str(git.ls_tree("-r", "--full-tree", commit)))
    found: dict[str, tuple[str, str]] = {}
    # A name may hold what Python, unlike git, takes for the end of a line.
    for line in text.split("\n"):
        about, _, path = line.partition("\t")
        mode, _, rest = about.partition(" ")
        if mode in _REGULAR and not path.startswith('"'):
            found[path] = (mode, rest.partition(" ")[2])
    store.listings[commit] = found
    return found


def write_files(
    store: CommitStore,
    listed: Mapping[str, tuple[str, str]],
    paths: Sequence[str],
    into: Path,
) -> None:
    """Write files of a commit, each at its path below a folder that is not there yet.

    Args:
        store: where the commit has been brought to.
        listed: what :func:`list_files` says of the commit.
        paths: the wanted ones of it.
        into: the folder.

    Raises:
        SourceError: the server does not give them.
    """
    _bring_files(store, sorted({listed[path][1] for path in paths} - store.files))
    into.mkdir(parents=True)
    # An index of these files alone: of the commit's own attributes and filters none is followed.
    own = store.session.with_variables(
        {
            "GIT_DIR": str(store.folder),
            "GIT_WORK_TREE": str(into),
            "GIT_INDEX_FILE": str(into.with_name(f"{into.name}.index")),
        }
    )
    git = open_git(into, own)
    for some in _portions(paths):
        words = [w for path in some for w in ("--cacheinfo", ",".join((*listed[path], path)))]
        _ask(store, partial(git.update_index, "--add", *words))
    if paths:
        _ask(store, lambda: git.checkout_index("--all", "--force", "--quiet"))


def _bring_files(store: CommitStore, ids: Sequence[str]) -> None:
    session = _with(store, ("fetch.negotiationAlgorithm", "noop"))
    git = open_git(store.folder, session)
    options = ("--quiet", "--no-tags", "--no-write-fetch-head", _WITHOUT_FILES)
    for some in _portions(ids):
        _ask(store, partial(git.fetch, *options, "--", "origin", *some))
        store.files.update(some)


def _fetch(store: CommitStore, name: str) -> None:
    _git(store).fetch(*_LEAN, _WITHOUT_FILES, "--", "origin", name)


def _portions(several: Sequence[str]) -> list[Sequence[str]]:
    return [several[start : start + _AT_ONCE] for start in range(0, len(several), _AT_ONCE)]


def _with(store: CommitStore, setting: tuple[str, str]) -> GitSession:
    return store.session.with_settings([setting])


def _git(store: CommitStore) -> SessionGit:
    return open_git(store.folder, store.session)


def _ask(store: CommitStore, action: Callable[[], _T]) -> _T:
    return Translated(store.remote, store.folder)(lambda: _patiently(store, action))


def _patiently(store: CommitStore, action: Callable[[], _T]) -> _T:
    return retry_command(
        action,
        may_pass=may_pass,
        after=_RETRY_AFTER_SECONDS,
        what=f"{store.address}: the server failed, or has no time now",
        runner=store.session.runner,
    )
