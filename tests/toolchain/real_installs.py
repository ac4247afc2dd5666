"""Real `yarn install`s of small workspaces, from a registry on the loopback interface."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

from factory.config.environment import layer_environment
from factory.toolchain.assembled import Toolchain
from factory.toolchain.cache_folder import ToolCache
from factory.toolchain.node import Npm
from factory.toolchain.registry_variables import registry_variables
from factory.toolchain.rhdh_cli import RhdhCli
from factory.toolchain.runner import Runner
from factory.toolchain.yarn import WantedYarn, find_yarn

from ..acceptance.example_builds import KEPT_TOOLS
from .installed_tools import some_node, tool_environment
from .npm_registry import NpmRegistry

NAMES = [f"part-{letter}" for letter in "abcdefgh"]


CONTENT = Random(1)
PACKAGES = {
    name: {
        "index.js": f"exports.name = '{name}';\n".encode(),
        "big.txt": CONTENT.randbytes(300_000),
    }
    for name in NAMES
}

Install = Callable[[Path], None]
NewWorkspace = Callable[..., Path]


def real_tools(
    registry: NpmRegistry, process: dict[str, str], folder: Path, variables: dict[str, str]
) -> Toolchain:
    """Real node and yarn, with empty caches in a home of their own."""
    (folder / "home").mkdir()
    own = {
        "HOME": str(folder / "home"),
        "YARN_NPM_REGISTRY_SERVER": registry.url,
        "YARN_UNSAFE_HTTP_WHITELIST": "127.0.0.1",
        "YARN_HTTP_RETRY": "1",
        "no_proxy": "127.0.0.1",
    }
    environment = layer_environment(process | own | variables)
    node = some_node(process, folder / "node")
    bin_dir = folder / "run/bin"
    bin_dir.mkdir(parents=True)
    yarn = find_yarn(
        WantedYarn(version="4.12.0", reason="the test"),
        Npm(
            node=node,
            env=tool_environment(layer_environment(process), node, folder / "tmp"),
            cache=ToolCache(
                folder=KEPT_TOOLS,
                environment=layer_environment(process),
                runner=Runner(),
            ),
        ),
        bin_dir=bin_dir,
    )
    return Toolchain(
        node=node,
        yarn=yarn,
        rhdh_cli=RhdhCli(version="0", command=folder / "none"),
        environment=environment,
        registry_variables=registry_variables(environment),
        temporary=folder / "run",
    )


def written_workspace(folder: Path, lockfile: str, **manifest: object) -> Path:
    folder.mkdir()
    value = {"name": "w", "packageManager": "yarn@4.12.0"}
    dependencies = {"dependencies": dict.fromkeys(NAMES, "1.0.0")}
    (folder / "package.json").write_text(json.dumps(value | dependencies | manifest))
    (folder / ".yarnrc.yml").write_text("nodeLinker: node-modules\n")
    (folder / "yarn.lock").write_text(lockfile)
    return folder


def installed(workspace: Path) -> dict[str, bytes]:
    return {name: (workspace / f"node_modules/{name}/big.txt").read_bytes() for name in NAMES}
