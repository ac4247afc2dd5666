"""Many workspaces from few repositories: one bare clone a repository, one worktree a workspace.

Clones are in ``<repo-path>/.clones/``. Only the refs that workspaces want are fetched into them, at
depth 1 where the server allows it, and what a clone has already is not fetched again: each commit
gets a ref, so that git keeps it and tells a server of it, who then sends only what is new since.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from factory.config.workspaces import CLONES_FOLDER
from factory.errors import SourceError
from factory.locking import exclusive
from factory.patterns import lazy_pattern
from factory.sources.destination import contents, empty, make_folder
from factory.sources.git import check_out_at, describe_checkout, fetch, keep
from factory.sources.git_access import with_access
from factory.sources.git_errors import Translated
from factory.sources.git_notices import warn_of_uncommitted
from factory.sources.git_process import make_repository, open_repository
from factory.sources.source import without_credentials
from factory.toolchain.runner import ProcessFailed
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from factory.sources.git_process import GitSession
    from factory.sources.git_refs import Wanted
    from factory.sources.partial import Part
    from factory.sources.session_git import SessionRepo
    from factory.sources.source import Checkout, GitRemote


log = logging.getLogger(__name__)

_OBJECTS = "objects"
# What belongs to the other's own worktrees and to whoever is at work in it.
_ITS_OWN = shutil.ignore_patterns(_OBJECTS, "worktrees", "*.lock", "FETCH_HEAD")


def lend_objects(clone: Path, borrower: Path) -> None:
    """Make ``borrower`` a bare clone with what ``clone`` has; nothing if there is no such clone.

    https://git-scm.com/docs/gitrepository-layout, "objects/info/alternates".
    """
    if not (clone / _OBJECTS).is_dir() or borrower.exists():
        return
    try:
        shutil.copytree(clone, borrower, ignore=_ITS_OWN)
        info = borrower / _OBJECTS / "info"
        info.mkdir(parents=True)
        (borrower / _OBJECTS / "pack").mkdir()
        (info / "alternates").write_text(f"{(clone / _OBJECTS).resolve()}\n", encoding="utf-8")
    except OSError as error:  # it is being changed just now, say: then all is fetched
        log.debug("%s lends nothing: %s", clone, error)
        shutil.rmtree(borrower, ignore_errors=True)


_DEFAULT_PORTS = {"http": 80, "https": 443, "ssh": 22, "git": 9418}
_NOT_IN_NAMES = lazy_pattern(r"[^A-Za-z0-9._-]+")
_HASH_LENGTH = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Clone:
    """A repository's bare clone: where it is, and the remote it is of."""

    path: Path
    remote: GitRemote


def normalise(remote: GitRemote) -> str:
    """Return a remote's address in one spelling.

    ``.git``, slashes at the end, the scheme's own port and upper case in the host make no
    difference; upper case in the path does. A folder is its resolved path.
    """
    if remote.folder:
        return str(remote.folder)
    scheme, separator, _ = remote.url.partition("://")
    if not separator:
        host, _, path = remote.url.partition(":")
        return f"{host.lower()}:{_without_ending(path)}"
    parts = urlsplit(remote.url)
    host = (parts.hostname or "").lower()
    if parts.port and parts.port != _DEFAULT_PORTS.get(scheme.lower()):
        host = f"{host}:{parts.port}"
    user = f"{parts.username}@" if parts.username else ""
    return f"{scheme.lower()}://{user}{host}{_without_ending(parts.path)}"


def _without_ending(path: str) -> str:
    return path.rstrip("/").removesuffix(".git").rstrip("/")


def clones_for(remotes: Iterable[GitRemote], repo_path: Path) -> Mapping[str, Clone]:
    """Return the clone of each repository, by its normalised address.

    A clone is called after the last part of the address; where two repositories share that, a part
    of the address's hash follows. The names depend on the set of remotes, not on their order.
    """
    by_address = {normalise(remote): remote for remote in remotes}
    names = {address: _last_part(address) for address in by_address}
    taken = [name.casefold() for name in names.values()]
    clones: dict[str, Clone] = {}
    for address, remote in by_address.items():
        name = names[address]
        if taken.count(name.casefold()) > 1:
            name += "-" + hashlib.sha256(address.encode()).hexdigest()[:_HASH_LENGTH]
        clones[address] = Clone(path=repo_path / CLONES_FOLDER / name, remote=remote)
    return clones


def _last_part(address: str) -> str:
    last = PurePosixPath(address.replace(":", "/")).name.removesuffix(".git")
    return _NOT_IN_NAMES.sub("-", last).strip(".-") or "repository"


def add_worktree(
    clone: Clone,
    remote: GitRemote,
    ref: str | None,
    into: Path,
    session: GitSession,
    *,
    wanted: Wanted | None = None,
    part: Part | None = None,
) -> Checkout:
    """Bring one commit into a folder, as a worktree of a clone that others share.

    Safe to call from several threads and processes at once: a clone is used by one at a time.

    Args:
        clone: the repository's clone, made if it is not there.
        remote: the remote in the workspace's own spelling, with its own credentials.
        ref: a branch, tag or commit id; ``None`` for the default branch.
        into: the worktree's folder, missing or empty; empty again if this fails.
        session: how git is run.
        wanted: what the ref has been found to mean, if the remote was asked already.
        part: what of the commit is wanted; all of it if None.

    Raises:
        SourceError: no such repository or ref, no access, or ``into`` is not empty.
        StorageError: the disk is full, or a folder cannot be written.
    """
    if into.exists() and (there := contents(into)):
        raise SourceError(f"{into} is not empty", found=there[0].name, expected="an empty folder")
    session = with_access(session, remote)
    if remote.folder:
        warn_of_uncommitted(remote.folder, session)
    make_folder(clone.path)
    translated = Translated(remote, clone.path)
    with exclusive(
        clone.path,
        wait=True,
        on_wait=lambda: log.info(
            "waiting for another workspace of %s", without_credentials(remote.url)
        ),
        while_waiting=session.runner.raise_if_cancelled,
    ):
        _remove_stale_locks(clone.path)
        repository = translated(lambda: _open(clone, session))
        fetched = fetch(repository, remote, ref, session, wanted=wanted, part=part)
        translated(lambda: keep(repository.git, fetched.commit))
        try:
            # The folder of a worktree may have been removed by hand since.
            translated(lambda: repository.git.worktree("prune"))
            # Twice forced: also where a run was killed while git made the worktree, and locked it.
            forced = ("--no-checkout", "--detach", "--force", "--force", str(into), fetched.commit)
            translated(lambda: repository.git.worktree("add", *forced))
            translated(lambda: check_out_at(fetched.commit, into, remote, session, part))
        except BaseException:
            if into.is_dir():
                empty(into, last=".git")
            with contextlib.suppress(ProcessFailed):
                repository.git.worktree("prune")
            raise
    return describe_checkout(into, fetched, remote, session, part)


def _remove_stale_locks(clone: Path) -> None:
    """Remove the lock files of a git that was killed: whoever holds the clone is alone in it."""
    for lock in (*clone.glob("*.lock"), *clone.glob("refs/**/*.lock")):
        log.debug("%s belongs to a run that was killed: removed", lock)
        lock.unlink(missing_ok=True)


def _open(clone: Clone, session: GitSession) -> SessionRepo:
    """The clone's repository; recreated unless it is a whole one of this remote."""
    address = normalise(clone.remote)
    marker = clone.path / "plugin-factory-url"
    if marker.is_file() and marker.read_text(encoding="utf-8") == address:
        return open_repository(clone.path, session)
    if contents(clone.path):
        log.info(
            "%s is not a clone of %s: created again",
            clone.path,
            without_credentials(clone.remote.url),
        )
    empty(clone.path)
    repository = make_repository(clone.path, session, bare=True)
    repository.git.remote("add", "origin", clone.remote.url)
    marker.write_text(address, encoding="utf-8")
    return repository
