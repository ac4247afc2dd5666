"""How much of the machine a run may use: what the container allows, not what the host has."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from factory.scheduling import capacity
from factory.scheduling.budget import claim_of
from factory.scheduling.capacity import (
    default_jobs,
    default_memory,
    usable_cores,
    usable_memory,
)

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


def test_all_usable_cores_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "usable_cores", lambda: 6)
    assert default_jobs() == 6


def test_some_memory_is_left_for_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "usable_memory", lambda: 8 * GIB)
    assert default_memory() == 7 * GIB


def test_two_installations_do_not_meet_on_a_machine_of_8_gibibytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(capacity, "usable_memory", lambda: 8 * GIB)
    install, export = claim_of("install").memory, claim_of("export").memory
    assert install + export <= default_memory() < 2 * install


@pytest.mark.usefixtures("machine")
def test_a_limit_of_a_group_above_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "_CGROUPS", tmp_path)
    monkeypatch.setattr(capacity, "_OWN_CGROUP", tmp_path / "own")
    own = tmp_path / "outer.slice/inner.scope"
    own.mkdir(parents=True)
    (tmp_path / "own").write_text("0::/outer.slice/inner.scope\n")
    (own / "memory.max").write_text("max\n")
    (own.parent / "memory.max").write_text(f"{3 * GIB}\n")
    (own.parent / "cpu.max").write_text("400000 100000\n")
    (own / "cpu.max").write_text("300000 100000\n")
    assert (usable_cores(), usable_memory()) == (3, 3 * GIB)
