"""What the tests of the sources share: a runner, an environment of their own, a repository."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from factory.config.environment import layer_environment
from factory.sources.checkout import check_out, git_session
from factory.sources.source import Checkout, Source
from factory.toolchain.child_environment import git_environment
from factory.toolchain.runner import Runner

from .repositories import Repository, new_repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from factory.sources.git_process import GitSession


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def process(home: Path) -> dict[str, str]:
    """The environment that the factory was started with; a test may add to it."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}


@pytest.fixture
def env(process: dict[str, str]) -> dict[str, str]:
    return git_environment(layer_environment(process))


@pytest.fixture
def runner() -> Runner:
    return Runner()


@pytest.fixture
def session(runner: Runner, env: dict[str, str]) -> GitSession:
    return git_session(runner=runner, env=env)


@pytest.fixture
def bring(tmp_path: Path, runner: Runner, process: dict[str, str]) -> Callable[..., Checkout]:
    """Check a source out into a new folder; relative sources count from ``tmp_path``."""
    count = 0

    def bring(repo: str, ref: str | None = None, **options: object) -> Checkout:
        nonlocal count
        count += 1
        into = tmp_path / "out" / str(count)
        into.mkdir(parents=True)
        return check_out(
            Source(repo=repo, ref=ref, relative_to=tmp_path),
            into,
            runner=runner,
            env=git_environment(layer_environment(process)),
            **options,  # type: ignore[arg-type]
        )

    return bring


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """A repository with two commits on ``main``, a tag on the first, and a branch ``other``."""

    repository: Repository
    first: str
    second: str
    other: str


@pytest.fixture(scope="session")
def made_history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """What ``history`` copies: to make it takes a dozen processes."""
    repository = new_repository(tmp_path_factory.mktemp("history") / "plugins")
    first = repository.commit({"package.json": "{}", "old.txt": "old"}, "first")
    repository.git("tag", "--annotate", "v1.0.0", "--message", "v1.0.0")
    second = repository.commit({"new.txt": "new"}, "second")
    repository.git("checkout", "--quiet", "-b", "release/1.x")
    other = repository.commit({"other.txt": "other"}, "other")
    repository.git("checkout", "--quiet", "main")
    repository.git("update-server-info")
    return History(repository=repository, first=first, second=second, other=other)


@pytest.fixture
def history(tmp_path: Path, made_history: History) -> History:
    return replace(
        made_history, repository=made_history.repository.copy(tmp_path / "served" / "plugins")
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of one megabyte, where the machine lets us have one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("a small filesystem can only be mounted as root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
