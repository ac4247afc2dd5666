"""A tool in a cache that others may write to is not run, as git's and pip's rules are."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from factory.config.environment import Environment
from factory.errors import ToolchainError
from factory.toolchain.trust import is_trusted, refuse_planted

SOMEBODY = 54321


def give(path: Path) -> None:
    """Make a file somebody else's, which needs root; tests run as root in CI and in containers."""
    assert os.geteuid() == 0, "this test gives files away: run it as root"
    os.chown(path, SOMEBODY, SOMEBODY, follow_symlinks=False)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def program(cache: Path) -> Path:
    file = cache / "yarn/4.12.0/package/bin/yarn.js"
    file.parent.mkdir(parents=True)
    file.write_text("// a program\n")
    for path in (cache, *cache.rglob("*")):
        path.chmod(0o755)
    return file


def test_what_is_ours_is_run(cache: Path, program: Path) -> None:
    assert refuse_planted(program, cache=cache) == program


def test_what_is_not_there_yet_is_not_judged(cache: Path, program: Path) -> None:
    absent = cache / "yarn/9.9.9/package/bin/yarn.js"
    assert refuse_planted(absent, cache=cache) == absent


@pytest.mark.parametrize("up", range(6))
@pytest.mark.parametrize(
    "spoil",
    [give, lambda path: path.chmod(0o777), lambda path: path.chmod(0o757)],
    ids=["owner", "everybody", "others"],
)
def test_what_others_may_have_put_there_is_not(
    cache: Path, program: Path, up: int, spoil: Callable[[Path], None]
) -> None:
    wrong = (program, *program.parents)[up]
    spoil(wrong)
    with pytest.raises(ToolchainError, match="others may have put it there") as caught:
        refuse_planted(program, cache=cache)
    assert caught.value.place
    assert caught.value.place.file == wrong
    assert "--cache-dir" in str(caught.value.hint)
    assert f"PLUGIN_FACTORY_TRUSTED_CACHE={cache}" in str(caught.value.hint)
    assert refuse_planted(program, cache=cache, trusted=True) == program


def test_a_group_of_others_may_not_write(cache: Path, program: Path) -> None:
    os.chown(program, -1, SOMEBODY)
    program.chmod(0o775)
    with pytest.raises(ToolchainError, match="others may have put it there"):
        refuse_planted(program, cache=cache)
    os.chown(program, -1, 0)
    assert refuse_planted(program, cache=cache).name


def test_a_link_of_somebody_elses_is_not_followed(cache: Path, program: Path) -> None:
    link = cache / "yarn/latest"
    link.symlink_to("4.12.0")
    through = link / "package/bin/yarn.js"
    assert refuse_planted(through, cache=cache).name
    give(link)
    with pytest.raises(ToolchainError, match="others may have put it there"):
        refuse_planted(through, cache=cache)


def test_a_folder_for_everybody_in_which_each_has_their_own(cache: Path, program: Path) -> None:
    cache.chmod(0o1777)
    assert refuse_planted(program, cache=cache).name


def test_a_mount_may_be_anybodys(
    cache: Path, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.chmod(0o777)
    give(cache)
    monkeypatch.setattr(Path, "is_mount", lambda path: path == cache)
    assert refuse_planted(program, cache=cache).name
    give(program)
    with pytest.raises(ToolchainError):
        refuse_planted(program, cache=cache)


def test_trust_is_in_one_folder(tmp_path: Path) -> None:
    environment = Environment(variables={"PLUGIN_FACTORY_TRUSTED_CACHE": str(tmp_path / "a/../a")})
    assert is_trusted(tmp_path / "a", environment)
    assert not is_trusted(tmp_path / "b", environment)
    assert not is_trusted(Path(), Environment(variables={"PLUGIN_FACTORY_TRUSTED_CACHE": ""}))
