"""The key that a plugin had last, so that a run can say what has changed since."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from factory.cache.entry import is_key, read_parts
from factory.cache.key import digest_of_value
from factory.cache.notes import LATEST, read_note, write_note

if TYPE_CHECKING:
    from factory.cache.key import Parts
    from factory.cache.store import Store


def note_latest(store: Store, identity: str, key: str) -> None:
    """Note that ``key`` is the one that a plugin has now; ``identity`` tells it from all others.

    A repository, a workspace's path and a plugin's path make a good identity: it is kept as a
    digest. Where it cannot be written, nothing is: the note only helps to explain.
    """
    with contextlib.suppress(OSError):
        write_note(store, LATEST, digest_of_value(identity), {"key": key})


def latest_parts(store: Store, identity: str) -> Parts | None:
    """Return what the plugin was made from when its key was noted, or None if that is not known."""
    try:
        noted = read_note(store, LATEST, digest_of_value(identity))
    except (OSError, ValueError, RecursionError):
        return None
    key = noted.get("key") if isinstance(noted, dict) else None
    if not isinstance(key, str) or not is_key(key):
        return None
    return read_parts(store.path(key)) or None
