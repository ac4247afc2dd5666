"""Where code comes from, as the user wrote it, and what has been made of it."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

from factory.errors import SourceError
from factory.patterns import lazy_pattern
from factory.values import dataclass

Transport: TypeAlias = Literal["http", "ssh", "git", "file"]

_SCHEMES: dict[str, Transport] = {
    "http": "http",
    "https": "http",
    "ssh": "ssh",
    "git+ssh": "ssh",
    "ssh+git": "ssh",
    "git": "git",
}
# What git takes for a scheme, and for the name of a program git-remote-NAME that it then runs
# (gitremote-helpers(7)): it may begin with a digit.
_NAME = r"[A-Za-z0-9][A-Za-z0-9+.-]*"
_SCHEME = lazy_pattern(rf"^({_NAME})://")
_HELPER = lazy_pattern(rf"^{_NAME}::")
_CONTROL = lazy_pattern(r"[\x00-\x1f\x7f]")
# git's own rule (git-fetch(1), "GIT URLS"): a colon before the first slash means a host.
_SCP = lazy_pattern(r"^(?P<user>[^/:@]+@)?(?P<host>\[[^\]/]+\]|[^/:]+):(?P<path>.+)$")
_LOOKS_LIKE_A_HOST = lazy_pattern(r"^[\w-]+(\.[\w-]+)+/[^/]+/")
# git-check-ref-format(1), and no revision expressions (main~1), which need the history.
BAD_REF = lazy_pattern(r"^-|^/|/$|\.\.|@\{|//|\.lock(?:/|$)|\.$|(?:^|/)\.|[\x00-\x20\x7f~^:?*\[\\]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A repository or folder, and the branch, tag or commit id wanted of it.

    ``repo`` may hold a password, which is why it is not shown. A relative path counts from
    ``relative_to``, the configuration directory. Without ``ref`` the default branch is meant.
    """

    repo: str = field(repr=False)
    ref: str | None = None
    relative_to: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkout:
    """Code that has been brought: where it is, and what it is.

    ``commit`` is the full id, ``ref`` the branch, tag or id it was found by, and ``committed_at``
    seconds since 1970, all ``None`` for a plain folder. ``url`` is fit to be shown: no credentials.
    """

    root: Path
    commit: str | None
    ref: str | None
    committed_at: int | None
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GitRemote:
    """A git repository as git is to be given it: credentials are kept apart from the URL.

    ``folder`` is set when it is on this machine.
    """

    url: str
    transport: Transport
    host: str = ""
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    folder: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PlainFolder:
    """A folder that is not the top of a git repository."""

    path: Path


def locate(source: Source) -> GitRemote | PlainFolder:
    """Return what a source's ``repo`` means, without touching the network.

    A folder that is itself the top of a git repository, or a bare one, is git; any other folder is
    plain.

    Raises:
        SourceError: no such folder, a URL that git is not to be given, or a ref that is not valid.
    """
    if source.ref is not None:
        _refuse_bad_ref(source.ref)
    repo = source.repo.strip()
    if not repo or repo.startswith("-") or _HELPER.match(repo) or _CONTROL.search(repo):
        raise SourceError(
            "the repository is neither a URL nor a folder",
            found=ascii(repo.split("::")[0] if repo else repo),
            expected=_EXPECTED,
        )
    if scheme := _SCHEME.match(repo):
        return _from_url(repo, scheme[1].lower(), source)
    if not repo.startswith(("/", ".", "~")) and (scp := _SCP.match(repo)):
        if "@" in scp["path"].partition("/")[0]:
            raise SourceError(
                "the repository looks like credentials and a host without https:// before them",
                expected=_EXPECTED,
            )
        _refuse_options(scp["host"], scp["path"])
        return GitRemote(url=repo, transport="ssh", host=scp["host"])
    return _from_folder(repo, source)


_EXPECTED = "an https://, ssh://, git:// or file:// URL, user@host:path, or a folder"


def _refuse_bad_ref(ref: str) -> None:
    if not ref or BAD_REF.search(ref):
        raise SourceError(
            "the ref is not a valid name of a branch, tag or commit",
            found=repr(ref),
            expected="a branch, a tag, or a commit id",
        )


def _from_url(repo: str, scheme: str, source: Source) -> GitRemote | PlainFolder:
    parts = _split(repo)
    if scheme == "file":
        if parts.netloc not in {"", "localhost"}:
            raise SourceError(
                "a file:// URL is for this machine, and names another one",
                found=without_credentials(repo),
                expected=f"file://{parts.path}",
            )
        return _from_folder(unquote(parts.path), source)
    transport = _SCHEMES.get(scheme)
    if transport is None or not parts.hostname:
        raise SourceError(
            "the repository's URL cannot be used",
            found=without_credentials(repo),
            expected=_EXPECTED,
        )
    host = parts.netloc.rpartition("@")[2]
    _refuse_options(host, parts.path.lstrip("/") if transport in {"ssh", "git"} else "")
    _refuse_options((parts.username or "").lstrip(), "")
    for secret in (parts.username, parts.password):
        if secret and _CONTROL.search(unquote(secret)):
            raise SourceError(
                "the user name or password in the repository's URL has a control character",
                found=without_credentials(repo),
                expected="characters that git's credential protocol allows; no line breaks",
            )
    if transport != "http":
        # ssh takes no password from a URL; it would only end up in the clone's configuration.
        user = f"{parts.username}@" if parts.username else ""
        url = parts._replace(netloc=f"{user}{host}").geturl()
        return GitRemote(url=url, transport=transport, host=parts.hostname)
    return GitRemote(
        url=parts._replace(netloc=host).geturl(),
        transport=transport,
        host=host,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password is not None else None,
    )


def _refuse_options(host: str, path: str) -> None:
    """Raise for what ssh, or a program at the other end, would take for an option.

    git blocks most of it, too, from version to version more (CVE-2017-1000117 was the first).
    """
    if host.startswith("-") or path.startswith("-"):
        raise SourceError(
            "the repository's address has a part that begins with a dash",
            found=ascii(host if host.startswith("-") else path),
            expected="a host and a path; programs read a word with a dash as an option",
        )


def _split(repo: str) -> SplitResult:
    try:
        parts = urlsplit(repo)
        _ = parts.port
    except ValueError:
        # Neither the URL nor the reason is shown: what cannot be read may be a password.
        raise SourceError(
            "the repository's URL cannot be read",
            found=f"{repo.partition('://')[0]}://…",
            expected=_EXPECTED,
            hint="in a user name or password write / as %2F, @ as %40, : as %3A and # as %23",
        ) from None
    return parts


def _from_folder(repo: str, source: Source) -> GitRemote | PlainFolder:
    path = source.relative_to / _expand(repo)
    if not path.is_dir():
        host_like = _LOOKS_LIKE_A_HOST.match(repo)
        raise SourceError(
            "the source folder does not exist"
            if not path.exists()
            else "the source is not a folder",
            found=str(path),
            expected=_EXPECTED,
            hint=f"for a repository on a server write https://{repo}" if host_like else None,
        )
    path = path.resolve()
    if is_git_repository(path):
        return GitRemote(url=str(path), transport="file", folder=path)
    if source.ref is not None:
        raise SourceError(
            f"the source folder {path} is not a git repository, so it has no ref",
            found=f"ref {source.ref!r}",
            hint="leave the ref out, or name the top folder of a git repository",
        )
    return PlainFolder(path=path)


def _expand(repo: str) -> Path:
    try:
        return Path(repo).expanduser()
    except RuntimeError as error:  # no such user
        raise SourceError(
            "the source folder does not exist", found=repr(repo), expected=_EXPECTED
        ) from error


def is_git_repository(path: Path) -> bool:
    """Whether a folder is the top of a git repository, a worktree of one, or a bare one."""
    if (path / ".git").exists():
        return True
    return (path / "HEAD").is_file() and all((path / d).is_dir() for d in ("objects", "refs"))


def repository_around(folder: Path) -> Path | None:
    """Return the git repository that a folder is, or is in: the innermost one; None for none."""
    return next((each for each in (folder, *folder.parents) if is_git_repository(each)), None)


def without_credentials(repo: str) -> str:
    """Return a repository's URL or path without credentials: fit for messages and reports.

    The user of an ssh address stays, since it is part of the address and no secret.
    """
    scheme = _SCHEME.match(repo)
    if not scheme:
        return repo
    head, _, rest = repo.partition("://")
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    if at and head.lower() in {"ssh", "git+ssh", "ssh+git"}:
        host = f"{user.partition(':')[0]}@{host}"
    path = path.partition("?")[0]
    return f"{head}://{host}{slash}{path}"
