"""GitPython, with every git process started by the factory's own runner.

GitPython hands its whole environment to git; here each process is the session's. Nothing in it that
keeps a git process open (its object database) can be used; its commands can, such as
``repository.git.fetch(…)``.

This module imports GitPython, which is slow: ``factory/sources/git_process.py`` loads it where it
is needed. GitPython itself would run ``git version`` while it is imported, and wait for it without
end; it is kept from that.
"""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any

from factory.sources.git_process import run_git
from factory.toolchain.runner import ProcessFailed

# GitPython looks for its git as it is imported. It is shown one that is not there, and told to take
# that quietly: then it starts none, and takes the PATH's from then on. Both variables are read from
# what Python knows of the environment alone. That is shown in another form meanwhile, since other
# threads may look at the process's own, which may not be changed then (getenv(3)).
_environment = os.environ
os.environ = {  # type: ignore[assignment]  # noqa: B003 - nothing is to be cleared
    **_environment,
    "GIT_PYTHON_REFRESH": "quiet",
    "GIT_PYTHON_GIT_EXECUTABLE": f"{__file__}.none",
}
try:
    import git
    from git.cmd import Git
finally:
    os.environ = _environment  # noqa: B003 - the same

if TYPE_CHECKING:
    import io
    from collections.abc import Sequence
    from pathlib import Path

    from factory.sources.git_process import GitSession


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
        words = [str(word) for word in command]
        folder = os.fspath(self.working_dir or ".")
        try:
            completed = run_git(words, folder=folder, session=self._session, stdin=stdin)
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
