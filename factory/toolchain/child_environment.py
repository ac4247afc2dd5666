"""What a child process may see: a documented choice of variables, never the whole environment.

A build's environment holds secrets that most of its programs have no use for: the registry's
password is the factory's own business, not git's. Each kind of child therefore names the groups of
variables that it needs; what is in no group does not reach it.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from factory.config.environment import Environment


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """A group of variables that a kind of child may see, and why."""

    why: str
    names: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()

    def covers(self, name: str) -> bool:
        """Whether the group holds a variable of this name."""
        return name in self.names or name.startswith(self.prefixes)


SYSTEM = Allowance(
    why="finding programs, the user's own settings, a place for temporary files, the language",
    names=frozenset({"PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH"}),
    prefixes=("LC_", "XDG_"),
)
PROXIES = Allowance(
    why="reaching the network from behind a proxy; curl reads the lower-case spelling of each",
    names=frozenset(
        spelling
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
        for spelling in (name, name.lower())
    ),
)
CERTIFICATES = Allowance(
    why="trusting a company's own certificate authority",
    names=frozenset({"SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"}),
)
GIT = Allowance(
    why="git's own settings, among them GIT_SSH_COMMAND, GIT_SSL_CAINFO and GIT_CONFIG_COUNT; "
    "a credential helper that reads a variable finds it if its name starts with GIT_",
    prefixes=("GIT_",),
)
GIT_CREDENTIALS = Allowance(
    why="what ssh, Kerberos and the usual credential helpers (gh, glab, libsecret, Git Credential "
    "Manager) read to log in to a git host without asking",
    names=frozenset(
        {
            "SSH_AUTH_SOCK",
            "SSH_AGENT_PID",
            "KRB5CCNAME",
            "KRB5_CONFIG",
            "DBUS_SESSION_BUS_ADDRESS",
            "GH_TOKEN",
            "GH_HOST",
            "GH_CONFIG_DIR",
            "GH_ENTERPRISE_TOKEN",
            "GITHUB_TOKEN",
            "GITHUB_ENTERPRISE_TOKEN",
            "GITLAB_TOKEN",
            "GITLAB_HOST",
        }
    ),
    prefixes=("GCM_",),
)

PIP = Allowance(
    why="pip's own settings, among them the index that Node.js is installed from",
    prefixes=("PIP_",),
)

MANIFEST_FILE = "BACKSTAGE_MANIFEST_FILE"
VERSIONS_URL = "BACKSTAGE_VERSIONS_BASE_URL"
RELEASES = Allowance(
    why="finding out what backstage:^ means: a manifest of the Backstage release, or a server that "
    "has them",
    names=frozenset({MANIFEST_FILE, VERSIONS_URL}),
)

BASE_CHILD = (SYSTEM, PROXIES, CERTIFICATES)
NODE_CHILD = (*BASE_CHILD, RELEASES)
PIP_CHILD = (*BASE_CHILD, PIP)
GIT_CHILD = (*BASE_CHILD, GIT, GIT_CREDENTIALS)

# These bind git to one repository (`git rev-parse --local-env-vars`): in a git hook, or a shell
# that has them set, they would turn every command of ours onto the wrong one.
BOUND_TO_A_REPOSITORY = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_CEILING_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_NAMESPACE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_QUARANTINE_PATH",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_TEMPLATE_DIR",
        "GIT_WORK_TREE",
    }
)

# Nothing may ask: an empty GIT_ASKPASS hides core.askPass as well (gitcredentials(7)), ssh asks
# through no window, Git Credential Manager opens none. Messages are English, since the reasons of
# a failure are read out of them.
NEVER_ASK = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "SSH_ASKPASS_REQUIRE": "never",
    "GCM_INTERACTIVE": "never",
    "LC_ALL": "C",
    "LANGUAGE": "C",
}
# Never asking, and not waiting for ever either: a host that is silent for two minutes is gone.
BATCH_MODE = "-o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=40"


def base_environment(environment: Environment) -> dict[str, str]:
    """Return what every child may see, and nothing else."""
    return _choose(environment.variables, BASE_CHILD)


def release_variables(environment: Environment) -> dict[str, str]:
    """Return the variables by which tools look up a release of Backstage; no other BACKSTAGE_*."""
    return _choose(environment.variables, (RELEASES,))


def pip_environment(environment: Environment) -> dict[str, str]:
    """Return the whole environment of a pip process."""
    return _choose(environment.variables, PIP_CHILD)


def git_environment(environment: Environment) -> dict[str, str]:
    """Return the whole environment of a git process: what it may see, and that it must never ask.

    The user's own credential helpers, ssh agent and ``GIT_SSH_COMMAND`` stay in force.
    """
    chosen = _choose(environment.variables, GIT_CHILD)
    for name in BOUND_TO_A_REPOSITORY:
        chosen.pop(name, None)
    if command := chosen.get("GIT_SSH_COMMAND"):
        chosen["GIT_SSH_COMMAND"] = in_batch_mode(command)
    return chosen | NEVER_ASK


def in_batch_mode(ssh_command: str) -> str:
    """Return an ssh command that never asks, or the command as it is when it is not OpenSSH's.

    A wrapper script of the user's need not understand ``-o``; git makes the same difference by the
    program's name (``ssh.variant`` in git-config(1)).
    """
    words = ssh_command.split()
    is_openssh = bool(words) and PurePath(words[0].strip("'\"")).name == "ssh"
    return f"{ssh_command} {BATCH_MODE}" if is_openssh else ssh_command


def _choose(variables: Mapping[str, str], allowances: tuple[Allowance, ...]) -> dict[str, str]:
    return {
        name: value
        for name, value in variables.items()
        if any(allowance.covers(name) for allowance in allowances)
    }
