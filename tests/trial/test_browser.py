"""Which browser opens pages: the one that is named, or one of the PATH."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory.config.environment import Environment
from factory.errors import UsageError
from factory.trial.browser import find_browser


def program(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("#!/bin/sh\n", encoding="utf-8")
    (folder / name).chmod(0o755)
    return folder / name


def on_path(*folders: Path) -> Environment:
    return Environment(variables={"PATH": ":".join(map(str, folders))})


def test_one_of_the_path_is_taken(tmp_path: Path) -> None:
    chrome = program(tmp_path / "bin", "google-chrome")
    assert find_browser("", on_path(tmp_path / "bin"))[:2] == (str(chrome), "--headless")


def test_one_without_windows_comes_before_others(tmp_path: Path) -> None:
    program(tmp_path / "bin", "chromium")
    shell = program(tmp_path / "bin", "chromium-headless-shell")
    assert find_browser("", on_path(tmp_path / "bin"))[0] == str(shell)


def test_the_one_that_is_named_comes_first(tmp_path: Path) -> None:
    program(tmp_path / "bin", "chromium")
    named = program(tmp_path / "own", "browser")
    assert find_browser(str(named), on_path(tmp_path / "bin"))[0] == str(named)


def test_none_is_no_error_unless_it_is_named(tmp_path: Path) -> None:
    assert find_browser("", on_path(tmp_path)) == ()
    with pytest.raises(UsageError, match="no such browser"):
        find_browser("gone", on_path(tmp_path))
