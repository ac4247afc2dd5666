"""The program as typer has it, whose commands are loaded when they are called, each alone."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from factory.cli.command_table import COMMANDS
from factory.cli.help_text import GroupedCommand
from factory.cli.plain_values import switch_flags_off, take_plain_values
from factory.cli.program_help import program_help

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory.cli.command_table import CommandPlace


# Click's completion, of whichever click typer brings.
_COMPLETION = f"{typer.BadParameter.__module__.rpartition('.')[0]}.shell_completion"


class CommandGroup(TyperGroup):
    """The program's commands, of which only the one that is called is imported."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands: Any = LoadedCommands()

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the program's own options."""
        return switch_flags_off(super().get_params(ctx))

    def list_commands(self, _ctx: Any) -> list[str]:
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def format_help(self, _ctx: Any, formatter: Any) -> None:
        """Write the program's help, the same that is shown before anything is loaded."""
        formatter.write(program_help(get_terminal_size().columns))

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return the names that begin with ``incomplete``, or else the group's own options."""
        if not incomplete or incomplete[0].isalnum():
            item = importlib.import_module(_COMPLETION).CompletionItem
            return [
                item(name, help=place.summary)
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
        command = get_command(found)
    else:
        app = typer.Typer(rich_markup_mode=None, add_completion=False)
        app.command(name, cls=GroupedCommand, epilog=module.EXAMPLES)(found)
        command = get_command(app)
    take_plain_values(command)
    return command
