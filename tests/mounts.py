"""Filesystems, or views of one, that only one command sees; nobody need be root for them."""

from __future__ import annotations

from pathlib import Path

INSIDE = ("unshare", "--map-root-user", "--mount", "sh", "-c")
_READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 99; shift; exec "$@"'


def read_only(folder: Path) -> tuple[str, ...]:
    """Words before a command that sees a folder as one that nobody may write, not even root."""
    return (*INSIDE, _READ_ONLY, "sh", str(folder))
