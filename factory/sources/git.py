"""A commit of a git repository in a folder, fetched with as little traffic as serves.

Only the wanted ref comes, at depth 1, where the server allows it; where it does not (dumb HTTP,
servers that refuse an id they do not advertise, abbreviated ids) more is fetched, and said.

Submodules are not fetched: Backstage workspaces do not build from them, and each is another
repository with other credentials. Git LFS is left to the user's own git configuration: files come
whole where ``git lfs install`` was run. Both are warned of when a checkout holds them.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from factory.errors import SourceError
from factory.sources.git_errors import kind_of, may_pass, source_error, storage_error
from factory.sources.git_refs import Wanted, advertised, resolve, unknown_ref
from factory.sources.source import Checkout, shown
from factory.sources.worktree import worktree_state
from factory.toolchain.child_environment import in_batch_mode
from factory.toolchain.runner import ProcessFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from factory.sources.git_process import GitSession, SessionRepo
    from factory.sources.source import GitRemote

log = logging.getLogger(__name__)
_T = TypeVar("_T")

_RETRY_AFTER_SECONDS = (1.0, 4.0)
_EVERYTHING = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
_LFS_POINTER = b"version https://git-lfs"
# Answers on which a different way of fetching has no better chance.
_FINAL = {"password", "refused", "owner", "network"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """A commit that is in a repository now: its full id, and when it was made (seconds)."""

    commit: str
    committed_at: int
    ref: str


def check_out_git(remote: GitRemote, ref: str | None, into: Path, session: GitSession) -> Checkout:
    """Bring one commit of a remote into an empty folder, which becomes a git repository.

    The clone's configuration holds the URL without credentials.

    Raises:
        SourceError: no such repository or ref, no access, no network.
        StorageError: the disk is full.
    """
    from factory.sources.git_process import initialised  # noqa: PLC0415 - late: GitPython is slow

    session = with_access(session, remote)
    if remote.folder:
        warn_of_uncommitted(remote.folder, session)
    with_errors = _Translated(remote, into)
    repository = with_errors(lambda: initialised(into, session))
    with_errors(lambda: repository.git.remote("add", "origin", remote.url))
    fetched = fetch(repository, remote, ref, session)
    with_errors(lambda: repository.git.checkout("--quiet", "--detach", fetched.commit))
    _warn_of_submodules(into)
    _warn_of_pointers(repository, into)
    return Checkout(
        root=into,
        commit=fetched.commit,
        ref=fetched.ref,
        committed_at=fetched.committed_at,
        url=shown(remote.url),
    )


def fetch(
    repository: SessionRepo, remote: GitRemote, ref: str | None, session: GitSession
) -> Fetched:
    """Fetch what a ref means at a remote, and return the commit; nothing is checked out.

    Raises:
        SourceError: as for :func:`check_out_git`.
    """
    command = repository.git
    with_errors = _Translated(remote, Path(repository.common_dir))
    wanted = with_errors(lambda: _patiently(lambda: resolve(command, remote, ref), session))
    refused: ProcessFailed | None = None
    for attempt in _attempts(repository, remote, wanted, session):
        try:
            _patiently(lambda a=attempt: command.fetch(*a.arguments), session)  # type: ignore[misc]
        except ProcessFailed as failure:
            if kind_of(failure) in _FINAL:
                raise source_error(failure, remote) from failure
            refused = failure
            continue
        commit = _commit(repository, remote, wanted)
        if commit is None:
            continue
        log.info("%s of %s: fetched %s", wanted.name, shown(remote.url), attempt.what)
        at = command.log("-1", "--format=%ct", commit)
        return Fetched(commit=commit, committed_at=int(at), ref=wanted.name)
    if refused is not None and wanted.commit_id is None:
        raise source_error(refused, remote) from refused
    raise with_errors(lambda: unknown_ref(command, remote, wanted.name))


def with_access(session: GitSession, remote: GitRemote) -> GitSession:
    """Return a session that has a URL's own credentials, and an ssh that never asks.

    Credentials reach git through its environment: neither the process list nor the clone's
    configuration shows them. For their host they go before the user's credential helpers.
    """
    if remote.transport == "ssh" and not {"GIT_SSH_COMMAND", "GIT_SSH"} & session.env.keys():
        return session.with_variables({"GIT_SSH_COMMAND": in_batch_mode(_ssh_command(session))})
    if remote.transport != "http" or remote.username is None:
        return session
    scope = f"credential.{remote.url.partition('://')[0]}://{remote.host}"
    if remote.password is None:
        return session.configured([(f"{scope}.username", remote.username)])
    known = session.with_variables(
        {
            "GIT_FACTORY_USERNAME": remote.username,
            "GIT_FACTORY_PASSWORD": remote.password,
        }
    )
    return known.configured([(f"{scope}.helper", ""), (f"{scope}.helper", _URL_CREDENTIALS)])


_URL_CREDENTIALS = (
    '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" '
    '"$GIT_FACTORY_USERNAME" "$GIT_FACTORY_PASSWORD"; }; f'
)


def _ssh_command(session: GitSession) -> str:
    """The user's ``core.sshCommand``, which setting GIT_SSH_COMMAND would otherwise hide."""
    from factory.sources.git_process import SessionGit  # noqa: PLC0415 - late: GitPython is slow

    git = SessionGit(Path("/"), session=session)
    _, command, _ = git.config(
        "--get", "core.sshCommand", with_extended_output=True, with_exceptions=False
    )
    return str(command) or "ssh"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Attempt:
    what: str
    arguments: tuple[str, ...]


def _attempts(
    repository: SessionRepo, remote: GitRemote, wanted: Wanted, session: GitSession
) -> Iterator[_Attempt]:
    """Ways to fetch, the cheapest first."""
    progress = ("--progress",) if session.on_line else ("--quiet",)
    lean = (*progress, "--no-tags", "origin")
    if wanted.full_ref:
        yield _Attempt(
            what="only this commit (depth 1)",
            arguments=("--depth=1", *lean, _refspec(wanted.full_ref)),
        )
        yield _Attempt(
            what="its whole history, since the server cannot give less",
            arguments=(*lean, _refspec(wanted.full_ref)),
        )
        return
    if wanted.commit_id == wanted.name and len(wanted.name) >= _FULL_LENGTH:
        yield _Attempt(
            what="only this commit (depth 1)", arguments=("--depth=1", *lean, wanted.name)
        )
        tips = advertised(repository.git, remote).ids
        for full_ref in [name for name, tip in tips.items() if tip == wanted.name][:1]:
            yield _Attempt(
                what=f"only this commit (depth 1), which is the tip of {full_ref}",
                arguments=("--depth=1", *lean, _refspec(full_ref.removesuffix("^{}"))),
            )
        why = "since the server gives no commit by its id alone"
    else:
        why = "since an abbreviated id can only be looked up here"
    yield _Attempt(
        what=f"all branches and tags with their history, {why}",
        arguments=(*progress, "origin", *_EVERYTHING),
    )


_FULL_LENGTH = 40


def _refspec(full_ref: str) -> str:
    if full_ref.startswith("refs/heads/"):
        return f"+{full_ref}:refs/remotes/origin/{full_ref.removeprefix('refs/heads/')}"
    if full_ref.startswith("refs/tags/"):
        return f"+{full_ref}:{full_ref}"
    return full_ref


def _commit(repository: SessionRepo, remote: GitRemote, wanted: Wanted) -> str | None:
    """The full id of what was fetched, or ``None`` if an id was asked for that is not there."""
    name = wanted.commit_id or "FETCH_HEAD"
    try:
        return str(repository.git.rev_parse("--verify", f"{name}^{{commit}}"))
    except ProcessFailed as failure:
        if "ambiguous" in failure.completed.tail:
            raise SourceError(
                f"several commits of {shown(remote.url)} have ids that begin with {name}",
                hint="write more of the id",
                details=failure.completed.tail,
            ) from failure
        if wanted.commit_id:
            return None
        raise SourceError(
            f"{wanted.name!r} of {shown(remote.url)} is not a commit",
            expected="a branch, a tag of a commit, or a commit id",
        ) from failure


class _Translated:
    """Runs an action whose failing git command becomes the error that a user can read."""

    def __init__(self, remote: GitRemote, folder: Path) -> None:
        self._remote = remote
        self._folder = folder

    def __call__(self, action: Callable[[], _T]) -> _T:
        try:
            return action()
        except ProcessFailed as failure:
            full = storage_error(failure, self._folder)
            raise full or source_error(failure, self._remote) from failure


def _patiently(action: Callable[[], _T], session: GitSession) -> _T:
    """Run an action again, a bounded number of times, when its failure may pass by itself."""
    for seconds in _RETRY_AFTER_SECONDS:
        try:
            return action()
        except ProcessFailed as failure:
            if not may_pass(failure):
                raise
            log.warning("git: the server broke off; trying again in %.0f s", seconds)
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                session.runner.raise_if_cancelled()
                time.sleep(0.1)
    return action()


def warn_of_uncommitted(folder: Path, session: GitSession) -> None:
    """Say so if a local repository has changes that are not committed: git does not bring them."""
    state = worktree_state(folder, session)
    if state.uncommitted:
        log.warning(
            "%s has %d uncommitted change(s), which are not built (%s). "
            "Commit them, or build the folder in place with --use-local.",
            folder,
            len(state.uncommitted),
            ", ".join(state.uncommitted[:3]),
        )


def _warn_of_submodules(root: Path) -> None:
    if (root / ".gitmodules").is_file():
        log.warning(
            "the repository has submodules, which are not fetched. If a plugin needs them, clone "
            "it with --recurse-submodules yourself and build it with --use-local."
        )


def _warn_of_pointers(repository: SessionRepo, root: Path) -> None:
    names = repository.git.ls_files("-z", "--", ":(attr:filter=lfs)").split("\0")
    for name in filter(None, names):
        path = root / name
        if path.is_file() and path.read_bytes()[: len(_LFS_POINTER)] == _LFS_POINTER:
            log.warning(
                "%s is a Git LFS pointer and not the file itself: "
                "run 'git lfs install' once to have the files fetched.",
                name,
            )
            return
