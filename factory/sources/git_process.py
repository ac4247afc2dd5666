"""Git processes, all of which the factory's own runner starts.

Each gets an explicit environment, belongs to a process group that ends with the run, is streamed,
logged and freed of secrets, like every other child. GitPython, which makes their words, is slow to
load: it is loaded with the first of them (``factory/sources/session_git.py``).
"""

from __future__ import annotations

import time
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType

    from factory.sources.session_git import SessionGit, SessionRepo
    from factory.toolchain.runner import Completed, Runner

# What has to hold for every command, whatever the user's own git configuration says.
_ALWAYS = (
    # No code of a repository's or of the user's templates runs by our checking out.
    ("core.hooksPath", "/dev/null"),
    # The same commit is the same bytes on every machine.
    ("core.autocrlf", "false"),
    # No housekeeping that outlives the command in the background.
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("submodule.recurse", "false"),
    # No program that a repository's own configuration names, or its attributes ask for.
    ("core.fsmonitor", "false"),
    ("core.pager", "cat"),
    ("log.showSignature", "false"),
    # What is git's own folder on any filesystem is on none checked out.
    ("core.protectHFS", "true"),
    ("core.protectNTFS", "true"),
    ("advice.detachedHead", "false"),
    # A server that sends less than 1 kB/s for a minute is taken for dead.
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "60"),
)
# Whatever a repository says, its redirections and its promises included, git goes no other way
# (git(1), GIT_ALLOW_PROTOCOL), and fetches nothing in passing (GIT_NO_LAZY_FETCH).
_CONFINED = {"GIT_ALLOW_PROTOCOL": "http:https:ssh:git:file", "GIT_NO_LAZY_FETCH": "1"}
# Commands whose lines tell of progress; the others answer questions of ours.
_FETCH = "fetch"
_TRANSFERS = {_FETCH, "checkout", "worktree"}
# Asking a server for its refs takes seconds; one that does not answer at all is given up.
ANSWER_SECONDS = 120.0
# While anything comes, git tells of its progress every second.
SILENCE_SECONDS = 60.0
_PROGRESS = lazy_pattern(r":\s+\d+% \(")
_PROGRESS_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class GitSession:
    """How git processes are run: by whom, with what environment, and who hears their lines.

    ``watches_silence`` is for a server that git itself would wait for without end: a fetch that
    says nothing for a minute is given up.
    """

    runner: Runner
    env: Mapping[str, str] = field(repr=False)
    on_line: Callable[[str], None] | None = None
    log: Path | None = None
    watches_silence: bool = False

    def watching_silence(self) -> GitSession:
        """Return a session that gives up a server that has stopped to send."""
        return replace(self, watches_silence=True)

    def with_variables(self, variables: Mapping[str, str]) -> GitSession:
        """Return a session whose processes have further variables."""
        return replace(self, env={**self.env, **variables})

    def with_settings(self, settings: Sequence[tuple[str, str]]) -> GitSession:
        """Return a session whose git commands have further settings, as ``git -c`` would give.

        They travel in the environment (``GIT_CONFIG_COUNT``, git-config(1)), where no other user of
        the machine sees them, and come after those that the user has put there.
        """
        count = int(self.env.get("GIT_CONFIG_COUNT") or 0)
        more = {"GIT_CONFIG_COUNT": str(count + len(settings))}
        for number, (name, value) in enumerate(settings, start=count):
            more[f"GIT_CONFIG_KEY_{number}"] = name
            more[f"GIT_CONFIG_VALUE_{number}"] = value
        return self.with_variables(more)


def run_git(
    words: Sequence[str],
    *,
    folder: str | Path,
    session: GitSession,
    stdin: str | None = None,
) -> Completed:
    """Run git to its end, within the limits of a session.

    Raises:
        ProcessFailed: git ended with another exit code than 0.
    """
    return session.runner.run(
        list(words),
        cwd=Path(folder),
        env={**_CONFINED, **session.with_settings(_ALWAYS).env},
        log=session.log,
        timeout=ANSWER_SECONDS if "ls-remote" in words else None,
        silence=SILENCE_SECONDS if session.watches_silence and _FETCH in words else None,
        on_line=_thin_out(session.on_line) if _TRANSFERS & set(words) else None,
        stdin=stdin,
    )


def open_git(folder: str | Path | None, session: GitSession) -> SessionGit:
    """Return git's commands for a folder, or for none."""
    made: SessionGit = _session_git().SessionGit(folder, session=session)
    return made


def open_repository(path: Path, session: GitSession) -> SessionRepo:
    """Return the repository that is in a folder."""
    made: SessionRepo = _session_git().SessionRepo(path, session=session)
    return made


def make_repository(path: Path, session: GitSession, *, bare: bool = False) -> SessionRepo:
    """Make an empty repository in an existing folder and return it.

    Without the user's template: it may bring hooks.
    """
    options = ["--quiet", "--template=", "--initial-branch=main", *(["--bare"] if bare else [])]
    open_git(path, session).init(*options)
    return open_repository(path, session)


def _session_git() -> ModuleType:
    from factory.sources import session_git  # noqa: PLC0415 - GitPython loads slowly

    return session_git


def _thin_out(
    on_line: Callable[[str], None] | None,
) -> Callable[[str], None] | None:
    """Thin git's progress out: it repaints one line hundreds of times, we would print each."""
    if on_line is None:
        return None
    last = 0.0

    def passing(line: str) -> None:
        nonlocal last
        if _PROGRESS.search(line) and "100%" not in line:
            if time.monotonic() - last < _PROGRESS_SECONDS:
                return
            last = time.monotonic()
        on_line(line)

    return passing
