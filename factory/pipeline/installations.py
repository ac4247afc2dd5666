"""Each installation made once: workspaces of a run that would install the same take it over."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from factory.export.shared_installation import Installation

POLL_SECONDS = 0.1


class Installations:
    """What the workspaces of a run have installed, by its key. Safe to use from many threads."""

    def __init__(self) -> None:
        self._made: dict[str, Installation | None] = {}
        self._making: set[str] = set()
        self._changed = threading.Condition()

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
        with self._changed:
            while key in self._making:
                self._changed.wait(POLL_SECONDS)
                while_waiting()
            is_mine = key not in self._made
            if is_mine:
                self._making.add(key)
            made = self._made.get(key)
        try:
            yield made
        finally:
            if is_mine:
                with self._changed:
                    self._making.discard(key)
                    self._changed.notify_all()

    def made(self, key: str, installation: Installation | None) -> None:
        """Say that an installation is there for others, or (None) that each has to make its own."""
        with self._changed:
            self._made[key] = installation
