"""How much of the machine a run may use: what the container allows, not what the host has."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from factory.pipeline import capacity
from factory.pipeline.capacity import default_jobs, usable_cores, usable_memory

if TYPE_CHECKING:
    from pathlib import Path

GIB = 1 << 30


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with 8 cores and 32 GiB."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    sizes = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 32 * GIB // 4096}
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("cpu_max", "cores"),
    [
        ("max 100000", 8),
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("50000 100000", 1),
        ("1000 100000", 1),
        ("6400000 100000", 8),
        ("nonsense", 8),
        ("", 8),
    ],
)
def test_cores_are_those_of_the_cgroups_quota(tmp_path: Path, cpu_max: str, cores: int) -> None:
    (tmp_path / "cpu.max").write_text(cpu_max + "\n")
    assert usable_cores(tmp_path) == cores


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("memory_max", "gibibytes"), [("max", 32), (str(4 * GIB), 4), (str(64 * GIB), 32), ("?", 32)]
)
def test_memory_is_that_of_the_cgroups_limit(
    tmp_path: Path, memory_max: str, gibibytes: int
) -> None:
    (tmp_path / "memory.max").write_text(memory_max + "\n")
    assert usable_memory(tmp_path) == gibibytes * GIB


@pytest.mark.usefixtures("machine")
def test_without_a_cgroup_the_machine_is_ours(tmp_path: Path) -> None:
    assert (usable_cores(tmp_path), usable_memory(tmp_path)) == (8, 32 * GIB)


def test_the_affinity_of_the_process_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    assert usable_cores(tmp_path) == 1


@pytest.mark.parametrize(
    ("cores", "gibibytes", "jobs"), [(8, 32, 8), (8, 5, 2), (2, 32, 2), (8, 1, 1), (1, 1, 1)]
)
def test_there_is_a_job_a_core_with_two_gibibytes_each(
    monkeypatch: pytest.MonkeyPatch, cores: int, gibibytes: int, jobs: int
) -> None:
    monkeypatch.setattr(capacity, "usable_cores", lambda: cores)
    monkeypatch.setattr(capacity, "usable_memory", lambda: gibibytes * GIB)
    assert default_jobs() == jobs
