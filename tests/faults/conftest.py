"""Desks of the fault tests, and what a build that nothing disturbs makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.made_once import made_once

from .tiny_workspace import Desk, Shape, new_desk

NewDesk: TypeAlias = Callable[..., Desk]


@pytest.fixture(scope="session")
def undisturbed(
    process: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """The artifacts of a build that nothing has disturbed."""

    def make(folder: Path) -> dict[str, bytes]:
        desk = new_desk(folder / "desk", process)
        ended = desk.build("--no-cache")
        assert ended.code == 0, ended.said
        artifacts = desk.artifacts()
        assert len(artifacts) == 7, sorted(artifacts)
        return artifacts

    return made_once(tmp_path_factory, "undisturbed", make)


@pytest.fixture
def desk(process: dict[str, str], tmp_path: Path) -> Desk:
    """A desk on which nothing has been built yet."""
    return new_desk(tmp_path / "desk", process)


@pytest.fixture
def new(process: dict[str, str], tmp_path: Path) -> NewDesk:
    """Make a desk of a name and a shape."""

    def make(name: str, shape: Shape = "cloned") -> Desk:
        return new_desk(tmp_path / name, process, shape)

    return make
