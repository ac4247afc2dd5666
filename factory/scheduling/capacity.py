"""How much of the machine a run may use: cores and memory, as the container allows them."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")
# An eighth is for the system, its cache of files, and the factory itself.
_SHARE = 7 / 8


def default_jobs() -> int:
    """Return how many cores a run takes: all that it may use. Memory has a limit of its own."""
    return usable_cores()


def default_memory() -> int:
    """Return the bytes of memory that a run's processes share: most of what it may use."""
    return int(usable_memory() * _SHARE)


def usable_cores(cgroup: Path | None = None) -> int:
    """Return the cores that this process may use: its affinity, and its cgroup's quota.

    ``cpu.max`` holds a quota and a period in microseconds, or "max"
    (https://docs.kernel.org/admin-guide/cgroup-v2.html). The groups above count too.

    Args:
        cgroup: the folder of a cgroup; without it, this process's own.
    """
    has_affinity = hasattr(os, "sched_getaffinity")  # not on macOS
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    for limit in _limits("cpu.max", cgroup):
        with contextlib.suppress(ValueError):
            quota, period = limit.split()
            if quota != "max":
                cores = min(cores, max(1, round(int(quota) / int(period))))
    return cores


def usable_memory(cgroup: Path | None = None) -> int:
    """Return the bytes of memory that this process may use: the machine's, or its cgroup's.

    Args:
        cgroup: the folder of a cgroup; without it, this process's own.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in _limits("memory.max", cgroup):
        with contextlib.suppress(ValueError):
            if limit != "max":
                memory = min(memory, int(limit))
    return memory


def _limits(name: str, cgroup: Path | None) -> Iterator[str]:
    """What a file of the cgroup says, and of each group above it."""
    own = cgroup or _find_cgroup()
    for folder in (own, *own.parents):
        if folder != cgroup and not folder.is_relative_to(_CGROUPS):
            return
        with contextlib.suppress(OSError, UnicodeDecodeError):
            yield (folder / name).read_text(encoding="ascii").strip()


def _find_cgroup() -> Path:
    """The folder of this process's cgroup: the line "0::/path" (cgroups(7))."""
    with contextlib.suppress(OSError):
        for line in _OWN_CGROUP.read_text(encoding="utf-8").splitlines():
            if line.startswith("0::/"):
                return _CGROUPS / line.removeprefix("0::/")
    return _CGROUPS
