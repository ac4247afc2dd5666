"""Hostile archives are refused by name, and leave nothing behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from factory.archives.unpack import unpack
from factory.errors import ArtifactError

from .hostile import CORPUS


def tree(folder: Path) -> set[str]:
    """Everything in a folder."""
    return {
        Path(parent, name).relative_to(folder).as_posix()
        for parent, folders, files in os.walk(folder)
        for name in folders + files
    }


@pytest.mark.parametrize("name", CORPUS)
def test_a_hostile_archive_is_refused_by_name_and_nothing_is_left(
    name: str, tmp_path: Path
) -> None:
    archive = tmp_path / "hostile.tgz"
    archive.write_bytes(CORPUS[name]())
    (tmp_path / "stage").mkdir()

    with pytest.raises(ArtifactError) as refused:
        unpack(archive, tmp_path / "stage" / "plugin", select="package")

    assert CORPUS[name].names in str(refused.value)
    assert str(archive) in str(refused.value)
    assert tree(tmp_path) == {"hostile.tgz", "stage"}


@pytest.mark.parametrize("name", [name for name in CORPUS if "control" in name or "break" in name])
def test_a_refusal_does_not_repeat_what_a_terminal_would_obey(name: str, tmp_path: Path) -> None:
    archive = tmp_path / "hostile.tgz"
    archive.write_bytes(CORPUS[name]())

    with pytest.raises(ArtifactError) as refused:
        unpack(archive, tmp_path / "plugin")

    problem = refused.value.problem
    assert problem.isprintable()
