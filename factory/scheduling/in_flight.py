"""What is being made at this moment: what two workspaces of a run want is made by one of them."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from factory.export.shared_installation import Installation


POLL_SECONDS = 0.1


class InFlight:
    """The keys that the workspaces of a run are at work on. Safe to use from many threads."""

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def claim(self, keys: Iterable[str]) -> Iterator[frozenset[str]]:
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
                self.finish(key)

    def finish(self, key: str) -> None:
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


class Installations:
    """What the workspaces of a run have installed, by its key. Safe to use from many threads."""

    def __init__(self) -> None:
        self._made: dict[str, Installation | None] = {}
        self._making = InFlight()

    @contextlib.contextmanager
    def turn(self, key: str, while_waiting: Callable[[], None]) -> Iterator[Installation | None]:
        """Wait while another workspace makes this installation, and give it.

        Args:
            key: the installation's.
            while_waiting: called about ten times a second; whatever it raises ends the wait.

        Yields:
            None if nobody has made it: then whoever asks makes it in this context, and says so
            with :meth:`made`. If that fails, it is the next one's turn. None also where it has
            been made and cannot be handed on.
        """
        while key not in self._made:
            with self._making.claim([key]) as mine:
                if mine:
                    yield self._made.get(key)
                    return
            self._making.wait([key], while_waiting)
        yield self._made[key]

    def offer(self, key: str, installation: Installation | None) -> None:
        """Say that an installation is there for others, or (None) that each has to make its own."""
        self._made[key] = installation
