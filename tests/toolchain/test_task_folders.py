"""The temporary folder of a task, by whatever a source calls its folders."""

from __future__ import annotations

import shlex
from pathlib import Path
from types import MappingProxyType

import pytest

from factory.config.environment import Environment
from factory.toolchain.assembled import Toolchain
from factory.toolchain.node import Node
from factory.toolchain.registry_variables import NO_VARIABLES
from factory.toolchain.rhdh_cli import RhdhCli
from factory.toolchain.yarn import Yarn

PATHS = (
    "plugins/a",
    "plugins-a",
    "plugins--a",
    "plugins/a b",
    "plugins/a;touch x",
    "plugins/$(touch x)",
    "plugins/a'b",
    "plugins/a\nb",
    "plugins/größe",
    "plugins/\udcff",
    "plugins/@scope/a.b_c+d",
    "x/" * 200,
)


@pytest.fixture
def toolchain(tmp_path: Path) -> Toolchain:
    return Toolchain(
        node=Node(version="24.0.0", bin_dir=tmp_path, origin="test"),
        yarn=Yarn(version="4.12.0", bin_dir=tmp_path),
        rhdh_cli=RhdhCli(version="2.0.1", command=tmp_path / "rhdh-cli"),
        environment=Environment(variables=MappingProxyType({})),
        registry_variables=NO_VARIABLES,
        temporary=tmp_path,
    )


def test_each_has_its_own_and_a_shell_takes_its_name_as_it_is(toolchain: Toolchain) -> None:
    folders = [
        toolchain.child_environment(installs=True, task=f"export-{path}")["TMPDIR"]
        for path in PATHS
    ]
    assert len(set(folders)) == len(PATHS)
    for folder in folders:
        assert Path(folder).is_dir()
        assert Path(folder).parent == toolchain.temporary / "tmp"
        assert shlex.quote(folder) == folder


def test_a_plain_name_can_be_read(toolchain: Toolchain) -> None:
    env = toolchain.child_environment(installs=True, task="export-plugins/a-b")
    assert Path(env["TMPDIR"]).name == "export--plugins-a--b"
