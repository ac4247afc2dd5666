"""A commit of a git repository in a folder, fetched with as little traffic as serves.

Only the wanted ref comes, at depth 1, where the server allows it; where it does not (dumb HTTP,
servers that refuse an id they do not advertise, abbreviated ids) more is fetched, and said.

Submodules are not fetched: Backstage workspaces do not build from them, and each is another
repository with other credentials. Git LFS is left to the user's own git configuration: files come
whole where ``git lfs install`` was run. Both are warned of when a checkout holds them.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from factory.errors import SourceError
from factory.sources.git_access import for_checkout, with_access
from factory.sources.git_errors import Translated, kind_of, may_pass, source_error
from factory.sources.git_notices import warn_of_missing, warn_of_uncommitted
from factory.sources.git_process import make_repository, open_git
from factory.sources.git_refs import FULL_ID, Wanted, ask_for_refs, resolve, unknown_ref_error
from factory.sources.partial import (
    WITHOUT_FILES,
    Part,
    bring_files,
    can_leave_files_out,
    is_partial,
    narrow,
)
from factory.sources.source import Checkout, without_credentials
from factory.toolchain.retrying import retry_command
from factory.toolchain.runner import ProcessFailed
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git.cmd import Git

    from factory.sources.git_process import GitSession
    from factory.sources.session_git import SessionGit, SessionRepo
    from factory.sources.source import GitRemote

log = logging.getLogger(__name__)
_T = TypeVar("_T")

_RETRY_AFTER_SECONDS = (1.0, 4.0)
_EVERYTHING = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
# git-fetch(1)'s warning.
_NO_FILTERS = "filtering not recognized by server"
# Answers on which a different way of fetching has no better chance.
_FINAL = {"password", "refused", "owner", "damaged", "network"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """A commit that is in a repository now: its full id, and when it was made (seconds)."""

    commit: str
    committed_at: int
    ref: str


def check_out_git(
    remote: GitRemote,
    ref: str | None,
    into: Path,
    session: GitSession,
    *,
    wanted: Wanted | None = None,
    part: Part | None = None,
) -> Checkout:
    """Bring one commit of a remote into an empty folder, which becomes a git repository.

    The clone's configuration holds the URL without credentials. With ``part`` the folder holds only
    that, and no more is fetched where the server allows it.

    Raises:
        SourceError: no such repository or ref, no access, no network.
        StorageError: the disk is full.
    """
    session = with_access(session, remote)
    if remote.folder:
        warn_of_uncommitted(remote.folder, session)
    with_errors = Translated(remote, into)
    repository = with_errors(lambda: make_repository(into, session))
    with_errors(lambda: repository.git.remote("add", "origin", remote.url))
    fetched = fetch(repository, remote, ref, session, wanted=wanted, part=part)
    with_errors(lambda: check_out_at(fetched.commit, into, remote, session, part))
    return describe_checkout(into, fetched, remote, session, part)


def check_out_at(
    commit: str, root: Path, remote: GitRemote, session: GitSession, part: Part | None = None
) -> None:
    """Put a commit's files, or a part of them, into the worktree of a repository that has it.

    Raises:
        ProcessFailed: git cannot.
    """
    git = open_git(root, session)
    if is_partial(git):
        folders = part.folders if part else None
        patiently(lambda: bring_files(git, commit, folders, _telling(session)), session)
    if part:
        narrow(root, part, session)
    careful = open_git(root, for_checkout(session, remote, commit, root))
    patiently(lambda: careful.checkout("--quiet", "--detach", commit), session)


def describe_checkout(
    root: Path,
    fetched: Fetched,
    remote: GitRemote,
    session: GitSession,
    part: Part | None = None,
) -> Checkout:
    """Return a tree that git has checked out as a value; warn of what git does not put in it."""
    warn_of_missing(root, part.folders if part else (), session)
    return Checkout(
        root=root,
        commit=fetched.commit,
        ref=fetched.ref,
        committed_at=fetched.committed_at,
        url=without_credentials(remote.url),
    )


def find_commit(remote: GitRemote, ref: str | None, session: GitSession, where: Path) -> Wanted:
    """Ask a remote what a ref means; nothing is fetched.

    Args:
        remote: the repository.
        ref: a branch, tag or commit id; ``None`` for the default branch.
        session: how git is run, with access to the remote.
        where: an existing folder to run git in.

    Raises:
        SourceError: no such repository or ref, no access, no network.
    """
    command = open_git(where, session)
    ask = Translated(remote, where)
    return ask(lambda: patiently(lambda: resolve(command, remote, ref), session))


def fetch(
    repository: SessionRepo,
    remote: GitRemote,
    ref: str | None,
    session: GitSession,
    *,
    wanted: Wanted | None = None,
    part: Part | None = None,
) -> Fetched:
    """Fetch what a ref means at a remote, and return the commit; nothing is checked out.

    A commit that the repository has already is not fetched again. With ``wanted``, which is what
    the ref has been found to mean, the remote is not asked once more. Where only a ``part`` of the
    commit is wanted, its files are left for the checkout to fetch.

    Raises:
        SourceError: as for :func:`check_out_git`.
    """
    command = open_git(repository.folder, session)
    with_errors = Translated(remote, Path(repository.common_dir))
    wanted = wanted or find_commit(remote, ref, session, Path(repository.common_dir))
    if commit := _present(command, wanted):
        log.info("%s of %s: here already", wanted.name, without_credentials(remote.url))
        return _describe_fetched(command, commit, wanted)
    refused: ProcessFailed | None = None
    less = bool(part) and can_leave_files_out(remote)
    for attempt in _attempts(repository, remote, wanted, session):
        try:
            if less:
                _fetch_without_files(repository, attempt, remote, session)
            else:
                _fetch(command, attempt, session)
        except ProcessFailed as failure:
            if kind_of(failure) in _FINAL:
                raise source_error(failure, remote) from failure
            refused = failure
            continue
        if commit := _commit(repository, remote, wanted):
            log.info(
                "%s of %s: fetched %s", wanted.name, without_credentials(remote.url), attempt.what
            )
            return _describe_fetched(command, commit, wanted)
    if refused is not None and wanted.commit_id is None:
        raise source_error(refused, remote) from refused
    raise with_errors(lambda: unknown_ref_error(command, remote, wanted.name))


def _fetch(command: Git, attempt: _FetchAttempt, session: GitSession, *more: str) -> None:
    patiently(lambda: command.fetch(*more, *attempt.arguments), session)


def _fetch_without_files(
    repository: SessionRepo, attempt: _FetchAttempt, remote: GitRemote, session: GitSession
) -> None:
    """Fetch commits and folders; files too where the server does not leave them out."""
    refused: list[str] = []

    def hear(line: str) -> None:
        if _NO_FILTERS in line:
            refused.append(line)
        if session.on_line:
            session.on_line(line)

    listening = replace(session, on_line=hear)
    command = open_git(repository.folder, listening)
    try:
        _fetch(command, attempt, session, WITHOUT_FILES)
    except ProcessFailed as failure:
        # uploadpackfilter.allow in git-config(1): servers may know filters and refuse them.
        if "filter" not in failure.completed.tail:
            raise
        refused.append(failure.reason)
        _fetch(command, attempt, session, "--no-filter")
    if refused:
        log.info(
            "%s: the server cannot send a part, so that all of the commit comes",
            without_credentials(remote.url),
        )


def _describe_fetched(command: Git, commit: str, wanted: Wanted) -> Fetched:
    at = int(str(command.log("-1", "--format=%ct", commit)))
    return Fetched(commit=commit, committed_at=at, ref=wanted.name)


def _present(command: SessionGit, wanted: Wanted) -> str | None:
    """The commit's id, if it is known and the repository has all of it from an earlier run."""
    known = wanted.tip or wanted.commit_id or ""
    if not FULL_ID.match(known):
        return None
    if is_partial(command):
        # To ask for a commit that is not here would fetch it, with all of its history.
        return known if is_kept(command, known) else None
    _, commit, _ = command.rev_parse(
        "--verify",
        "--quiet",
        f"{known}^{{commit}}",
        with_extended_output=True,
        with_exceptions=False,
    )
    return str(commit) if commit and _is_whole(command, str(commit)) else None


# A commit that was asked for by its id has no other name, and a branch moves on.
_KEPT = "refs/plugin-factory"


def keep(command: Git, commit: str) -> None:
    """Give a commit of a clone a ref, so that git keeps it, and tells servers that it is here."""
    command.update_ref(f"{_KEPT}/{commit}", commit)


def is_kept(command: Git, commit: str) -> bool:
    """Whether a commit was fetched, and kept, by an earlier run."""
    failed, _, _ = command.show_ref(
        "--verify",
        "--quiet",
        f"{_KEPT}/{commit}",
        with_extended_output=True,
        with_exceptions=False,
    )
    return not failed


def _is_whole(command: Git, commit: str) -> bool:
    """Whether every file of a commit is here; git that was killed may have written it only.

    It is the question that git-fetch(1) asks itself. What a ref leads to is not walked.
    """
    missing, _, _ = command.rev_list(
        "--objects",
        "--quiet",
        commit,
        "--not",
        "--all",
        with_extended_output=True,
        with_exceptions=False,
    )
    return not missing


@dataclass(frozen=True, kw_only=True, slots=True)
class _FetchAttempt:
    what: str
    arguments: tuple[str, ...]


def _attempts(
    repository: SessionRepo, remote: GitRemote, wanted: Wanted, session: GitSession
) -> Iterator[_FetchAttempt]:
    """Ways to fetch, the cheapest first."""
    progress = _telling(session)
    lean = (*progress, "--no-tags", "--", "origin")
    if wanted.full_ref:
        yield _FetchAttempt(
            what="only this commit (depth 1)",
            arguments=("--depth=1", *lean, _refspec(wanted.full_ref)),
        )
        yield _FetchAttempt(
            what="its whole history, since the server cannot give less",
            arguments=(*lean, _refspec(wanted.full_ref)),
        )
        return
    if FULL_ID.match(wanted.name):
        yield _FetchAttempt(
            what="only this commit (depth 1)", arguments=("--depth=1", *lean, wanted.name)
        )
        tips = ask_for_refs(repository.git, remote).ids
        for full_ref in [name for name, tip in tips.items() if tip == wanted.name][:1]:
            yield _FetchAttempt(
                what=f"only this commit (depth 1), which is the tip of {full_ref}",
                arguments=("--depth=1", *lean, _refspec(full_ref.removesuffix("^{}"))),
            )
        why = "since the server gives no commit by its id alone"
    else:
        why = "since an abbreviated id can only be looked up here"
    yield _FetchAttempt(
        what=f"all branches and tags with their history, {why}",
        arguments=(*progress, *_unshallow_options(repository), "--", "origin", *_EVERYTHING),
    )


def _telling(session: GitSession) -> tuple[str, ...]:
    return ("--progress",) if session.on_line or session.watches_silence else ("--quiet",)


def _unshallow_options(repository: SessionRepo) -> tuple[str, ...]:
    """What to say so that earlier fetches at depth 1 do not hide the history."""
    shallow = Path(repository.common_dir) / "shallow"
    return ("--unshallow",) if shallow.is_file() and shallow.stat().st_size else ()


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
                f"several commits of {without_credentials(remote.url)} have ids that begin with "
                f"{name}",
                hint="use more digits of the id",
                details=failure.completed.tail,
            ) from failure
        if wanted.commit_id:
            return None
        raise SourceError(
            f"{wanted.name!r} of {without_credentials(remote.url)} is not a commit",
            expected="a branch, a tag of a commit, or a commit id",
        ) from failure


def patiently(action: Callable[[], _T], session: GitSession) -> _T:
    """Run an action again, a bounded number of times, when its failure may pass by itself."""
    return retry_command(
        action,
        may_pass=may_pass,
        after=_RETRY_AFTER_SECONDS,
        what="git: the server closed the connection",
        runner=session.runner,
    )
