"""What tools there are without starting them: Node's version as it was last said, and the machine.

The version is believed as long as the program's file is the one that was asked.
"""

from __future__ import annotations

import contextlib
import os
import platform
from functools import cache
from typing import TYPE_CHECKING

from factory.cache.key import digest_of_value
from factory.cache.notes import TOOLS, read_note, write_note

if TYPE_CHECKING:
    from pathlib import Path

    from factory.cache.store import Store

# ELF, and Mach-O in its two byte orders and as a fat file.
_PROGRAMS = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xca\xfe\xba\xbe")
_NAMES = frozenset({"node", "nodejs"})


@cache
def machine() -> str:
    """Return what native modules are made for, such as ``linux-x86_64-glibc``.

    Node's own builds and prebuilt modules tell systems, processors and C libraries apart. Python's
    name of the platform does not do: it is one for both C libraries of Linux, and for both
    processors of a Python of macOS that runs on either.
    """
    library = platform.libc_ver()[0] or "other" if platform.system() == "Linux" else ""
    names = (platform.system(), platform.machine(), library)
    return "-".join(name.lower() for name in names if name)


def known_node_version(store: Store, node: Path) -> str | None:
    """Return the version that ``node`` said when it was last asked, or None if that is unknown.

    A program that has changed since (its path, size, inode or time of change) is unknown, and so is
    one that chooses another by the folder it is started in, as version managers' shims do.
    """
    identity = _identity(node)
    if identity is None:
        return None
    try:
        document = read_note(store, TOOLS, digest_of_value(identity))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or document.get("identity") != identity:
        return None
    version = document.get("version")
    return version if isinstance(version, str) and version else None


def remember_node_version(store: Store, node: Path, version: str) -> None:
    """Keep what ``node --version`` said; nothing is kept of a shim, nor where nothing can be."""
    identity = _identity(node)
    if identity is None:
        return
    with contextlib.suppress(OSError):
        noted = {"identity": identity, "version": version}
        write_note(store, TOOLS, digest_of_value(identity), noted)


def _identity(node: Path) -> list[str | int] | None:
    """What tells one program from another, or None for what is no program called node."""
    try:
        real = os.path.realpath(node)
        status = os.stat(real)  # noqa: PTH116
        if os.path.basename(real) not in _NAMES:  # noqa: PTH119
            return None
        with open(real, "rb") as file:  # noqa: PTH123
            if not file.read(4).startswith(_PROGRAMS):
                return None
    except OSError:
        return None
    return [real, status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns]
