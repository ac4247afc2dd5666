"""What somebody may have put where a file is expected."""

from __future__ import annotations

import os
from pathlib import Path


def put(kind: str, place: Path) -> None:
    """Put a ``folder``, a ``pipe`` that nobody writes to, or a ``link`` to a secret there."""
    if kind == "folder":
        (place / "inside").mkdir(parents=True)
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        secret = place.with_name("secret.txt")
        secret.write_text(
            '{"entry": "secret", "why": "secret"}\ndist\nYN0035: secret: Package not found\n'
        )
        place.symlink_to(secret)
