"""How far a push is, as lines for the screen: not one for each part that was sent."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from factory.oci.push import BlobProgress, OnProgress

# Blobs under this size, in bytes, are sent before anybody could read a line on them.
WORTH_A_LINE = 1_000_000
_STEP = 10  # percent


def progress_lines(on_line: Callable[[str], None]) -> OnProgress:
    """Return what passes a push's progress on as lines, one for each tenth of a larger blob."""
    told: dict[tuple[str, str], int] = {}
    lock = threading.Lock()

    def tell(progress: BlobProgress) -> None:
        if progress.total < WORTH_A_LINE:
            return
        name = str(progress.reference)
        if progress.state != "sending":
            on_line(f"{name}: {_STATES[progress.state]}")
            return
        percent = 100 * progress.sent // progress.total // _STEP * _STEP
        key = (name, progress.digest)
        with lock:
            if percent <= told.get(key, 0):
                return
            told[key] = percent
        on_line(f"{name}: {percent} % of {progress.total / 1_000_000:.1f} MB sent")

    return tell


_STATES = {
    "sent": "the layer is sent",
    "present": "the registry has the layer already",
}
