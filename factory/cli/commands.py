"""The commands by name, each loaded when it is called: ``--help`` loads none of them.

What a command does in a line stands here, and again as the first line of its docstring, which its
own ``--help`` shows; a test compares the two.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from factory.cli.help_text import GroupedCommand

if TYPE_CHECKING:
    from collections.abc import Iterator


PROGRAM = "plugin-factory"


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandPlace:
    """Where a command is: ``name`` in ``module``, a function, or a Typer with further commands."""

    module: str
    name: str
    summary: str


def _place(module: str, summary: str, name: str | None = None) -> CommandPlace:
    return CommandPlace(module=f"factory.cli.{module}", name=name or module, summary=summary)


# In the order in which --help lists them.
COMMANDS: Mapping[str, CommandPlace] = MappingProxyType(
    {
        "init": _place(
            "init", "Start a configuration: source.json, plugins-list.yaml and an example of .env."
        ),
        "search": _place(
            "search", "Find plugins that are published on npm, and the portals that they fit."
        ),
        "build": _place("build", "Build the plugins of a workspace, or of several."),
        "plan": _place("plan", "Show what a build would do, without doing it."),
        "analyze": _place("analyze", "Show the build arguments that plugins need, and why."),
        "bridge": _place(
            "bridge", "Bring frontend plugins of the old system to the new one, by overlays."
        ),
        "update": _place(
            "update",
            "Find the newest refs and versions that fit a portal, and write them into source.json.",
        ),
        "push": _place(
            "push", "Push images of plugins that were built earlier, or publish them on npm."
        ),
        "verify": _place("verify", "Verify that a portal can load what was built or published."),
        "upgrade": _place(
            "upgrade",
            "Show what becomes of a portal's list of plugins when the portal moves to another "
            "release.",
        ),
        "inspect": _place(
            "inspect",
            "Show what a frontend plugin adds to a page, and of what it is made.",
            "inspect_artifact",
        ),
        "affected": _place(
            "affected",
            "Find the published plugins that hold a package, by their bills of materials.",
            "find_affected",
        ),
        "install": _place(
            "install",
            "Install the plugins of a dynamic-plugins.yaml, as a portal does when it starts.",
        ),
        "try": _place(
            "trial",
            "Try plugins in a real Backstage, and say what became of each.",
            "try_in_backstage",
        ),
        "dev": _place(
            "dev",
            "Show plugins of a workspace in a real Backstage, and build them again when they are "
            "saved.",
            "develop",
        ),
        "catalogue": _place(
            "catalogue",
            "The entities that describe plugins, and the index that portals read.",
            "catalogue_app",
        ),
        "registry": _place("registry", "Write the frontend plugin registry of staged plugins."),
        "doctor": _place("doctor", "Check what a build needs, and say how to fix what is missing."),
        "host": _place("host", "The portals that plugins are built for.", "host_app"),
        "cache": _place(
            "cache",
            "The finished plugins that builds keep, so that nothing is built twice.",
            "cache_app",
        ),
        "tools": _place(
            "tools", "Node, yarn and rhdh-cli, which builds install by themselves.", "tools_app"
        ),
        "report": _place("report", "The reports of finished runs.", "report_app"),
    }
)


class CommandGroup(TyperGroup):
    """The program's commands, of which only the one that is called is imported."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands: Any = LoadedCommands()

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the program's own options, of which none is without a value.

        For a flag without one typer loads a library of validation, which takes as long as --help.
        """
        parameters = super().get_params(ctx)
        for parameter in parameters:
            if getattr(parameter, "is_flag", False) and parameter.default is None:
                parameter.default = False
        return parameters

    def list_commands(self, _ctx: Any) -> list[str]:
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def format_commands(self, _ctx: Any, formatter: Any) -> None:
        """Write each command's name and summary."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.summary) for name, place in COMMANDS.items()])

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return the names that begin with ``incomplete``, or else the group's own options."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - for a shell's Tab only

        if not incomplete or incomplete[0].isalnum():
            return [
                CompletionItem(name, help=place.summary)
                for name, place in COMMANDS.items()
                if name.startswith(incomplete)
            ]
        return super().shell_complete(ctx, incomplete)


class LoadedCommands(Mapping[str, Any]):
    """Click's commands by name, as a group keeps them; each is imported when it is asked for."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = _load(name, COMMANDS[name])
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


def _load(name: str, place: CommandPlace) -> Any:
    module = importlib.import_module(place.module)
    found = getattr(module, place.name)
    if isinstance(found, typer.Typer):
        return get_command(found)
    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    app.command(name, cls=GroupedCommand, epilog=module.EXAMPLES)(found)
    return get_command(app)
