"""The program's own help, made of the table of commands: nothing has to be loaded for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.cli.command_table import COMMANDS, PROGRAM

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ABOUT = (
    "Turn Backstage plugin sources into dynamic plugins.",
    (
        "Brings the source, applies patches and overlays, works out the build arguments, runs "
        "yarn, tsc and rhdh-cli, and leaves a .tgz with an .integrity file, or an OCI image, for "
        "each plugin."
    ),
)
VERSION_HELP = "Show the version and exit."
EPILOG = (
    f"'{PROGRAM} COMMAND --help' has examples. Options without a command are those of build. "
    "Every option can come from the environment too: --config-dir is PLUGIN_FACTORY_CONFIG_DIR."
)
# The last three are typer's: a test compares them with what it takes.
OPTIONS = (
    ("--version", VERSION_HELP),
    ("--install-completion", "Install completion for the current shell."),
    (
        "--show-completion",
        "Show completion for the current shell, to copy it or customize the installation.",
    ),
    ("-h, --help", "Show this message and exit."),
)
_WIDEST, _NARROWEST, _GAP = 80, 50, 2


def program_help(columns: int) -> str:
    """Return the help of the program on a screen so many columns wide, with its last line end."""
    width = max(min(columns, _WIDEST) - _GAP, _NARROWEST)
    lines = [f"Usage: {PROGRAM} [OPTIONS] COMMAND [ARGS]..."]
    for paragraph in ABOUT:
        lines += ["", *_fill(paragraph, width)]
    lines += ["", "Options:", *_table(OPTIONS, width)]
    lines += ["", "Commands:"]
    lines += _table(((name, place.summary) for name, place in COMMANDS.items()), width)
    lines += ["", *_fill(EPILOG, width)]
    return "\n".join(lines) + "\n"


def _table(rows: Iterable[tuple[str, str]], width: int) -> Iterator[str]:
    """Lines of two columns, of which the second is filled."""
    rows = list(rows)
    column = max(len(name) for name, _ in rows) + 2 * _GAP
    for name, text in rows:
        first, *more = _fill(text, width, column)
        yield f"{' ' * _GAP}{name}".ljust(column) + first.lstrip()
        yield from more


def _fill(text: str, width: int, indent: int = _GAP) -> list[str]:
    """Words on lines of at most ``width``; what is longer has a line of its own."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(" " * indent + word)
    return lines
