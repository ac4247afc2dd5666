"""A registry, a real yarn, and workspaces to install."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from factory.export.dependencies import install_dependencies
from factory.toolchain.assembled import Toolchain
from factory.toolchain.runner import LoggedRunner, Runner

from .npm_registry import NpmRegistry, serving
from .real_installs import PACKAGES, Install, NewWorkspace, real_tools, written_workspace


@pytest.fixture
def registry() -> Iterator[NpmRegistry]:
    with serving(NpmRegistry(packages=PACKAGES)) as registry:
        yield registry


@pytest.fixture
def runner() -> Runner:
    return Runner()


@pytest.fixture
def variables() -> dict[str, str]:
    """What a test adds to the environment of the factory."""
    return {}


@pytest.fixture
def toolchain(
    registry: NpmRegistry, process: dict[str, str], tmp_path: Path, variables: dict[str, str]
) -> Toolchain:
    return real_tools(registry, process, tmp_path, variables)


@pytest.fixture(scope="module")
def lockfile(process: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """What yarn writes for a workspace that depends on every package."""
    folder = tmp_path_factory.mktemp("lockfile")
    with serving(NpmRegistry(packages=PACKAGES)) as registry:
        toolchain = real_tools(registry, process, folder, {})
        workspace = written_workspace(folder / "w", "")
        env = toolchain.child_environment(installs=True)
        Runner().run((toolchain.yarn_command, "install"), cwd=workspace, env=env)
    return (workspace / "yarn.lock").read_text()


@pytest.fixture
def new_workspace(lockfile: str, tmp_path: Path) -> NewWorkspace:
    """Make a workspace that depends on every package."""
    return lambda name, **manifest: written_workspace(tmp_path / name, lockfile, **manifest)


@pytest.fixture
def install(toolchain: Toolchain, runner: Runner, tmp_path: Path) -> Install:
    def install(workspace: Path) -> None:
        install_dependencies(
            workspace,
            toolchain=toolchain,
            runner=LoggedRunner(
                runner, log=tmp_path / f"{workspace.name}.log", on_line=lambda _: None
            ),
        )

    return install
