"""Several files written as one: on filesystems without hard links, and when a signal comes."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, NoReturn

import pytest

from factory.errors import Interrupted
from factory.files import (
    write_new,
    write_whole,
)
from factory.scaffolding.writing import place_all


def refuse(*_: Any, **__: Any) -> NoReturn:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


@pytest.fixture
def without_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on exFAT, where link(2) fails with EPERM."""
    monkeypatch.setattr(os, "link", refuse)


def tree(folder: Path) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file()
    }


@pytest.mark.usefixtures("without_links")
def test_a_filesystem_without_hard_links(tmp_path: Path) -> None:
    old, new = tmp_path / "old.yaml", tmp_path / "a/b/new.yaml"
    old.write_text("old")
    place_all({old: "replaced", new: "new"})
    assert tree(tmp_path) == {"old.yaml": "replaced", "a/b/new.yaml": "new"}


@pytest.mark.usefixtures("without_links")
def test_a_new_file_replaces_nothing_without_hard_links(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_new(file, "first")
    with pytest.raises(FileExistsError):
        write_new(file, "second")
    assert tree(tmp_path) == {"file": "first"}


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
@pytest.mark.parametrize("call", range(4))
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_signal_at_any_step_leaves_all_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int, *, after: bool, links: bool
) -> None:
    old = tmp_path / "old.yaml"
    old.write_text("old")
    calls = 0

    def interrupting(real: Any) -> Any:
        def step(*words: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == call + 1 and not after:
                raise Interrupted("Ctrl-C")
            result = real(*words, **named)
            if calls == call + 1 and after:
                raise Interrupted("Ctrl-C")
            return result

        return step

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    else:
        monkeypatch.setattr(os, "link", interrupting(os.link))
    monkeypatch.setattr(os, "replace", interrupting(os.replace))
    try:
        place_all({old: "replaced", tmp_path / "a/new.yaml": "new"})
    except Interrupted:
        assert tree(tmp_path) == {"old.yaml": "old"}
        assert sorted(path.name for path in tmp_path.iterdir()) == ["old.yaml"]
    else:
        assert calls <= call + 1
        assert tree(tmp_path) == {"old.yaml": "replaced", "a/new.yaml": "new"}


def test_modes_are_what_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_whole(tmp_path / "whole", "")
        write_new(tmp_path / "new", "")
        place_all({tmp_path / "placed": ""})
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_what_is_written_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def noting(what: str, real: Any) -> Any:
        def step(*words: Any, **named: Any) -> Any:
            done.append(what)
            return real(*words, **named)

        return step

    monkeypatch.setattr(os, "fsync", noting("synced", os.fsync))
    monkeypatch.setattr(os, "replace", noting("moved", os.replace))
    write_whole(tmp_path / "file", "text")
    assert done == ["synced", "moved", "synced"]
