"""Within one analysis a package.json is read once; outside of one, each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from factory.analysis.discovery import workspace_packages
from factory.analysis.manifest import read_manifest
from factory.analysis.read_once import once, reading_once
from factory.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_manifest_is_kept_for_as_long_as_the_context_is_open(tmp_path: Path) -> None:
    file = tmp_path / "package.json"
    file.write_text('{"name": "before"}')
    with reading_once():
        assert read_manifest(file).name == "before"
        file.write_text('{"name": "after"}')
        assert read_manifest(file).name == "before"
        assert list(workspace_packages(tmp_path)) == ["before"]
    assert read_manifest(file).name == "after"
    assert list(workspace_packages(tmp_path)) == ["after"]
    with reading_once():
        assert read_manifest(file).name == "after"


def test_what_could_not_be_read_is_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "package.json"
    file.write_text("{")
    with reading_once():
        with pytest.raises(SourceError):
            read_manifest(file)
        file.write_text('{"name": "whole"}')
        assert read_manifest(file).name == "whole"


def test_nothing_is_kept_where_nobody_asked_for_it() -> None:
    numbers = iter(range(3))
    assert [once("key", lambda: next(numbers)) for _ in range(3)] == [0, 1, 2]
    with reading_once():
        assert once("key", lambda: "kept") == once("key", lambda: "other") == "kept"
