"""Ctrl-C and SIGTERM: every child is ended, and the run unwinds as any error does."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from typing import TYPE_CHECKING

from factory.errors import Interrupted, Terminated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from factory.toolchain.runner import Runner

_REASONS: dict[signal.Signals, type[Interrupted]] = {
    signal.SIGINT: Interrupted,
    signal.SIGTERM: Terminated,
    signal.SIGHUP: Terminated,
}


# Seconds that the main thread has to deal with a signal before it is told once more.
_PROMPTLY = 0.2


@contextlib.contextmanager
def ending_on_signals(runner: Runner) -> Iterator[None]:
    """Turn signals into an exception in the main thread, after ending the runner's children.

    A second signal while the first is being dealt with is ignored: what unwinds is quick, and must
    not be cut short. Does nothing outside the main thread, where Python delivers no signals.

    Raises:
        Interrupted: a signal came; its subclass says which.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    reason: Interrupted | None = None
    dealt_with = threading.Event()

    def end(number: int, _frame: FrameType | None) -> None:
        nonlocal reason
        dealt_with.set()
        for each in _REASONS:
            signal.signal(each, signal.SIG_IGN)
        reason = _REASONS[signal.Signals(number)](
            f"the run was ended by {signal.Signals(number).name}",
            hint="run the same command again to start over",
        )
        runner.cancel(reason)
        if not runner.is_starting_here:  # else the runner raises it, once it can end that child
            raise reason

    before = {each: signal.signal(each, end) for each in _REASONS}
    try:
        with _insisting_on_signals(dealt_with):
            yield
    except Exception as error:
        if reason is None or error is reason:
            raise
        raise reason from error
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextlib.contextmanager
def _insisting_on_signals(dealt_with: threading.Event) -> Iterator[None]:
    """Tell the main thread of a signal until it deals with it.

    Python's handlers run in the main thread, when it runs. A signal that another thread gets, or
    that comes just before the main thread begins to wait, does not end that wait: without this, a
    run would go on until a plugin is built (docs.python.org/3/library/signal.html, "Execution of
    Python signal handlers").
    """
    main = threading.get_ident()
    told, tell = os.pipe()
    os.set_blocking(tell, False)

    def insist() -> None:
        for number in iter(lambda: os.read(told, 1), b""):
            while number[0] in _REASONS and not dealt_with.wait(_PROMPTLY):
                signal.pthread_kill(main, number[0])

    thread = threading.Thread(target=insist, name="signals", daemon=True)
    thread.start()
    former = signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(former)
        dealt_with.set()
        os.close(tell)  # which ends the thread
        thread.join()
        os.close(told)
