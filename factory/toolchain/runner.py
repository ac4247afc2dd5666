"""The one place that starts a process.

Every child gets an explicit environment, its own process group and no standard input; its output is
streamed line by line, kept in a log file, and freed of secrets. When the run is cancelled the whole
group is ended: first asked, then killed. So is what has left the group, where the system tells.
When the factory itself is killed, a watchdog ends them.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from factory.errors import Interrupted, Place, StorageError, ToolchainError
from factory.redaction import Redactor
from factory.toolchain.descendants import DESCENDANTS, MARK
from factory.toolchain.last_words import last_words
from factory.toolchain.streams import (
    ANSWER_CHARACTERS,
    GRACE_SECONDS,
    LINE_LIMIT,
    Log,
    Streams,
    signal_group,
)
from factory.toolchain.time_limits import TimeLimits
from factory.toolchain.watchdog import WATCHDOG
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence


_FULL_BELOW = 1 << 20


def on_full_disk(folders: Iterable[Path]) -> Path | None:
    """Return the first of these folders whose disk has less than a megabyte left, if one has."""
    for folder in folders:
        with contextlib.suppress(OSError):  # it is gone, or never was
            if shutil.disk_usage(folder).free < _FULL_BELOW:
                return folder
    return None


DISK_FULL = ("ENOSPC", "No space left on device", "no space left on device")


@dataclass(frozen=True, kw_only=True, slots=True)
class Completed:
    """A process that has ended. ``tail`` is the end of both streams."""

    command: tuple[str, ...]
    returncode: int
    printed: str | None
    tail: str
    seconds: float
    log: Path | None = None

    @property
    def stdout(self) -> str:
        """All of the standard output, as an answer that is to be read.

        Raises:
            ToolchainError: the program printed more than is allowed.
        """
        if self.printed is None:
            raise ToolchainError(
                f"{self.command[0]} printed more than is allowed",
                found=f"over {LINE_LIMIT} characters in a line, or {ANSWER_CHARACTERS} in all",
                log=self.log,
            )
        return self.printed

    @property
    def output(self) -> str:
        """The standard output, for a look at it; of too much, the end of both streams."""
        return self.tail if self.printed is None else self.printed

    @property
    def command_line(self) -> str:
        """The command as one would type it."""
        return shlex.join(self.command)

    @property
    def last_words(self) -> str | None:
        """What it said of its failure: the end of its output, without progress."""
        return last_words(self.tail)


class ProcessFailed(Exception):  # noqa: N818 - a fact about a child, not an error for the user
    """A child process ended with another exit code than 0, or ran out of time.

    Stages turn it into the :class:`~factory.errors.FactoryError` of their own class.
    """

    def __init__(
        self, completed: Completed, *, timed_out: bool = False, fell_silent: bool = False
    ) -> None:
        reason = _end(completed.returncode)
        if timed_out:
            reason = "said nothing more" if fell_silent else "ran out of time"
        super().__init__(f"{completed.command_line}: {reason}")
        self.completed = completed
        self.timed_out = timed_out
        self.fell_silent = fell_silent
        self.reason = reason


class Runner:
    """Starts processes, and ends all that still run when the run is cancelled.

    Safe to use from many threads. ``redact`` is applied to every line before it is kept.
    """

    def __init__(self, redact: Redactor | None = None) -> None:
        self.redact = redact or Redactor()
        self._live: set[subprocess.Popen[bytes]] = set()
        self._branches: set[Runner] = set()
        # Reentrant: a signal handler cancels in the very thread that may be starting a child.
        self._lock = threading.RLock()
        self._starting: int | None = None
        self._cancelled: Interrupted | None = None

    def cancel(self, reason: Interrupted) -> None:
        """End every child and its descendants, and refuse to start any more. Returns at once."""
        with self._lock:
            self._cancelled = self._cancelled or reason
            live, branches = list(self._live), list(self._branches)
        for branch in branches:
            branch.cancel(reason)
        for process in live:
            signal_group(process, signal.SIGTERM)
        reaper = threading.Timer(GRACE_SECONDS, self._kill, args=(live,))
        reaper.daemon = True
        reaper.start()

    @property
    def is_starting_here(self) -> bool:
        """Whether this thread is just starting a child, which no exception may cut in half."""
        here = self._starting == threading.get_ident()
        return here or any(branch.is_starting_here for branch in tuple(self._branches))

    def raise_if_cancelled(self) -> None:
        """Raise the reason if the run has been cancelled."""
        if self._cancelled:
            raise self._cancelled

    @contextlib.contextmanager
    def branch(self) -> Iterator[Runner]:
        """A runner for a part of the work, whose children can be ended without all others.

        They are ended too when this one is cancelled.

        Raises:
            Interrupted: this one has been.
        """
        branch = Runner(self.redact)
        with self._lock:
            self.raise_if_cancelled()
            self._branches.add(branch)
        try:
            yield branch
        finally:
            with self._lock:
                self._branches.discard(branch)

    def run(
        self,
        command: Sequence[str | Path],
        *,
        cwd: Path,
        env: Mapping[str, str],
        log: Path | None = None,
        on_line: Callable[[str], None] | None = None,
        timeout: float | None = None,
        silence: float | None = None,
        stdin: str | None = None,
    ) -> Completed:
        """Run a command to its end and return what it printed.

        Args:
            command: the program and its arguments; never a shell line.
            cwd: the folder to run in.
            env: the whole environment of the child.
            log: a file to which both streams are appended, under a line with the command.
            on_line: called with each line of either stream, secrets masked.
            timeout: seconds of wall time after which the process group is ended.
            silence: seconds without a line of output after which it is ended, too.
            stdin: text for the child's standard input, which is otherwise empty.

        Raises:
            ProcessFailed: the exit code is not 0, or time ran out.
            ToolchainError: there is no such program, or it cannot be started.
            StorageError: the child reports that the disk is full, or the log cannot be written.
            Interrupted: the run was cancelled, before or while the child ran.
        """
        words = tuple(os.fspath(word) for word in command)
        started = time.monotonic()
        with contextlib.ExitStack() as stack:
            sink = stack.enter_context(Log(log)) if log else None
            if sink:
                shown = shlex.join(self.redact(word) for word in words)
                sink.write(f"$ {self.redact(shown)}\n")
                sink.flush()
            process = stack.enter_context(self._start(words, cwd, env, stdin=stdin))
            limits = TimeLimits(
                total=timeout,
                silence=silence,
                expire=lambda: self._expire(process),
            )
            stack.enter_context(limits)

            def heard(line: str) -> None:
                limits.note_line()
                if on_line:
                    on_line(line)

            streams = Streams(self.redact, sink, heard)
            streams.drain(process, stdin)
            returncode = process.wait()
        streams.raise_if_broken()
        completed = Completed(
            command=tuple(self.redact(word) for word in words),
            returncode=returncode,
            printed="".join(streams.stdout) if streams.is_whole else None,
            tail="".join(streams.tail),
            seconds=time.monotonic() - started,
            log=log,
        )
        self.raise_if_cancelled()
        if returncode or limits.passed:
            places = (Path(env[name]) for name in ("TMPDIR", "HOME") if name in env)
            refuse_full_disk(completed.tail, completed.command[0], log, (cwd, *places))
            raise ProcessFailed(completed, timed_out=limits.passed, fell_silent=limits.fell_silent)
        return completed

    @contextlib.contextmanager
    def _start(
        self, words: tuple[str, ...], cwd: Path, env: Mapping[str, str], *, stdin: str | None
    ) -> Iterator[subprocess.Popen[bytes]]:
        mark = DESCENDANTS.next_mark()
        marked = {**env, MARK: mark} if mark else env
        with self._lock:
            self.raise_if_cancelled()
            self._starting = threading.get_ident()
            try:
                process = DESCENDANTS.start_child(lambda: _open(words, cwd, marked, stdin=stdin))
            except BaseException:
                self._starting = None
                raise
            self._live.add(process)
        try:
            WATCHDOG.watch(process.pid)
            self._starting = None
            self.raise_if_cancelled()
            yield process
        finally:
            if self._cancelled:
                signal_group(process, signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(GRACE_SECONDS)
            # Whatever ends the wait, nothing of the child's group outlives it.
            signal_group(process, signal.SIGKILL)
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe:
                    with contextlib.suppress(OSError):
                        pipe.close()
            DESCENDANTS.end(process.pid, mark)
            WATCHDOG.forget(process.pid)
            with self._lock:
                self._live.discard(process)

    def _expire(self, process: subprocess.Popen[bytes]) -> None:
        """Ask a child to end, which lets git remove its lock files, then kill it."""
        signal_group(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
        self._kill([process])

    def _kill(self, processes: list[subprocess.Popen[bytes]]) -> None:
        with self._lock:
            still = [process for process in processes if process in self._live]
        for process in still:
            signal_group(process, signal.SIGKILL)


def _open(
    words: tuple[str, ...], cwd: Path, env: Mapping[str, str], *, stdin: str | None
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            words,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        missing = f"the folder {cwd}" if not cwd.is_dir() else f"the program {words[0]}"
        raise ToolchainError(
            f"{missing} does not exist",
            found=f"PATH={env.get('PATH', '')}",
            hint="install it, or put the folder that it is in on the PATH",
        ) from error
    except (OSError, ValueError) as error:  # not executable, not a program, a NUL in a word
        raise ToolchainError(
            f"{words[0]} cannot be started",
            found=getattr(error, "strerror", None) or str(error),
            expected="a program that this user may run",
        ) from error


def refuse_full_disk(
    output: str, program: str, log: Path | None, folders: Sequence[Path] = ()
) -> None:
    """Raise if a child's output says that a disk is full, whatever else it says.

    Args:
        output: what it printed.
        program: its name.
        log: the file with all of its output.
        folders: where it writes; the error names the one that is full.

    Raises:
        StorageError: it does.
    """
    for line in output.splitlines():
        if any(sign in line for sign in DISK_FULL):
            full = on_full_disk(folders)
            raise StorageError(
                f"the disk is full: {program} could not write",
                place=Place(file=full) if full else None,
                found=line.strip(),
                hint="free some space (df -h shows where) and run the same command again",
                log=log,
            )


def _end(returncode: int) -> str:
    """How a process ended; a shell reports a signal of a child of its own as 128 and its number."""
    number = -returncode if returncode < 0 else returncode - 128
    if number not in set(signal.Signals):
        return f"exit code {returncode}"
    name = signal.Signals(number).name
    hint = ", perhaps because memory ran out" if number == signal.SIGKILL else ""
    return f"killed by {name}{hint}"


class LoggedRunner(Runner):
    """Another runner, whose children it starts, with a log and a listener for those without.

    Attributes:
        log: the file that the output of children is appended to.
        on_line: is told of each line that they print.
    """

    def __init__(self, runner: Runner, *, log: Path, on_line: Callable[[str], None]) -> None:
        super().__init__(runner.redact)
        self._runner = runner
        self.log = log
        self.on_line = on_line

    def cancel(self, reason: Interrupted) -> None:
        """End every child of the runner, also those that were not started here."""
        self._runner.cancel(reason)

    def raise_if_cancelled(self) -> None:
        """Raise the reason if the run has been cancelled."""
        self._runner.raise_if_cancelled()

    @contextlib.contextmanager
    def branch(self) -> Iterator[Runner]:
        """A branch of the runner that starts the children; it has no log."""
        with self._runner.branch() as branch:
            yield branch

    def run(
        self,
        command: Sequence[str | Path],
        *,
        cwd: Path,
        env: Mapping[str, str],
        log: Path | None = None,
        on_line: Callable[[str], None] | None = None,
        timeout: float | None = None,
        silence: float | None = None,
        stdin: str | None = None,
    ) -> Completed:
        """Run a command as :meth:`Runner.run` does."""
        return self._runner.run(
            command,
            cwd=cwd,
            env=env,
            log=log or self.log,
            on_line=on_line or self.on_line,
            timeout=timeout,
            silence=silence,
            stdin=stdin,
        )
