"""Desks of the fault tests, and what a build that nothing disturbs makes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.made_once import made_once

from .tiny_workspace import PING, Desk, Shape, new_desk

NewDesk: TypeAlias = Callable[..., Desk]


@dataclass(frozen=True, kw_only=True)
class QuietRun:
    """An undisturbed run with an empty cache: its desk, and the seconds and lines that it took."""

    desk: Desk
    seconds: float
    lines: int


@pytest.fixture(scope="session")
def quiet_run(process: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> QuietRun:
    """A build that nothing has disturbed, made once; nobody may change what is on its desk."""

    def make(folder: Path) -> QuietRun:
        desk = new_desk(folder / "desk", process)
        started = time.monotonic()
        ended = desk.build()
        assert ended.code == 0, ended.said
        lines = len(ended.said.splitlines())
        assert len(desk.artifacts()) == 7, sorted(desk.artifacts())
        return QuietRun(desk=desk, seconds=time.monotonic() - started, lines=lines)

    return made_once(tmp_path_factory, "undisturbed", make)


@pytest.fixture(scope="session")
def undisturbed(quiet_run: QuietRun) -> dict[str, bytes]:
    """The artifacts of a build that nothing has disturbed."""
    return quiet_run.desk.artifacts()


@pytest.fixture
def desk(process: dict[str, str], tmp_path: Path) -> Desk:
    """A desk on which nothing has been built yet."""
    return new_desk(tmp_path / "desk", process)


@pytest.fixture
def half_built(desk: Desk, quiet_run: QuietRun) -> Desk:
    """A desk with one plugin in the cache, which no fault meets: only the other one is built."""
    desk.take_plugins(quiet_run.desk, but=PING)
    return desk


@pytest.fixture
def new(process: dict[str, str], tmp_path: Path) -> NewDesk:
    """Make a desk of a name and a shape."""

    def make(name: str, shape: Shape = "cloned") -> Desk:
        return new_desk(tmp_path / name, process, shape)

    return make
