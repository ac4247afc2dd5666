"""Each installation made once: workspaces of a run that would install the same take it over."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from factory.pipeline.in_flight import InFlight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from factory.export.shared_installation import Installation


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
            with self._making.claimed([key]) as mine:
                if mine:
                    yield self._made.get(key)
                    return
            self._making.wait([key], while_waiting)
        yield self._made[key]

    def made(self, key: str, installation: Installation | None) -> None:
        """Say that an installation is there for others, or (None) that each has to make its own."""
        self._made[key] = installation
