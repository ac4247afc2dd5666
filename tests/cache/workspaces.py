"""The shipped example as a checkout that a test may change, and the keys of its plugins."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from factory.cache.inputs import NamedTools, PluginToName, workspace_inputs
from factory.cache.key import plugin_key
from factory.config.environment import Environment

if TYPE_CHECKING:
    from factory.cache.key import PluginInputs

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/local-workspace/workspace"
BACKEND = "plugins/greetings-backend"
FRONTEND = "plugins/greetings"
TOOLS = NamedTools(node="22.20.0", yarn="4.12.0", rhdh_cli="1.9.1+0123", platform="linux-x86_64")
NO_VARIABLES = Environment(variables={})


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkout:
    """A repository with the example in ``workspaces/example``, and how a plugin is asked about."""

    root: Path
    plugin: PluginToName = field(default_factory=lambda: PluginToName(path=BACKEND, arguments=""))
    tools: NamedTools = TOOLS
    environment: Environment = NO_VARIABLES

    @property
    def workspace(self) -> Path:
        return self.root / "workspaces/example"

    def inputs(self) -> PluginInputs:
        gathered = workspace_inputs(self.workspace, self.root)
        return gathered.of(self.plugin, tools=self.tools, environment=self.environment)

    def key(self) -> str:
        return plugin_key(self.inputs())

    def of(self, path: str, arguments: str = "") -> Checkout:
        return replace(self, plugin=PluginToName(path=path, arguments=arguments))

    def write(self, path: str, text: str) -> Path:
        file = self.workspace / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def replace_in(self, path: str, old: str, new: str) -> None:
        file = self.workspace / path
        text = file.read_text()
        assert old in text, f"{path} has no {old!r}"
        file.write_text(text.replace(old, new, 1))


def new_checkout(root: Path) -> Checkout:
    """The example, and around it what repositories have."""
    checkout = Checkout(root=root)
    shutil.copytree(EXAMPLE, checkout.workspace)
    (root / "package.json").write_text('{"private": true}\n')
    (root / "README.md").write_text("# Repository\n")
    other = root / "workspaces/other"
    other.mkdir()
    (other / "package.json").write_text('{"name": "other"}\n')
    return checkout
