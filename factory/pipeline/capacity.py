"""How much of the machine a run may use: cores and memory, as the container allows them."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

# An export bundles with webpack and installs a dependency tree; node takes about this much for it.
BYTES_PER_JOB = 2 << 30
_CGROUP = Path("/sys/fs/cgroup")


def default_jobs() -> int:
    """Return how many plugins to export at once: one a core, and 2 GiB of memory for each."""
    return max(1, min(usable_cores(), usable_memory() // BYTES_PER_JOB))


def usable_cores(cgroup: Path = _CGROUP) -> int:
    """Return the cores that this process may use: its affinity, and its cgroup's quota.

    ``cpu.max`` holds a quota and a period in microseconds, or "max"
    (https://docs.kernel.org/admin-guide/cgroup-v2.html).
    """
    has_affinity = hasattr(os, "sched_getaffinity")  # not on macOS
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):
        quota, period = (cgroup / "cpu.max").read_text(encoding="ascii").split()
        if quota != "max":
            cores = min(cores, max(1, round(int(quota) / int(period))))
    return cores


def usable_memory(cgroup: Path = _CGROUP) -> int:
    """Return the bytes of memory that this process may use: the machine's, or its cgroup's."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):
        limit = (cgroup / "memory.max").read_text(encoding="ascii").strip()
        if limit != "max":
            memory = min(memory, int(limit))
    return memory
