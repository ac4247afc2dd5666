"""What is being made just now: what two workspaces of a run want is made by one of them."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

POLL_SECONDS = 0.1


class InFlight:
    """The keys that the workspaces of a run are at work on. Safe to use from many threads."""

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def claimed(self, keys: Iterable[str]) -> Iterator[frozenset[str]]:
        """Claim keys for a workspace, and give those that no other workspace has claimed.

        Those that remain claimed are free again when the context ends.
        """
        with self._changed:
            mine = set(keys) - self._keys
            self._keys |= mine
        try:
            yield frozenset(mine)
        finally:
            for key in mine:
                self.ended(key)

    def ended(self, key: str) -> None:
        """Say that a key's plugin has been built, or has failed; others need not wait for it."""
        with self._changed:
            self._keys.discard(key)
            self._changed.notify_all()

    def wait(self, keys: Iterable[str], while_waiting: Callable[[], None]) -> None:
        """Wait until nobody is at work on ``keys``.

        Whoever waits must have built what it has claimed itself: so no two wait for each other.

        Args:
            keys: what to wait for.
            while_waiting: called about ten times a second; whatever it raises ends the wait.
        """
        wanted = set(keys)
        with self._changed:
            while wanted & self._keys:
                self._changed.wait(POLL_SECONDS)
                while_waiting()
