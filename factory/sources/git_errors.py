"""Why git failed, read out of its messages, and what the user can do about it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

from factory.errors import Place, SourceError, StorageError
from factory.patterns import lazy_pattern
from factory.sources.source import without_credentials
from factory.toolchain.runner import ProcessFailed, on_full_disk
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from factory.sources.source import GitRemote

_T = TypeVar("_T")
Kind: TypeAlias = Literal["password", "refused", "unknown", "owner", "damaged", "network", "other"]

OLDEST_GIT = "2.31"
"""The first version that does all that is asked of it."""

_DISK = lazy_pattern("Out of diskspace|Disk quota exceeded")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reason:
    kind: Kind
    signs: re.Pattern[str]
    problem: str
    hint: str


_OTHER = _Reason(
    kind="other",
    signs=re.compile(""),
    problem="git could not fetch the repository",
    hint="the lines with a bar are git's own output",
)
_NETWORK = _Reason(
    kind="network",
    signs=re.compile(
        "Could not resolve|Connection refused|Connection reset|timed out|Failed to connect"
        "|Could not connect|Couldn't connect|Network is unreachable|No route to host"
        "|SSL|certificate|Operation too slow|early EOF|hung up|unexpected disconnect"
        "|transfer closed|Empty reply|error: (429|5\\d\\d)",
        re.IGNORECASE,
    ),
    problem="the repository's server cannot be reached, or closed the connection",
    hint="check the host's name, the network, and the proxy and certificate variables "
    "(HTTPS_PROXY, SSL_CERT_FILE); then run the same command again",
)
_REASONS = (
    # Before the network: a server whose repository is damaged breaks off, too.
    _Reason(
        kind="damaged",
        signs=re.compile(
            r"repository corruption|\bis corrupt\b|corrupt (loose|patch|pack)|corrupted? "
            r"|object file \S+ is empty|incorrect (data|header) check|unable to unpack \S+ header"
            r"|missing (blob|tree|commit) object|did not send all necessary objects"
            r"|unable to read (tree|sha1 file|[0-9a-f]{40})|Could not read [0-9a-f]{40}"
            r"|pack has bad object|bad (tree|blob) object|Failed to traverse parents"
            r"|(packfile|index file) \S+ (is|cannot|does)|unable to parse object|bad pack header"
        ),
        problem="the repository is damaged: something is missing or cannot be read",
        hint="git fsck, run where the repository is, shows what is damaged; name another ref, or "
        "another copy of the repository",
    ),
    # Before the rest: old servers hang up after saying so, which is not a fault of the network.
    replace(_OTHER, signs=re.compile(r"not our ref|unadvertised object|want \S+ not valid")),
    _Reason(
        kind="owner",
        signs=re.compile("dubious ownership"),
        problem="git does not trust the repository: it belongs to another user",
        hint="git config --global --add safe.directory {url}",
    ),
    _Reason(
        kind="password",
        signs=re.compile(
            "could not read (Username|Password)|terminal prompts disabled|Authentication failed"
            "|Invalid username or password|HTTP Basic: Access denied|error: 401|unable to get pass",
            re.IGNORECASE,
        ),
        problem="the repository requires a user name and password, and no valid ones are known"
        " (some hosts ask for them when there is no such repository)",
        hint="check the URL; then give credentials to git with a credential helper "
        "(git config --global credential.helper …), or write https://USER:TOKEN@{host}/… as the "
        "repository, or use its ssh address. The factory never asks for a password.",
    ),
    _Reason(
        kind="refused",
        signs=re.compile("Host key verification failed"),
        problem="the ssh server's host key is not known",
        hint="check the host's fingerprint and add it: ssh-keyscan {host} >> ~/.ssh/known_hosts",
    ),
    _Reason(
        kind="refused",
        signs=re.compile(r"Permission denied \(|Too many authentication failures"),
        problem="the ssh server refuses every key that was offered",
        hint="add the right key to the agent (ssh-add FILE) and pass SSH_AUTH_SOCK on, or set "
        'GIT_SSH_COMMAND="ssh -i FILE"',
    ),
    _Reason(
        kind="refused",
        signs=re.compile(r"error: 403\b"),
        problem="the server refuses access to the repository",
        hint="use credentials with read access",
    ),
    _Reason(
        kind="unknown",
        signs=re.compile(
            r"not found|does not appear to be a git repository|not a git repository"
            r"|does not exist|access denied or repository not exported|error: 404\b|not valid: is",
            re.IGNORECASE,
        ),
        problem="there is no such repository",
        hint="check the repository's URL",
    ),
    _NETWORK,
)
# A missing host or a refused connection are answers; what may go away by itself is tried again.
_PASSING = lazy_pattern(
    r"Connection reset|timed out|Operation too slow|early EOF|hung up|unexpected disconnect"
    r"|transfer closed|Empty reply|Temporary failure|error: (429|5\d\d)",
    re.IGNORECASE,
)


def kind_of(failure: ProcessFailed) -> Kind:
    """Return what sort of failure git's messages tell of."""
    return _reason(failure).kind


def may_pass(failure: ProcessFailed) -> bool:
    """Whether the same command may work a little later: the connection broke, the server failed."""
    if failure.timed_out:
        return failure.fell_silent
    return kind_of(failure) == "network" and bool(_PASSING.search(failure.completed.tail))


def source_error(failure: ProcessFailed, remote: GitRemote) -> SourceError:
    """Return the error to show for a failed git command on a remote, without any credentials."""
    reason = _reason(failure)
    url = without_credentials(remote.url)
    return SourceError(
        f"{reason.problem}: {url}",
        found=failure.reason,
        hint=reason.hint.format(url=url, host=remote.host),
        details=failure.completed.last_words,
        log=failure.completed.log,
    )


def storage_error(failure: ProcessFailed, folder: Path) -> StorageError | None:
    """Return the error for a failed git command if the reason is the disk, otherwise ``None``.

    Checking files out, git names those that it could not write but not why.
    """
    text = failure.completed.tail
    unwritten = "unable to write" in text and on_full_disk((folder,)) is not None
    if not unwritten and not _DISK.search(text):
        return None
    return StorageError(
        f"the disk is full: git could not write to {folder}",
        place=Place(file=folder),
        found=next(line for line in text.splitlines() if "write" in line or _DISK.search(line)),
        hint="free some space (df -h shows where) and run the same command again",
        log=failure.completed.log,
    )


class Translated:
    """Runs an action whose failing git command becomes the error that a user can read."""

    def __init__(self, remote: GitRemote, folder: Path) -> None:
        self._remote = remote
        self._folder = folder

    def __call__(self, action: Callable[[], _T]) -> _T:
        """Return what the action returns."""
        try:
            return action()
        except ProcessFailed as failure:
            full = storage_error(failure, self._folder)
            raise full or source_error(failure, self._remote) from failure


def _reason(failure: ProcessFailed) -> _Reason:
    text = failure.completed.tail
    if failure.timed_out:
        return _NETWORK
    return next((reason for reason in _REASONS if reason.signs.search(text)), _OTHER)
