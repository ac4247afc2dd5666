"""How git gets in without asking, nor waiting for ever.

Credentials come from the URL, ssh runs in batch mode, and a silent server is given up. Over HTTP
git does that by itself (``http.lowSpeedTime``); git:// has no limit of its own, and what keeps ssh
alive answers for a server that hangs.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from factory.sources.git_process import open_git
from factory.sources.source import without_credentials
from factory.toolchain.child_environment import in_batch_mode

if TYPE_CHECKING:
    from factory.sources.git_process import GitSession
    from factory.sources.source import GitRemote


log = logging.getLogger(__name__)

_WITHOUT_LIMITS = ("git", "ssh")


def with_access(session: GitSession, remote: GitRemote) -> GitSession:
    """Return a session that has a URL's own credentials, and a git and ssh that never ask or hang.

    Credentials reach git through its environment: neither the process list nor the clone's
    configuration shows them. For their host they go before the user's credential helpers.
    """
    if remote.transport in _WITHOUT_LIMITS:
        session = session.watching_silence()
    if remote.transport == "ssh" and not {"GIT_SSH_COMMAND", "GIT_SSH"} & session.env.keys():
        return session.with_variables({"GIT_SSH_COMMAND": in_batch_mode(_ssh_command(session))})
    if remote.transport != "http" or remote.username is None:
        return session
    scope = f"credential.{remote.url.partition('://')[0]}://{remote.host}"
    if remote.password is None:
        return session.with_settings([(f"{scope}.username", remote.username)])
    known = session.with_variables(
        {
            "GIT_FACTORY_USERNAME": remote.username,
            "GIT_FACTORY_PASSWORD": remote.password,
        }
    )
    return known.with_settings([(f"{scope}.helper", ""), (f"{scope}.helper", _URL_CREDENTIALS)])


_URL_CREDENTIALS = (
    '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" '
    '"$GIT_FACTORY_USERNAME" "$GIT_FACTORY_PASSWORD"; }; f'
)


def for_checkout(
    session: GitSession, remote: GitRemote, commit: str, repository: Path
) -> GitSession:
    """Return a session whose git-lfs goes nowhere that the commit's own ``.lfsconfig`` sends it.

    git-lfs-config(5): that file may name any server, which then is sent requests and asked for
    files. The repository's own host is fine, and so is whatever the user has set as ``lfs.url``.
    """
    git = open_git(repository, session)
    _, listed, _ = git.config(
        "--blob",
        f"{commit}:.lfsconfig",
        "-z",
        "--get-regexp",
        r"^(lfs\.url|remote\..*\.lfsurl)$",
        with_extended_output=True,
        with_exceptions=False,
    )
    urls = [entry.partition("\n")[2] for entry in str(listed).split("\0") if "\n" in entry]
    own = urlsplit(f"//{remote.host}").hostname
    elsewhere = [url for url in urls if _host_of(url) != own or not own]
    if not elsewhere:
        return session
    set_by_user, _, _ = git.config("lfs.url", with_extended_output=True, with_exceptions=False)
    if set_by_user == 0:
        return session
    log.warning(
        "the repository's .lfsconfig sends git-lfs to another server, %s: its files stay pointers. "
        "If you trust it, say so with: git config --global lfs.url %s",
        without_credentials(elsewhere[0]),
        without_credentials(elsewhere[0]),
    )
    return session.with_variables({"GIT_LFS_SKIP_SMUDGE": "1"})


def _host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _ssh_command(session: GitSession) -> str:
    """The user's ``core.sshCommand``, which setting GIT_SSH_COMMAND would otherwise hide."""
    git = open_git(Path("/"), session)
    _, command, _ = git.config(
        "--get", "core.sshCommand", with_extended_output=True, with_exceptions=False
    )
    return str(command) or "ssh"
