"""GitPython, with every git process started by the factory's own runner.

GitPython hands its whole environment to git. Here each process gets an explicit one, belongs to a
process group that ends with the run, is streamed, logged and freed of secrets, like every other
child. Nothing in GitPython that keeps a git process open (its object database) can be used; its
commands (``repository.git.fetch(…)``) can.

This module imports GitPython, which is slow: import it where it is needed. GitPython itself would
run ``git version`` while it is imported, and wait for it without end; it is kept from that.
"""

from __future__ import annotations

import functools
import os
import re
import time
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from factory.values import dataclass

# GitPython looks for its git as it is imported. It is shown one that is not there, and told to take
# that quietly: then it starts none, and takes the PATH's from then on. Both variables are read from
# the process's environment alone, which is as it was right afterwards.
_FOR_IMPORT = {"GIT_PYTHON_REFRESH": "quiet", "GIT_PYTHON_GIT_EXECUTABLE": f"{__file__}.none"}
_before = {name: os.environ.get(name) for name in _FOR_IMPORT}
os.environ.update(_FOR_IMPORT)
try:
    import git
    from git.cmd import Git
finally:
    for _name, _value in _before.items():
        os.environ.pop(_name)
        if _value is not None:
            os.environ[_name] = _value

from factory.toolchain.runner import ProcessFailed, Runner  # noqa: E402

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Mapping, Sequence

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
_PROGRESS = re.compile(r":\s+\d+% \(")
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


class SessionGit(Git):
    """GitPython's command object, whose processes the session's runner starts."""

    def __init__(self, working_dir: str | Path | None, *, session: GitSession) -> None:
        super().__init__(working_dir)
        self._session = session

    def execute(  # type: ignore[override]  # noqa: PLR0917 - GitPython's, without its overloads
        self,
        command: str | Sequence[Any],
        istream: int | io.IOBase | None = None,
        with_extended_output: bool = False,
        with_exceptions: bool = True,
        as_process: bool = False,
        strip_newline_in_stdout: bool = True,
        stdin: str | None = None,
        **_: Any,
    ) -> str | tuple[int, str, str]:
        """Run git to its end and return what it printed.

        Raises:
            ProcessFailed: git ended with another exit code than 0.
            NotImplementedError: for what cannot go through the runner, an open process or a pipe.
        """
        if as_process or istream is not None or isinstance(command, str):
            raise NotImplementedError("git processes of the factory run to their end")
        session = self._session
        try:
            completed = session.runner.run(
                [str(word) for word in command],
                cwd=Path(self.working_dir or "."),
                env={**_CONFINED, **session.with_settings(_ALWAYS).env},
                log=session.log,
                timeout=ANSWER_SECONDS if "ls-remote" in command else None,
                silence=SILENCE_SECONDS if session.watches_silence and _FETCH in command else None,
                on_line=_thin_out(session.on_line) if _TRANSFERS & set(command) else None,
                stdin=stdin,
            )
        except ProcessFailed as failure:
            if with_exceptions:
                raise
            completed = failure.completed
        stdout = completed.stdout
        if strip_newline_in_stdout:
            stdout = stdout.removesuffix("\n")
        if with_extended_output:
            return completed.returncode, stdout, completed.tail
        return stdout

    def feed(self, text: str, *words: str) -> str:
        """Run git with words, and a text as its standard input; return what it printed.

        Raises:
            ProcessFailed: git ended with another exit code than 0.
        """
        return str(self.execute([self.GIT_PYTHON_GIT_EXECUTABLE, *words], stdin=text))


class SessionRepo(git.Repo):
    """GitPython's repository, all of whose commands go through :class:`SessionGit`."""

    def __init__(self, path: Path, *, session: GitSession) -> None:
        self.GitCommandWrapperType = functools.partial(  # type: ignore[assignment]
            SessionGit, session=session
        )
        super().__init__(path, expand_vars=False)
        # GitPython takes a bare repository for another's where git has moved `core.bare` to
        # config.worktree, as it does once a worktree has settings of its own.
        self.git = SessionGit(path, session=session)
        self.folder = path


def initialise(path: Path, session: GitSession, *, bare: bool = False) -> SessionRepo:
    """Make an empty repository in an existing folder and return it.

    Without the user's template: it may bring hooks.
    """
    options = ["--quiet", "--template=", "--initial-branch=main", *(["--bare"] if bare else [])]
    SessionGit(path, session=session).init(*options)
    return SessionRepo(path, session=session)


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
