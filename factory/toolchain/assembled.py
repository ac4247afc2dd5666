"""The toolchain of one workspace: node, yarn and what exports, each in the version it asks for."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from factory.errors import ToolchainError
from factory.patterns import lazy_pattern
from factory.toolchain.cache_folder import ToolCache
from factory.toolchain.node import Node, find_node, npm_of
from factory.toolchain.node_environment import node_environment
from factory.toolchain.registry_variables import (
    RegistryVariables,
    refuse_missing,
    registry_variables,
)
from factory.toolchain.yarn import Yarn, find_wanted_yarn, find_yarn
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from factory.config.environment import Environment
    from factory.toolchain.backstage_bundler import BackstageBundler
    from factory.toolchain.node import Npm
    from factory.toolchain.rhdh_cli import RhdhCli
    from factory.toolchain.runner import Runner
    from factory.toolchain.wanted_tools import WantedNode

_PLAIN_NAME = lazy_pattern(r"[\w@+.-]{1,120}", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Toolchain:
    """What builds a workspace, and what its processes see of the environment.

    ``rhdh_cli`` is None where no plugin is exported by it, ``bundler`` until packages are installed
    and where no plugin is bundled by it. ``npm`` brings what is needed later.
    """

    node: Node
    yarn: Yarn
    environment: Environment
    registry_variables: RegistryVariables
    temporary: Path
    npm: Npm | None = None
    rhdh_cli: RhdhCli | None = None
    bundler: BackstageBundler | None = None

    @property
    def installer(self) -> Npm:
        """The npm that installs what exports plugins.

        Raises:
            ToolchainError: this toolchain was put together without one.
        """
        if self.npm is None:
            raise ToolchainError("npm was not looked for", expected="a workspace that is built")
        return self.npm

    @property
    def yarn_command(self) -> Path:
        """The program ``yarn``."""
        return self.yarn.bin_dir / "yarn"

    @property
    def npm_command(self) -> Path:
        """The program ``npm``."""
        return self.node.bin_dir / "npm"

    def child_environment(self, *, installs: bool, task: str = "shared") -> dict[str, str]:
        """Return the environment of a process, with a temporary folder of its ``task`` alone."""
        temporary = self.temporary / "tmp" / _folder_of(task)
        temporary.mkdir(parents=True, exist_ok=True)
        return node_environment(
            self.environment,
            tools=(self.yarn.bin_dir, self.node.bin_dir),
            temporary=temporary,
            registry_variables=self.registry_variables,
            installs=installs,
            headers=self.node.headers,
        )


def _folder_of(task: str) -> str:
    """A folder's name, which two tasks never share, and which is one plain word to a shell.

    Tools write the paths of their temporary files into commands, and what a source calls its
    folders is part of a task.
    """
    name = task.replace("-", "--").replace("/", "-")
    if _PLAIN_NAME.fullmatch(name):
        return name
    return f"task-{hashlib.sha256(task.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class LockingYarn:
    """A yarn that resolves dependencies, before it is known what else a workspace takes."""

    command: Path
    env: Mapping[str, str]


def find_locking_yarn(
    workspace: Path,
    *,
    environment: Environment,
    cache: Path,
    temporary: Path,
    runner: Runner,
) -> LockingYarn:
    """Find or install the node and the yarn that write a workspace's yarn.lock.

    Args:
        workspace: the workspace's folder, which is its checkout's root.
        environment: the workspace's.
        cache: where tools are installed, once for all runs.
        temporary: a folder of this run, for launchers and temporary files.
        runner: starts the processes.

    Raises:
        ConfigurationError: the workspace asks for something that is not a version; or a setting of
            npm's or yarn's needs a variable that is not passed on.
        ToolchainError: a tool can neither be found nor installed.
    """
    tools = ToolCache(folder=cache, environment=environment, runner=runner)
    node = find_node(None, tools)
    bin_dir = temporary / "locking"
    own = temporary / "tmp" / "lock"
    for folder in (bin_dir, own):
        folder.mkdir(parents=True, exist_ok=True)
    npm = npm_of(node, tools, temporary=temporary, tools=(bin_dir,))
    yarn = find_yarn(find_wanted_yarn(workspace, workspace), npm, bin_dir=bin_dir)
    variables = registry_variables(environment, workspace, classic=yarn.is_classic)
    refuse_missing(variables, environment)
    env = node_environment(
        environment,
        tools=(bin_dir, node.bin_dir),
        temporary=own,
        registry_variables=variables,
        installs=True,
        headers=node.headers,
    )
    return LockingYarn(command=bin_dir / "yarn", env=env)


def assemble(
    *,
    workspace: Path,
    root: Path,
    engines_node: str | None,
    environment: Environment,
    cache: Path,
    temporary: Path,
    runner: Runner,
    wanted_node: WantedNode,
) -> Toolchain:
    """Find or install what the workspace needs, but for what exports its plugins.

    Args:
        workspace: the workspace's folder.
        root: the checkout's root, up to which settings are looked for.
        engines_node: ``engines.node`` of the workspace's package.json.
        environment: the workspace's.
        cache: where tools are installed, once for all runs.
        temporary: a folder of this run, for launchers and temporary files.
        runner: starts the processes.
        wanted_node: which Node the user, or the portal, wants.

    Raises:
        ConfigurationError: the workspace, or a variable, asks for something that is not a version;
            or a setting of npm's or yarn's needs a variable that is not passed on.
        ToolchainError: a tool can neither be found nor installed.
    """
    wanted = find_wanted_yarn(workspace, root)
    tools = ToolCache(folder=cache, environment=environment, runner=runner)
    node = find_node(engines_node, tools, wanted_node)
    bin_dir = temporary / "bin"
    bin_dir.mkdir(parents=True, exist_ok=True)
    (bin_dir / "node").symlink_to(node.bin_dir / "node")
    npm = npm_of(node, tools, temporary=temporary, tools=(bin_dir,))
    yarn = find_yarn(wanted, npm, bin_dir=bin_dir)
    variables = registry_variables(environment, workspace, classic=yarn.is_classic)
    refuse_missing(variables, environment)
    return Toolchain(
        node=node,
        yarn=yarn,
        environment=environment,
        registry_variables=variables,
        temporary=temporary,
        npm=npm,
    )
