"""Ctrl-C and SIGTERM: every child is ended, and the run unwinds as any error does."""

from __future__ import annotations

import contextlib
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

    def end(number: int, _frame: FrameType | None) -> None:
        nonlocal reason
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
        yield
    except Exception as error:
        if reason is None or error is reason:
            raise
        raise reason from error
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
